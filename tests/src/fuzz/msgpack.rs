//! Records of MessagePack: framing, decoding, payloads, and encoding what was decoded.

use hub_proto::Encoding;

use super::message::{agree, decode, is_call, payload_of, stable};
use super::records;

/// Takes `input` for a stream of MessagePack messages, and for the body of one.
pub fn run(input: &[u8]) {
    let read = records::in_any_split(Encoding::MessagePack, input);
    read.bodies.iter().for_each(|body| record(body));
    record(input);
}

fn record(body: &[u8]) {
    let Some(message) = decode(Encoding::MessagePack, body) else { return };
    let payload = payload_of(&message);
    if let Some(payload) = payload {
        assert!(body.ends_with(payload.raw()) || payload.check().is_ok(), "cut in the middle");
        agree(payload, is_call(&message));
    }
    // Arguments that are no list fail their own call, and cannot be written again.
    let is_sound = payload.is_none_or(|payload| {
        payload.check().is_ok() && (!is_call(&message) || payload.elements().is_ok())
    });
    if is_sound {
        stable(Encoding::MessagePack, message);
    }
}
