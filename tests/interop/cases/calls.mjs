import { BROKE, FAILED, Record, equal, ok, rejects, sleep, unique, within } from "../lib.mjs";

export async function starts_and_has_an_id(world) {
  const hub = await world.connect();
  equal(hub.state, "Connected", "state");
  ok(/^[\w-]{22}$/.test(hub.connectionId), `connection id ${hub.connectionId}`);
  equal((await hub.invoke("Me")).connectionId, hub.connectionId, "own id");
}

export async function invoke_returns_the_result(world) {
  const hub = await world.connect();
  equal(await hub.invoke("Add", 2, 40), 42);
}

export async function a_void_method_returns_null(world) {
  const hub = await world.connect();
  equal(await hub.invoke("Nothing"), null);
}

export async function values_come_back_as_they_went(world) {
  const hub = await world.connect();
  const values = [
    null, true, false, 0, -1, 1.5, 1e21, 9007199254740991, "", "plain", "quotes \" and \\ and / and \u0000\u001e\u2028",
    "Grüße, 世界 👋🏽", [], [1, [2, [3]]], {}, { a: { b: [null, { c: "d" }] }, "odd key ": 1 }, [[], {}, ""],
  ];
  for (const value of values) equal(await hub.invoke("Echo", value), value);
}

export async function an_object_is_an_argument(world) {
  const hub = await world.connect();
  equal(await hub.invoke("Greet", { name: "Ann", age: 36 }), "Ann is 36");
  equal(await hub.invoke("Greet", { name: "Ben", age: 7, nick: "B", unknown: [1] }), "Ben (B) is 7");
}

export async function method_names_ignore_case(world) {
  const hub = await world.connect();
  for (const name of ["Add", "add", "ADD", "aDD"]) equal(await hub.invoke(name, 1, 2), 3, name);
}

export async function send_waits_for_no_answer(world) {
  const hub = await world.connect();
  const key = unique("sent");
  await hub.send("Note", key);
  equal(await hub.invoke("Noted", key), true);
  await hub.send("NoSuchMethod");
  await hub.send("Add", 1);
  await hub.send("Refuse");
  equal(await hub.invoke("Add", 1, 1), 2, "after failed sends");
}

export async function unknown_method(world) {
  const hub = await world.connect();
  await rejects(hub.invoke("noSuch"), `${FAILED("noSuch")} HubException: Method does not exist.`);
  equal(await hub.invoke("Add", 1, 1), 2, "afterwards");
}

export async function wrong_number_of_arguments(world) {
  const hub = await world.connect();
  await rejects(hub.invoke("Add", 1), FAILED("Add"));
  await rejects(hub.invoke("add", 1, 2, 3), FAILED("add"));
  await rejects(hub.invoke("Nothing", null), FAILED("Nothing"));
}

export async function wrong_number_of_arguments_in_detail(world) {
  const hub = await world.connect("/detailed");
  await rejects(hub.invoke("Add", 1),
    `${FAILED("Add")} InvalidDataException: Invocation provides 1 argument(s) but target expects 2.`);
}

export async function wrong_shape_of_an_argument(world) {
  const hub = await world.connect();
  await rejects(hub.invoke("Add", "one", 2), FAILED("Add"));
  await rejects(hub.invoke("Greet", { name: "Ann" }), FAILED("Greet"));
  equal(await hub.invoke("Add", 1, 1), 2, "afterwards");
}

// JSON.stringify writes half a surrogate pair as an escape: good JSON, but no text.
export async function a_text_cut_inside_a_character(world) {
  const hub = await world.connect();
  await rejects(hub.invoke("Greet", { name: "\u{1f600}".slice(0, 1), age: 3 }), FAILED("Greet"));
  equal(await hub.invoke("Add", 1, 1), 2, "afterwards");
}

export async function wrong_shape_of_an_argument_in_detail(world) {
  const hub = await world.connect("/detailed");
  await rejects(hub.invoke("Add", "one", 2),
    `${FAILED("Add")} InvalidDataException: Error binding arguments. ` +
    "Make sure that the types of the provided values match the types of the hub method being invoked.");
}

export async function a_hub_error_is_shown(world) {
  const hub = await world.connect();
  await rejects(hub.invoke("Refuse"), `${BROKE("Refuse")} HubException: No entry.`);
}

export async function other_errors_are_hidden(world) {
  const hub = await world.connect();
  await rejects(hub.invoke("Break"), BROKE("Break"));
}

export async function other_errors_in_detail(world) {
  const hub = await world.connect("/detailed");
  const error = await rejects(hub.invoke("Break"), /invalid digit found in string/);
  ok(error.message.startsWith(`${BROKE("Break")} `), `got ${error.message}`);
}

export async function a_panic_is_an_error_of_that_call(world) {
  const hub = await world.connect();
  await rejects(hub.invoke("Panic"), BROKE("Panic"));
  equal(await hub.invoke("Add", 1, 1), 2, "afterwards");
}

export async function two_hundred_calls_are_answered_in_order(world) {
  const hub = await world.connect();
  const answers = [];
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  await Promise.all(numbers.map((n) => hub.invoke("Echo", n).then((answer) => answers.push(answer))));
  equal(answers, numbers, "answers");
}

export async function calls_wait_for_each_other(world) {
  const hub = await world.connect();
  const answers = [];
  await Promise.all([["slow", 200], ["fast", 0]].map(async ([tag, ms]) => answers.push(await hub.invoke("Sleep", ms, tag))));
  equal(answers, ["slow", "fast"], "answers");
}

