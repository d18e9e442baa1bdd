//! What the tests of every value need, and what holds for all of them.

use std::fmt::Debug;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{BindError, Encoding, Payload};

pub(super) fn written<T: Serialize + ?Sized>(encoding: Encoding, value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    encoding.write(value, &mut out).expect("serializable");
    out
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8(written(Encoding::Json, value)).expect("UTF-8")
}

pub(super) fn packed<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    written(Encoding::MessagePack, value)
}

pub(super) fn read_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, BindError> {
    Payload::new(Encoding::Json, text.as_bytes()).read()
}

pub(super) fn read_packed<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, BindError> {
    Payload::new(Encoding::MessagePack, bytes).read()
}

/// Reads as every type; none of them may panic.
fn read_as_everything(encoding: Encoding, raw: &[u8]) {
    let payload = Payload::new(encoding, raw);
    payload.read::<ByteArray>().ok();
    payload.read::<Char>().ok();
    payload.read::<DateTime>().ok();
    payload.read::<DateTimeOffset>().ok();
    payload.read::<Decimal>().ok();
    payload.read::<Guid>().ok();
    payload.read::<TimeSpan>().ok();
    payload.read::<DotNet<Vec<Option<DateTime>>>>().ok();
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    assert_eq!(read_json::<T>(&json(value)).as_ref(), Ok(value));
    assert_eq!(read_packed::<T>(&packed(value)).as_ref(), Ok(value));
}

proptest! {
    #[test]
    fn no_text_makes_a_value_panic(text in "[-+0-9TZ:.eE]{0,40}", any in ".{0,20}") {
        for text in [text, any] {
            read_as_everything(Encoding::Json, json(&text).as_bytes());
            read_as_everything(Encoding::Json, text.as_bytes());
            read_as_everything(Encoding::MessagePack, &packed(&text));
        }
    }

    #[test]
    fn no_bytes_make_a_value_panic(
        head in prop::sample::select(vec![0x92, 0xC4, 0xC7, 0xCB, 0xD6, 0xD7]),
        rest in prop::collection::vec(any::<u8>(), 0..20),
        timestamp: [u8; 12],
    ) {
        read_as_everything(Encoding::MessagePack, &rest);
        read_as_everything(Encoding::MessagePack, &[&[head], &rest[..]].concat());
        read_as_everything(Encoding::MessagePack, &[&b"\xc7\x0c\xff"[..], &timestamp].concat());
        read_as_everything(Encoding::MessagePack, &[&b"\x92\xd6\xff"[..], &timestamp].concat());
    }

    #[test]
    fn every_value_comes_back_as_it_went(
        bytes: Vec<u8>,
        guid: [u8; 16],
        ticks: i64,
        seconds in -62_135_510_400_i64..253_402_214_400,
        nanos in 0_u32..1_000_000_000,
        minutes in -840_i16..=840,
        mantissa in -(1_i128 << 95)..1 << 95,
        scale in 0_u8..=28,
    ) {
        let time = DateTime::from_unix(seconds, nanos).expect("in range");
        comes_back(&time);
        comes_back(&DateTimeOffset::new(time, minutes).expect("in range"));
        comes_back(&ByteArray(bytes));
        comes_back(&Guid(guid));
        comes_back(&TimeSpan::from_ticks(ticks));
        comes_back(&Decimal::new(mantissa, scale).expect("in range"));
    }
}
