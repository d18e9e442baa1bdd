// What the cases share: connections that are closed afterwards, and what is asserted of them.

import { HttpTransportType, HubConnectionBuilder, LogLevel, Subject } from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";
import { Record, sleep, unique, within } from "./assert.mjs";

export { HttpTransportType, LogLevel, Subject };
export * from "./assert.mjs";

// One case's view of the server.
export class World {
  constructor(url) {
    this.url = url.replace(/\/$/, "");
    this.open = [];
    this.token = unique("t");
  }

  // A text that the listeners of this case take for theirs.
  mark(text) {
    return `${this.token} ${text}`;
  }

  // A HubConnection that is not started. `set` may change the builder.
  build(path = "/hub", { options = {}, reconnect = null, set = (builder) => builder } = {}) {
    const builder = new HubConnectionBuilder()
      .withUrl(this.url + path, { transport: HttpTransportType.WebSockets, ...options })
      .configureLogging(LogLevel.None);
    if (reconnect) builder.withAutomaticReconnect(reconnect);
    const hub = set(builder).build();
    this.open.push(() => hub.stop());
    return hub;
  }

  async connect(path, options) {
    const hub = this.build(path, options);
    await within(hub.start(), "start");
    return hub;
  }

  // A connection and the marked texts of its "Message" calls.
  async listener(path, options) {
    const hub = this.build(path, options);
    const heard = new Record();
    hub.on("Message", (text) => text.startsWith(this.token) && heard.push(text.slice(this.token.length + 1)));
    await within(hub.start(), "start");
    return { hub, heard, id: hub.connectionId };
  }

  async end() {
    await Promise.race([Promise.allSettled(this.open.map((close) => close())), sleep(3000)]);
  }
}

// What each listener has heard once everything that was sent before has arrived.
export async function heardBy(...listeners) {
  await Promise.all(listeners.map(({ hub }) => hub.invoke("Nothing")));
  return listeners.map(({ heard }) => heard.seen.length);
}

// Resolves with the error that `onclose` gets, or null.
export const closed = (hub) => within(new Promise((done) => hub.onclose((error) => done(error ?? null))), "onclose");

// For `build` and `connect`: the other encoding.
export const packed = { set: (builder) => builder.withHubProtocol(new MessagePackHubProtocol()) };

// A case that runs in JSON and then in MessagePack. It gets the options of its connections.
export const inBoth = (run) => async (world) => {
  for (const [encoding, options] of Object.entries({ JSON: {}, MessagePack: packed })) {
    await run(world, options).catch((error) => {
      error.stack = `in ${encoding}: ${error.stack}`;
      error.message = `in ${encoding}: ${error.message}`;
      throw error;
    });
  }
};

// Reads a stream: what came so far, and its end, which is null or the text of an error.
export function read(stream) {
  const items = new Record();
  const reading = { items, seen: items.seen, next: () => items.next("an item") };
  const end = new Promise((done) => {
    const subscription = stream.subscribe({
      next: (item) => items.push(item),
      complete: () => done(null),
      error: (error) => done(error.message),
    });
    reading.dispose = () => subscription.dispose();
  });
  reading.end = () => within(end, "the end of a stream", 30_000);
  return reading;
}

// Every item of a stream that ends well.
export async function all(stream) {
  const reading = read(stream);
  const error = await reading.end();
  if (error !== null) throw new Error(error);
  return reading.seen;
}

// Puts all into a subject that is on its way, and ends it.
export function feed(subject, items) {
  for (const item of items) subject.next(item);
  subject.complete();
}

export const numbers = (count) => Array.from({ length: count }, (_, n) => n);
