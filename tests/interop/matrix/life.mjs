import { Record, equal, ok, within } from "../assert.mjs";

export default {
  async "reconnect"(cell) {
    const hub = cell.build("/hub", { reconnect: [0, 100, 500] });
    const events = new Record();
    hub.onreconnecting(() => events.push("reconnecting"));
    hub.onreconnected(() => events.push("reconnected"));
    await hub.start();
    const before = (await hub.invoke("Me")).connectionId;
    const other = await cell.connect();
    await other.invoke("CloseConnection", before, true);
    equal([await events.next(), await events.next()], ["reconnecting", "reconnected"], "events");
    ok((await hub.invoke("Me")).connectionId !== before, "the same id");
  },

  async "close"(cell) {
    const hub = cell.build();
    const end = within(new Promise((done) => hub.onclose(done)), "onclose");
    await hub.start();
    await closeByAnother(cell, hub);
    await end;
  },

  async "no reconnect"(cell) {
    const hub = cell.build("/hub", { reconnect: [0, 100] });
    let back = false;
    hub.onreconnecting(() => { back = true; });
    const end = within(new Promise((done) => hub.onclose(done)), "onclose");
    await hub.start();
    await closeByAnother(cell, hub);
    await end;
    equal(back, false, "came back");
  },

  async "stop"(cell) {
    const watcher = cell.build();
    const seen = new Record();
    const group = cell.unique("watchers");
    watcher.on("Departed", (...values) => seen.push(values));
    await watcher.start();
    await watcher.invoke("Join", group);
    const hub = await cell.connect(`/hub?user=ann&announce=${group}`);
    const { connectionId } = await hub.invoke("Me");
    await hub.stop();
    equal((await seen.next("departure", 5000)).slice(0, 2), ["ann", connectionId], "departed");
  },
};

async function closeByAnother(cell, hub) {
  const { connectionId } = await hub.invoke("Me");
  const other = await cell.connect();
  await other.invoke("CloseConnection", connectionId, false);
}
