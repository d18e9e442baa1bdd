// The JavaScript client in a real browser, on a page of another origin than the hub, against the conformance example.
//
//   node conformance_page.mjs --list                             the names, as a JSON array
//   node conformance_page.mjs HTTPS HTTP CHROMIUM [NAME]         one case, or all; the example serves this folder

import { chromium } from "playwright-core";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { equal, ok, within } from "./lib.mjs";

const [https, http, browserPath, only] = process.argv.slice(2);

const TRANSPORTS = { web_sockets: "WebSockets", server_sent_events: "ServerSentEvents", long_polling: "LongPolling" };

// What the page has asked the server for: its method, path and query, and how the browser calls the kind of request.
function requests(page) {
  const seen = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    seen.push({ method: request.method(), url, type: request.resourceType() });
  });
  page.on("websocket", (socket) => seen.push({ method: "GET", url: new URL(socket.url()), type: "websocket" }));
  return seen;
}

async function open(browser, origin) {
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  const seen = requests(page);
  await page.goto(`${origin}/browser/index.html`);
  return { page, problems, seen };
}

const inWindow = (page, settings) => page.evaluate((settings) => check(settings), settings);

const inWorker = (page, settings) => page.evaluate((settings) => new Promise((done, fail) => {
  const worker = new Worker("worker.js");
  worker.onmessage = ({ data }) => data.error ? fail(new Error(data.error)) : done(data.result);
  worker.onerror = (event) => fail(new Error(event.message));
  worker.postMessage(settings);
}), settings);

// From a page without TLS to a hub with it: another origin, and another site too.
const across = (run, transport, where) => async (browser) => {
  for (const client of ["fetch", "XMLHttpRequest"]) {
    const { page, problems, seen } = await open(browser, http);
    const messages = transport === "ServerSentEvents" ? 2 : 4;
    equal(await within(run(page, { hub: https, transport, client }), client, 30_000), { messages }, client);
    equal(problems, [], "problems of the page");
    // What a worker asks for is not told in time, and not always.
    if (where === "window") shows(seen, transport, client);
    await page.close();
  }
};

function shows(seen, transport, client) {
  const asked = seen.filter(({ url }) => url.host === new URL(https).host);
  const type = { WebSockets: "websocket", ServerSentEvents: "eventsource" }[transport];
  const tokens = asked.filter(({ url }) => url.pathname === "/authorizedhub" && url.searchParams.has("access_token"));
  if (transport === "LongPolling") equal(tokens.length, 0, "tokens in the query");
  else equal(tokens.map((one) => one.type), [type], "tokens in the query");
  const negotiations = asked.filter(({ url }) => url.pathname.endsWith("/negotiate") && !url.searchParams.has("access_token"));
  const sent = negotiations.filter(({ method }) => method === "POST").map((one) => one.type);
  ok(sent.length > 0 && sent.every((one) => one === (client === "fetch" ? "fetch" : "xhr")), `requests by ${client}: ${sent}`);
}

const cases = {};
for (const [name, transport] of Object.entries(TRANSPORTS)) {
  cases[`${name}_in_a_window_of_another_origin`] = across(inWindow, transport, "window");
  cases[`${name}_in_a_worker_of_another_origin`] = across(inWorker, transport, "worker");
}

// A profile with Chromium's own choice about cookies of other sites, where a new one without a window takes none.
async function profile() {
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  await mkdir(join(folder, "Default"));
  const preferences = { profile: { cookie_controls_mode: 0 } };
  await writeFile(join(folder, "Default", "Preferences"), JSON.stringify(preferences));
  return folder;
}

if (https === "--list") {
  console.log(JSON.stringify(Object.keys(cases)));
} else {
  const folder = await profile();
  const browser = await chromium.launchPersistentContext(folder, {
    ignoreHTTPSErrors: true,
    executablePath: browserPath,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  for (const [name, run] of Object.entries(cases)) {
    if (only && name !== only) continue;
    try {
      await within(run(browser), "the case", 55_000);
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name}: ${error.stack}`);
      process.exitCode = 1;
    }
  }
  await browser.close();
  await rm(folder, { recursive: true, force: true });
  process.exit();
}
