//! Records of JSON: framing, decoding, payloads, and encoding what was decoded.

use hub_proto::{BindError, Decoded, Encoding, Message, Outcome, Payload, framing};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Takes `input` for a stream of JSON messages.
pub fn run(input: &[u8]) {
    let whole = records(&[input]);
    for split in super::splits(input) {
        assert_eq!(records(&split), whole, "records depend on the reads");
    }
    for body in &whole {
        record(body);
    }
    record(input);
}

/// The bodies of the records; the last one is what is left over.
fn records(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut records, mut buffer, mut searched) = (Vec::new(), Vec::new(), 0);
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        while let Some(record) = framing::text(&buffer, searched) {
            assert_eq!(record.size, record.body.len() + 1);
            records.push(record.body.to_vec());
            let size = record.size;
            buffer.drain(..size);
            searched = 0;
        }
        searched = buffer.len();
    }
    records.push(buffer);
    records
}

fn record(body: &[u8]) {
    let message = match Encoding::Json.decode(body) {
        Ok(Decoded::Message(message)) => message,
        Ok(Decoded::Skipped(kind)) => return assert!(!(1..=9).contains(&kind)),
        Err(error) => return assert!(!error.to_string().is_empty() && !error.kind().is_empty()),
    };
    let payload = payload_of(&message);
    if let Some((payload, is_list)) = payload {
        check(payload, is_list);
    }
    if payload.is_none_or(|(payload, _)| payload.check().is_ok()) {
        stable(message);
    }
}

/// The raw value in a message, and whether it is a list of arguments.
fn payload_of<'a>(message: &Message<'a>) -> Option<(Payload<'a>, bool)> {
    match message {
        Message::Invocation(call) => Some((call.arguments, true)),
        Message::StreamInvocation(call) => Some((call.arguments, true)),
        Message::StreamItem(item) => Some((item.item, false)),
        Message::Completion(completion) => match completion.outcome {
            Outcome::Result(result) => Some((result, false)),
            Outcome::Void | Outcome::Error(_) => None,
        },
        Message::CancelInvocation(_)
        | Message::Ping
        | Message::Close(_)
        | Message::Ack(_)
        | Message::Sequence(_) => None,
    }
}

/// `check` decides what is JSON, in agreement with serde_json, and every way to read a payload agrees with it.
fn check(payload: Payload<'_>, is_list: bool) {
    let is_json = payload.check().is_ok();
    let serde = serde_json::from_slice::<IgnoredAny>(payload.raw()).is_ok();
    if is_json {
        assert!(serde, "only we take it");
    } else if serde {
        // What it ignores, it does not read as text.
        let is_text = str::from_utf8(payload.raw()).is_ok();
        assert!(!is_text || nests_too_deep(payload.raw()), "only serde_json takes it");
    }

    let agrees = |error: Option<BindError>| {
        assert_eq!(error != Some(BindError::Syntax), is_json, "read as {error:?}");
    };
    agrees(payload.read::<Value>().err());
    agrees(payload.read::<IgnoredAny>().err());
    agrees(payload.read::<i32>().err());
    agrees(payload.read::<Option<String>>().err());
    if is_list {
        agrees(payload.bind::<()>().err());
        agrees(payload.bind::<(Value,)>().err());
        agrees(payload.bind::<(IgnoredAny, Value)>().err());
        agrees(payload.bind::<(i32, String, Vec<f64>)>().err());
    }
}

/// What is written reads as the same message, and is written the same again.
fn stable(mut message: Message<'_>) {
    // JSON cannot carry an empty error text.
    if let Message::Completion(completion) = &mut message
        && matches!(&completion.outcome, Outcome::Error(text) if text.is_empty())
    {
        completion.outcome = Outcome::Void;
    }
    let mut written = Vec::new();
    Encoding::Json.encode(&message, &mut written);
    let record = framing::text(&written, 0).expect("a whole record");
    assert_eq!(record.size, written.len(), "one record");
    let read = Encoding::Json.decode(record.body).expect("what we write, we can read");
    assert_eq!(read, Decoded::Message(message));
    let Decoded::Message(read) = read else { return };
    let mut again = Vec::new();
    Encoding::Json.encode(&read, &mut again);
    assert_eq!(again, written);
}

/// Whether brackets nest deeper than 63: the message around the value is the 64th.
fn nests_too_deep(raw: &[u8]) -> bool {
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
