// Typed values as JavaScript has them: what is no JSON goes through MessagePack as it is.

import { equal, packed, rejects } from "../lib.mjs";

const start = new Date("2016-10-27T14:25:00.250Z");
const later = new Date("2016-10-27T14:25:01.250Z");
const wall = (date, hours) => new Date(date.getTime() + hours * 3_600_000);
const ticket = "00112233-4455-6677-8899-aabbccddeeff";

export async function dates_bytes_and_numbers_in_messagepack(world) {
  const hub = await world.connect("/hub", packed);
  const plan = {
    startsAt: start, seenFrom: [wall(start, 2), 120], takesUp: 2 ** 40, rawData: new Uint8Array([1, 2, 255]),
    unitPrice: 42.0, howMany: 200, ticket: ticket.toUpperCase(), mood: "Calm",
  };
  equal(await hub.invoke("Delay", plan), {
    startsAt: later, seenFrom: [wall(later, 2), 120], takesUp: 2 ** 39, rawData: new Uint8Array([255, 2, 1]),
    unitPrice: 42, halfPrice: 21, howMany: 200, ticket, mood: "Loud",
  });
}

export async function dates_base64_and_numbers_in_json(world) {
  const hub = await world.connect();
  const plan = {
    startsAt: start, seenFrom: "2016-10-27T16:25:00.25+02:00", takesUp: "00:01:30", rawData: "AQL/",
    unitPrice: 42.0, howMany: 200, ticket: ticket.toUpperCase(), mood: 1,
  };
  equal(await hub.invoke("Delay", plan), {
    startsAt: "2016-10-27T14:25:01.25Z", seenFrom: "2016-10-27T16:25:01.25+02:00", takesUp: "00:00:45",
    rawData: "/wIB", unitPrice: 42, halfPrice: 21, howMany: 200, ticket, mood: 5,
  });
}

export async function every_date_of_javascript_comes_back(world) {
  for (const options of [packed, {}]) {
    const hub = await world.connect("/hub", options);
    for (const time of [0, -1, 2 ** 32 * 1000, 2 ** 34 * 1000 + 999, -62_135_596_800_000, 253_402_300_798_999]) {
      const plan = {
        StartsAt: new Date(time), SeenFrom: options.set ? [new Date(time), 0] : new Date(time), TakesUp: options.set ? 0 : "00:00:00",
        RawData: options.set ? new Uint8Array(0) : "", UnitPrice: 0.5, HowMany: 0, Ticket: ticket, Mood: options.set ? "Loud" : 5,
      };
      const { startsAt } = await hub.invoke("Delay", plan);
      equal(new Date(startsAt), new Date(time + 1000), `a second after ${time} ms`);
    }
  }
}

export async function values_of_other_types_fail_their_call_only(world) {
  for (const options of [packed, {}]) {
    const hub = await world.connect("/hub", options);
    await rejects(hub.invoke("Delay", { startsAt: 1 }), /Failed to invoke 'Delay' due to an error on the server\.$/);
    await rejects(hub.invoke("Add", 1.5, 2), /Failed to invoke 'Add' due to an error on the server\.$/);
    equal(await hub.invoke("Add", 1.0, 2.0), 3, "the connection lives");
  }
}

export async function properties_are_named_as_dotnet_names_them(world) {
  const json = await world.connect("/dotnet");
  equal(await json.invoke("Meet", { Name: "Ann", AGE: 7 }), { name: "Ann", age: 7, nick: null });
  const binary = await world.connect("/dotnet", packed);
  equal(await binary.invoke("Meet", { name: "Ann", age: 7.0 }), { Name: "Ann", Age: 7, Nick: null });
  const value = { plain_text: [1, { Deep: null }] };
  equal(await json.invoke("Echo", value), value, "keys of what is no struct");
  equal(await binary.invoke("Echo", value), value, "keys of what is no struct");
}
