// Tries every feature of one client over one transport in one encoding:
//
//   node matrix.mjs CLIENT TRANSPORT PROTOCOL URL COOKIES FILE [FEATURE]
//
// COOKIES is the URL of matrix/cookies.mjs. FILE gets the results: `pass`, `fail` with the error,
// or `cannot` with the reason why the client does not have the feature.

import { readFileSync, writeFileSync } from "node:fs";
import { within } from "./assert.mjs";
import { Cannot, Cell } from "./matrix/clients.mjs";
import calls from "./matrix/calls.mjs";
import life from "./matrix/life.mjs";
import requests from "./matrix/requests.mjs";
import sizes from "./matrix/sizes.mjs";
import streams from "./matrix/streams.mjs";
import targets from "./matrix/targets.mjs";
import values from "./matrix/values.mjs";

const LIMIT = 15_000;

const [client, transport, protocol, url, cookies, file, only] = process.argv.slice(2);
const names = Object.keys(JSON.parse(readFileSync(new URL("./matrix/features.json", import.meta.url))));
const attempts = { ...calls, ...life, ...requests, ...sizes, ...streams, ...targets, ...values };

let unhandled = [];
process.on("unhandledRejection", (error) => unhandled.push(`unhandled: ${error?.message ?? error}`));
process.on("uncaughtException", (error) => unhandled.push(`uncaught: ${error?.message ?? error}`));

async function attempt(cell, run) {
  unhandled = [];
  try {
    const note = await within(run(cell), "the feature", LIMIT);
    await cell.end();
    return unhandled.length ? { result: "fail", note: unhandled.join("; ") } : { result: "pass", note };
  } catch (error) {
    await cell.end();
    return { result: error instanceof Cannot ? "cannot" : "fail", note: error.message };
  }
}

const cell = new Cell(client, transport, protocol, url, cookies);
const features = {};
for (const name of names) {
  if (!only || name === only) features[name] = await attempt(cell, attempts[name]);
}
writeFileSync(file, `${JSON.stringify({ client, transport, protocol, versions: cell.versions, features }, null, 2)}\n`);
process.exit();
