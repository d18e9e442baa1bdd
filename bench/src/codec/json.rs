//! JSON beside serde_json.

use std::collections::BTreeMap;
use std::hint::black_box;

use hub_proto::{
    Arguments, Decoded, Encoding, Frame, FromArguments, Invocation, Message, Payload, framing, json,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::inputs::{COMPLETION, DOTNET, Item, JAVASCRIPT, PING, call, items, text};
use super::{case, floor, time};
use crate::cases::Scale;
use crate::report::Row;

/// What serde_json is asked for: every property; texts, which therefore hold no escapes, and payloads borrowed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "A: Deserialize<'de>"))]
#[expect(dead_code, reason = "it is read, not used")]
struct Envelope<'a, A> {
    r#type: i32,
    invocation_id: Option<&'a str>,
    target: Option<&'a str>,
    error: Option<&'a str>,
    arguments: Option<A>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    stream_ids: Option<Vec<&'a str>>,
    headers: Option<BTreeMap<&'a str, &'a str>>,
    allow_reconnect: Option<bool>,
    sequence_id: Option<i64>,
}

/// What serde_json writes: no more than the message has.
#[derive(Serialize)]
struct Call<'a, A> {
    r#type: i32,
    target: &'a str,
    arguments: A,
}

/// Arguments as they stand in a message.
fn list(arguments: &dyn Arguments) -> String {
    let mut out = Vec::new();
    arguments.write(Encoding::Json, &mut out).expect("texts and numbers");
    String::from_utf8(out).expect("JSON is text")
}

/// The first record of `wire`.
fn record(wire: &[u8]) -> &[u8] {
    framing::text(black_box(wire), 0).expect("a record").body
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> T {
    serde_json::from_slice(json).expect("a message")
}

fn invocation(wire: &[u8]) -> Invocation<'_> {
    match Encoding::Json.decode(record(wire)) {
        Ok(Decoded::Message(Message::Invocation(call))) => call,
        other => unreachable!("{other:?}"),
    }
}

/// The floor, the envelope with raw payloads, and serde_json's way to the same.
macro_rules! envelope {
    ($wire:expr, $name:literal) => {{
        let wire: &[u8] = $wire;
        [
            floor(concat!($name, ": memchr and copy"), wire),
            case(concat!($name, ": envelope"), Some(concat!($name, ": memchr and copy")), || {
                black_box(Encoding::Json.decode(record(wire)).expect("a message"));
            }),
            case(
                concat!($name, ": serde_json, RawValue"),
                Some(concat!($name, ": envelope")),
                || {
                    black_box(read::<Envelope<'_, &RawValue>>(record(wire)));
                },
            ),
        ]
    }};
}

/// Envelopes whose payloads stay raw.
pub(super) fn decode(scale: Scale) -> Vec<Row> {
    let text = call(&list(&(text(),)));
    let nested = call(&list(&(items(),)));
    let cases = [
        envelope!(DOTNET, "call, .NET"),
        envelope!(JAVASCRIPT, "call, JavaScript"),
        envelope!(PING, "ping"),
        envelope!(COMPLETION, "completion, object"),
        envelope!(&text, "4 KB text"),
        envelope!(&nested, "33 KB objects"),
    ];
    time(scale, cases.into_iter().flatten().collect())
}

/// The envelope with its arguments bound, and serde_json's typed struct.
macro_rules! bound {
    ($wire:expr, $name:literal, $types:ty) => {{
        let wire: &[u8] = $wire;
        [
            case(concat!($name, ": decode and bind"), None, || {
                decode_and_bind::<$types>(wire);
            }),
            case(
                concat!($name, ": serde_json, one pass"),
                Some(concat!($name, ": decode and bind")),
                || {
                    black_box(read::<Envelope<'_, $types>>(record(wire)));
                },
            ),
        ]
    }};
}

fn decode_and_bind<'a, T: FromArguments<'a>>(wire: &'a [u8]) {
    black_box(invocation(wire).arguments.bind::<T>().expect("arguments"));
}

/// Envelopes with typed arguments.
pub(super) fn bind(scale: Scale) -> Vec<Row> {
    let text = call(&list(&(text(),)));
    let nested = call(&list(&(items(),)));
    let cases = [
        bound!(DOTNET, "call, .NET", (String, String)),
        bound!(JAVASCRIPT, "call, JavaScript", (String, String)),
        bound!(&text, "4 KB text", (String,)),
        bound!(&nested, "33 KB objects", (Vec<Item>,)),
    ];
    time(scale, cases.into_iter().flatten().collect())
}

/// The grammar of a payload that nobody reads, and serde_json's way to pass over a value.
macro_rules! checked {
    ($raw:expr, $name:literal) => {{
        let raw: &[u8] = $raw;
        [
            case(concat!($name, ": check"), None, || {
                Payload::new(Encoding::Json, black_box(raw)).check().expect("JSON");
            }),
            case(
                concat!($name, ": serde_json, IgnoredAny"),
                Some(concat!($name, ": check")),
                || {
                    black_box(read::<IgnoredAny>(black_box(raw)));
                },
            ),
        ]
    }};
}

/// Payloads that nobody reads.
pub(super) fn check(scale: Scale) -> Vec<Row> {
    let (small, text, nested) =
        (list(&("some user", "a text of some length")), list(&(text(),)), list(&(items(),)));
    let cases = [
        checked!(small.as_bytes(), "two texts"),
        checked!(text.as_bytes(), "text of 4 KB"),
        checked!(nested.as_bytes(), "objects of 33 KB"),
    ];
    time(scale, cases.into_iter().flatten().collect())
}

/// A copy of the finished bytes, our way to them, and serde_json's, all into a buffer that has room.
macro_rules! written {
    ($arguments:expr, $name:literal) => {{
        let arguments = $arguments;
        let mut finished = Vec::new();
        json::write_invocation(None, "SendMessage", arguments, &mut finished).expect("texts");
        let (mut copy, mut ours, mut theirs) =
            (finished.clone(), finished.clone(), finished.clone());
        [
            case(concat!($name, ": copy"), None, move || {
                copy.clear();
                copy.extend_from_slice(black_box(&finished));
                black_box(&copy);
            }),
            case(concat!($name, ": write"), Some(concat!($name, ": copy")), move || {
                ours.clear();
                json::write_invocation(
                    None,
                    black_box("SendMessage"),
                    black_box(arguments),
                    &mut ours,
                )
                .expect("texts");
                black_box(&ours);
            }),
            case(
                concat!($name, ": serde_json, struct"),
                Some(concat!($name, ": write")),
                move || {
                    theirs.clear();
                    let (target, arguments) = (black_box("SendMessage"), black_box(arguments));
                    let call = Call { r#type: 1, target, arguments };
                    serde_json::to_writer(&mut theirs, &call).expect("texts");
                    theirs.push(framing::SEPARATOR);
                    black_box(&theirs);
                },
            ),
        ]
    }};
}

/// Invocations with typed arguments, into a buffer that is used again.
pub(super) fn write(scale: Scale) -> Vec<Row> {
    let (call, text, nested) = (("some user", "a text of some length"), (text(),), (items(),));
    let cases = [
        written!(&call, "write a call"),
        written!(&text, "write 4 KB text"),
        written!(&nested, "write 33 KB objects"),
    ];
    let frame = case("write a call: a new frame", Some("write a call: write"), || {
        let (target, arguments) = (black_box("SendMessage"), black_box(&call));
        black_box(Frame::invocation(Encoding::Json, None, target, arguments).expect("texts"));
    });
    time(scale, cases.into_iter().flatten().chain([frame]).collect())
}
