// Results of clients: the server asks, the unmodified client answers.

import { BROKE, Record, all, closed, equal, inBoth, numbers, ok, packed, read, rejects, sleep, unique, within } from "../lib.mjs";

const NOTHING = "Client didn't provide a result.";

async function works(hub) {
  equal(await hub.invoke("Add", 1, 1), 2, "a call afterwards");
}

// A connection that answers; `answer` gets the question.
async function answering(world, answer, options, path = "/hub") {
  const hub = world.build(path, options);
  hub.on("Answer", answer);
  await within(hub.start(), "start");
  return hub;
}

export const values_of_every_type = inBoth(async (world, options) => {
  const hub = await answering(world, (question) => question, options);
  const values = [
    0, -1.5, 2 ** 40, true, false, "", "Grüße, 世界 👋🏽", null, [], [1, [null]], {}, { name: "Ann", deep: { list: [1] } },
    "x".repeat(30_000),
  ];
  for (const value of values) equal(await hub.invoke("Ask", "Answer", value), value);
  equal(await hub.invoke("Ask", "answer", 1), 1, "by another spelling");
});

export const asynchronous_handlers = inBoth(async (world, options) => {
  const hub = await answering(world, async (question) => {
    await sleep(100);
    return question + 1;
  }, options);
  equal(await hub.invoke("AskForNumber", 41), 42);
});

export const handlers_that_throw = inBoth(async (world, options) => {
  const hub = world.build("/hub", options);
  hub.on("Throws", () => { throw new Error("Not me."); });
  hub.on("Rejects", async () => { await sleep(10); throw new TypeError("Nor me."); });
  await hub.start();
  equal(await hub.invoke("AskFor", "Throws", 1), "Error: Not me.");
  equal(await hub.invoke("AskFor", "Rejects", 1), "TypeError: Nor me.");
  await rejects(hub.invoke("Ask", "Throws", 1), `${BROKE("Ask")} HubException: Error: Not me.`);
  await works(hub);
});

export const handlers_that_give_nothing = inBoth(async (world, options) => {
  const hub = world.build("/hub", options);
  hub.on("Nothing", () => {});
  hub.on("Twice", () => 1);
  hub.on("Twice", () => 2);
  hub.on("Off", () => 1);
  hub.off("Off");
  await hub.start();
  equal(await hub.invoke("AskFor", "Missing", 1), NOTHING);
  equal(await hub.invoke("AskFor", "Nothing", 1), NOTHING);
  equal(await hub.invoke("AskFor", "Off", 1), NOTHING);
  equal(await hub.invoke("AskFor", "Twice", 1), "Client provided multiple results.");
  await rejects(hub.invoke("ask", "Missing", 1), `${BROKE("ask")} HubException: ${NOTHING}`);
  await works(hub);
});

export const answers_of_another_type = inBoth(async (world, options) => {
  const hub = await answering(world, (question) => question, options);
  const told = (type) => `${BROKE("AskForNumber")} HubException: Error trying to deserialize result to ${type}.`;
  for (const wrong of ["one", 1.5, null, [], {}]) await rejects(hub.invoke("AskForNumber", wrong), told("i64"));
  equal(await hub.invoke("AskForNumber", -7), -7);

  hub.on("Introduce", () => ({ name: "Ann", age: 36, unknown: [1] }));
  equal(await hub.invoke("AskForPerson"), { name: "Ann", age: 36, nick: null });
  hub.off("Introduce");
  hub.on("Introduce", () => ({ name: "Ann" }));
  await rejects(hub.invoke("AskForPerson"), /HubException: Error trying to deserialize result to .*Person\.$/);
});

export const another_client_is_asked = inBoth(async (world, options) => {
  const asker = await world.connect("/hub", options);
  const clients = await Promise.all([{}, packed].map((other, n) =>
    answering(world, (question) => `${question} ${n}`, other)));
  for (const [n, client] of clients.entries()) {
    equal(await asker.invoke("AskAnother", client.connectionId, "who?"), `who? ${n}`);
  }
  equal(await asker.invoke("AskAnother", "nobody", "who?"), "Connection 'nobody' does not exist.");
});

export const a_client_that_leaves_while_it_is_asked = inBoth(async (world, options) => {
  const asker = await world.connect("/hub", options);
  for (const leave of [(hub) => hub.stop(), (hub) => hub.connection.transport._webSocket.terminate()]) {
    const asked = new Record();
    const client = await answering(world, (question) => { asked.push(question); return new Promise(() => {}); }, options);
    const id = client.connectionId;
    const answer = asker.invoke("AskAnother", id, "who?");
    equal(await asked.next("the question"), "who?");
    await leave(client);
    equal(await within(answer, "the answer"), `Connection '${id}' disconnected.`);
  }
});

