// Stateful reconnect with the unmodified client: its WebSockets break, and nothing is lost or doubled.

import { Record, Subject, all, closed, equal, inBoth, numbers, ok, packed, read, rejects, sleep, unique, within } from "../lib.mjs";
import { Relay } from "../relay.mjs";

const sumOf = (count) => (count * (count - 1)) / 2;

// A client behind a relay of its own. `events` are those that stateful reconnect is to spare it.
async function resumable(world, { set = (builder) => builder } = {}, { path = "/resumable", bufferSize, reconnect } = {}) {
  const relay = await Relay.open(world);
  const events = [];
  const stateful = (builder) => set(builder).withStatefulReconnect(bufferSize ? { bufferSize } : undefined);
  const hub = Object.assign(Object.create(world), { url: relay.url }).build(path, { set: stateful, reconnect });
  hub.onreconnecting(() => events.push("reconnecting"));
  hub.onreconnected(() => events.push("reconnected"));
  hub.onclose((error) => events.push(`closed: ${error?.message}`));
  const heard = new Record();
  hub.on("Message", (text) => heard.push(text));
  await within(hub.start(), "start");
  const id = hub.connectionId;
  return {
    hub, relay, heard, events, id,
    // It is the same connection, over that many WebSockets.
    async same(sockets) {
      equal((await within(hub.invoke("Me"), "a call afterwards")).connectionId, id, "its id");
      equal(hub.connectionId, id, "its id on the client");
      equal(events, [], "events");
      equal(relay.count, sockets, "WebSockets");
    },
  };
}

// A promise that is awaited later, whatever happens until then.
function later(promise) {
  promise.catch(() => {});
  return promise;
}

// Ways in which a WebSocket breaks. The client gives up when it breaks again before the next one is open.
const breaks = {
  cut: (relay) => relay.cut(),
  unnoticed: (relay) => relay.cut({ noticed: false }),
  lossy: async (relay) => {
    relay.lose();
    await sleep(30);
    relay.cut();
  },
  away: async (relay) => {
    relay.hold();
    relay.cut();
    await sleep(300);
    relay.release();
  },
};

for (const [how, fail] of Object.entries(breaks)) {
  breaks[how] = async (relay) => {
    const next = relay.next();
    await fail(relay);
    await next;
  };
}

// A case in both encodings, for each way in which a WebSocket breaks.
const eachBreak = (run) => inBoth(async (world, options) => {
  for (const [how, fail] of Object.entries(breaks)) {
    await run(world, options, fail).catch((error) => {
      error.stack = `${how}: ${error.stack}`;
      error.message = `${how}: ${error.message}`;
      throw error;
    });
  }
});

export const the_connection_stays_the_same = eachBreak(async (world, options, fail) => {
  const [client, group] = [await resumable(world, options), unique("group")];
  const other = await world.connect("/resumable", options);
  equal(await client.hub.invoke("Visits"), 1);
  await client.hub.invoke("Join", group);
  await fail(client.relay);
  equal(await client.hub.invoke("Visits"), 2, "its items");
  equal(await other.invoke("Members", group), [client.id], "its group");
  await other.invoke("ToGroup", group, "to the group");
  equal(await client.heard.next("text"), "to the group");
  await client.same(2);
});

export const messages_both_ways = eachBreak(async (world, options, fail) => {
  const client = await resumable(world, options);
  const calls = [];
  for (const n of numbers(300)) {
    calls.push(later(client.hub.invoke("ToCaller", `${n}`).then(() => n)));
    if (n % 100 === 50) await fail(client.relay);
    if (n % 10 === 0) await sleep(1);
  }
  equal(await within(Promise.all(calls), "the answers"), numbers(300), "answers");
  equal(client.heard.seen, numbers(300).map(String), "texts");
  await client.same(4);
});

export const messages_of_others = eachBreak(async (world, options, fail) => {
  const [client, other] = [await resumable(world, options), await world.connect("/resumable", options)];
  for (const part of numbers(4)) {
    const failing = part < 3 ? fail(client.relay) : null;
    for (const n of numbers(25)) await other.invoke("ToClient", client.id, `${25 * part + n}`);
    await failing;
  }
  while (client.heard.seen.length < 100) await client.heard.next("text");
  await client.same(4);
  equal(client.heard.seen, numbers(100).map(String), "texts");
});

export const a_running_stream = eachBreak(async (world, options, fail) => {
  const client = await resumable(world, options);
  const [reading, quick] = [read(client.hub.stream("Range", 100, 5)), read(client.hub.stream("Range", 3000, 0))];
  for (const _ of numbers(2)) {
    for (const _ of numbers(20)) await reading.next();
    await fail(client.relay);
  }
  equal([await reading.end(), await quick.end()], [null, null], "ends");
  equal(reading.seen, numbers(100), "items");
  equal(quick.seen, numbers(3000), "items of the quick one");
  await client.same(3);
});

