// The clients for Node, and what one cell makes of them.

import { createRequire } from "node:module";
import { Record, unique, within, sleep } from "../assert.mjs";

const require = createRequire(import.meta.url);

const CLIENTS = {
  js10: { signalr: "@microsoft/signalr", msgpack: "@microsoft/signalr-protocol-msgpack" },
  js8: { signalr: "signalr-8", msgpack: "signalr-msgpack-8" },
  // Where there is `fetch` it also wants `self`; without, it takes its own, which keeps cookies.
  js5: { signalr: "signalr-5", msgpack: "signalr-msgpack-5", prepare: () => { delete globalThis.fetch; } },
  js1: { signalr: "signalr-1", msgpack: "signalr-msgpack-1" },
};

// A feature that the client does not have.
export class Cannot extends Error {}

export function cannot(reason) {
  throw new Cannot(reason);
}

// One client over one transport in one encoding, against one server.
export class Cell {
  #open = [];

  constructor(client, transport, protocol, url, relay) {
    const { signalr, msgpack, prepare } = CLIENTS[client];
    prepare?.();
    this.signalr = require(signalr);
    this.msgpack = require(msgpack);
    this.id = client;
    this.transport = transport;
    this.protocol = protocol;
    this.json = protocol === "JSON";
    this.url = url;
    this.relay = relay;
    this.versions = [signalr, msgpack].slice(0, this.json ? 1 : 2).map(version);
  }

  // A HubConnection that is not started.
  build(path = "/hub", { options = {}, reconnect, base = this.url } = {}) {
    const { HubConnectionBuilder, HttpTransportType, LogLevel } = this.signalr;
    const builder = new HubConnectionBuilder()
      .withUrl(base + path, { transport: HttpTransportType[this.transport], logger: LogLevel.None, ...options })
      .configureLogging(LogLevel.None);
    if (!this.json) builder.withHubProtocol(new this.msgpack.MessagePackHubProtocol());
    if (reconnect) {
      if (!builder.withAutomaticReconnect) cannot("It has no automatic reconnect: `withAutomaticReconnect` is missing.");
      builder.withAutomaticReconnect(reconnect);
    }
    const hub = builder.build();
    this.#open.push(hub);
    return hub;
  }

  async connect(path, options) {
    const hub = this.build(path, options);
    await within(hub.start(), "start");
    return hub;
  }

  // A connection, what its "Message" handler hears, and its id.
  async listener(path, options) {
    const hub = this.build(path, options);
    const heard = new Record();
    hub.on("Message", (text) => heard.push(text));
    await within(hub.start(), "start");
    return { hub, heard, id: (await hub.invoke("Me")).connectionId };
  }

  subject() {
    const { Subject } = this.signalr;
    return Subject ? new Subject() : cannot("It has no streams to the server: there is no `Subject`.");
  }

  unique(prefix) {
    return unique(prefix);
  }

  // Ends the connections of one feature.
  async end() {
    const stops = this.#open.splice(0).map((hub) => hub.stop());
    await Promise.race([Promise.allSettled(stops), sleep(3000)]);
  }
}

function version(name) {
  const { name: is, version } = require(`${name}/package.json`);
  return `${is} ${version}`;
}
