import { equal } from "../assert.mjs";

export default {
  async "30 KB up"(cell) {
    const hub = await cell.connect();
    const text = "x".repeat(30_000);
    equal(await hub.invoke("Echo", text) === text, true, "the same text");
  },

  async "1 MB up"(cell) {
    const hub = await cell.connect("/large");
    const text = "x".repeat(1_000_000);
    equal(await hub.invoke("Echo", text) === text, true, "the same text");
  },

  async "1 MB down"(cell) {
    const hub = await cell.connect();
    equal((await hub.invoke("Repeat", 1_000_000)).length, 1_000_000, "length");
  },
};
