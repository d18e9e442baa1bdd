//! MessagePack beside rmp-serde.

use std::collections::BTreeMap;
use std::fmt;
use std::hint::black_box;

use hub_proto::{
    Arguments, Decoded, Encoding, Frame, FromArguments, Invocation, Message, Payload, framing,
    msgpack,
};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::inputs::{Item, items, text};
use super::{Case, case, time};
use crate::cases::Scale;
use crate::report::Row;

type Headers<'a> = BTreeMap<&'a str, &'a str>;

/// What rmp-serde is asked for where nobody knows the types: the elements of these messages, texts borrowed, and
/// payloads passed over.
#[expect(dead_code, reason = "it is read, not used")]
enum Envelope<'a> {
    Invocation(Headers<'a>, Option<&'a str>, &'a str, IgnoredAny, Option<Vec<&'a str>>),
    Completion(Headers<'a>, &'a str, u8, Option<IgnoredAny>),
    Ping,
}

impl<'a> Deserialize<'a> for Envelope<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements)
    }
}

struct Elements;

impl<'a> Visitor<'a> for Elements {
    type Value = Envelope<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Envelope<'a>, A::Error> {
        fn next<'a, T: Deserialize<'a>, A: SeqAccess<'a>>(list: &mut A) -> Result<T, A::Error> {
            list.next_element()?.ok_or_else(|| A::Error::custom("too short"))
        }
        Ok(match next::<i32, _>(&mut list)? {
            1 => Envelope::Invocation(
                next(&mut list)?,
                next(&mut list)?,
                next(&mut list)?,
                next(&mut list)?,
                list.next_element()?,
            ),
            3 => Envelope::Completion(
                next(&mut list)?,
                next(&mut list)?,
                next(&mut list)?,
                list.next_element()?,
            ),
            6 => Envelope::Ping,
            _ => return Err(A::Error::custom("another message")),
        })
    }
}

/// An invocation where the types of its arguments are known, as rmp-serde reads and writes it.
type Call<'a, A> = (i32, Headers<'a>, Option<&'a str>, &'a str, A, Vec<&'a str>);

/// An invocation with its length prefix.
fn call(arguments: &dyn Arguments) -> Vec<u8> {
    let mut out = Vec::new();
    msgpack::write_invocation(Some("17"), "SendMessage", arguments, &mut out)
        .expect("texts and numbers");
    out
}

/// A completion with an object.
fn completion() -> Vec<u8> {
    let object = items().swap_remove(0);
    Frame::result(Encoding::MessagePack, "17", &object)
        .expect("texts and numbers")
        .payload()
        .to_vec()
}

/// The floor of everything that reads records with a length in front.
fn floor<'a>(name: &'static str, wire: &'a [u8]) -> Case<'a> {
    let mut out = Vec::with_capacity(wire.len());
    case(name, None, move || {
        out.clear();
        out.extend_from_slice(record(wire));
        black_box(&out);
    })
}

/// The first record of `wire`.
fn record(wire: &[u8]) -> &[u8] {
    framing::binary(black_box(wire)).expect("a record").body
}

// What is read is looked at where it stands: moving a message costs as much as reading a part of it.

fn read<'a, T: Deserialize<'a>>(raw: &'a [u8]) {
    assert!(black_box(&rmp_serde::from_slice::<T>(raw)).is_ok());
}

fn decode(wire: &[u8]) {
    assert!(black_box(&Encoding::MessagePack.decode(record(wire))).is_ok());
}

fn decode_and_bind<'a, T: FromArguments<'a>>(wire: &'a [u8]) {
    match Encoding::MessagePack.decode(record(wire)) {
        Ok(Decoded::Message(Message::Invocation(call))) => {
            assert!(black_box(&call.arguments.bind::<T>()).is_ok());
        }
        other => unreachable!("{other:?}"),
    }
}

fn invocation(wire: &[u8]) -> Invocation<'_> {
    match Encoding::MessagePack.decode(record(wire)) {
        Ok(Decoded::Message(Message::Invocation(call))) => call,
        other => unreachable!("{other:?}"),
    }
}

/// The floor, the envelope with raw payloads, and rmp-serde's way to the same.
macro_rules! envelope {
    ($wire:expr, $name:literal) => {{
        let wire: &[u8] = $wire;
        let floor_name = concat!($name, ": length and copy");
        let ours = concat!($name, ": envelope");
        [
            floor(floor_name, wire),
            case(ours, Some(floor_name), || decode(wire)),
            case(concat!($name, ": rmp-serde, IgnoredAny"), Some(ours), || {
                read::<Envelope<'_>>(record(wire))
            }),
        ]
    }};
}

