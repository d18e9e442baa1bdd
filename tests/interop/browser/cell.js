// What one transport does in a browser, in a window or a worker: `check` fails, or gives what was seen.

const { HttpTransportType, HubConnectionBuilder, LogLevel, Subject } = signalR;

function equal(actual, expected, what) {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(value));
  if (is !== should) throw new Error(`${what}: expected ${should}, got ${is}`);
}

async function start(url, transport, { binary = false, ...options } = {}) {
  const builder = new HubConnectionBuilder()
    .withUrl(url, { transport: HttpTransportType[transport], ...options })
    .configureLogging(LogLevel.None);
  if (binary) builder.withHubProtocol(new signalR.protocols.msgpack.MessagePackHubProtocol());
  const hub = builder.build();
  await hub.start();
  return hub;
}

// `hub` is the origin of the hubs, which is not that of this page; `client` is what sends requests.
async function check({ hub: origin, transport, client }) {
  const { fetch } = globalThis;
  if (client === "XMLHttpRequest") globalThis.fetch = undefined;
  try {
    return await run(origin, transport, fetch);
  } finally {
    globalThis.fetch = fetch;
  }
}

async function run(origin, transport, fetch) {
  const seen = { messages: 0 };
  for (const binary of transport === "ServerSentEvents" ? [false] : [false, true]) {
    const hub = await start(`${origin}/testhub`, transport, { binary });
    const messages = [];
    hub.on("Message", (text) => messages.push(text));
    equal(await hub.invoke("GetActiveTransportName"), transport, "transport");
    for (const text of ["Grüße", "x".repeat(20_000)]) {
      equal(await hub.invoke("Echo", text), text, "echo");
      await hub.invoke("InvokeWithString", text);
    }
    equal(messages, ["Grüße", "x".repeat(20_000)], "messages");
    const items = [];
    await new Promise((complete, error) => hub.stream("Stream").subscribe({ next: (item) => items.push(item), complete, error }));
    equal(items, ["a", "b", "c"], "stream");
    const parts = new Subject();
    const all = hub.invoke("StreamingConcat", parts);
    for (const part of ["one ", "two"]) parts.next(part);
    parts.complete();
    equal(await all, "one two", "upload");
    equal(await hub.invoke("GetHeader", "Origin"), location.origin, "origin");
    equal(await hub.invoke("GetCookie", "testCookie"), "testValue", "cookie");
    equal(await hub.invoke("GetCookie", "expiredCookie"), null, "expired cookie");
    const value = {
      String: "Hello", IntArray: [1, 255], ByteArray: binary ? new Uint8Array([1, 2, 3]) : "AQID",
      GUID: "00010203-0405-0607-0706-050403020100", DateTime: binary ? new Date("2002-04-01T10:20:15Z") : "2002-04-01T10:20:15Z",
    };
    equal(await hub.invoke("EchoComplexObject", value), value, "values");
    const closed = new Promise((done) => hub.onclose((error) => done(error ?? null)));
    await hub.stop();
    equal(await closed, null, "close");
    seen.messages += messages.length;
  }

  const token = await (await fetch(`${origin}/generateJwtToken`, { credentials: "include" })).text();
  const hub = await start(`${origin}/authorizedhub`, transport, { accessTokenFactory: () => token });
  equal(await hub.invoke("Echo", "let in"), "let in", "authorized");
  await hub.stop();
  // A browser sends it by a header only with requests that it makes itself for a page.
  const tokened = await start(`${origin}/testhub`, transport, { accessTokenFactory: () => token });
  const header = transport === "LongPolling" ? `Bearer ${token}` : null;
  equal(await tokened.invoke("GetHeader", "Authorization"), header, "the header of the transport's request");
  await tokened.stop();
  const refused = await start(`${origin}/authorizedhub`, transport).catch((error) => error.message);
  equal(refused, "Failed to complete negotiation with the server: Error: Unauthorized: Status code '401'", "without a token");
  return seen;
}
