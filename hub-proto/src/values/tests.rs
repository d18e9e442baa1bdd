//! What the tests of every value need.

use serde::{Deserialize, Serialize};

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
