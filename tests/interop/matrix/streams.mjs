import { Record, equal, ok, rejects, within } from "../assert.mjs";
import { cannot } from "./clients.mjs";

export default {
  async "stream down"(cell) {
    const hub = await cell.connect();
    equal(await ended(read(hub.stream("Range", 5, 0))), [[0, 1, 2, 3, 4], null]);
    const [items, error] = await ended(read(hub.stream("FailAfter", 2, "That is all.")));
    equal(items, [0, 1], "items before the error");
    ok(/HubException: That is all\.$/.test(error), `error ${error}`);
  },

  async "cancel"(cell) {
    const hub = await cell.connect();
    const key = cell.unique("endless");
    const reading = read(hub.stream("Endless", key));
    equal(await reading.items.next("an item"), 0);
    if (cell.id === "js1" && !cell.json) {
      await rejects(Promise.resolve().then(reading.dispose), "Invalid message type.");
      cannot("Its MessagePack has no CancelInvocation: “Invalid message type.”");
    }
    reading.dispose();
    equal(await hub.invoke("Noted", `${key} dropped`), true, "dropped by the server");
  },

  async "stream up"(cell) {
    const [people, texts, numbers] = [cell.subject(), cell.subject(), cell.subject()];
    const hub = await cell.connect();
    const collected = hub.invoke("Collect", people);
    const all = ["Ann", "Ben"].map((name) => ({ name, age: 7, nick: null }));
    feed(people, all);
    equal(await collected, all);
    const zipped = hub.invoke("Zip", texts, "-", numbers);
    feed(texts, ["a", "b"]);
    feed(numbers, [1, 2]);
    equal(await zipped, ["a-1", "b-2"]);
  },

  async "failed stream up"(cell) {
    const numbers = cell.subject();
    const hub = await cell.connect();
    const end = hub.invoke("HowItEnds", numbers);
    numbers.next(1);
    numbers.error(new Error("no more paper"));
    const [read, error] = await end;
    equal(read, [1], "items before the error");
    ok(/no more paper/.test(error), `error ${error}`);
  },

  async "streams both ways"(cell) {
    const subject = cell.subject();
    const hub = await cell.connect();
    const reading = read(hub.stream("EchoEach", subject));
    for (const item of [1, "two", { three: [3] }]) {
      subject.next(item);
      equal(await reading.items.next("an echo"), item);
    }
    subject.complete();
    equal((await ended(reading))[1], null, "end");
  },
};

function read(stream) {
  const reading = { items: new Record() };
  reading.end = new Promise((done) => {
    const subscription = stream.subscribe({
      next: (item) => reading.items.push(item),
      complete: () => done(null),
      error: (error) => done(error.message),
    });
    reading.dispose = () => subscription.dispose();
  });
  return reading;
}

async function ended(reading) {
  const error = await within(reading.end, "the end of a stream");
  return [reading.items.seen, error];
}

function feed(subject, items) {
  for (const item of items) subject.next(item);
  subject.complete();
}
