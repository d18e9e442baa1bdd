// A thousand clients at once: node thousand.mjs URL
//
// All connect, one broadcast reaches every one of them, each gets an answer to a call, all stop.

import { HttpTransportType, HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

const COUNT = 1000;
const AT_ONCE = 8; // negotiations keep a socket each
const url = process.argv[2];

const within = (promise, what) => {
  let timer;
  const late = new Promise((_, fail) => { timer = setTimeout(fail, 20_000, new Error(`${what}: not within 20 s`)); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

let heard = 0;
let everybody;
const all = new Promise((done) => { everybody = done; });

const hubs = Array.from({ length: COUNT }, () => {
  const hub = new HubConnectionBuilder()
    .withUrl(`${url}/hub`, { transport: HttpTransportType.WebSockets })
    .configureLogging(LogLevel.None)
    .build();
  hub.on("Message", (text) => text === "to all" && ++heard === COUNT && everybody());
  return hub;
});

const clock = Date.now();
const step = (what) => console.log(`${what} after ${Date.now() - clock} ms`);
try {
  const waiting = [...hubs];
  const starting = Array.from({ length: AT_ONCE }, async () => {
    for (let hub; (hub = waiting.pop()); ) await hub.start();
  });
  await within(Promise.all(starting), "starting");
  if (new Set(hubs.map((hub) => hub.connectionId)).size !== COUNT) throw new Error("an id was given twice");
  step(`${COUNT} connected`);

  await hubs[0].invoke("ToAll", "to all");
  await within(all, "the broadcast").catch((error) => { throw new Error(`${error.message}, ${heard} heard it`); });
  step("everybody heard the broadcast");

  const answers = await within(Promise.all(hubs.map((hub, n) => hub.invoke("Add", n, 1))), "the calls");
  if (answers.some((answer, n) => answer !== n + 1)) throw new Error("a wrong answer");
  step("everybody was answered");

  await within(Promise.all(hubs.map((hub) => hub.stop())), "stopping");
  if (heard !== COUNT) throw new Error(`${heard} heard the broadcast`);
  step("all stopped");
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
