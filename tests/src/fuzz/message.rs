//! What holds for a message that anybody may have sent, in either encoding.

use hub_proto::{BindError, Decoded, Encoding, Message, Outcome, Payload};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::messages;

/// The message in a record, if there is one.
pub(super) fn decode(encoding: Encoding, body: &[u8]) -> Option<Message<'_>> {
    match encoding.decode(body) {
        Ok(Decoded::Message(message)) => {
            // U+FFFD, for one byte that is no text, has three.
            assert!(held(&message) <= 3 * body.len(), "more held than was sent");
            Some(message)
        }
        Ok(Decoded::Skipped(kind)) => {
            assert!(!(1..=9).contains(&kind));
            None
        }
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.kind().is_empty());
            assert!(error.exception().ends_with("Exception"));
            None
        }
    }
}

/// The bytes of all texts, and one for each text.
fn held(message: &Message<'_>) -> usize {
    let (headers, stream_ids) = match message {
        Message::Invocation(call) => (&call.headers, call.stream_ids.as_deref()),
        Message::StreamInvocation(call) => (&call.headers, call.stream_ids.as_deref()),
        Message::StreamItem(item) => (&item.headers, None),
        Message::Completion(completion) => (&completion.headers, None),
        Message::CancelInvocation(cancel) => (&cancel.headers, None),
        Message::Ping | Message::Close(_) | Message::Ack(_) | Message::Sequence(_) => return 0,
    };
    let headers = headers.iter().map(|(name, value)| name.len() + value.len() + 2);
    let ids = stream_ids.unwrap_or_default().iter().map(|id| id.len() + 1);
    headers.sum::<usize>() + ids.sum::<usize>()
}

/// The raw value in a message.
pub(super) fn payload_of<'a>(message: &Message<'a>) -> Option<Payload<'a>> {
    messages::payload(&mut message.clone()).copied()
}

/// Whether the raw value in a message is a list of arguments.
pub(super) const fn is_call(message: &Message<'_>) -> bool {
    matches!(message, Message::Invocation(_) | Message::StreamInvocation(_))
}

/// Every way to read a payload agrees with `check` about what is well-formed.
pub(super) fn agree(payload: Payload<'_>, is_list: bool) {
    let is_sound = payload.check().is_ok();
    let agrees = |error: Option<BindError>| match error {
        // Nobody looks into what is no list, or is not there at all.
        Some(BindError::NotAList) => assert_eq!(payload.encoding(), Encoding::MessagePack),
        Some(BindError::Shape) if payload.raw().is_empty() => {}
        error => assert_eq!(error != Some(BindError::Syntax), is_sound, "read as {error:?}"),
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

/// What is written reads as the same message, and is written the same again. Payloads must be sound.
pub(super) fn stable(encoding: Encoding, mut message: Message<'_>) {
    lose_what_it_cannot_carry(encoding, &mut message);
    let mut written = Vec::new();
    encoding.encode(&message, &mut written);
    let record = encoding.record(&written, 0).expect("a whole record");
    assert_eq!(record.size, written.len(), "one record");
    let read = encoding.decode(record.body).expect("what we write, we can read");
    assert_eq!(read, Decoded::Message(message));
    let Decoded::Message(read) = read else { return };
    let mut again = Vec::new();
    encoding.encode(&read, &mut again);
    assert_eq!(again, written);
}

/// Each encoding loses one empty text, as in ASP.NET Core.
fn lose_what_it_cannot_carry(encoding: Encoding, message: &mut Message<'_>) {
    match message {
        Message::Completion(completion) if encoding == Encoding::Json => {
            if matches!(&completion.outcome, Outcome::Error(text) if text.is_empty()) {
                completion.outcome = Outcome::Void;
            }
        }
        Message::Close(close) if encoding == Encoding::MessagePack => {
            close.error.take_if(|text| text.is_empty());
        }
        _ => {}
    }
}
