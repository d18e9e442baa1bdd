//! Reading one record: the array's elements, in their order.

use std::borrow::Cow;

use super::reader::Reader;
use crate::message::{
    CancelInvocation, Close, Completion, Headers, Invocation, Message, Outcome, StreamInvocation,
    StreamItem,
};
use crate::{DecodeError, Decoded, Encoding, HeaderPart, Payload};

/// Reads one record, without its length prefix. Elements behind the last known one, and bytes behind
/// the array, are not looked at.
///
/// Arguments that cannot be skipped are handed on with all that is behind them: they fail their own
/// call when they are bound.
pub fn decode(record: &[u8]) -> Result<Decoded<'_>, DecodeError> {
    let mut reader = Reader::new(record);
    let Some(elements) = reader.array() else { return Err(not_a_message(record)) };
    match integer::<i32>(&mut reader, "messageType")? {
        1 => invocation(reader, elements),
        2 => stream_item(reader),
        3 => completion(reader),
        4 => stream_invocation(reader, elements),
        5 => cancel_invocation(reader),
        6 => message(Message::Ping),
        7 => close(reader, elements),
        8 => message(Message::Ack(integer(&mut reader, "sequenceId")?)),
        9 => message(Message::Sequence(integer(&mut reader, "sequenceId")?)),
        unknown => Ok(Decoded::Skipped(unknown)),
    }
}

const fn message(message: Message<'_>) -> Result<Decoded<'_>, DecodeError> {
    Ok(Decoded::Message(message))
}

/// Why a record does not begin with the head of an array that can be.
fn not_a_message(record: &[u8]) -> DecodeError {
    match record.first() {
        None | Some(0x90..=0x9F | 0xDC | 0xDD) => DecodeError::EndOfStream,
        Some(_) => DecodeError::NotAnArray,
    }
}

fn invocation(mut reader: Reader<'_>, elements: usize) -> Result<Decoded<'_>, DecodeError> {
    let headers = headers(&mut reader)?;
    let id = string(&mut reader, "invocationId")?.filter(|id| !id.is_empty());
    let target = target(&mut reader, "Invocation")?;
    let arguments = arguments(&mut reader);
    let stream_ids = stream_ids(reader, elements)?;
    message(Message::Invocation(Invocation {
        id: id.map(text),
        target: text(target),
        arguments,
        stream_ids,
        headers,
    }))
}

fn stream_invocation(mut reader: Reader<'_>, elements: usize) -> Result<Decoded<'_>, DecodeError> {
    let headers = headers(&mut reader)?;
    let id = id(&mut reader, "StreamInvocation")?;
    let target = target(&mut reader, "StreamInvocation")?;
    let arguments = arguments(&mut reader);
    let stream_ids = stream_ids(reader, elements)?;
    message(Message::StreamInvocation(StreamInvocation {
        id: text(id),
        target: text(target),
        arguments,
        stream_ids,
        headers,
    }))
}

fn stream_item(mut reader: Reader<'_>) -> Result<Decoded<'_>, DecodeError> {
    let headers = headers(&mut reader)?;
    let id = id(&mut reader, "StreamItem")?;
    message(Message::StreamItem(StreamItem { id: text(id), item: payload(reader), headers }))
}

fn completion(mut reader: Reader<'_>) -> Result<Decoded<'_>, DecodeError> {
    let headers = headers(&mut reader)?;
    let id = id(&mut reader, "Completion")?;
    let outcome = match integer(&mut reader, "resultKind")? {
        // An error of nil cannot be told from no error in ASP.NET Core either.
        1 => {
            string(&mut reader, "error")?.map_or(Outcome::Void, |error| Outcome::Error(text(error)))
        }
        2 => Outcome::Void,
        3 => Outcome::Result(payload(reader)),
        _ => return Err(DecodeError::ResultKind),
    };
    message(Message::Completion(Completion { id: text(id), outcome, headers }))
}

fn cancel_invocation(mut reader: Reader<'_>) -> Result<Decoded<'_>, DecodeError> {
    let headers = headers(&mut reader)?;
    let id = id(&mut reader, "CancelInvocation")?;
    message(Message::CancelInvocation(CancelInvocation { id: text(id), headers }))
}

fn close(mut reader: Reader<'_>, elements: usize) -> Result<Decoded<'_>, DecodeError> {
    let error = string(&mut reader, "error")?.map(text);
    let allow_reconnect = if elements > 2 {
        let wanted = DecodeError::Field { name: "allowReconnect", wanted: "Boolean" };
        reader.boolean().ok_or(wanted)?
    } else {
        false
    };
    message(Message::Close(Close { error, allow_reconnect }))
}

/// The list of arguments. Without one nothing behind it can be read: the call fails, and its streams
/// with it.
fn arguments<'a>(reader: &mut Reader<'a>) -> Payload<'a> {
    let rest = reader.rest();
    let is_list = matches!(rest.first(), Some(0x90..=0x9F | 0xDC | 0xDD));
    let raw = reader.value(1).filter(|_| is_list).unwrap_or_else(|| {
        *reader = Reader::new(NO_STREAM_IDS);
        rest
    });
    Payload::new(Encoding::MessagePack, raw)
}

/// An empty list.
const NO_STREAM_IDS: &[u8] = &[0x90];

/// An item or a result: one value, or whatever there is instead.
fn payload(mut reader: Reader<'_>) -> Payload<'_> {
    let rest = reader.rest();
    Payload::new(Encoding::MessagePack, reader.value(1).unwrap_or(rest))
}

#[inline(always)]
fn stream_ids(
    mut reader: Reader<'_>,
    elements: usize,
) -> Result<Option<Vec<Cow<'_, str>>>, DecodeError> {
    if elements <= 5 {
        return Ok(None);
    }
    match reader.array() {
        None => Err(DecodeError::Length { name: "streamIds", wanted: "array" }),
        Some(0) => Ok(None),
        Some(count) => some_stream_ids(reader, count).map(Some),
    }
}

fn some_stream_ids(mut reader: Reader<'_>, count: usize) -> Result<Vec<Cow<'_, str>>, DecodeError> {
    let mut ids = Vec::new();
    for _ in 0..count {
        match string(&mut reader, "streamIds")? {
            None | Some(b"") => return Err(DecodeError::EmptyStreamId),
            Some(id) => ids.push(text(id)),
        }
    }
    Ok(ids)
}

#[inline(always)]
fn headers<'a>(reader: &mut Reader<'a>) -> Result<Headers<'a>, DecodeError> {
    match reader.map() {
        None => Err(DecodeError::Length { name: "headers", wanted: "map" }),
        Some(0) => Ok(Headers::default()),
        Some(pairs) => some_headers(reader, pairs),
    }
}

fn some_headers<'a>(reader: &mut Reader<'a>, pairs: usize) -> Result<Headers<'a>, DecodeError> {
    let mut headers = Headers::default();
    for index in 0..pairs {
        let name = header_text(reader, index, HeaderPart::Key)?;
        headers.push(name, header_text(reader, index, HeaderPart::Value)?);
    }
    match duplicate(&headers) {
        Some(name) => Err(DecodeError::DuplicateHeader(name.to_owned())),
        None => Ok(headers),
    }
}

fn header_text<'a>(
    reader: &mut Reader<'a>,
    index: usize,
    part: HeaderPart,
) -> Result<Cow<'a, str>, DecodeError> {
    match reader.string().ok_or(DecodeError::HeaderText { index, part })? {
        None | Some(b"") => Err(DecodeError::EmptyHeader(part)),
        Some(bytes) => Ok(text(bytes)),
    }
}

