import { equal, ok, sleep, unique, within } from "../lib.mjs";
import { END, HANDSHAKE, Raw, frame, record, upgraded } from "../raw.mjs";

const CLOSED = { type: 7, error: "Connection closed with an error.", allowReconnect: true };
const CANCELED = { error: "Handshake was canceled." };
const UNEXPECTED = { error: "An unexpected error occurred during connection handshake." };

async function refused(world, bytes, answer, path) {
  const raw = await Raw.open(world, path);
  raw.send(bytes);
  equal(await raw.next("the answer"), answer, "answer");
  equal((await raw.end()).code, 1000, "close code");
  equal(raw.heard.seen.length, 1, "messages");
}

async function fatal(world, bytes, options) {
  const raw = await Raw.greeted(world);
  raw.send(bytes, options);
  equal(await raw.next("the Close"), CLOSED, "Close");
  equal((await raw.end()).code, 1000, "close code");
}

async function answers(raw, id = "1") {
  raw.invoke(id, "Add", 2, 3);
  equal(await raw.next("the completion"), { type: 3, invocationId: id, result: 5 }, "completion");
}

export const garbage_instead_of_a_handshake = (world) => refused(world, `hello${END}`, UNEXPECTED);
export const an_array_instead_of_a_handshake = (world) => refused(world, `[]${END}`, UNEXPECTED);
export const an_empty_handshake = (world) => refused(world, END, UNEXPECTED);
export const a_handshake_without_a_version = (world) => refused(world, record({ protocol: "json" }), UNEXPECTED);
export const an_invocation_instead_of_a_handshake = (world) =>
  refused(world, record({ type: 1, target: "Nothing", arguments: [] }), UNEXPECTED);

export const an_unknown_protocol = (world) =>
  refused(world, record({ protocol: "carrier pigeon", version: 1 }), { error: "The protocol 'carrier pigeon' is not supported." });

export const an_unknown_version = (world) =>
  refused(world, record({ protocol: "json", version: 99 }), { error: "The server does not support version 99 of the 'json' protocol." });

export const an_endless_handshake = (world) => refused(world, "x".repeat(33_000), CANCELED);

// On this hub a handshake has 500 ms.
export async function a_slow_handshake(world) {
  const started = Date.now();
  const raw = await Raw.open(world, "/short");
  raw.send(HANDSHAKE.slice(0, 10));
  equal(await raw.next("the answer"), CANCELED, "answer");
  const took = Date.now() - started;
  ok(took >= 400 && took < 3000, `refused after ${took} ms`);
  equal((await raw.end()).code, 1000, "close code");
}

export async function a_handshake_with_more_in_it(world) {
  const raw = await Raw.open(world);
  raw.send(record({ extra: { nested: [1] }, version: 1, protocol: "JSON" }));
  equal(await raw.next(), {});
  await answers(raw);
}

export async function handshake_and_invocation_in_one_frame(world) {
  const raw = await Raw.open(world);
  raw.send(HANDSHAKE + record({ type: 1, invocationId: "a", target: "Add", arguments: [1, 2] }));
  equal(await raw.next(), {});
  equal(await raw.next(), { type: 3, invocationId: "a", result: 3 });
}

export async function handshake_right_behind_the_upgrade(world) {
  const bytes = frame(HANDSHAKE + record({ type: 1, invocationId: "a", target: "Add", arguments: [1, 2] }));
  const peer = await upgraded(world, "/hub", bytes);
  await peer.until(`{}${END}`);
  await peer.until('"result":3');
}

export async function one_byte_per_frame(world) {
  const raw = await Raw.open(world);
  for (const byte of HANDSHAKE) raw.send(byte);
  equal(await raw.next(), {});
  for (const byte of record({ type: 1, invocationId: "a", target: "Echo", arguments: ["slow"] })) raw.send(byte);
  equal(await raw.next(), { type: 3, invocationId: "a", result: "slow" });
}

