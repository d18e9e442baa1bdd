// WebSockets without a SignalR client: what a peer may send, byte by byte.

import WebSocket from "ws";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { Record, within } from "./lib.mjs";

export const END = "\x1e";
export const HANDSHAKE = `{"protocol":"json","version":1}${END}`;
export const record = (message) => JSON.stringify(message) + END;

// A connection that was not negotiated. Pings of the server are left out of what was heard.
export class Raw {
  static async open(world, path = "/hub") {
    const raw = new Raw(new WebSocket(world.url.replace(/^http/, "ws") + path));
    world.open.push(() => raw.socket.terminate());
    await within(new Promise((done, fail) => raw.socket.once("open", done).once("error", fail)), "open");
    return raw;
  }

  // Past the handshake.
  static async greeted(world, path) {
    const raw = await Raw.open(world, path);
    raw.send(HANDSHAKE);
    const answer = await raw.next();
    if (JSON.stringify(answer) !== "{}") throw new Error(`handshake answered with ${JSON.stringify(answer)}`);
    return raw;
  }

  constructor(socket) {
    this.socket = socket;
    this.heard = new Record();
    this.frames = [];
    this.closed = new Promise((done) => socket.once("close", (code, reason) => done({ code, reason: String(reason) })));
    socket.on("message", (data, binary) => {
      this.frames.push({ binary, bytes: data.length });
      const texts = String(data).split(END);
      if (texts.pop() !== "") this.heard.push({ incomplete: String(data) });
      for (const text of texts.map((text) => JSON.parse(text))) if (text.type !== 6) this.heard.push(text);
    });
    socket.on("error", () => {});
  }

  send(data, options) {
    this.socket.send(data, options);
  }

  invoke(invocationId, target, ...args) {
    this.send(record({ arguments: args, invocationId, target, type: 1 }));
  }

  next(what = "a message", milliseconds) {
    return this.heard.next(what, milliseconds);
  }

  end(what = "close", milliseconds) {
    return within(this.closed, what, milliseconds);
  }
}

// A WebSocket frame of a client.
export function frame(payload, { opcode = 1, fin = true, masked = true, rsv = 0 } = {}) {
  const data = Buffer.from(payload);
  const mask = randomBytes(4);
  const length = data.length < 126 ? [data.length] : data.length < 65536
    ? [126, data.length >> 8, data.length & 255]
    : [127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (data.length >>> shift) & 255)];
  length[0] |= masked ? 128 : 0;
  if (masked) for (let i = 0; i < data.length; i++) data[i] ^= mask[i & 3];
  return Buffer.concat([Buffer.from([(fin ? 128 : 0) | rsv | opcode, ...length]), masked ? mask : Buffer.alloc(0), data]);
}

// A TCP connection on which the upgrade was accepted, for frames in any pieces.
export async function upgraded(world, path = "/hub", first = Buffer.alloc(0)) {
  const { hostname, port, host } = new URL(world.url);
  const tcp = connect({ host: hostname, port, noDelay: true });
  world.open.push(() => tcp.destroy());
  const key = randomBytes(16).toString("base64");
  tcp.write(Buffer.concat([Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`), first]));
  const peer = { tcp, bytes: Buffer.alloc(0), ended: new Promise((done) => tcp.once("close", done)) };
  tcp.on("error", () => {});
  const waiting = new Set();
  const look = () => waiting.forEach((one) => one());
  tcp.on("data", (data) => { peer.bytes = Buffer.concat([peer.bytes, data]); look(); });
  // Waits until what came holds the text.
  peer.until = (text) => within(new Promise((done) => {
    const one = () => peer.bytes.includes(text) && (waiting.delete(one), done());
    waiting.add(one);
    one();
  }), `"${text}"`);
  await peer.until("\r\n\r\n");
  if (!peer.bytes.toString().startsWith("HTTP/1.1 101 ")) throw new Error(`upgrade answered with ${peer.bytes}`);
  // The next frame whose opcode is the given one: its payload.
  peer.frame = (opcode) => within(new Promise((done, fail) => {
    let at = peer.bytes.indexOf("\r\n\r\n") + 4;
    const one = () => {
      while (peer.bytes.length >= at + 2) {
        const short = peer.bytes[at + 1] & 127;
        if (short === 127) return fail(new Error("a frame of more than 65535 bytes"));
        const start = at + (short === 126 ? 4 : 2);
        if (peer.bytes.length < start) return;
        const end = start + (short === 126 ? peer.bytes.readUInt16BE(at + 2) : short);
        if (peer.bytes.length < end) return;
        if ((peer.bytes[at] & 15) === opcode) {
          waiting.delete(one);
          return done(peer.bytes.subarray(start, end));
        }
        at = end;
      }
    };
    waiting.add(one);
    one();
  }), `a frame with opcode ${opcode}`);
  return peer;
}
