// Streams from the server, from the client, and both ways at once.

import { BROKE, FAILED, Subject, all, equal, feed, inBoth, numbers, ok, read, rejects, sleep, unique } from "../lib.mjs";
import { Raw, record } from "../raw.mjs";

const WHILE = "An error occurred on the server while streaming results.";
const sumOf = (count) => (count * (count - 1)) / 2;

async function works(hub) {
  equal(await hub.invoke("Add", 1, 1), 2, "a call afterwards");
}

// From the server.

export const items_come_in_order_and_then_the_end = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  for (const [count, milliseconds] of [[0, 0], [1, 0], [33, 0], [50, 2], [5000, 0]]) {
    equal(await all(hub.stream("Range", count, milliseconds)), numbers(count), `${count} numbers`);
  }
});

export const items_of_every_type = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const values = [null, true, 0, -1.5, "", "Grüße, 世界 👋🏽", [], [1, [2]], {}, { name: "Ann", nick: null }];
  equal(await all(hub.stream("Values", values)), values);
});

export const large_items = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  for (const [count, size] of [[20, 200_000], [2, 2_000_000]]) {
    const items = await all(hub.stream("Large", count, size));
    equal(items.map((item) => item.length), Array(count).fill(size), "sizes");
  }
});

export const failing_before_the_first_item = inBoth(async (world, options) => {
  const [hub, detailed] = [await world.connect("/hub", options), await world.connect("/detailed", options)];
  await rejects(all(hub.stream("RefuseStream")), `${BROKE("RefuseStream")} HubException: No entry.`);
  await rejects(all(hub.stream("breakstream")), BROKE("breakstream"));
  await rejects(all(detailed.stream("BreakStream")),
    `${BROKE("BreakStream")} ParseIntError: invalid digit found in string`);
  await works(hub);
});

export const failing_while_streaming = inBoth(async (world, options) => {
  const [hub, detailed] = [await world.connect("/hub", options), await world.connect("/detailed", options)];
  for (const [by, error, method, ...args] of [
    [hub, `${WHILE} HubException: Out of numbers.`, "FailAfter", 3, "Out of numbers."],
    [hub, `${WHILE} HubException: None at all.`, "FailAfter", 0, "None at all."],
    [hub, WHILE, "BreakAfter", 3],
    [hub, WHILE, "PanicAfter", 3],
    [detailed, `${WHILE} ParseIntError: invalid digit found in string`, "BreakAfter", 40],
  ]) {
    const reading = read(by.stream(method, ...args));
    equal(await reading.end(), error, method);
    equal(reading.seen, numbers(args[0]), `items of ${method}`);
  }
  await works(hub);
});

export const calls_and_streams_are_told_apart = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  await rejects(hub.invoke("range", 1, 0),
    "The client attempted to invoke the streaming 'range' method with a non-streaming invocation.");
  await rejects(all(hub.stream("add", 1, 2)),
    "The client attempted to invoke the non-streaming 'add' method with a streaming invocation.");
  await rejects(all(hub.stream("Missing")), `${FAILED("Missing")} HubException: Method does not exist.`);
  await rejects(all(hub.stream("Range", 1)), FAILED("Range"));
  await rejects(all(hub.stream("Range", "one", 0)), FAILED("Range"));
  await hub.send("Range", 1, 0);
  await works(hub);
});

export const a_disposed_stream_is_dropped = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const key = unique("endless");
  const reading = read(hub.stream("Endless", key));
  for (const n of numbers(3)) equal(await reading.next(), n);
  reading.dispose();
  const count = reading.seen.length;
  equal(await hub.invoke("Noted", `${key} dropped`), true, "dropped");
  await sleep(50);
  equal(reading.seen.length, count, "items afterwards");
});

export const a_disposed_stream_that_yields_nothing_is_dropped = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const key = unique("silent");
  const reading = read(hub.stream("Silent", key));
  equal(await hub.invoke("Noted", `${key} waits`), true, "waiting");
  reading.dispose();
  equal(await hub.invoke("Noted", `${key} dropped`), true, "dropped");
});

export const a_method_may_see_to_its_cancellation_itself = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const key = unique("watch");
  const reading = read(hub.stream("Watch", key));
  for (const n of numbers(3)) equal(await reading.next(), n);
  equal(await hub.invoke("NotedNow", `${key} cancelled`), false, "before");
  reading.dispose();
  equal(await hub.invoke("Noted", `${key} cancelled`), true, "cancelled");
});

