//! Our reader of MessagePack messages against one that is plain: rmpv reads the elements, and the
//! rules of ASP.NET Core's `MessagePackHubProtocol` are applied to them one by one.

use std::borrow::Cow;
use std::collections::BTreeSet;

use hub_proto::{
    CancelInvocation, Close, Completion, Decoded, Encoding, Headers, Invocation, Message, Outcome,
    Payload, StreamInvocation, StreamItem, msgpack,
};
use rmpv::ValueRef;
use rmpv::decode::read_value_ref;
use rmpv::encode::write_value_ref;
use serde_json::Value;

use super::message::payload_of;

/// Takes `input` for the body of a record.
pub fn run(input: &[u8]) {
    let ours = Encoding::MessagePack.decode(input).ok();
    assert_eq!(ours, plainly(input));
    if let Some(Decoded::Message(message)) = &ours
        && let Some(payload) = payload_of(message)
    {
        value(payload);
    }
}

/// A payload is sound if it is one value, and reads as what rmpv has read.
fn value(payload: Payload<'_>) {
    let mut plain = Plain(payload.raw());
    let value = plain.value().filter(|_| plain.0.is_empty());
    assert_eq!(payload.check().is_ok(), value.is_some());
    if let Some(value) = value.as_ref().and_then(json) {
        assert_eq!(payload.read::<Value>(), Ok(value));
    }
}

/// The value in JSON, for those that JSON has.
fn json(value: &ValueRef<'_>) -> Option<Value> {
    Some(match value {
        ValueRef::Nil => Value::Null,
        ValueRef::Boolean(value) => Value::Bool(*value),
        ValueRef::Integer(integer) => {
            let signed = integer.as_i64().map(Value::from);
            signed.or_else(|| integer.as_u64().map(Value::from))?
        }
        ValueRef::F32(number) => f64::from(*number).into(),
        ValueRef::F64(number) => (*number).into(),
        ValueRef::String(text) => text.as_str()?.into(),
        ValueRef::Array(values) => values.iter().map(json).collect::<Option<_>>()?,
        ValueRef::Map(pairs) => {
            let member = |(name, value): &(ValueRef<'_>, _)| match name {
                ValueRef::String(name) => Some((name.as_str()?.to_owned(), json(value)?)),
                _ => None,
            };
            Value::Object(pairs.iter().map(member).collect::<Option<_>>()?)
        }
        ValueRef::Binary(_) | ValueRef::Ext(..) => return None,
    })
}

/// What has not been read.
struct Plain<'a>(&'a [u8]);

fn plainly(body: &[u8]) -> Option<Decoded<'_>> {
    let mut plain = Plain(body);
    let elements = plain.head()?;
    let kind = i32::try_from(plain.integer()?).ok()?;
    Some(Decoded::Message(match kind {
        1 => {
            let headers = plain.headers()?;
            let id = plain.text()?.filter(|id| !id.is_empty()).map(Into::into);
            let target = plain.name()?.into();
            let (arguments, stream_ids) = plain.call(elements)?;
            Message::Invocation(Invocation { id, target, arguments, stream_ids, headers })
        }
        2 => {
            let headers = plain.headers()?;
            let id = plain.name()?.into();
            Message::StreamItem(StreamItem { id, item: plain.payload(), headers })
        }
        3 => {
            let headers = plain.headers()?;
            let id = plain.name()?.into();
            let outcome = match plain.integer()? {
                1 => plain.text()?.map_or(Outcome::Void, |error| Outcome::Error(error.into())),
                2 => Outcome::Void,
                3 => Outcome::Result(plain.payload()),
                _ => return None,
            };
            Message::Completion(Completion { id, outcome, headers })
        }
        4 => {
            let headers = plain.headers()?;
            let id = plain.name()?.into();
            let target = plain.name()?.into();
            let (arguments, stream_ids) = plain.call(elements)?;
            let call = StreamInvocation { id, target, arguments, stream_ids, headers };
            Message::StreamInvocation(call)
        }
        5 => {
            let headers = plain.headers()?;
            let id = plain.name()?.into();
            Message::CancelInvocation(CancelInvocation { id, headers })
        }
        6 => Message::Ping,
        7 => {
            let error = plain.text()?.map(Into::into);
            let allow_reconnect = elements > 2 && plain.boolean()?;
            Message::Close(Close { error, allow_reconnect })
        }
        8 => Message::Ack(plain.integer()?),
        9 => Message::Sequence(plain.integer()?),
        unknown => return Some(Decoded::Skipped(unknown)),
    }))
}

type StreamIds<'a> = Option<Vec<Cow<'a, str>>>;

