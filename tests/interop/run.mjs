// Runs the cases against a server.
//
//   node run.mjs --list                   the names, as a JSON array
//   node run.mjs URL [FILTER]             every case whose name contains the filter
//   node run.mjs URL --exact NAME         one case; what went wrong goes to standard error

import { readdirSync } from "node:fs";
import { World, within } from "./lib.mjs";

const LIMIT = 50_000;

async function load() {
  const cases = new Map();
  const folder = new URL("./cases/", import.meta.url);
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".mjs")).sort()) {
    for (const [name, run] of Object.entries(await import(new URL(file, folder)))) {
      cases.set(`${file.replace(/\.mjs$/, "")}::${name}`, run);
    }
  }
  return cases;
}

async function attempt(run, url) {
  const world = new World(url);
  try {
    await within(Promise.resolve(run(world)), "the case", LIMIT);
  } finally {
    await world.end();
  }
}

process.on("unhandledRejection", (error) => {
  console.error("unhandled:", error);
  process.exitCode = 1;
});

const [first, second, name] = process.argv.slice(2);
const cases = await load();
if (first === "--list") {
  console.log(JSON.stringify([...cases.keys()]));
} else if (!first || first.startsWith("-")) {
  console.error("usage: node run.mjs --list | URL [FILTER] | URL --exact NAME");
  process.exitCode = 2;
} else if (second === "--exact") {
  const run = cases.get(name);
  try {
    if (!run) throw new Error(`no case named ${name}`);
    await attempt(run, first);
  } catch (error) {
    console.error(error.stack);
    process.exitCode = 1;
  }
} else {
  for (const [name, run] of cases) {
    if (second && !name.includes(second)) continue;
    try {
      await attempt(run, first);
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}
if (first !== "--list") process.exit();
