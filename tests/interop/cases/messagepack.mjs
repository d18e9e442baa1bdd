import { equal, heardBy, packed, rejects } from "../lib.mjs";

export async function results_of_every_type(world) {
  const hub = await world.connect("/hub", packed);
  equal(await hub.invoke("Add", 2, -40), -38);
  equal(await hub.invoke("Nothing"), null);
  equal(await hub.invoke("Greet", { name: "Ann", age: 7 }), "Ann is 7", "a struct");
  const value = { text: "Grüße, 世界 👋🏽", list: [1, 2.5, -3, null, true, { deep: [] }], large: 2 ** 40 };
  equal(await hub.invoke("Echo", value), value);
  equal((await hub.invoke("Repeat", 100_000)).length, 100_000, "a long text");
}

export async function errors(world) {
  const hub = await world.connect("/hub", packed);
  await rejects(hub.invoke("Refuse"), /HubException: No entry\.$/);
  await rejects(hub.invoke("Missing"), /HubException: Method does not exist\.$/);
  await rejects(hub.invoke("Add", "one", 2), /Failed to invoke 'Add' due to an error on the server\.$/);
  await rejects(hub.invoke("Add", 1), /Failed to invoke 'Add' due to an error on the server\.$/);
  equal(await hub.invoke("Add", 1, 2), 3, "the connection lives");
}

export async function a_broadcast_reaches_json_and_messagepack_at_once(world) {
  const clients = await Promise.all([packed, {}, packed].map((options) => world.listener("/hub", options)));
  await clients[0].hub.invoke("ToAll", world.mark("from MessagePack"));
  await clients[1].hub.invoke("ToAll", world.mark("from JSON"));
  equal(await heardBy(...clients), [2, 2, 2], "texts heard by each");
  clients.forEach(({ heard }) => equal(heard.seen, ["from MessagePack", "from JSON"]));
}

export async function arguments_of_every_type(world) {
  const hub = world.build("/hub", packed);
  const told = new Promise((done) => hub.on("Shapes", (...shapes) => done(shapes)));
  await hub.start();
  await hub.invoke("Shapes");
  equal(await told, [1, "two", [3, 4], { five: 5, none: null }, null, "Grüße, 世界 👋🏽", 6.5, true]);
}