/// A name that occurs twice. Sorting keeps the work small for a peer that sends thousands.
fn duplicate<'h>(headers: &'h Headers<'_>) -> Option<&'h str> {
    let mut names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    })
}

#[inline]
fn integer<T: TryFrom<i64>>(reader: &mut Reader<'_>, name: &'static str) -> Result<T, DecodeError> {
    match reader.integer().and_then(|integer| T::try_from(integer).ok()) {
        Some(integer) => Ok(integer),
        None if size_of::<T>() == 4 => Err(DecodeError::Field { name, wanted: "Int32" }),
        None => Err(DecodeError::Field { name, wanted: "Int64" }),
    }
}

// Inlined, so that texts go from the registers to their place in the message.

#[inline(always)]
fn string<'a>(
    reader: &mut Reader<'a>,
    name: &'static str,
) -> Result<Option<&'a [u8]>, DecodeError> {
    match reader.string() {
        Some(string) => Ok(string),
        None => Err(DecodeError::Field { name, wanted: "String" }),
    }
}

#[inline(always)]
fn id<'a>(reader: &mut Reader<'a>, message: &'static str) -> Result<&'a [u8], DecodeError> {
    match string(reader, "invocationId")? {
        None | Some(b"") => Err(DecodeError::Empty { field: "invocation ID", message }),
        Some(id) => Ok(id),
    }
}

#[inline(always)]
fn target<'a>(reader: &mut Reader<'a>, message: &'static str) -> Result<&'a [u8], DecodeError> {
    match string(reader, "target")? {
        None | Some(b"") => Err(DecodeError::Empty { field: "target", message }),
        Some(target) => Ok(target),
    }
}

/// What is no UTF-8 reads as U+FFFD, as in .NET.
#[inline(always)]
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_utf8_reads_with_replacement_characters() {
        let Ok(Decoded::Message(Message::Close(close))) = decode(b"\x93\x07\xa3a\xffb\xc3") else {
            panic!("no Close")
        };
        assert_eq!(close, Close { error: Some("a\u{fffd}b".into()), allow_reconnect: true });
    }

    #[test]
    fn streams_of_a_call_without_a_list_of_arguments_are_not_read() {
        let record = b"\x96\x01\x80\xa11\xa1m\x2a\x2a";
        let Ok(Decoded::Message(Message::Invocation(call))) = decode(record) else {
            panic!("no Invocation")
        };
        assert_eq!(call.stream_ids, None);
        assert_eq!(call.arguments.bind::<()>(), Err(crate::BindError::NotAList));
    }

    #[test]
    fn thousands_of_headers_are_searched_for_duplicates_in_short_time() {
        let names: Vec<_> = (0..30_000).map(|n| format!("{n:05}")).collect();
        let mut record = vec![0x93, 5, 0xDE];
        record.extend_from_slice(&30_001_u16.to_be_bytes());
        for name in names.iter().chain(names.first()) {
            record.push(0xA5);
            record.extend_from_slice(name.as_bytes());
            record.extend_from_slice(b"\xa1v");
        }
        assert_eq!(decode(&record), Err(DecodeError::DuplicateHeader("00000".to_owned())));
    }
}