export const an_upload = eachBreak(async (world, options, fail) => {
  const client = await resumable(world, options);
  const [upload, texts] = [new Subject(), new Subject()];
  const sum = later(client.hub.invoke("Sum", upload));
  const echo = later(all(client.hub.stream("EchoEach", texts)));
  for (const n of numbers(400)) {
    upload.next(n);
    texts.next(`${n}`);
    if (n % 200 === 100) await fail(client.relay);
    if (n % 10 === 0) await sleep(1);
  }
  upload.complete();
  texts.complete();
  equal(await within(sum, "the sum"), sumOf(400), "sum");
  equal(await within(echo, "the echo"), numbers(400).map(String), "echo");
  await client.same(3);
});

export const a_pending_call = eachBreak(async (world, options, fail) => {
  const client = await resumable(world, options);
  const call = later(client.hub.invoke("Sleep", 150, "slept"));
  await sleep(20);
  await fail(client.relay);
  equal(await within(call, "the answer"), "slept");
  // Lost on its way to the server, or its answer on its way back.
  client.relay.lose();
  const lost = later(client.hub.invoke("Visits"));
  await fail(client.relay);
  equal(await within(lost, "the answer"), 1, "visits");
  await client.same(3);
});

export const a_result_of_the_client = eachBreak(async (world, options, fail) => {
  const client = await resumable(world, options);
  const asked = new Record();
  let answer;
  client.hub.on("Answer", (question) => {
    asked.push(question);
    return new Promise((done) => { answer = done; });
  });
  // The question is answered while the WebSocket is broken, or gets lost.
  const first = later(client.hub.invoke("Ask", "Answer", "first"));
  equal(await asked.next("the question"), "first");
  const failing = fail(client.relay);
  answer("one");
  await failing;
  equal(await within(first, "the result"), "one");

  const other = await world.connect("/resumable", options);
  client.relay.lose();
  const second = later(other.invoke("AskAnother", client.id, "second"));
  await sleep(50);
  await fail(client.relay);
  equal(await asked.next("the question"), "second");
  answer("two");
  equal(await within(second, "the result"), "two");
  equal(asked.seen, ["first", "second"], "questions");
  await client.same(3);
});

export const a_stream_is_disposed_while_away = eachBreak(async (world, options, fail) => {
  const [client, key] = [await resumable(world, options), unique("endless")];
  const reading = read(client.hub.stream("Endless", key));
  await reading.next();
  const failing = fail(client.relay);
  reading.dispose();
  await failing;
  equal(await client.hub.invoke("Noted", `${key} dropped`), true, "dropped");
  await client.same(2);
});

// The client waits when it has sent that many bytes which nobody acked, and goes on when they are.
export const a_small_buffer_of_the_client = eachBreak(async (world, options, fail) => {
  const client = await resumable(world, options, { bufferSize: 1000 });
  const texts = numbers(20).map((n) => `${n} ${"x".repeat(90)}`);
  for (const [n, text] of texts.entries()) {
    if (n === 10) await fail(client.relay);
    await within(client.hub.send("ToCaller", text), `text ${n} to be sent`);
  }
  await client.same(2);
  equal(client.heard.seen, texts, "texts");
});

// More than the server keeps for a client that is away; it goes on when the client is back.
export const more_than_the_server_keeps = inBoth(async (world, options) => {
  const client = await resumable(world, options);
  const reading = read(client.hub.stream("Large", 15, 20_000));
  await reading.next();
  client.relay.hold();
  client.relay.cut();
  await sleep(500);
  client.relay.release();
  equal(await reading.end(), null, "end");
  equal(reading.seen.map((item) => item.length), Array(15).fill(20_000), "sizes");
  await client.same(2);
});

// As on any other connection; the client acks once in a second, and so does the server.
export const a_stream_of_large_items = inBoth(async (world, options) => {
  const client = await resumable(world, options);
  const items = await all(client.hub.stream("Large", 3, 1_500_000));
  equal(items.map((item) => item.length), Array(3).fill(1_500_000), "sizes");
  await client.same(1);
});

// The server is in the middle of a write that does not end when the next WebSocket comes.
export const a_link_on_which_nothing_moves = inBoth(async (world, options) => {
  const client = await resumable(world, options);
  client.relay.stall();
  const reading = read(client.hub.stream("Large", 1, 12_000_000));
  await sleep(300);
  const next = client.relay.next();
  client.relay.cut({ noticed: false });
  await next;
  equal(await reading.end(), null, "end");
  equal(reading.seen.map((item) => item.length), [12_000_000], "sizes");
  await client.same(2);
});