/// Envelopes whose payloads stay raw.
pub(super) fn envelopes(scale: Scale) -> Vec<Row> {
    let small = call(&("some user", "a text of some length"));
    let (text, nested, completion) = (call(&(text(),)), call(&(items(),)), completion());
    let ping = Frame::message(Encoding::MessagePack, &Message::Ping);
    let cases = [
        envelope!(&small, "MessagePack call"),
        envelope!(ping.payload(), "MessagePack ping"),
        envelope!(&completion, "MessagePack completion, object"),
        envelope!(&text, "MessagePack 4 KB text"),
        envelope!(&nested, "MessagePack 24 KB maps"),
    ];
    time(scale, cases.into_iter().flatten().collect())
}

/// The envelope with its arguments bound, and rmp-serde's typed tuple.
macro_rules! bound {
    ($wire:expr, $name:literal, $types:ty) => {{
        let wire: &[u8] = $wire;
        let ours = concat!($name, ": decode and bind");
        [
            case(ours, None, || decode_and_bind::<$types>(wire)),
            case(concat!($name, ": rmp-serde, whole tuple"), Some(ours), || {
                read::<Call<'_, $types>>(record(wire))
            }),
        ]
    }};
}

/// Envelopes with typed arguments.
pub(super) fn bound(scale: Scale) -> Vec<Row> {
    let small = call(&("some user", "a text of some length"));
    let (text, nested) = (call(&(text(),)), call(&(items(),)));
    let cases = [
        bound!(&small, "MessagePack call", (String, String)),
        bound!(&small, "MessagePack call, borrowed", (&str, &str)),
        bound!(&text, "MessagePack 4 KB text", (String,)),
        bound!(&nested, "MessagePack 24 KB maps", (Vec<Item>,)),
    ];
    time(scale, cases.into_iter().flatten().collect())
}

/// The grammar of a payload that nobody reads, and rmp-serde's way to pass over a value.
macro_rules! checked {
    ($wire:expr, $name:literal) => {{
        let raw = invocation($wire).arguments.raw();
        let ours = concat!($name, ": check");
        [
            case(ours, None, || {
                Payload::new(Encoding::MessagePack, black_box(raw)).check().expect("MessagePack");
            }),
            case(concat!($name, ": rmp-serde, IgnoredAny"), Some(ours), || {
                read::<IgnoredAny>(black_box(raw))
            }),
        ]
    }};
}

/// Payloads that nobody reads.
pub(super) fn checked(scale: Scale) -> Vec<Row> {
    let small = call(&("some user", "a text of some length"));
    let (text, nested) = (call(&(text(),)), call(&(items(),)));
    let cases = [
        checked!(&small, "MessagePack two texts"),
        checked!(&text, "MessagePack text of 4 KB"),
        checked!(&nested, "MessagePack maps of 24 KB"),
    ];
    time(scale, cases.into_iter().flatten().collect())
}

/// A copy of the finished bytes, our way to them, and rmp-serde's, which lacks the length in front; all into a buffer
/// that has room.
macro_rules! written {
    ($arguments:expr, $name:literal) => {{
        let arguments = $arguments;
        let finished = call(arguments);
        let (mut copy, mut ours, mut theirs) =
            (finished.clone(), finished.clone(), finished.clone());
        let (copied, written) = (concat!($name, ": copy"), concat!($name, ": write"));
        [
            case(copied, None, move || {
                copy.clear();
                copy.extend_from_slice(black_box(&finished));
                black_box(&copy);
            }),
            case(written, Some(copied), move || {
                ours.clear();
                let (target, arguments) = (black_box("SendMessage"), black_box(arguments));
                msgpack::write_invocation(black_box(Some("17")), target, arguments, &mut ours)
                    .expect("texts");
                black_box(&ours);
            }),
            case(concat!($name, ": rmp-serde, tuple"), Some(written), move || {
                theirs.clear();
                let (target, arguments) = (black_box("SendMessage"), black_box(arguments));
                let call: Call<'_, _> =
                    (1, Headers::new(), black_box(Some("17")), target, arguments, Vec::new());
                rmp_serde::encode::write_named(&mut theirs, &call).expect("texts");
                black_box(&theirs);
            }),
        ]
    }};
}

/// Invocations with typed arguments, into a buffer that is used again.
pub(super) fn written(scale: Scale) -> Vec<Row> {
    let (call, text, nested) = (("some user", "a text of some length"), (text(),), (items(),));
    let cases = [
        written!(&call, "MessagePack: write a call"),
        written!(&text, "MessagePack: write 4 KB text"),
        written!(&nested, "MessagePack: write 24 KB maps"),
    ];
    let written = "MessagePack: write a call: write";
    let frame = case("MessagePack: write a call: a new frame", Some(written), || {
        let (target, arguments) = (black_box("SendMessage"), black_box(&call));
        black_box(
            Frame::invocation(Encoding::MessagePack, None, target, arguments).expect("texts"),
        );
    });
    time(scale, cases.into_iter().flatten().chain([frame]).collect())
}