impl<'a> Plain<'a> {
    /// The head of the message's array, whose elements must have room; they need not be there.
    fn head(&mut self) -> Option<usize> {
        let (count, head) = match *self.0 {
            [short @ 0x90..=0x9F, ..] => (usize::from(short & 0x0F), 1),
            [0xDC, a, b, ..] => (usize::from(u16::from_be_bytes([a, b])), 3),
            [0xDD, a, b, c, d, ..] => (u32::from_be_bytes([a, b, c, d]) as usize, 5),
            _ => return None,
        };
        self.0 = &self.0[head..];
        (count <= self.0.len()).then_some(count)
    }

    fn value(&mut self) -> Option<ValueRef<'a>> {
        let mut rest = self.0;
        let value = read_value_ref(&mut rest).ok()?;
        let raw = &self.0[..self.0.len() - rest.len()];
        // The message around it is the first of the containers.
        if depth(&value) >= msgpack::MAX_DEPTH || has_reserved_head(raw, &value) {
            return None;
        }
        self.0 = rest;
        Some(value)
    }

    fn integer(&mut self) -> Option<i64> {
        let ValueRef::Integer(integer) = self.value()? else { return None };
        integer.as_i64()
    }

    fn boolean(&mut self) -> Option<bool> {
        let ValueRef::Boolean(boolean) = self.value()? else { return None };
        Some(boolean)
    }

    /// A string or nil.
    fn text(&mut self) -> Option<Option<String>> {
        text(&self.value()?)
    }

    fn name(&mut self) -> Option<String> {
        self.text()?.filter(|name| !name.is_empty())
    }

    fn headers(&mut self) -> Option<Headers<'static>> {
        let ValueRef::Map(pairs) = self.value()? else { return None };
        let (mut headers, mut names) = (Headers::default(), BTreeSet::new());
        for (name, value) in &pairs {
            let name = text(name)?.filter(|name| !name.is_empty())?;
            let value = text(value)?.filter(|value| !value.is_empty())?;
            if !names.insert(name.clone()) {
                return None;
            }
            headers.push(name.into(), value.into());
        }
        Some(headers)
    }

    /// One value, or whatever there is instead.
    fn payload(&mut self) -> Payload<'a> {
        let before = self.0;
        let raw = self.value().map_or(before, |_| &before[..before.len() - self.0.len()]);
        Payload::new(Encoding::MessagePack, raw)
    }

    /// The arguments, and the ids of streams. Behind arguments that are no list nothing can be read.
    fn call(&mut self, elements: usize) -> Option<(Payload<'a>, StreamIds<'static>)> {
        let before = self.0;
        let Some(ValueRef::Array(_)) = self.value() else {
            return Some((Payload::new(Encoding::MessagePack, before), None));
        };
        let raw = &before[..before.len() - self.0.len()];
        let arguments = Payload::new(Encoding::MessagePack, raw);
        if elements <= 5 {
            return Some((arguments, None));
        }
        let ValueRef::Array(ids) = self.value()? else { return None };
        let name = |id| text(id)?.filter(|id: &String| !id.is_empty()).map(Into::into);
        let ids: Vec<_> = ids.iter().map(name).collect::<Option<_>>()?;
        Some((arguments, Some(ids).filter(|ids| !ids.is_empty())))
    }
}

/// What is no UTF-8 reads as U+FFFD, as in .NET.
fn text(value: &ValueRef<'_>) -> Option<Option<String>> {
    match value {
        ValueRef::Nil => Some(None),
        ValueRef::String(text) => Some(Some(String::from_utf8_lossy(text.as_bytes()).into_owned())),
        _ => None,
    }
}

/// How many containers are in each other.
fn depth(value: &ValueRef<'_>) -> usize {
    match value {
        ValueRef::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        ValueRef::Map(pairs) => {
            let depths = pairs.iter().flat_map(|(name, value)| [depth(name), depth(value)]);
            1 + depths.max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// Whether 0xC1, which the MessagePack specification never uses, stands where a value begins.
///
/// Rmpv reads it as nil. It is there if nil in its place makes no difference.
fn has_reserved_head(raw: &[u8], value: &ValueRef<'_>) -> bool {
    let written = |value: &ValueRef<'_>| {
        let mut bytes = Vec::new();
        write_value_ref(&mut bytes, value).expect("memory takes all");
        bytes
    };
    let mut places = raw.iter().enumerate().filter(|(_, byte)| **byte == 0xC1);
    places.any(|(at, _)| {
        let mut nil = raw.to_vec();
        nil[at] = 0xC0;
        // Written again, because a float that is no number is not equal to itself.
        read_value_ref(&mut &nil[..]).is_ok_and(|same| written(&same) == written(value))
    })
}