export const streams_end_with_their_connection = inBoth(async (world, options) => {
  const watcher = await world.connect("/hub", options);
  for (const [how, end] of Object.entries({
    stopped: (hub) => hub.stop(),
    lost: (hub) => hub.connection.transport._webSocket.terminate(),
    aborted: (hub) => hub.send("Abort"),
  })) {
    const hub = await world.connect("/hub", options);
    const keys = [unique(how), unique(how), unique(how)];
    const readings = ["Endless", "Silent", "Watch"].map((method, n) => read(hub.stream(method, keys[n])));
    await readings[0].next();
    await readings[2].next();
    equal(await watcher.invoke("Noted", `${keys[1]} waits`), true, "waiting");
    await end(hub);
    for (const [n, what] of ["dropped", "dropped", "cancelled"].entries()) {
      equal(await watcher.invoke("Noted", `${keys[n]} ${what}`), true, `${how}: ${what}`);
    }
    for (const reading of readings) ok(await reading.end(), `${how}: a stream ended well`);
  }
});

// A hundred streams, both ways together, may be open.
export const the_hundred_and_first_stream_is_refused = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const keys = numbers(99).map(() => unique("silent"));
  const readings = keys.map((key) => read(hub.stream("Silent", key)));
  const [upload, late] = [new Subject(), new Subject()];
  const sum = hub.invoke("Sum", upload);
  const full = (target) => `Failed to invoke '${target}' because 100 streams are open, which is the limit.`;
  await rejects(all(hub.stream("Range", 3, 0)), full("Range"));
  await rejects(hub.invoke("sum", late), full("sum"));
  feed(late, numbers(3));
  await works(hub);

  feed(upload, numbers(10));
  equal(await sum, 45, "the stream from the client");
  equal(await all(hub.stream("Range", 3, 0)), numbers(3), "in its place");
  readings.forEach((reading) => reading.dispose());
  for (const key of keys) equal(await hub.invoke("Noted", `${key} dropped`), true, "dropped");
  const many = await Promise.all(numbers(99).map(() => all(hub.stream("Range", 3, 1))));
  equal(many, Array(99).fill(numbers(3)), "99 others");
});

export const many_streams_at_once = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const streams = numbers(80).map((n) => all(hub.stream("Range", 10 * n, n % 3)));
  const calls = numbers(50).map((n) => hub.invoke("Echo", n));
  equal(await Promise.all(calls), numbers(50), "calls");
  for (const [n, stream] of streams.entries()) equal(await stream, numbers(10 * n), `stream ${n}`);
});

export const calls_and_streams_do_not_wait_for_each_other = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const [endless, key] = [read(hub.stream("Endless", unique("endless"))), unique("wait")];
  await endless.next();
  await works(hub);
  let slept = false;
  const call = hub.invoke("Sleep", 600, key).then(() => { slept = true; });
  equal(await all(hub.stream("Range", 20, 1)), numbers(20), "a stream behind a call");
  const upload = new Subject();
  const sum = hub.invoke("Sum", upload);
  feed(upload, numbers(20));
  equal(await sum, sumOf(20), "an upload behind a call");
  equal(slept, false, "the call has ended");
  await call;
  endless.dispose();
});

// From the client.

export const uploads_of_every_type = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const send = async (method, items, ...rest) => {
    const subject = new Subject();
    const call = hub.invoke(method, subject, ...rest);
    feed(subject, items);
    return call;
  };
  equal(await send("Concat", ["Grüße, ", "", "世界 ", "👋🏽"]), "Grüße, 世界 👋🏽");
  equal(await send("Sum", numbers(1000)), sumOf(1000));
  equal(await send("Sum", []), 0, "of nothing");
  const people = [{ name: "Ann", age: 36, nick: null }, { name: "Ben", age: 7, nick: "B" }];
  equal(await send("Collect", people), people);
  equal((await send("Concat", Array(50).fill("x".repeat(30_000)))).length, 1_500_000, "large items");
});

export const two_streams_and_an_argument = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const [texts, counts] = [new Subject(), new Subject()];
  const call = hub.invoke("Zip", texts, ": ", counts);
  feed(counts, numbers(30));
  await works(hub);
  feed(texts, numbers(30).map((n) => `n${n}`));
  equal(await call, numbers(30).map((n) => `n${n}: ${n}`));
});

