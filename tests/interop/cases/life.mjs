import { HttpTransportType, Record, closed, equal, ok, rejects, sleep, unique, within } from "../lib.mjs";

const ON_CLOSE = "Server returned an error on close: Connection closed with an error.";
const quick = { reconnect: [0, 50, 100, 200, 400] };

// Somebody who is told who comes and goes among the connections with `?announce=token`.
async function watcher(world) {
  const token = unique("announce");
  const hub = world.build();
  const seen = new Record();
  hub.on("Arrived", (...args) => seen.push(["arrived", ...args]));
  hub.on("Departed", (...args) => seen.push(["departed", ...args]));
  await hub.start();
  await hub.invoke("Join", token);
  return { hub, seen, path: (user) => `/hub?announce=${token}&user=${user}` };
}

export async function others_see_who_comes_and_goes(world) {
  const { seen, path } = await watcher(world);
  const ann = await world.connect(path("ann"));
  const id = ann.connectionId;
  equal(await seen.next("arrival"), ["arrived", "ann", id]);
  await ann.stop();
  equal((await seen.next("departure")).slice(0, 3), ["departed", "ann", id]);
}

export async function departures_have_reasons(world) {
  const { hub, seen, path } = await watcher(world);
  const reasons = {};
  for (const [how, end] of Object.entries({
    stopped: (ann) => ann.stop(),
    lost: (ann) => ann.connection.transport._webSocket.terminate(),
    aborted: (ann) => ann.invoke("Abort").catch(() => {}),
    closed: (ann) => hub.invoke("CloseConnection", ann.connectionId, false),
    malformed: (ann) => ann.connection.transport._webSocket.send("{]\x1e"),
  })) {
    const ann = await world.connect(path(how));
    await seen.next("arrival");
    await end(ann);
    reasons[how] = (await seen.next(`departure of ${how}`))[3];
  }
  const { stopped, aborted, closed: byOthers, ...faults } = reasons;
  equal({ stopped, aborted, byOthers },
    { stopped: "closed by the client", aborted: "aborted", byOthers: "closed by the application" }, "reasons");
  for (const [how, reason] of Object.entries(faults)) {
    ok(reason && ![stopped, aborted, byOthers].includes(reason), `${how}: ${reason}`);
  }
}

export async function refused_on_arrival(world) {
  const { seen, path } = await watcher(world);
  const hub = world.build(`${path("ann")}&refuse=1`);
  const end = closed(hub);
  // The Close may reach the client before its start has gone on from the handshake's answer.
  const why = await hub.start().then(() => end, (error) => error);
  equal(why?.message, `${ON_CLOSE} HubException: Not today.`);
  const ben = await world.connect(path("ben"));
  equal((await seen.next("arrival")).slice(0, 2), ["arrived", "ben"], "nobody departed");
  await ben.stop();
}

export async function stop_is_clean(world) {
  const hub = await world.connect();
  const end = closed(hub);
  await hub.stop();
  equal(await end, null, "error of onclose");
  equal(hub.state, "Disconnected", "state");
}

export async function stop_and_start_again(world) {
  const { hub, heard, id } = await world.listener();
  await hub.stop();
  await hub.start();
  ok(hub.connectionId !== id, "the same id twice");
  await hub.invoke("ToCaller", world.mark("again"));
  equal(await heard.next("text"), "again");
}

export async function pending_calls_fail_when_the_client_stops(world) {
  const hub = await world.connect();
  const call = rejects(hub.invoke("Sleep", 5000, "late"), /underlying connection being closed/);
  await hub.stop();
  await call;
}

export async function without_negotiation(world) {
  const hub = await world.connect("/hub?user=ann", { options: { skipNegotiation: true } });
  equal(hub.connectionId, null, "id on the client");
  equal((await hub.invoke("Me")).userId, "ann", "user");
}

export async function without_negotiation_twice(world) {
  const hub = await world.connect("/hub", { options: { skipNegotiation: true } });
  const { connectionId } = await hub.invoke("Me");
  await hub.stop();
  await hub.start();
  ok((await hub.invoke("Me")).connectionId !== connectionId, "the same id twice");
}