export const a_group_is_asked = inBoth(async (world, options) => {
  const group = unique("group");
  const asker = await world.connect("/hub", options);
  const clients = [
    await answering(world, (question) => `${question} Ann.`, {}),
    await answering(world, async () => { await sleep(50); return { name: "Ben" }; }, packed),
    await answering(world, () => { throw new Error("Not me."); }, packed),
    await answering(world, () => new Promise(() => {}), {}),
    await world.connect("/hub", options),
  ];
  for (const client of clients) await client.invoke("Join", group);
  const answers = new Map(await asker.invoke("AskGroup", group, "I am"));
  equal(clients.map((client) => answers.get(client.connectionId)),
    ["I am Ann.", { name: "Ben" }, "Error: Not me.", "The client did not answer in time.", NOTHING]);
  equal(answers.size, clients.length, "answers");
  equal(await asker.invoke("AskGroup", unique("nobody"), "I am"), [], "of nobody");
});

export const an_answer_that_comes_too_late = inBoth(async (world, options) => {
  const hub = await answering(world, async () => { await sleep(300); return "late"; }, options);
  equal(await hub.invoke("AskBriefly", 100), "The client did not answer in time.");
  equal(await hub.invoke("AskBriefly", 5000), "late", "another question meanwhile");
  await works(hub);
});

export const a_hundred_questions_at_once = inBoth(async (world, options) => {
  let pending = 0;
  let most = 0;
  const hub = await answering(world, async (n) => {
    most = Math.max(most, ++pending);
    await sleep((n * 37) % 101);
    pending--;
    return n * n;
  }, options);
  const askings = [hub.invoke("AskOften", 100), hub.invoke("AskOften", 50)];
  const answers = await Promise.all(askings);
  equal(answers, [100, 50].map((count) => numbers(count).map((n) => n * n)));
  ok(most > 100, `${most} at once`);
});

// A method that asks gives its slot to the calls behind it.
export const a_handler_may_call_the_hub = inBoth(async (world, options) => {
  const hub = await answering(world, async (question) => {
    if (question === 0) return "the end";
    return `${question} ${await hub.invoke("Ask", "Answer", question - 1)}`;
  }, options);
  equal(await hub.invoke("Ask", "Answer", 3), "3 2 1 the end");
});

export const calls_go_on_while_the_client_thinks = inBoth(async (world, options) => {
  let answer;
  const asked = new Record();
  const hub = await answering(world, (question) => {
    asked.push(question);
    return new Promise((done) => { answer = done; });
  }, options);
  const question = hub.invoke("Ask", "Answer", "well?");
  equal(await asked.next("the question"), "well?");
  for (const n of numbers(20)) equal(await hub.invoke("Echo", n), n);
  equal(await all(hub.stream("Range", 20, 1)), numbers(20), "a stream");
  answer("yes");
  equal(await question, "yes");
});

export const asked_from_a_task_that_outlives_the_call = inBoth(async (world, options) => {
  const hub = world.build("/hub", options);
  const [answers, learned] = [new Record(), new Record()];
  hub.on("Answer", async (question) => { answers.push("asked"); await sleep(20); return question * 2; });
  hub.on("Learned", (answer) => learned.push(answer));
  await hub.start();
  await hub.invoke("AskLater", 21);
  equal(answers.seen, [], "asked before the call has ended");
  equal(await learned.next("what was learned"), 42);
});

export const asked_between_the_items_of_a_stream = inBoth(async (world, options) => {
  const hub = await answering(world, async (n) => { await sleep(5); if (n === 30) throw "enough"; return 0 - n; }, options);
  const beside = all(hub.stream("Range", 50, 2));
  equal(await all(hub.stream("AskWhileStreaming", 20)), numbers(20).map((n) => 0 - n));
  equal(await beside, numbers(50), "a stream beside it");
  const failing = read(hub.stream("AskWhileStreaming", 40));
  equal(await failing.end(), "An error occurred on the server while streaming results. HubException: enough");
  equal(failing.seen.length, 30, "items before the error");
});

export const asked_while_streams_run_both_ways = inBoth(async (world, options) => {
  const hub = await answering(world, (n) => n + 1, options);
  const endless = read(hub.stream("Endless", unique("endless")));
  for (const n of numbers(30)) {
    equal(await endless.next(), n);
    equal(await hub.invoke("AskForNumber", n), n + 1);
  }
  endless.dispose();
  await works(hub);
});

export const a_client_that_arrives_cannot_be_asked = inBoth(async (world, options) => {
  const text = "Client results inside OnConnectedAsync Hub methods are not allowed.";
  for (const [path, detail] of [["/hub", ""], ["/detailed", ` InvalidOperationException: ${text}`]]) {
    const hub = world.build(`${path}?ask=1`, options);
    const end = closed(hub);
    const why = await hub.start().then(() => end, (error) => error);
    equal(why?.message, `Server returned an error on close: Connection closed with an error.${detail}`);
  }
});