export const an_upload_to_a_call_without_an_answer = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const [key, upload] = [unique("upload"), new Subject()];
  await hub.send("NoteTheEnd", upload, key);
  feed(upload, numbers(4));
  equal(await hub.invoke("Noted", `${key} 6`), true);
});

export const an_upload_that_fails = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const fail = (method, error) => {
    const upload = new Subject();
    const call = hub.invoke(method, upload);
    numbers(3).forEach((n) => upload.next(n));
    upload.error(error);
    return call;
  };
  equal(await fail("HowItEnds", new Error("Bad luck.")), [[0, 1, 2], "Bad luck."]);
  equal(await fail("HowItEnds", "plain text"), [[0, 1, 2], "plain text"]);
  await rejects(fail("Sum", new Error("Bad luck.")), `${BROKE("Sum")} HubException: Bad luck.`);
  await works(hub);
});

export const items_of_the_wrong_type = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const send = (method) => {
    const upload = new Subject();
    const call = hub.invoke(method, upload);
    feed(upload, [1, 2, "three", 4]);
    return call;
  };
  equal(await send("HowItEnds"), [[1, 2], "Failed to bind Stream message."]);
  await rejects(send("Sum"), `${BROKE("Sum")} HubException: Failed to bind Stream message.`);
  await works(hub);
});

export const too_many_or_too_few_streams = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const told = (target, sent, expected) =>
    `${BROKE(target)} HubException: Client sent ${sent} stream(s), Hub method expects ${expected}.`;
  await rejects(hub.invoke("Sum"), told("Sum", 0, 1));
  const upload = new Subject();
  const call = rejects(hub.invoke("Nothing", upload), told("Nothing", 1, 0));
  feed(upload, numbers(20));
  await call;
  await rejects(hub.invoke("Zip", new Subject(), ": "), told("Zip", 1, 2));
  await rejects(all(hub.stream("Range", 1, new Subject(), 1)), told("Range", 1, 0));
  await works(hub);
});

export const a_reader_may_stop_early = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  for (const [method, args, answer] of [["First", [3], [0, 1, 2]], ["Ignore", [], "ignored"]]) {
    const upload = new Subject();
    const call = hub.invoke(method, upload, ...args);
    numbers(2000).forEach((n) => upload.next(n));
    equal(await call, answer, method);
    feed(upload, numbers(2000));
    await works(hub);
  }
});

export const an_upload_ends_with_its_connection = inBoth(async (world, options) => {
  const [hub, watcher] = [await world.connect("/hub", options), await world.connect("/hub", options)];
  const [key, upload] = [unique("upload"), new Subject()];
  hub.invoke("NoteTheEnd", upload, key).catch(() => {});
  upload.next(1);
  equal(await watcher.invoke("Noted", `${key} waits`), true, "waiting");
  hub.connection.transport._webSocket.terminate();
  equal(await watcher.invoke("Noted", `${key} The underlying connection was closed.`), true, "the end");
});

// On this hub the server pings every 200 ms and waits 1 s for the client.
function impatient(world, options) {
  const hub = world.build("/short", options);
  hub.serverTimeoutInMilliseconds = 900;
  hub.keepAliveIntervalInMilliseconds = 300;
  return hub;
}

export const a_slow_reader_of_ten_thousand_items = inBoth(async (world, options) => {
  const hub = impatient(world, options);
  await hub.start();
  const upload = new Subject();
  let done = false;
  const call = hub.invoke("SumSlowly", upload, 25).finally(() => { done = true; });
  feed(upload, numbers(10_000));
  for (const n of numbers(5)) equal(await hub.invoke("Echo", n), n, "a call meanwhile");
  equal(await all(hub.stream("Range", 5, 1)), numbers(5), "a stream meanwhile");
  equal(done, false, "all is read before a call was answered");
  equal(await call, [10_000, sumOf(10_000)]);
});

export const calls_are_answered_while_nobody_reads_a_thousand_items = inBoth(async (world, options) => {
  const hub = impatient(world, options);
  await hub.start();
  const [key, upload] = [unique("gate"), new Subject()];
  const call = hub.invoke("SumOnceNoted", upload, key);
  feed(upload, numbers(1000));
  await sleep(1500);
  await works(hub);
  await hub.invoke("Note", key);
  equal(await call, sumOf(1000));
});

