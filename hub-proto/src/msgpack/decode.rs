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
    let elements = reader.array().ok_or_else(|| not_a_message(record))?;
    let reader = &mut reader;
    Ok(Decoded::Message(match integer::<i32>(reader, "messageType")? {
        1 => invocation(reader, elements)?,
        2 => stream_item(reader)?,
        3 => completion(reader)?,
        4 => stream_invocation(reader, elements)?,
        5 => {
            let headers = headers(reader)?;
            let id = required_id(reader, "CancelInvocation")?;
            Message::CancelInvocation(CancelInvocation { id, headers })
        }
        6 => Message::Ping,
        7 => close(reader, elements)?,
        8 => Message::Ack(integer(reader, "sequenceId")?),
        9 => Message::Sequence(integer(reader, "sequenceId")?),
        unknown => return Ok(Decoded::Skipped(unknown)),
    }))
}

/// Why a record does not begin with the head of an array that can be.
fn not_a_message(record: &[u8]) -> DecodeError {
    match record.first() {
        None | Some(0x90..=0x9F | 0xDC | 0xDD) => DecodeError::EndOfStream,
        Some(_) => DecodeError::NotAnArray,
    }
}

fn invocation<'a>(reader: &mut Reader<'a>, elements: usize) -> Result<Message<'a>, DecodeError> {
    let headers = headers(reader)?;
    let id = string(reader, "invocationId")?.filter(|id| !id.is_empty());
    let target = target(reader, "Invocation")?;
    let (arguments, stream_ids) = arguments(reader, elements)?;
    Ok(Message::Invocation(Invocation { id, target, arguments, stream_ids, headers }))
}

fn stream_invocation<'a>(
    reader: &mut Reader<'a>,
    elements: usize,
) -> Result<Message<'a>, DecodeError> {
    let headers = headers(reader)?;
    let id = required_id(reader, "StreamInvocation")?;
    let target = target(reader, "StreamInvocation")?;
    let (arguments, stream_ids) = arguments(reader, elements)?;
    Ok(Message::StreamInvocation(StreamInvocation { id, target, arguments, stream_ids, headers }))
}

fn stream_item<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, DecodeError> {
    let headers = headers(reader)?;
    let id = required_id(reader, "StreamItem")?;
    Ok(Message::StreamItem(StreamItem { id, item: payload(reader), headers }))
}

fn completion<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, DecodeError> {
    let headers = headers(reader)?;
    let id = required_id(reader, "Completion")?;
    let outcome = match integer(reader, "resultKind")? {
        // An error of nil cannot be told from no error in ASP.NET Core either.
        1 => string(reader, "error")?.map_or(Outcome::Void, Outcome::Error),
        2 => Outcome::Void,
        3 => Outcome::Result(payload(reader)),
        _ => return Err(DecodeError::ResultKind),
    };
    Ok(Message::Completion(Completion { id, outcome, headers }))
}

fn close<'a>(reader: &mut Reader<'a>, elements: usize) -> Result<Message<'a>, DecodeError> {
    let error = string(reader, "error")?;
    let allow_reconnect = if elements > 2 {
        reader.boolean().ok_or(DecodeError::Field { name: "allowReconnect", wanted: "Boolean" })?
    } else {
        false
    };
    Ok(Message::Close(Close { error, allow_reconnect }))
}

/// The arguments, and the stream ids behind them. Without a list of arguments nothing behind it is
/// read: the call fails, and with it its streams.
#[expect(clippy::type_complexity, reason = "a pair of fields that two messages share")]
fn arguments<'a>(
    reader: &mut Reader<'a>,
    elements: usize,
) -> Result<(Payload<'a>, Option<Vec<Cow<'a, str>>>), DecodeError> {
    let rest = reader.rest();
    let is_list = matches!(rest.first(), Some(0x90..=0x9F | 0xDC | 0xDD));
    let Some(raw) = reader.value(1).filter(|_| is_list) else {
        return Ok((Payload::new(Encoding::MessagePack, rest), None));
    };
    let stream_ids = if elements > 5 { stream_ids(reader)? } else { None };
    Ok((Payload::new(Encoding::MessagePack, raw), stream_ids))
}

/// An item or a result: one value, or whatever there is instead.
fn payload<'a>(reader: &mut Reader<'a>) -> Payload<'a> {
    let rest = reader.rest();
    Payload::new(Encoding::MessagePack, reader.value(1).unwrap_or(rest))
}

fn stream_ids<'a>(reader: &mut Reader<'a>) -> Result<Option<Vec<Cow<'a, str>>>, DecodeError> {
    let length = DecodeError::Length { name: "streamIds", wanted: "array" };
    let count = reader.array().ok_or(length)?;
    let ids = (0..count).map(|_| {
        let id = string(reader, "streamIds")?.filter(|id| !id.is_empty());
        id.ok_or(DecodeError::EmptyStreamId)
    });
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    Ok(Some(ids).filter(|ids| !ids.is_empty()))
}

fn headers<'a>(reader: &mut Reader<'a>) -> Result<Headers<'a>, DecodeError> {
    let pairs = reader.map().ok_or(DecodeError::Length { name: "headers", wanted: "map" })?;
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
    let text = reader.string().ok_or(DecodeError::HeaderText { index, part })?;
    text.filter(|text| !text.is_empty()).ok_or(DecodeError::EmptyHeader(part))
}

/// A name that occurs twice. Sorting keeps the work small for a peer that sends thousands.
fn duplicate<'h>(headers: &'h Headers<'_>) -> Option<&'h str> {
    if headers.len() < 2 {
        return None;
    }
    let mut names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    })
}

fn integer<T: TryFrom<i64>>(reader: &mut Reader<'_>, name: &'static str) -> Result<T, DecodeError> {
    let wanted = if size_of::<T>() == 4 { "Int32" } else { "Int64" };
    let integer = reader.integer().and_then(|integer| T::try_from(integer).ok());
    integer.ok_or(DecodeError::Field { name, wanted })
}

fn string<'a>(
    reader: &mut Reader<'a>,
    name: &'static str,
) -> Result<Option<Cow<'a, str>>, DecodeError> {
    reader.string().ok_or(DecodeError::Field { name, wanted: "String" })
}

fn required_id<'a>(
    reader: &mut Reader<'a>,
    message: &'static str,
) -> Result<Cow<'a, str>, DecodeError> {
    let id = string(reader, "invocationId")?.filter(|id| !id.is_empty());
    id.ok_or(DecodeError::Empty { field: "invocation ID", message })
}

fn target<'a>(reader: &mut Reader<'a>, message: &'static str) -> Result<Cow<'a, str>, DecodeError> {
    let target = string(reader, "target")?.filter(|target| !target.is_empty());
    target.ok_or(DecodeError::Empty { field: "target", message })
}
