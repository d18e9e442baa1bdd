// What Microsoft's functional tests ask of a server, asked of the conformance example.
//
//   node conformance.mjs --list                  the names, as a JSON array
//   node conformance.mjs HTTPS HTTP [NAME]       one case, or all, against a server at these URLs
//
// A case with "each" in its name runs over each transport with each protocol that it carries.

import { statSync, symlinkSync, unlinkSync } from "node:fs";
import { createRequire } from "node:module";
import WebSocket from "ws";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";
import { HttpTransportType, LogLevel, Record, Subject, World, closed, equal, ok, read, rejects, within } from "./lib.mjs";

const require = createRequire(import.meta.url);
// As their tests do: what is below the hub is no part of the published interface.
const { HttpConnection } = require("@microsoft/signalr/dist/cjs/HttpConnection.js");
const { TransferFormat } = require("@microsoft/signalr/dist/cjs/ITransport.js");

const [https, http, only] = process.argv.slice(2);

const TRANSPORTS = ["WebSockets", "ServerSentEvents", "LongPolling"];
const CELLS = TRANSPORTS.flatMap((transport) => [false, true]
  .filter((binary) => !(binary && transport === "ServerSentEvents"))
  .map((binary) => ({ transport, binary })));

const options = ({ transport, binary }, more = {}) => ({
  options: { transport: HttpTransportType[transport], ...more },
  set: (builder) => binary ? builder.withHubProtocol(new MessagePackHubProtocol()) : builder,
});

// Runs something in each cell, and says in which it failed.
const each = (run, cells = CELLS) => async (world) => {
  for (const cell of cells) {
    await run(world, cell).catch((error) => {
      const name = `${cell.transport} with ${cell.binary ? "MessagePack" : "JSON"}`;
      error.stack = `${name}: ${error.stack}`;
      throw error;
    });
  }
};

const HUB = "/testhub";
const hubOf = ({ transport }) => transport === "WebSockets" ? HUB : "/testhub-nowebsockets";
const connect = (world, cell, more) => world.connect(hubOf(cell), options(cell, more));
const eachHub = (run) => each(async (world, cell) => run(await connect(world, cell), cell, world));
const FAILED = (target, text) =>
  `An unexpected error occurred invoking '${target}' on the server. InvalidOperationException: ${text}`;

// The values that JSON and MessagePack write differently, as this client has them.
const complex = (binary, bytes, text, date, more) => ({
  ByteArray: binary ? new Uint8Array(bytes) : Buffer.from(bytes).toString("base64"),
  DateTime: binary ? new Date(date) : date,
  IntArray: bytes,
  String: text,
  ...more,
});
const guid = "00010203-0405-0607-0706-050403020100";

async function token() {
  const answer = await fetch(`${http}/generateJwtToken`);
  return answer.text();
}

// A connection without the hub protocol, and what it hears.
async function raw(world, url, { transport }, more = {}) {
  const connection = new HttpConnection(url, { transport: HttpTransportType[transport], logger: LogLevel.None, ...more });
  const heard = new Record();
  connection.onreceive = (data) => heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
  const end = within(new Promise((done) => { connection.onclose = (error) => done(error ?? null); }), "onclose", 40_000);
  end.catch(() => {});
  world.open.push(() => connection.stop());
  await within(connection.start(more.format ?? TransferFormat.Text), "start");
  return { connection, heard, end };
}