export async function frames_in_single_bytes(world) {
  const peer = await upgraded(world);
  for (const byte of Buffer.concat([frame(HANDSHAKE), frame(record({ type: 1, invocationId: "a", target: "Add", arguments: [1, 2] }))])) {
    peer.tcp.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await peer.until('"result":3');
}

export async function half_a_frame_then_the_rest(world) {
  const peer = await upgraded(world);
  const bytes = frame(HANDSHAKE);
  peer.tcp.write(bytes.subarray(0, 20));
  await sleep(100);
  peer.tcp.write(bytes.subarray(20));
  await peer.until(`{}${END}`);
}

export async function a_message_in_fragments(world) {
  const raw = await Raw.greeted(world);
  const bytes = Buffer.from(record({ type: 1, invocationId: "ü", target: "Echo", arguments: ["Grüße"] }));
  for (let at = 0; at < bytes.length; at++) raw.send(bytes.subarray(at, at + 1), { fin: at === bytes.length - 1 });
  equal(await raw.next(), { type: 3, invocationId: "ü", result: "Grüße" });
}

export async function a_ping_between_fragments(world) {
  const raw = await Raw.greeted(world);
  const pong = within(new Promise((done) => raw.socket.once("pong", (data) => done(String(data)))), "pong");
  const text = record({ type: 1, invocationId: "1", target: "Add", arguments: [1, 2] });
  raw.send(text.slice(0, 10), { fin: false });
  raw.socket.ping("between");
  equal(await pong, "between", "pong");
  raw.send(text.slice(10), { fin: true });
  equal(await raw.next(), { type: 3, invocationId: "1", result: 3 });
}

export async function binary_frames_are_as_good(world) {
  const raw = await Raw.open(world);
  raw.send(Buffer.from(HANDSHAKE), { binary: true });
  equal(await raw.next(), {});
  raw.send(Buffer.from(record({ type: 1, invocationId: "1", target: "Add", arguments: [1, 2] })), { binary: true });
  equal(await raw.next(), { type: 3, invocationId: "1", result: 3 });
  equal(raw.frames.map(({ binary }) => binary), [false, false], "binary answers");
}

export async function keys_in_any_order(world) {
  const raw = await Raw.greeted(world);
  raw.send(`{"extra":{"type":9},"arguments":[2, 3],"headers":{"a":"b"},"target":"Add","invocationId":"x","type":1}${END}`);
  equal(await raw.next(), { type: 3, invocationId: "x", result: 5 });
  raw.send(` { "type" : 1 , "t\\u0061rget" : "Add", "invocationId":"y", "arguments" : [ 2 , 3 ] } ${END}`);
  equal(await raw.next(), { type: 3, invocationId: "y", result: 5 });
}

export async function unknown_types_and_ids_are_passed_over(world) {
  const raw = await Raw.greeted(world);
  raw.send(record({ type: 99 }) + record({ type: 6 }) + record({ type: 5, invocationId: "none" }) +
    record({ type: 3, invocationId: "none", result: 1 }) + record({ type: 2, invocationId: "none", item: 1 }));
  await answers(raw);
}

export async function an_empty_invocation_id_wants_no_answer(world) {
  const raw = await Raw.greeted(world);
  raw.send(record({ type: 1, invocationId: "", target: "Add", arguments: [1, 2] }));
  await answers(raw);
}

export const malformed_json = (world) => fatal(world, `{"type":1,${END}`);
export const malformed_json_inside_arguments = (world) =>
  fatal(world, `{"type":1,"invocationId":"1","target":"Echo","arguments":[tru]}${END}`);
export const malformed_json_inside_arguments_of_an_unknown_method = (world) =>
  fatal(world, `{"type":1,"invocationId":"1","target":"NoSuch","arguments":[01]}${END}`);
export const an_empty_record = (world) => fatal(world, END);
export const an_array_as_a_message = (world) => fatal(world, `[]${END}`);
export const a_message_without_a_type = (world) => fatal(world, `{"target":"Add"}${END}`);
export const an_invocation_without_a_target = (world) => fatal(world, record({ type: 1, arguments: [] }));
export const a_null_invocation_id = (world) =>
  fatal(world, record({ type: 1, invocationId: null, target: "Nothing", arguments: [] }));
export const bytes_that_are_not_utf8 = (world) =>
  fatal(world, Buffer.concat([Buffer.from('{"type":1,"target":"Echo","invocationId":"1","arguments":["'), Buffer.from([0xff, 0xfe]),
    Buffer.from(`"]}${END}`)]), { binary: true });
export const deep_nesting = (world) => fatal(world, `{"type":1,"target":"Echo","invocationId":"1","arguments":${"[".repeat(9000)}`
  + `${"]".repeat(9000)}}${END}`);

export async function too_large_a_message(world) {
  await fatal(world, "x".repeat(33_000));
  await fatal(world, record({ type: 1, invocationId: "1", target: "Echo", arguments: ["x".repeat(40_000)] }));
}

export async function many_messages_in_one_large_frame(world) {
  const raw = await Raw.greeted(world);
  const one = (n) => record({ type: 1, invocationId: String(n), target: "Echo", arguments: ["x".repeat(1000)] });
  raw.send(Array.from({ length: 100 }, (_, n) => one(n)).join(""));
  for (let n = 0; n < 100; n++) equal((await raw.next()).invocationId, String(n), "id");
}

export async function earlier_messages_are_answered_before_a_malformed_one(world) {
  const raw = await Raw.greeted(world);
  raw.send(record({ type: 1, invocationId: "1", target: "Add", arguments: [1, 2] }) + `{]${END}`);
  const first = await raw.next();
  if (first.type === 3) equal(await raw.next(), CLOSED, "Close");
  else equal(first, CLOSED, "Close");
}

export async function a_close_message_is_the_last_one(world) {
  const raw = await Raw.greeted(world);
  const key = unique("after");
  raw.send(record({ type: 7 }) + record({ type: 1, invocationId: "1", target: "Note", arguments: [key] }));
  equal((await raw.end()).code, 1000, "close code");
  ok(raw.heard.seen.every(({ type }) => type !== 3), "an answer after Close");
  const hub = await world.connect();
  equal(await hub.invoke("NotedNow", key), false, "noted");
}

export async function an_empty_close_is_answered_with_1000(world) {
  const raw = await Raw.greeted(world);
  raw.socket.close();
  equal(await raw.end(), { code: 1000, reason: "" });
}

export async function a_close_before_the_handshake(world) {
  const raw = await Raw.open(world);
  raw.socket.close();
  equal((await raw.end()).code, 1000, "close code");
}

async function violation(world, bytes) {
  const peer = await upgraded(world);
  peer.tcp.write(frame(HANDSHAKE));
  await peer.until(`{}${END}`);
  peer.tcp.write(bytes);
  equal((await peer.frame(8)).readUInt16BE(0), 1002, "close code");
  await within(peer.ended, "the end of the connection");
}

export const an_unmasked_frame = (world) => violation(world, frame(record({ type: 6 }), { masked: false }));
export const a_reserved_bit = (world) => violation(world, frame(record({ type: 6 }), { rsv: 0x40 }));
export const a_reserved_opcode = (world) => violation(world, frame("x", { opcode: 3 }));
export const a_continuation_of_nothing = (world) => violation(world, frame("x", { opcode: 0 }));
export const a_fragmented_ping = (world) => violation(world, frame("x", { opcode: 9, fin: false }));
export const a_long_ping = (world) => violation(world, frame("x".repeat(126), { opcode: 9 }));

export async function a_frame_of_a_petabyte(world) {
  const raw = await upgraded(world);
  raw.tcp.write(frame(HANDSHAKE));
  await raw.until(`{}${END}`);
  raw.tcp.write(Buffer.concat([Buffer.from([0x81, 0xff, 0, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), Buffer.alloc(40_000, 0x41)]));
  await within(raw.ended, "the end of the connection");
}

export async function answers_are_whole_messages(world) {
  const raw = await Raw.greeted(world);
  for (let n = 0; n < 50; n++) raw.invoke(String(n), "Repeat", 5000);
  for (let n = 0; n < 50; n++) equal((await raw.next()).invocationId, String(n), "id");
  ok(raw.heard.seen.every((message) => !message.incomplete), "a message in two frames");
}
