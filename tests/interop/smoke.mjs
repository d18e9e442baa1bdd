// What every way to drive the core must do: node smoke.mjs URL
//
// Start, invoke, fail, send, broadcast, stop, on a hub at /hub with Add, Fail and Shout.

import { Record, World, equal, rejects, within } from "./lib.mjs";

const world = new World(process.argv[2]);
try {
  const [ann, ben] = [await world.connect(), await world.connect()];
  const heard = [ann, ben].map((hub) => {
    const record = new Record();
    hub.on("Shouted", (text) => record.push(text));
    return record;
  });
  equal(await ann.invoke("add", 2, 3), 5, "result");
  equal(await ann.invoke("Shout", "first"), null, "a method without a result");
  await ben.send("Shout", "second");
  for (const record of heard) {
    equal([await record.next("first"), await record.next("second")], ["first", "second"], "heard");
  }
  await rejects(ann.invoke("Fail"), "An unexpected error occurred invoking 'Fail' on the server. HubException: It failed.");
  await rejects(ann.invoke("None"), "Failed to invoke 'None' due to an error on the server. HubException: Method does not exist.");
  await rejects(ann.invoke("Add", 1), "Failed to invoke 'Add' due to an error on the server.");
  const answers = await within(Promise.all(Array.from({ length: 100 }, (_, n) => ben.invoke("Add", n, 1))), "calls");
  equal(answers, answers.map((_, n) => n + 1), "answers");
  await within(Promise.all([ann.stop(), ben.stop()]), "stop");
  equal([ann.state, ben.state], ["Disconnected", "Disconnected"], "states");
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
