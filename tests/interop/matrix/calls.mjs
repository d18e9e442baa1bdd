import { Record, equal, rejects } from "../assert.mjs";
import { cannot } from "./clients.mjs";

export default {
  async "results"(cell) {
    const hub = await cell.connect();
    equal(await hub.invoke("Add", 2, 40), 42);
    equal(await hub.invoke("Nothing"), null);
    equal(await hub.invoke("Greet", { name: "Ann", age: 36 }), "Ann is 36");
    const value = { list: [1, [2.5, true]], none: null, "odd key ": { deep: [] } };
    equal(await hub.invoke("Echo", value), value);
  },

  async "errors"(cell) {
    const hub = await cell.connect();
    await rejects(hub.invoke("Refuse"), "An unexpected error occurred invoking 'Refuse' on the server. HubException: No entry.");
    await rejects(hub.invoke("None"), "Failed to invoke 'None' due to an error on the server. HubException: Method does not exist.");
    await rejects(hub.invoke("Add", "one", 2), "Failed to invoke 'Add' due to an error on the server.");
    equal(await hub.invoke("Add", 1, 1), 2, "afterwards");
  },

  async "send"(cell) {
    const hub = await cell.connect();
    const key = cell.unique("sent");
    await hub.send("Note", key);
    equal(await hub.invoke("Noted", key), true);
  },

  async "calls by the server"(cell) {
    const hub = cell.build();
    const seen = new Record();
    hub.on("Shapes", (...values) => seen.push(values));
    hub.on("Signal", (...values) => seen.push(values));
    await hub.start();
    await hub.invoke("Shapes");
    equal(await seen.next("Shapes"), [1, "two", [3, 4], { five: 5, none: null }, null, "Grüße, 世界 👋🏽", 6.5, true]);
    equal(await seen.next("Signal"), []);
  },

  async "client results"(cell) {
    const hub = cell.build();
    hub.on("Answer", (question) => `${question}!`);
    hub.on("Fail", () => { throw new Error("not today"); });
    await hub.start();
    if (["js5", "js1"].includes(cell.id)) {
      await rejects(hub.invoke("Ask", "Answer", "well"), "Server requested a response, which is not supported in this version of the client.");
      cannot("It closes the connection: “Server requested a response, which is not supported in this version of the client.”");
    }
    equal(await hub.invoke("Ask", "Answer", "well"), "well!");
    equal(/not today/.test(await hub.invoke("AskFor", "Fail", 0)), true, "the handler's error");
  },
};
