// What JSON has and MessagePack has not, or the other way round; on a hub that names as .NET does.

import { equal } from "../assert.mjs";

const start = new Date("2016-10-27T14:25:00.250Z");
const later = "2016-10-27T14:25:01.250Z";
const hours = (date, count) => new Date(date.getTime() + count * 3_600_000);

export default {
  async "Unicode"(cell) {
    const hub = await cell.connect("/dotnet");
    for (const text of ["Grüße, 世界 👋🏽", "שלום\u200f مرحبا", "e\u0301 \ufeff \u2028\u2029", "\u0000\u0007\u001e\u007f\r\n\"\\/", "\u{10ffff}", ""]) {
      equal(await hub.invoke("Echo", text), text);
    }
  },

  async "objects"(cell) {
    const hub = await cell.connect("/dotnet");
    const given = cell.json ? { Name: "Ann", AGE: 7 } : { Name: "Ann", Age: 7 };
    equal(await hub.invoke("Meet", given), cell.json ? { name: "Ann", age: 7, nick: null } : { Name: "Ann", Age: 7, Nick: null });
  },

  async "bytes"(cell) {
    const hub = await cell.connect("/dotnet");
    if (cell.json) equal(await hub.invoke("Reverse", "AQL/"), "/wIB");
    else equal([...await hub.invoke("Reverse", Buffer.from([1, 2, 255]))], [255, 2, 1]);
  },

  async "enums"(cell) {
    const hub = await cell.connect("/dotnet");
    equal(await hub.invoke("Cheer", cell.json ? 1 : "Calm"), cell.json ? 5 : "Loud");
  },

  async "dates"(cell) {
    const hub = await cell.connect("/dotnet");
    const answer = await hub.invoke("Later", start);
    equal(cell.json ? answer : answer.toISOString(), cell.json ? "2016-10-27T14:25:01.25Z" : later);
  },

  async "dates with offset"(cell) {
    const hub = await cell.connect("/dotnet");
    const given = cell.json ? "2016-10-27T16:25:00.25+02:00" : [hours(start, 2), 120];
    const expected = cell.json ? "2016-10-27T16:25:01.25+02:00" : [hours(new Date(later), 2), 120];
    equal(await hub.invoke("LaterThere", given), expected);
  },

  async "identifiers"(cell) {
    const hub = await cell.connect("/dotnet");
    const ticket = "00112233-4455-6677-8899-aabbccddeeff";
    equal(await hub.invoke("Ticket", ticket.toUpperCase()), ticket, "Guid");
    const price = cell.json ? 12.5 : "12.50";
    equal(await hub.invoke("Price", price), price, "decimal");
    const address = "https://example.com/a%20b?c=d&e#f";
    equal(await hub.invoke("Echo", address), address, "Uri");
  },

  async "time spans"(cell) {
    const hub = await cell.connect("/dotnet");
    equal(await hub.invoke("Halve", cell.json ? "00:01:30" : 900_000_000), cell.json ? "00:00:45" : 450_000_000);
  },

  async "characters"(cell) {
    const hub = await cell.connect("/dotnet");
    const letter = cell.json ? "ß" : 0xdf;
    equal(await hub.invoke("Letter", letter), letter);
  },

  async "floats"(cell) {
    const hub = await cell.connect("/dotnet");
    equal([await hub.invoke("Single", 3), await hub.invoke("Single", 4)], [1.5, 2], "float");
    equal([await hub.invoke("Double", 0.2), await hub.invoke("Double", 2 ** 60)], [0.1, 2 ** 59], "double");
  },

  async "NaN and infinity"(cell) {
    const hub = await cell.connect("/dotnet");
    const answers = [await hub.invoke("NotANumber"), await hub.invoke("Infinite")];
    equal(answers, cell.json ? [null, null] : [NaN, Infinity]);
  },

  async "null"(cell) {
    const hub = await cell.connect("/dotnet");
    equal([await hub.invoke("Perhaps", null), await hub.invoke("Perhaps", 7)], [null, 7]);
    equal(await hub.invoke("Echo", [null, { none: null }]), [null, { none: null }]);
  },
};
