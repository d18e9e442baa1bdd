import { equal, heardBy, rejects, unique } from "../lib.mjs";

// Three listeners; `send` is what the first of them invokes, `counts` how many texts each then has.
async function reaches(world, counts, send, options = []) {
  const three = await Promise.all([0, 1, 2].map((n) => world.listener(options[n] ?? "/hub")));
  await send(three[0].hub, three.map(({ id }) => id), three);
  equal(await heardBy(...three), counts, "texts heard by each");
}

async function joined(three, groups) {
  await Promise.all(groups.flatMap((names, n) => names.map((group) => three[n].hub.invoke("Join", group))));
}

export const all = (world) =>
  reaches(world, [1, 1, 1], (hub) => hub.invoke("ToAll", world.mark("hello")));

export const caller = (world) =>
  reaches(world, [1, 0, 0], (hub) => hub.invoke("ToCaller", world.mark("hello")));

export const others = (world) =>
  reaches(world, [0, 1, 1], (hub) => hub.invoke("ToOthers", world.mark("hello")));

export const all_except = (world) =>
  reaches(world, [1, 0, 1], (hub, ids) => hub.invoke("ToAllExcept", [ids[1], ids[1], "nobody"], world.mark("hello")));

export const client = (world) =>
  reaches(world, [0, 1, 0], async (hub, ids) => {
    await hub.invoke("ToClient", ids[1], world.mark("hello"));
    await hub.invoke("ToClient", "nobody", world.mark("hello"));
  });

export const clients = (world) =>
  reaches(world, [1, 0, 1], (hub, ids) => hub.invoke("ToClients", [ids[0], ids[2], ids[2], "nobody"], world.mark("hello")));

export const group = (world) =>
  reaches(world, [0, 1, 1], async (hub, ids, three) => {
    const red = unique("red");
    await joined(three, [[], [red], [red, red]]);
    await hub.invoke("ToGroup", red, world.mark("hello"));
    await hub.invoke("ToGroup", red.toUpperCase(), world.mark("hello"));
    await hub.invoke("ToGroup", unique("empty"), world.mark("hello"));
  });

export const group_except = (world) =>
  reaches(world, [1, 0, 1], async (hub, ids, three) => {
    const red = unique("red");
    await joined(three, [[red], [red], [red]]);
    await hub.invoke("ToGroupExcept", red, [ids[1]], world.mark("hello"));
  });

// A member of two of the groups gets two copies, as in ASP.NET Core.
export const groups = (world) =>
  reaches(world, [1, 2, 0], async (hub, ids, three) => {
    const [red, blue] = [unique("red"), unique("blue")];
    await joined(three, [[red], [red, blue], []]);
    await hub.invoke("ToGroups", [red, blue], world.mark("hello"));
  });

export const groups_distinct = (world) =>
  reaches(world, [1, 1, 0], async (hub, ids, three) => {
    const [red, blue] = [unique("red"), unique("blue")];
    await joined(three, [[red], [red, blue], []]);
    await hub.invoke("ToGroupsDistinct", [red, blue, red], world.mark("hello"));
  });

export const others_in_group = (world) =>
  reaches(world, [0, 1, 0], async (hub, ids, three) => {
    const red = unique("red");
    await joined(three, [[red], [red], []]);
    await hub.invoke("ToOthersInGroup", red, world.mark("hello"));
  });

export const others_in_a_group_without_the_caller = (world) =>
  reaches(world, [0, 1, 1], async (hub, ids, three) => {
    const red = unique("red");
    await joined(three, [[], [red], [red]]);
    await hub.invoke("ToOthersInGroup", red, world.mark("hello"));
  });

// Two connections of one user.
export async function user(world) {
  const [ann, ben] = [unique("ann"), unique("ben")];
  await reaches(world, [1, 1, 0], async (hub) => {
    await hub.invoke("ToUser", ann, world.mark("hello"));
    await hub.invoke("ToUser", unique("nobody"), world.mark("hello"));
  }, [`/hub?user=${ann}`, `/hub?user=${ann}`, `/hub?user=${ben}`]);
}

