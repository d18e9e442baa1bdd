import { equal } from "../assert.mjs";

export default {
  async "groups"(cell) {
    const [ann, ben, cleo] = [await cell.listener(), await cell.listener(), await cell.listener()];
    const group = cell.unique("group");
    await ann.hub.invoke("Join", group);
    await ben.hub.invoke("Join", group);
    await cleo.hub.invoke("ToGroup", group, "first");
    await ben.hub.invoke("Leave", group);
    await cleo.hub.invoke("ToGroup", group, "second");
    equal([await ann.heard.next(), await ann.heard.next()], ["first", "second"], "heard by Ann");
    await settled(ben, cleo);
    equal([ben.heard.seen, cleo.heard.seen], [["first"], []], "heard by Ben, and by Cleo");
  },

  async "users"(cell) {
    const user = cell.unique("user");
    const phone = await cell.listener(`/hub?user=${user}`);
    const laptop = await cell.listener(`/hub?user=${user}`);
    const other = await cell.listener(`/hub?user=not-${user}`);
    await other.hub.invoke("ToUser", user, "both");
    equal([await phone.heard.next(), await laptop.heard.next()], ["both", "both"], "heard");
    await settled(other);
    equal(other.heard.seen, [], "heard by another");
  },
};

// All that was sent to them before has arrived.
async function settled(...listeners) {
  for (const { hub } of listeners) await hub.invoke("Nothing");
}