export async function any_transport_ends_up_on_websockets(world) {
  const hub = await world.connect("/hub", {
    options: { transport: HttpTransportType.WebSockets | HttpTransportType.ServerSentEvents | HttpTransportType.LongPolling },
  });
  equal(hub.connection.transport.constructor.name, "WebSocketTransport", "transport");
}

export async function aborted_by_the_server(world) {
  const hub = await world.connect("/hub", quick);
  const end = closed(hub);
  let reconnecting = false;
  hub.onreconnecting(() => { reconnecting = true; });
  hub.invoke("Abort").catch(() => {});
  equal(await end, null, "error of onclose");
  equal(reconnecting, false, "reconnecting");
}

// Closed by somebody else, in three ways, and allowed to come back or not.
const ways = {
  connection: (closer, id) => [closer, "CloseConnection", id],
  user: (closer, id, user) => [closer, "CloseUser", user],
  group: (closer, id, user, group) => [closer, "CloseGroup", group],
};

async function closing(world, way, allowed) {
  const [closer, user, group] = [await world.connect(), unique("user"), unique("group")];
  const hub = await world.connect(`/hub?user=${user}`, quick);
  const bystander = await world.connect("/hub", quick);
  await hub.invoke("Join", group);
  const id = hub.connectionId;
  const back = new Promise((done) => hub.onreconnected(done));
  const end = new Promise((done) => hub.onclose((error) => done({ error: error?.message ?? null })));
  const [by, method, target] = ways[way](closer, id, user, group);
  await by.invoke(method, target, allowed);
  const outcome = await within(Promise.race([back, end]), "an outcome");
  if (allowed) {
    ok(typeof outcome === "string" && outcome !== id, `expected a new id, got ${JSON.stringify(outcome)}`);
    equal((await hub.invoke("Me")).connectionId, outcome, "id");
    equal(await closer.invoke("Count", group), 0, "members of the group");
  } else {
    equal(outcome, { error: null }, "onclose");
    equal(hub.state, "Disconnected", "state");
  }
  equal(await bystander.invoke("Add", 1, 1), 2, "a bystander's call");
}

export const closed_by_id_for_good = (world) => closing(world, "connection", false);
export const closed_by_id_comes_back = (world) => closing(world, "connection", true);
export const closed_by_user_for_good = (world) => closing(world, "user", false);
export const closed_by_user_comes_back = (world) => closing(world, "user", true);
export const closed_by_group_for_good = (world) => closing(world, "group", false);
export const closed_by_group_comes_back = (world) => closing(world, "group", true);

export async function a_lost_connection_comes_back(world) {
  const hub = await world.connect("/hub", quick);
  const id = hub.connectionId;
  const back = within(new Promise((done) => hub.onreconnected(done)), "onreconnected");
  hub.connection.transport._webSocket.terminate();
  ok((await back) !== id, "the same id twice");
  equal(await hub.invoke("Add", 1, 1), 2);
}

// On this hub the server pings every 200 ms and waits 1 s for the client.
export async function pings_keep_an_idle_connection(world) {
  const hub = world.build("/short");
  hub.serverTimeoutInMilliseconds = 900;
  hub.keepAliveIntervalInMilliseconds = 300;
  let ended = false;
  hub.onclose(() => { ended = true; });
  await hub.start();
  await sleep(3000);
  equal(ended, false, "ended");
  equal(await hub.invoke("Add", 1, 1), 2);
}

export async function a_silent_client_is_timed_out(world) {
  const hub = world.build("/short");
  hub.keepAliveIntervalInMilliseconds = 60_000;
  const end = closed(hub);
  await hub.start();
  const started = Date.now();
  equal((await end)?.message, ON_CLOSE);
  const took = Date.now() - started;
  ok(took >= 700 && took < 4000, `closed after ${took} ms`);
}

export async function a_silent_client_may_come_back(world) {
  const hub = world.build("/short", quick);
  hub.keepAliveIntervalInMilliseconds = 60_000;
  const back = within(new Promise((done) => hub.onreconnected(done)), "onreconnected");
  await hub.start();
  const id = hub.connectionId;
  ok((await back) !== id, "the same id twice");
}