export async function users(world) {
  const [ann, ben] = [unique("ann"), unique("ben")];
  await reaches(world, [1, 0, 1], (hub) => hub.invoke("ToUsers", [ann, ben, ben, "nobody"], world.mark("hello")),
    [`/hub?user=${ann}`, "/hub", `/hub?user=${ben}`]);
}

export async function user_ids_are_case_sensitive(world) {
  const ann = unique("ann");
  await reaches(world, [0, 0, 0], (hub) => hub.invoke("ToUser", ann.toUpperCase(), world.mark("hello")), [`/hub?user=${ann}`]);
}

export async function a_user_with_a_strange_name(world) {
  const name = `${unique("Ann")} & Ω/?#%`;
  const hub = await world.connect(`/hub?user=${encodeURIComponent(name)}`);
  equal((await hub.invoke("Me")).userId, name);
  equal((await (await world.connect()).invoke("Me")).userId, null, "without a name");
}

export async function texts_of_one_caller_stay_in_order(world) {
  const [sender, listener] = [await world.listener(), await world.listener()];
  const numbers = Array.from({ length: 100 }, (_, index) => String(index));
  await Promise.all(numbers.map((n, i) => i % 2
    ? sender.hub.invoke("ToClient", listener.id, world.mark(n))
    : sender.hub.invoke("ToOthers", world.mark(n))));
  await heardBy(listener);
  equal(listener.heard.seen, numbers, "texts");
}

export async function groups_are_joined_and_left(world) {
  const [ann, ben] = [await world.listener(), await world.listener()];
  const red = unique("red");
  await ann.hub.invoke("AddTo", ben.id, red);
  equal(await ann.hub.invoke("GroupsOf", ben.id), [red], "groups of ben");
  equal(await ann.hub.invoke("Members", red), [ben.id], "members");
  await ann.hub.invoke("Join", red);
  equal(await ann.hub.invoke("Count", red), 2, "count");
  await ann.hub.invoke("ToGroup", red, world.mark("both"));
  await ann.hub.invoke("RemoveFrom", ben.id, red);
  await ann.hub.invoke("ToGroup", red, world.mark("one"));
  equal(await heardBy(ann, ben), [2, 1], "texts heard by each");
  await ann.hub.invoke("Leave", red);
  await ann.hub.invoke("Leave", red);
  await ann.hub.invoke("AddTo", "nobody", red);
  equal(await ann.hub.invoke("Count", red), 0, "count in the end");
}

export async function a_connection_that_ends_leaves_its_groups(world) {
  const [ann, ben] = [await world.listener(), await world.listener()];
  const red = unique("red");
  await ann.hub.invoke("Join", red);
  await ben.hub.invoke("Join", red);
  await ben.hub.stop();
  for (let tries = 0; (await ann.hub.invoke("Count", red)) !== 1; tries++) {
    if (tries === 100) throw new Error("ben is still a member");
  }
  equal(await ann.hub.invoke("Members", red), [ann.id], "members");
}

// The only case on this hub: its numbers are exact.
export async function connections_and_users_are_counted(world) {
  const first = await world.connect("/counted?user=ann");
  await world.connect("/counted?user=ann");
  const third = await world.connect("/counted?user=ben");
  await world.connect("/counted");
  equal(await first.invoke("Counts"), [4, 2], "connections and users");
  await third.stop();
  for (let tries = 0; tries < 100 && (await first.invoke("Counts"))[0] !== 3; tries++);
  equal(await first.invoke("Counts"), [3, 1], "connections and users after one stopped");
}

export async function hubs_do_not_mix(world) {
  const [here, there] = [await world.listener("/hub"), await world.listener("/parallel")];
  await here.hub.invoke("ToAll", world.mark("hello"));
  equal(await heardBy(here, there), [1, 0], "texts heard by each");
}

export async function a_missing_hub_is_not_found(world) {
  await rejects(world.connect("/nowhere"), /Status code '404'/);
}