export const twenty_breaks_while_everything_goes_on = inBoth(async (world, options) => {
  const client = await resumable(world, options);
  client.hub.on("Answer", async (n) => { await sleep(n % 20); return n + 1; });
  const other = await world.connect("/resumable", options);
  const upload = new Subject();
  const sum = later(client.hub.invoke("Sum", upload));
  const stream = later(all(client.hub.stream("Range", 300, 5)));
  const asked = later(all(client.hub.stream("AskWhileStreaming", 60)));
  const [calls, sends] = [[], []];
  const fails = Object.values(breaks);
  for (const n of numbers(20)) {
    for (const m of numbers(10)) {
      const number = 10 * n + m;
      upload.next(number);
      calls.push(later(client.hub.invoke("Echo", number)));
      sends.push(later(other.invoke("ToClient", client.id, `${number}`)));
      await sleep(3);
    }
    await fails[n % fails.length](client.relay);
  }
  upload.complete();
  equal(await within(Promise.all(calls), "the answers"), numbers(200), "answers");
  await Promise.all(sends);
  equal(await within(sum, "the sum"), sumOf(200), "sum");
  equal(await within(stream, "the stream"), numbers(300), "stream");
  equal(await within(asked, "the asking stream"), numbers(60).map((n) => n + 1), "what was asked");
  await client.same(21);
  equal(client.heard.seen, numbers(200).map(String), "texts");
});

// Endings.

// Who is told when connections with `?announce=token` come and go.
async function watched(world, path) {
  const [hub, seen, token] = [world.build(path), new Record(), unique("announce")];
  hub.on("Departed", (...args) => seen.push(args));
  await hub.start();
  await hub.invoke("Join", token);
  return { hub, seen, path: `${path}?announce=${token}&user=ann` };
}

export const a_close_ends_it = inBoth(async (world, options) => {
  const watcher = await watched(world, "/resumable");
  for (const [reason, end] of Object.entries({
    "closed by the client": (client) => client.hub.stop(),
    "closed by the application": (client) => watcher.hub.invoke("CloseConnection", client.id, false),
    aborted: (client) => client.hub.send("Abort"),
  })) {
    const client = await resumable(world, options, { path: watcher.path });
    const over = closed(client.hub);
    await end(client);
    equal(await over, null, "error of onclose");
    equal(await watcher.seen.next("departure", 3000), ["ann", client.id, reason]);
  }
});

export const a_close_that_allows_to_come_back_gives_a_new_id = inBoth(async (world, options) => {
  const closer = await world.connect("/resumable");
  const client = await resumable(world, options, { reconnect: [0, 50, 100, 200, 400] });
  const back = within(new Promise((done) => client.hub.onreconnected(done)), "onreconnected");
  await closer.invoke("CloseConnection", client.id, true);
  ok((await back) !== client.id, "the same id twice");
  equal(client.events, ["reconnecting", "reconnected"]);
  client.relay.cut();
  equal(await client.hub.invoke("Visits"), 1, "a call of the new connection");
  equal(client.events.length, 2, "events");
});

// On this hub a connection waits 500 ms for its next WebSocket.
export const who_stays_away_too_long_has_left = inBoth(async (world, options) => {
  const watcher = await watched(world, "/forgetful");
  const client = await resumable(world, options, { path: watcher.path });
  const over = closed(client.hub);
  const pending = rejects(client.hub.invoke("Sleep", 5000, "late"), /./);
  client.relay.hold();
  client.relay.cut();
  equal((await watcher.seen.next("departure", 3000)).slice(0, 2), ["ann", client.id]);
  client.relay.release();
  await over;
  await pending;
});

export const who_stays_away_too_long_may_start_anew = inBoth(async (world, options) => {
  const client = await resumable(world, options, { path: "/forgetful", reconnect: [0, 50, 100, 200, 400] });
  const back = within(new Promise((done) => client.hub.onreconnected(done)), "onreconnected");
  client.relay.hold();
  client.relay.cut();
  await sleep(1200);
  client.relay.release();
  ok((await back) !== client.id, "the same id twice");
  equal(await client.hub.invoke("Visits"), 1);
});

export const only_who_asks_for_it_gets_it = async (world) => {
  for (const [path, set] of [
    ["/resumable", (builder) => builder],
    ["/hub", (builder) => builder.withStatefulReconnect()],
    ["/hub", (builder) => packed.set(builder).withStatefulReconnect()],
  ]) {
    const hub = await world.connect(path, { set });
    const over = closed(hub);
    equal(await hub.invoke("Add", 1, 1), 2);
    hub.connection.transport._webSocket.terminate();
    ok(await over, `${path}: no error`);
  }
};