export async function parallel_calls_overtake(world) {
  const hub = await world.connect("/parallel");
  const answers = [];
  await Promise.all([["slow", 500], ["fast", 0]].map(async ([tag, ms]) => answers.push(await hub.invoke("Sleep", ms, tag))));
  equal(answers, ["fast", "slow"], "answers");
}

export async function client_methods_get_their_arguments(world) {
  const hub = world.build();
  const seen = new Record();
  hub.on("Shapes", (...args) => seen.push(args));
  hub.on("Signal", (...args) => seen.push(args));
  await hub.start();
  await hub.invoke("Shapes");
  equal(await seen.next("Shapes"), [1, "two", [3, 4], { five: 5, none: null }, null, "Grüße, 世界 👋🏽", 6.5, true]);
  equal(await seen.next("Signal"), []);
}

export async function what_a_method_sends_comes_before_its_answer(world) {
  const hub = world.build();
  const order = [];
  hub.on("Signal", () => order.push("signal"));
  await hub.start();
  await hub.invoke("Shapes").then(() => order.push("answer"));
  equal(order, ["signal", "answer"], "order");
}

export async function an_unknown_client_method_does_no_harm(world) {
  const hub = await world.connect();
  await hub.invoke("Shapes");
  equal(await hub.invoke("Add", 1, 1), 2, "afterwards");
}

export async function twenty_kilobytes_to_the_server(world) {
  const hub = await world.connect();
  const text = "é".repeat(10_000);
  equal(await hub.invoke("Echo", text), text);
}

export async function a_megabyte_to_the_client(world) {
  const hub = world.build();
  const big = new Record();
  hub.on("Big", (text) => big.push(text.length));
  await hub.start();
  equal((await hub.invoke("Repeat", 400_000)).length, 400_000, "result");
  await hub.invoke("Big", 900_000);
  equal(await big.next("Big"), 900_000, "argument");
}

export async function large_results_of_calls_made_at_once(world) {
  const hub = await world.connect();
  for (const [count, size] of [[20, 100_000], [3, 1_500_000]]) {
    const texts = await Promise.all(Array.from({ length: count }, () => hub.invoke("Repeat", size)));
    equal(texts.map((text) => text.length), Array(count).fill(size), "sizes");
  }
}

export async function more_than_32_kib_closes_the_connection(world) {
  const hub = await world.connect();
  const end = within(new Promise((done) => hub.onclose(done)), "onclose");
  const text = "Server returned an error on close: Connection closed with an error.";
  await rejects(hub.invoke("Echo", "x".repeat(33_000)), text);
  equal((await end)?.message, text, "onclose");
}

export async function more_than_32_kib_in_detail(world) {
  const hub = await world.connect("/detailed");
  await rejects(hub.invoke("Echo", "x".repeat(33_000)), /The maximum message size of 32768B was exceeded\./);
}

export async function a_smaller_limit_is_kept(world) {
  const hub = await world.connect("/small");
  equal(await hub.invoke("Echo", "x".repeat(900)), "x".repeat(900));
  const many = Array.from({ length: 50 }, () => hub.invoke("Echo", "y".repeat(500)));
  equal((await Promise.all(many)).length, 50, "many small ones");
  await rejects(hub.invoke("Echo", "x".repeat(1100)), /Connection closed with an error\./);
}

export async function items_belong_to_the_connection(world) {
  const [ann, ben] = [await world.connect(), await world.connect()];
  equal(await ann.invoke("Visits"), 1);
  equal(await ann.invoke("Visits"), 2);
  equal(await ben.invoke("Visits"), 1);
  await ann.invoke("Forget");
  equal(await ann.invoke("Visits"), 1);
}

export async function state_is_shared(world) {
  const [ann, ben] = [await world.connect(), await world.connect()];
  const key = unique("note");
  await ann.invoke("Note", key);
  equal(await ben.invoke("Noted", key), true);
}

export async function aborted_fires_when_the_client_stops(world) {
  const [waiter, watcher] = [await world.connect(), await world.connect()];
  const key = unique("wait");
  const call = waiter.invoke("Wait", key).catch(() => {});
  equal(await watcher.invoke("Noted", `${key} waits`), true, "waiting");
  await waiter.stop();
  equal(await watcher.invoke("Noted", `${key} aborted`), true, "aborted");
  await call;
}

export async function aborted_fires_when_the_client_is_gone(world) {
  const [waiter, watcher] = [await world.connect(), await world.connect()];
  const key = unique("wait");
  waiter.invoke("Wait", key).catch(() => {});
  equal(await watcher.invoke("Noted", `${key} waits`), true, "waiting");
  waiter.connection.transport._webSocket.terminate();
  equal(await watcher.invoke("Noted", `${key} aborted`), true, "aborted");
}

export async function the_request_is_known(world) {
  const headers = { "X-Trace": "abc", Cookie: "other=1; flavour=oat; Path=/" };
  const hub = await world.connect("/hub?q=a%20b%26c&q=second&empty=&word=%C3%BC", { options: { headers } });
  const facts = await hub.invoke("Facts");
  equal(facts.path, "/hub", "path");
  equal(facts.q, "a b&c,second", "q");
  equal(facts.word, "ü", "word");
  equal(facts.empty, "", "empty");
  equal(facts.missing, null, "missing");
  equal(facts.trace, "abc", "header");
  equal(facts.flavour, "oat", "cookie");
  ok(facts.query.includes("q=a%20b%26c"), `query ${facts.query}`);
  ok(/^127\.0\.0\.1:\d+$/.test(facts.peer), `peer ${facts.peer}`);
}

export async function an_idle_moment_changes_nothing(world) {
  const hub = await world.connect();
  await sleep(300);
  equal(await hub.invoke("Add", 1, 1), 2);
}
