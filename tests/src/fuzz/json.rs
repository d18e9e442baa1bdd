//! Records of JSON: framing, decoding, payloads, and encoding what was decoded.

use hub_proto::{Encoding, Payload};
use serde::de::IgnoredAny;

use super::message::{agree, decode, is_call, payload_of, stable};
use super::records;

/// Takes `input` for a stream of JSON messages.
pub fn run(input: &[u8]) {
    let read = records::in_any_split(Encoding::Json, input);
    read.bodies.iter().for_each(|body| record(body));
    record(&read.rest);
    record(input);
}

fn record(body: &[u8]) {
    let Some(message) = decode(Encoding::Json, body) else { return };
    let payload = payload_of(&message);
    if let Some(payload) = payload {
        check(payload);
        agree(payload, is_call(&message));
    }
    if payload.is_none_or(|payload| payload.check().is_ok()) {
        stable(Encoding::Json, message);
    }
}

/// `check` decides what is JSON, in agreement with serde_json.
fn check(payload: Payload<'_>) {
    let serde = serde_json::from_slice::<IgnoredAny>(payload.raw()).is_ok();
    if payload.check().is_ok() {
        assert!(serde, "only we take it");
    } else if serde {
        // What it ignores, it does not read as text.
        let is_text = str::from_utf8(payload.raw()).is_ok();
        assert!(!is_text || nests_too_deep(payload.raw()), "only serde_json takes it");
    }
}

/// Whether brackets nest deeper than 63: the message around the value is the 64th.
pub(super) fn nests_too_deep(raw: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_u32, false, false);
    for byte in raw {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 63 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_differences_are_recognized() {
        let deep = |depth| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(nests_too_deep(&deep(64)) && !nests_too_deep(&deep(63)));
        assert!(!nests_too_deep(&[b"\"", &*vec![b'['; 99], b"\""].concat()));
    }
}
