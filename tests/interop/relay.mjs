// A way between client and server on which WebSockets get lost.

import { connect, createServer } from "node:net";
import { once } from "node:events";
import { within } from "./lib.mjs";

export class Relay {
  // WebSockets that are to be let through.
  #waiting = [];
  #held = false;
  #open = new Set();
  // Who waits for the next WebSocket.
  #expecting = [];
  // How many WebSockets there were.
  count = 0;

  static async open(world) {
    const { hostname, port } = new URL(world.url);
    const relay = new Relay();
    const server = createServer((near) => relay.#serve(near, () => connect({ host: hostname, port, noDelay: true })));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    relay.url = `http://127.0.0.1:${server.address().port}`;
    world.open.push(() => {
      server.close();
      relay.release();
      relay.cut();
    });
    return relay;
  }

  #serve(near, reach) {
    near.setNoDelay(true);
    near.on("error", () => {});
    near.once("data", async (first) => {
      near.pause();
      const line = { near, lost: false };
      if (/^upgrade: websocket\r$/im.test(String(first))) {
        this.count++;
        if (this.#held) await new Promise((done) => this.#waiting.push(done));
        this.#open.add(line);
      }
      const far = reach();
      line.far = far;
      far.on("error", () => {});
      far.write(first);
      // What is lost on its way was sent, as far as its sender knows.
      near.on("data", (data) => line.lost || far.write(data));
      near.once("data", () => this.#expecting.splice(0).forEach((done) => done()));
      far.on("data", (data) => line.lost || near.write(data));
      near.on("close", () => line.lost || far.destroy());
      far.on("close", () => { this.#open.delete(line); near.destroy(); });
      near.resume();
    });
  }

  // The client has opened another WebSocket and said something on it.
  next() {
    return within(new Promise((done) => this.#expecting.push(done)), "the next WebSocket", 5000);
  }

  // From now on nothing arrives on the open WebSockets, in neither direction.
  lose() {
    for (const line of this.#open) line.lost = true;
  }

  // From now on the server gets no more off than the sockets hold.
  stall() {
    for (const line of this.#open) line.far.pause();
  }

  // The open WebSockets break. The server may not notice.
  cut({ noticed = true } = {}) {
    for (const line of this.#open) {
      if (!noticed) line.lost = true;
      line.near.destroy();
      if (noticed) line.far.destroy();
    }
  }

  // New WebSockets get nowhere until they are released.
  hold() {
    this.#held = true;
  }

  release() {
    this.#held = false;
    this.#waiting.splice(0).forEach((go) => go());
  }
}