const cases = {
  each_echoes_a_text: eachHub(async (hub) => {
    for (const text of ["Hello, World!", "", "Grüße \u{1f600}", "x".repeat(10_000)]) equal(await hub.invoke("Echo", text), text);
  }),

  each_knows_its_id: eachHub(async (hub) => equal(await hub.invoke("GetCallerConnectionId"), hub.connectionId)),

  each_knows_its_transport: eachHub(async (hub, { transport }) => equal(await hub.invoke("GetActiveTransportName"), transport)),

  each_fails_as_in_dotnet: eachHub(async (hub) => {
    await rejects(hub.invoke("ThrowException", "An error occurred."), FAILED("ThrowException", "An error occurred."));
    equal(await hub.invoke("Echo", "still here"), "still here");
  }),

  each_is_called_back: eachHub(async (hub) => {
    const heard = new Record();
    hub.on("Message", (text) => heard.push(text));
    hub.on("message", (text) => heard.push(text));
    await hub.invoke("InvokeWithString", "你好，世界！");
    equal([await heard.next(), await heard.next()], ["你好，世界！", "你好，世界！"]);
  }),

  each_gets_an_object_back: eachHub(async (hub) => {
    const heard = new Record();
    hub.on("CustomObject", (value) => heard.push(value));
    await hub.invoke("SendCustomObject", { Name: "test", Value: 42 });
    equal(await heard.next(), { Name: "test", Value: 42 });
  }),

  each_reads_a_stream: eachHub(async (hub) => {
    const letters = read(hub.stream("Stream"));
    equal([await letters.end(), letters.seen], [null, ["a", "b", "c"]]);
    const nothing = read(hub.stream("EmptyStream"));
    equal([await nothing.end(), nothing.seen], [null, []]);
  }),

  each_cancels_a_stream: eachHub(async (hub) => {
    const told = within(new Promise((done) => hub.on("StreamCanceled", done)), "StreamCanceled");
    const endless = read(hub.stream("InfiniteStream"));
    equal(await hub.invoke("Echo", "begun"), "begun");
    endless.dispose();
    await told;
    equal(endless.seen, []);
  }),

  each_sees_a_stream_fail: eachHub(async (hub) => {
    const failed = read(hub.stream("StreamThrowException", "An error occurred."));
    equal([await failed.end(), failed.seen], [FAILED("StreamThrowException", "An error occurred."), []]);
  }),

  each_sends_a_stream: eachHub(async (hub) => {
    const parts = new Subject();
    const all = hub.invoke("StreamingConcat", parts);
    for (const part of ["Hello ", "beautiful ", "world"]) parts.next(part);
    parts.complete();
    equal(await all, "Hello beautiful world");
  }),

  each_echoes_values_of_every_kind: eachHub(async (hub, { binary }) => {
    for (const name of ["GUID", "Guid"]) {
      const value = complex(binary, [1, 2, 3, 255], "Hello, World!", "2002-04-01T10:20:15Z", { [name]: guid });
      equal(await hub.invoke("EchoComplexObject", value), value);
    }
  }),

  each_gets_values_of_every_kind: eachHub(async (hub, { binary }) => {
    const value = complex(binary, [1, 2, 3], "hello world", "2000-01-01T00:00:00Z", { Guid: guid });
    equal(await hub.invoke("SendComplexObject"), value);
  }),

  each_shows_its_headers_and_cookies: each(async (world, cell) => {
    const hub = await connect(world, cell, { headers: { "X-HEADER": "VALUE", "User-Agent": "Custom Agent" } });
    equal(await hub.invoke("GetHeader", "X-HEADER"), "VALUE");
    equal(await hub.invoke("GetHeader", "User-Agent"), "Custom Agent");
    equal(await hub.invoke("GetHeader", "X-NONE"), null);
    equal(await hub.invoke("GetContentTypeHeader"), null);
    equal(await hub.invoke("GetCookie", "testCookie"), "testValue");
    equal(await hub.invoke("GetCookie", "testCookie2"), "testValue2");
    equal(await hub.invoke("GetCookie", "expiredCookie"), null);
  }),

  each_works_over_tls: each(async (_, cell) => {
    const world = new World(https);
    try {
      const hub = await connect(world, cell);
      equal(await hub.invoke("Echo", "hush"), "hush");
      equal(await hub.invoke("Echo", "x".repeat(20_000)), "x".repeat(20_000));
      equal(await hub.invoke("GetCookie", "testCookie"), "testValue");
    } finally {
      await world.end();
    }
  }),

  each_answers_the_server: each(async (world, cell) => {
    const hub = world.build(hubOf(cell), options(cell));
    let answer = () => 10;
    hub.on("Result", () => answer());
    await within(hub.start(), "start");
    const ask = async (id) => (await fetch(`${http}/clientresult/${id}`)).text();
    equal(await ask(hub.connectionId), "10");
    answer = () => { throw new Error("Not today."); };
    equal(await ask(hub.connectionId), "Error: Not today.");
    equal(await ask("nobody"), "Connection 'nobody' does not exist.");
  }),

  each_follows_a_redirect: each(async (world, cell) => {
    const url = `/redirect?numRedirects=0&baseUrl=${encodeURIComponent(http)}`;
    const counts = [];
    for (let n = 0; n < 2; n++) {
      const hub = await world.connect(url, options(cell));
      counts.push(await hub.invoke("GetNumRedirects"));
      ok(hub.baseUrl.startsWith(`${http}/redirect?`), `the URL is still the first, not ${hub.baseUrl}`);
      await hub.stop();
    }
    ok(0 < counts[0] && counts[0] < counts[1], `redirects: ${counts}`);
  }),

  each_is_let_in_by_a_token: each(async (world, cell) => {
    const good = await token();
    const byHeader = await world.connect("/authorizedhub", options(cell, { accessTokenFactory: () => good }));
    equal(await byHeader.invoke("Echo", "by header"), "by header");
    const byQuery = await world.connect(`/authorizedhub?access_token=${good}`, options(cell));
    equal(await byQuery.invoke("Echo", "by query"), "by query");
  }),

  each_is_refused_without_a_good_token: each(async (world, cell) => {
    const text = "Failed to complete negotiation with the server: Error: Unauthorized: Status code '401'";
    const [head, claims, tag] = (await token()).split(".");
    const late = Buffer.from(JSON.stringify({ sub: "testuser", exp: 1 })).toString("base64url");
    for (const bad of ["", "nonsense", `${head}.${claims}.`, `${head}.${late}.${tag}`]) {
      const hub = world.build("/authorizedhub", options(cell, { accessTokenFactory: () => bad }));
      await rejects(hub.start(), text);
    }
  }),

  each_is_told_that_a_hub_cannot_be_created: each(async (world, cell) => {
    const hub = world.build("/uncreatable", options(cell));
    const end = closed(hub);
    await within(hub.start(), "start");
    equal((await end)?.message, "Server returned an error on close: Connection closed with an error. InvalidOperationException: "
      + "Unable to resolve service for type 'System.Object' while attempting to activate 'FunctionalTests.UncreatableHub'.");
  }),

  each_is_served_where_all_are: each(async (world, cell) => {
    const hub = await world.connect(HUB, options(cell));
    equal(await hub.invoke("GetActiveTransportName"), cell.transport);
  }),

  async a_hub_without_web_sockets_offers_none(world) {
    const hub = await world.connect("/testhub-nowebsockets", { options: { transport: undefined } });
    equal(await hub.invoke("GetActiveTransportName"), "ServerSentEvents");
    const refused = world.build("/testhub-nowebsockets", options(CELLS[0]));
    await rejects(refused.start(), /^Unable to connect to the server with any of the available transports\./);
  },

  async paths_have_no_case(world) {
    for (const path of ["/TESTHUB", "/testHub", "/testhub/"]) {
      const hub = await world.connect(path);
      equal(await hub.invoke("Echo", path), path);
    }
    equal((await fetch(`${http}/GENERATEjwtTOKEN`)).status, 200);
    equal((await fetch(`${http}/Bad-Negotiate/Negotiate`, { method: "POST" })).status, 400);
  },

  async a_failed_negotiation_has_the_text_of_the_server(world) {
    const text = "Failed to complete negotiation with the server: Error: Some response from server: Status code '400'";
    await rejects(world.build("/bad-negotiate").start(), text);
  },

  async a_preflight_is_answered(world) {
    for (const base of [http, https]) {
      const answer = await fetch(`${base}${HUB}/negotiate?negotiateVersion=1`, {
        method: "OPTIONS",
        headers: { "Origin": "http://elsewhere:1", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-requested-with,x-signalr-user-agent" },
      });
      const names = ["origin", "credentials", "methods", "headers"].map((name) => answer.headers.get(`access-control-allow-${name}`));
      equal([answer.status, ...names], [204, "http://elsewhere:1", "true", "POST", "x-requested-with,x-signalr-user-agent"]);
    }
  },

  async cookies_of_other_origins_need_tls() {
    const cookies = async (base) =>
      (await fetch(`${base}${HUB}/negotiate`, { method: "POST" })).headers.getSetCookie().map((cookie) => cookie.split("; "));
    equal((await cookies(http)).map(([pair]) => pair), ["testCookie=testValue", "testCookie2=testValue2", "expiredCookie=doesntmatter"]);
    ok((await cookies(http)).every((parts) => !parts.includes("Secure")), "Secure without TLS");
    ok((await cookies(https)).every((parts) => parts.includes("Secure") && parts.includes("SameSite=None")), "not for other origins");
  },

  each_raw_connection_echoes: each(async (world, cell) => {
    // A WebSocket follows no redirect, and the EventSource of Node none without a host.
    for (const path of cell.transport === "LongPolling" ? ["/echo", "/echoredirect"] : ["/echo"]) {
      const { connection, heard, end } = await raw(world, http + path, cell);
      for (const text of ["Hello World!", "x".repeat(5_000)]) {
        await connection.send(text);
        let echo = "";
        while (echo.length < text.length) echo += await heard.next();
        equal(echo, text);
      }
      await connection.stop();
      equal(await end, null, "the end");
    }
  }, CELLS.filter(({ binary }) => !binary)),

  each_raw_connection_echoes_bytes: each(async (world, cell) => {
    const { connection, heard } = await raw(world, `${http}/echo`, cell, { format: TransferFormat.Binary });
    await connection.send(new Uint8Array([0, 1, 128, 255]).buffer);
    equal(await heard.next(), [0, 1, 128, 255]);
  }, CELLS.filter(({ binary }) => binary)),

  async an_echo_is_redirected_with_its_query() {
    for (const [path, target] of [
      ["/echoredirect", "/echo"],
      ["/EchoRedirect/negotiate?negotiateVersion=1&a=%20b", "/echo/negotiate?negotiateVersion=1&a=%20b"],
    ]) {
      const answer = await fetch(http + path, { method: "POST", redirect: "manual" });
      equal([answer.status, answer.headers.get("location")], [307, target]);
    }
  },

  async a_raw_web_socket_needs_no_negotiation(world) {
    const { connection, heard, end } = await raw(world, `${http}/echo`, CELLS[0], { skipNegotiation: true });
    await connection.send("straight");
    equal(await heard.next(), "straight");
    await connection.stop();
    equal(await end, null, "the end");
  },

  async an_empty_close_is_answered_with_1000() {
    const socket = new WebSocket(`${http.replace("http", "ws")}/echo`);
    await within(new Promise((done) => { socket.onopen = done; }), "open");
    const end = within(new Promise((done) => { socket.onclose = ({ code }) => done(code); }), "close");
    socket.close();
    equal(await end, 1000);
  },

  async an_escaped_path_is_no_way_around_the_token() {
    for (const path of ["/authorizedhub", "/Authorizedhub", "/authorized%48ub", "/%61uthorizedhub"]) {
      const answer = await fetch(`${http}${path}/negotiate`, { method: "POST" });
      equal([answer.status, await answer.text()], [401, ""], path);
    }
  },

  async a_bearer_may_be_spelled_in_lower_case() {
    const headers = { authorization: `bearer ${await token()}` };
    const answer = await fetch(`${http}/authorizedhub/negotiate`, { method: "POST", headers });
    equal(answer.status, 200);
  },

  async the_head_of_a_file_is_told_alone() {
    const answer = await fetch(`${http}/package.json`, { method: "HEAD" });
    equal([answer.status, answer.headers.get("content-type")], [200, "application/json"]);
    equal(answer.headers.get("content-length"), String(statSync(new URL("package.json", import.meta.url)).size));
  },

  async a_link_out_of_the_folder_is_no_file() {
    const link = new URL(`link-${process.pid}`, import.meta.url);
    symlinkSync(new URL("../Cargo.toml", import.meta.url), link);
    try {
      equal((await fetch(`${http}/link-${process.pid}`)).status, 404);
    } finally {
      unlinkSync(link);
    }
  },

  async files_are_those_below_the_folder() {
    // Without one, paths with escapes are refused before anything is looked for.
    const headers = { authorization: `Bearer ${await token()}` };
    for (const [path, status, type] of [
      ["/browser/cell.js", 200, "text/javascript; charset=utf-8"],
      ["/browser/index.html", 200, "text/html; charset=utf-8"],
      ["/package.json", 200, "application/json"],
      ["/browser/none.js", 404, null],
      ["/browser", 404, null],
      ["/%2e%2e/Cargo.toml", 404, null],
      ["/browser//package.json", 404, null],
      ["/..%2fCargo.toml", 404, null],
    ]) {
      const answer = await fetch(http + path, { headers });
      equal([answer.status, answer.headers.get("content-type")], [status, type], path);
      await answer.text();
    }
  },
};

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.on("unhandledRejection", (error) => {
  console.error("unhandled:", error);
  process.exitCode = 1;
});

if (https === "--list") {
  console.log(JSON.stringify(Object.keys(cases)));
} else {
  for (const [name, run] of Object.entries(cases)) {
    if (only && name !== only) continue;
    const world = new World(http);
    try {
      await within(run(world), "the case", 50_000);
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name}: ${error.stack}`);
      process.exitCode = 1;
    } finally {
      await world.end();
    }
  }
  process.exit();
}
