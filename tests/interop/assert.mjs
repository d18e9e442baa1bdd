// Assertions that say what was seen, and waits that end.

import { randomUUID } from "node:crypto";
import { isDeepStrictEqual, inspect } from "node:util";

// How hubs name the failures of a method.
export const FAILED = (target) => `Failed to invoke '${target}' due to an error on the server.`;
export const BROKE = (target) => `An unexpected error occurred invoking '${target}' on the server.`;

const show = (value) => inspect(value, { depth: 6, breakLength: Infinity, maxStringLength: 300 });

export function equal(actual, expected, what = "value") {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
  }
}

export function ok(condition, what) {
  if (!condition) throw new Error(what);
}

// Waits for the promise to be rejected and compares the text, or a part of it given as a RegExp.
export async function rejects(promise, text) {
  const error = await promise.then(
    (value) => { throw new Error(`expected an error, got ${show(value)}`); },
    (error) => error,
  );
  const fits = text instanceof RegExp ? text.test(error.message) : error.message === text;
  ok(fits, `expected the error ${show(text)}, got ${show(error.message)}`);
  return error;
}

export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// A promise that fails by itself, saying what did not happen.
export function within(promise, what, milliseconds = 10_000) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what}: not within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Names that no other case uses: the server is shared.
export const unique = (prefix) => `${prefix}-${randomUUID().slice(0, 8)}`;

// What happened to a connection, in order; `next()` waits for the next one.
export class Record {
  seen = [];
  #waiting = [];
  #read = 0;

  push(entry) {
    this.seen.push(entry);
    while (this.#waiting.length && this.#read < this.seen.length) this.#waiting.shift()(this.seen[this.#read++]);
  }

  next(what = "an event", milliseconds) {
    if (this.#read < this.seen.length) return Promise.resolve(this.seen[this.#read++]);
    return within(new Promise((done) => this.#waiting.push(done)), what, milliseconds);
  }
}
