//! Writing messages in the bytes that ASP.NET Core writes.

use std::borrow::Cow;

use super::escape::{escape, string};
use super::value::write_value;
use crate::framing::SEPARATOR;
use crate::message::{Close, Headers, Message, Outcome};
use crate::{Arguments, EncodeError, Encoding};

/// Appends one message and the separator: no white space, canonical order, no null members.
///
/// Raw payloads are written as they are and must be well-formed.
pub fn encode(message: &Message<'_>, out: &mut Vec<u8>) {
    match message {
        Message::Invocation(call) => {
            start(out, b'1', &call.headers, call.id.as_deref().unwrap_or_default());
            call_body(out, &call.target, call.arguments.raw(), call.stream_ids.as_deref());
        }
        Message::StreamInvocation(call) => {
            start(out, b'4', &call.headers, &call.id);
            call_body(out, &call.target, call.arguments.raw(), call.stream_ids.as_deref());
        }
        Message::StreamItem(item) => {
            start(out, b'2', &item.headers, &item.id);
            out.extend_from_slice(b",\"item\":");
            out.extend_from_slice(item.item.raw());
        }
        Message::Completion(completion) => {
            start(out, b'3', &completion.headers, &completion.id);
            match &completion.outcome {
                Outcome::Error(error) if !error.is_empty() => member(out, ",\"error\":", error),
                Outcome::Void | Outcome::Error(_) => {}
                Outcome::Result(result) => {
                    out.extend_from_slice(b",\"result\":");
                    out.extend_from_slice(result.raw());
                }
            }
        }
        Message::CancelInvocation(cancel) => start(out, b'5', &cancel.headers, &cancel.id),
        Message::Ping => out.extend_from_slice(b"{\"type\":6"),
        Message::Close(close) => close_body(out, close),
        Message::Ack(number) => sequence(out, b'8', *number),
        Message::Sequence(number) => sequence(out, b'9', *number),
    }
    out.extend_from_slice(&[b'}', SEPARATOR]);
}

/// Appends an invocation whose arguments are typed values, and the separator.
///
/// # Errors
/// A value that its `Serialize` refuses to write; what was appended until then stays.
pub fn write_invocation(
    id: Option<&str>,
    target: &str,
    arguments: &dyn Arguments,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    // In as few pieces as there can be: to add a short one costs about as much as to copy it.
    match id.unwrap_or_default() {
        "" => out.extend_from_slice(b"{\"type\":1,\"target\":\""),
        id => {
            out.extend_from_slice(b"{\"type\":1,\"invocationId\":\"");
            escape(out, id);
            out.extend_from_slice(b"\",\"target\":\"");
        }
    }
    escape(out, target);
    out.extend_from_slice(b"\",\"arguments\":");
    arguments.write(Encoding::Json, out)?;
    out.extend_from_slice(&[b'}', SEPARATOR]);
    Ok(())
}

fn start(out: &mut Vec<u8>, kind: u8, headers: &Headers<'_>, id: &str) {
    out.extend_from_slice(b"{\"type\":");
    out.push(kind);
    if !headers.is_empty() {
        out.extend_from_slice(b",\"headers\":");
        let mut before = b'{';
        for (name, value) in headers.iter() {
            out.push(before);
            before = b',';
            string(out, name);
            out.push(b':');
            string(out, value);
        }
        out.push(b'}');
    }
    if !id.is_empty() {
        member(out, ",\"invocationId\":", id);
    }
}

fn call_body(
    out: &mut Vec<u8>,
    target: &str,
    arguments: &[u8],
    stream_ids: Option<&[Cow<'_, str>]>,
) {
    member(out, ",\"target\":", target);
    out.extend_from_slice(b",\"arguments\":");
    out.extend_from_slice(arguments);
    if let Some(ids) = stream_ids {
        out.extend_from_slice(b",\"streamIds\":[");
        for (n, id) in ids.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            string(out, id);
        }
        out.push(b']');
    }
}

fn close_body(out: &mut Vec<u8>, close: &Close<'_>) {
    out.extend_from_slice(b"{\"type\":7");
    if let Some(error) = &close.error {
        member(out, ",\"error\":", error);
    }
    if close.allow_reconnect {
        out.extend_from_slice(b",\"allowReconnect\":true");
    }
}

fn sequence(out: &mut Vec<u8>, kind: u8, number: i64) {
    out.extend_from_slice(b"{\"type\":");
    out.push(kind);
    out.extend_from_slice(b",\"sequenceId\":");
    // Only foreign values can refuse to be written.
    write_value(&number, out).ok();
}

fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    string(out, value);
}