// More than is kept for a reader: the client has to wait, but it is there.
export const a_client_that_has_to_wait_is_not_timed_out = inBoth(async (world, options) => {
  const [hub, other] = [impatient(world, options), impatient(world, options)];
  await Promise.all([hub.start(), other.start()]);
  const [key, upload] = [unique("gate"), new Subject()];
  const call = hub.invoke("SumOnceNoted", upload, key);
  feed(upload, numbers(20_000));
  equal(await other.invoke("Noted", `${key} waits`), true, "waiting");
  await sleep(2500);
  await other.invoke("Note", key);
  equal(await call, sumOf(20_000));
  await works(hub);
});

// Both ways.

export const items_go_back_and_forth = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const upload = new Subject();
  const echo = read(hub.stream("EchoEach", upload));
  for (const item of [...numbers(50), null, "text", { deep: [{}] }]) {
    upload.next(item);
    equal(await echo.next(), item);
  }
  upload.complete();
  equal(await echo.end(), null);
});

export const five_thousand_items_both_ways = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const [upload, texts] = [new Subject(), new Subject()];
  const scaled = all(hub.stream("Scale", upload, 3));
  const echoed = all(hub.stream("EchoEach", texts));
  feed(upload, numbers(5000));
  feed(texts, Array(300).fill("x".repeat(10_000)));
  equal(await scaled, numbers(5000).map((n) => 3 * n));
  equal((await echoed).map((text) => text.length), Array(300).fill(10_000), "large items");
});

export const what_ends_an_upload_ends_its_echo = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  for (const [end, text] of [
    [(upload) => upload.error(new Error("Bad luck.")), "Bad luck."],
    [(upload) => feed(upload, ["three", 4]), "Failed to bind Stream message."],
  ]) {
    const upload = new Subject();
    const echo = read(hub.stream("Scale", upload, 10));
    [1, 2].forEach((n) => upload.next(n));
    end(upload);
    equal(await echo.end(), `${WHILE} HubException: ${text}`);
    equal(echo.seen, [10, 20]);
  }
  await works(hub);
});

export const an_echo_is_disposed_while_its_upload_goes_on = inBoth(async (world, options) => {
  const hub = await world.connect("/hub", options);
  const upload = new Subject();
  const echo = read(hub.stream("EchoEach", upload));
  upload.next(1);
  equal(await echo.next(), 1);
  echo.dispose();
  feed(upload, numbers(500));
  await works(hub);
  equal(echo.seen, [1]);
});

// The client has no way to cancel a call, the protocol has.
export async function a_cancelled_call_learns_of_it(world) {
  const [raw, watcher, key] = [await Raw.greeted(world), await world.connect(), unique("hang")];
  raw.invoke("1", "Hang", key);
  equal(await watcher.invoke("Noted", `${key} waits`), true, "waiting");
  raw.send(record({ type: 5, invocationId: "0" }));
  raw.invoke("2", "Nothing");
  equal(await watcher.invoke("NotedNow", `${key} cancelled`), false, "by another's id");
  raw.send(record({ type: 5, invocationId: "1" }));
  equal(await raw.next(), { type: 3, invocationId: "1", result: "cancelled" });
  equal(await raw.next(), { type: 3, invocationId: "2", result: null });
}

export async function a_cancelled_stream_is_completed(world) {
  const [raw, key] = [await Raw.greeted(world), unique("silent")];
  raw.send(record({ type: 4, invocationId: "7", target: "Silent", arguments: [key] }));
  raw.send(record({ type: 5, invocationId: "7" }));
  equal(await raw.next(), { type: 3, invocationId: "7" });
  raw.send(record({ type: 5, invocationId: "7" }));
  raw.invoke("8", "Noted", `${key} dropped`);
  equal(await raw.next(), { type: 3, invocationId: "8", result: true });
}

export async function an_id_in_use_is_refused(world) {
  const [raw, key] = [await Raw.greeted(world), unique("endless")];
  for (const n of numbers(2)) {
    raw.send(record({ type: 4, invocationId: "7", target: "Silent", arguments: [`${key}${n}`] }));
  }
  equal(await raw.next(), { type: 3, invocationId: "7", error: "Invocation ID '7' is already in use." });
  raw.send(record({ type: 5, invocationId: "7" }));
  equal(await raw.next(), { type: 3, invocationId: "7" }, "the first one's end");
}
