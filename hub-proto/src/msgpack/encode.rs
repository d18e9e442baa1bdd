//! Writing messages in the bytes that ASP.NET Core writes.

use std::borrow::Cow;
use std::convert::Infallible;

use serde::Serialize;

use crate::framing::write_binary;
use crate::message::{Headers, Message, Outcome};
use crate::values::{Given, Writing};
use crate::{Arguments, EncodeError, Encoding};

const NIL: u8 = 0xC0;

/// Appends one message with its length prefix: every element of its array, integers as short as they
/// can be.
///
/// Raw payloads are written as they are and must be well-formed.
pub fn encode(message: &Message<'_>, out: &mut Vec<u8>) {
    let Ok(()) = write_binary(out, |out| {
        body(message, out);
        Ok::<_, Infallible>(())
    });
}

fn body(message: &Message<'_>, out: &mut Vec<u8>) {
    match message {
        Message::Invocation(call) => {
            start(out, 6, 1, &call.headers);
            optional_string(out, call.id.as_deref());
            string(out, &call.target);
            out.extend_from_slice(call.arguments.raw());
            stream_ids(out, call.stream_ids.as_deref());
        }
        Message::StreamItem(item) => {
            start(out, 4, 2, &item.headers);
            string(out, &item.id);
            out.extend_from_slice(item.item.raw());
        }
        Message::Completion(completion) => match &completion.outcome {
            Outcome::Error(error) => {
                completed(out, 5, &completion.headers, &completion.id, 1);
                string(out, error);
            }
            Outcome::Void => completed(out, 4, &completion.headers, &completion.id, 2),
            Outcome::Result(result) => {
                completed(out, 5, &completion.headers, &completion.id, 3);
                out.extend_from_slice(result.raw());
            }
        },
        Message::StreamInvocation(call) => {
            start(out, 6, 4, &call.headers);
            string(out, &call.id);
            string(out, &call.target);
            out.extend_from_slice(call.arguments.raw());
            stream_ids(out, call.stream_ids.as_deref());
        }
        Message::CancelInvocation(cancel) => {
            start(out, 3, 5, &cancel.headers);
            string(out, &cancel.id);
        }
        Message::Ping => out.extend_from_slice(&[0x91, 6]),
        Message::Close(close) => {
            out.extend_from_slice(&[0x93, 7]);
            optional_string(out, close.error.as_deref());
            out.push(if close.allow_reconnect { 0xC3 } else { 0xC2 });
        }
        Message::Ack(number) => {
            out.extend_from_slice(&[0x92, 8]);
            integer(out, *number);
        }
        Message::Sequence(number) => {
            out.extend_from_slice(&[0x92, 9]);
            integer(out, *number);
        }
    }
}

/// Appends an invocation whose arguments are typed values, with its length prefix.
///
/// # Errors
/// A value that its `Serialize` refuses to write; what was appended until then stays.
pub fn write_invocation(
    id: Option<&str>,
    target: &str,
    arguments: &dyn Arguments,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write_binary(out, |out| {
        start(out, 6, 1, &Headers::default());
        optional_string(out, id);
        string(out, target);
        arguments.write(Encoding::MessagePack, out)?;
        stream_ids(out, None);
        Ok(())
    })
}

/// Appends a completion whose result is a typed value.
pub(crate) fn write_result<T: Serialize + ?Sized>(
    id: &str,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write_binary(out, |out| {
        completed(out, 5, &Headers::default(), id, 3);
        write_value(value, out)
    })
}

/// Appends a whole StreamItem with a typed item.
pub(crate) fn write_item<T: Serialize + ?Sized>(
    id: &str,
    item: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write_binary(out, |out| {
        start(out, 4, 2, &Headers::default());
        string(out, id);
        write_value(item, out)
    })
}

/// Appends the head of a list of arguments.
pub(crate) fn write_list(count: usize, out: &mut Vec<u8>) {
    head(out, count, 0x90, 0x0F, [0xDC, 0xDD]);
}

/// Appends one typed value.
pub(crate) fn write_value<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut serializer = rmp_serde::Serializer::new(out).with_struct_map();
    value.serialize(Writing::new(&mut serializer, Given)).map_err(EncodeError::new)
}

/// The first two elements of the messages 1 to 5.
fn start(out: &mut Vec<u8>, elements: u8, kind: u8, headers: &Headers<'_>) {
    if headers.is_empty() {
        return out.extend_from_slice(&[0x90 | elements, kind, 0x80]);
    }
    out.extend_from_slice(&[0x90 | elements, kind]);
    head(out, headers.len(), 0x80, 0x0F, [0xDE, 0xDF]);
    for (name, value) in headers.iter() {
        string(out, name);
        string(out, value);
    }
}

/// A completion up to its kind: 1 error, 2 void, 3 result.
fn completed(out: &mut Vec<u8>, elements: u8, headers: &Headers<'_>, id: &str, kind: u8) {
    start(out, elements, 3, headers);
    string(out, id);
    out.push(kind);
}

fn stream_ids(out: &mut Vec<u8>, ids: Option<&[Cow<'_, str>]>) {
    let ids = ids.unwrap_or_default();
    write_list(ids.len(), out);
    ids.iter().for_each(|id| string(out, id));
}

/// Nil for an empty text too, as ASP.NET Core writes it.
fn optional_string(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) if !text.is_empty() => string(out, text),
        _ => out.push(NIL),
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        length @ 0x20..=0xFF => out.extend_from_slice(&[0xD9, length as u8]),
        length => head(out, length, 0xA0, 0x1F, [0xDA, 0xDB]),
    }
    out.extend_from_slice(text.as_bytes());
}

/// The shortest head that holds a count: in the head itself, in 16 bits, or in 32.
fn head(out: &mut Vec<u8>, count: usize, short: u8, most: u8, [medium, long]: [u8; 2]) {
    if count <= usize::from(most) {
        out.push(short | count as u8);
    } else if let Ok(count) = u16::try_from(count) {
        out.push(medium);
        out.extend_from_slice(&count.to_be_bytes());
    } else {
        out.push(long);
        out.extend_from_slice(&(count as u32).to_be_bytes());
    }
}

/// The shortest form; positive numbers are written as unsigned ones.
fn integer(out: &mut Vec<u8>, number: i64) {
    match number {
        0..=0x7F => out.push(number as u8),
        -0x20..=-1 => out.push(number as u8),
        0x80..=0xFF => out.extend_from_slice(&[0xCC, number as u8]),
        0x100..=0xFFFF => prefixed(out, 0xCD, (number as u16).to_be_bytes()),
        0x1_0000..=0xFFFF_FFFF => prefixed(out, 0xCE, (number as u32).to_be_bytes()),
        0x1_0000_0000.. => prefixed(out, 0xCF, number.to_be_bytes()),
        -0x80..=-0x21 => out.extend_from_slice(&[0xD0, number as u8]),
        -0x8000..=-0x81 => prefixed(out, 0xD1, (number as i16).to_be_bytes()),
        -0x8000_0000..=-0x8001 => prefixed(out, 0xD2, (number as i32).to_be_bytes()),
        _ => prefixed(out, 0xD3, number.to_be_bytes()),
    }
}

fn prefixed<const N: usize>(out: &mut Vec<u8>, head: u8, bytes: [u8; N]) {
    out.push(head);
    out.extend_from_slice(&bytes);
}
