//! Hub messages made of bytes: any bytes are a message, the same one for every encoding.
//!
//! Properties draw the bytes at random, a fuzzer draws them on purpose; both shrink them.

use std::borrow::Cow;

use hub_proto::{
    CancelInvocation, Close, Completion, Encoding, Headers, Invocation, Message, Outcome, Payload,
    StreamInvocation, StreamItem,
};
use serde_json::{Value, json};

/// Choices, one a byte; when they are used up, the first choice is taken every time.
#[derive(Clone, Debug)]
pub struct Source<'a>(&'a [u8]);

/// A message that every encoding can carry: no empty ids, headers or errors, no header twice.
#[derive(Clone, Debug)]
pub struct Neutral {
    message: Message<'static>,
    /// The arguments, the item or the result; not used by messages without.
    pub value: Value,
}

impl<'a> Source<'a> {
    /// Starts at the front of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// One of `choices` numbers.
    pub fn below(&mut self, choices: u8) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first % choices
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 1).then(|| make(self))
    }

    fn number(&mut self) -> i64 {
        let bytes: [u8; 8] = std::array::from_fn(|_| self.below(255));
        i64::from_le_bytes(bytes) >> (self.below(8) * 8)
    }

    /// A text that may be empty.
    fn text(&mut self) -> String {
        const PARTS: [&str; 10] =
            ["a", "Zz", "\"", "\\", "\n\u{1e}", "\0", "é", "世界", "👋🏽", "0123456789abcdef"];
        let size = self.below(128);
        let parts = self.below(4);
        let parts = (0..parts).map(|_| PARTS[usize::from(self.below(10))]);
        let text: String = parts.collect();
        match size {
            0..120 => text,
            120..127 => text.repeat(40),
            // Longer than 16 bits can say, and rare: it takes as long as a thousand others.
            _ => text.repeat(0x1_0000 / text.len().max(1) + 1),
        }
    }

    fn name(&mut self) -> Cow<'static, str> {
        format!("{}{}", self.below(10), self.text()).into()
    }

    /// Any value, with lists and maps in it.
    pub fn value(&mut self, depth: u8) -> Value {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 1),
            2 => json!(self.number()),
            3 => json!(self.number() as u64),
            // Exact in every notation.
            4 => json!(f64::from(self.number() as i16) / 4.0),
            5 => json!(self.text()),
            6 => self.list(depth - 1),
            _ => {
                let count = self.below(4);
                (0..count).map(|_| (self.text(), self.value(depth - 1))).collect()
            }
        }
    }

    fn list(&mut self, depth: u8) -> Value {
        let count = [0, 1, 2, 3, 15, 16, 17][usize::from(self.below(7))];
        (0..count).map(|_| self.value(depth)).collect()
    }

    fn headers(&mut self) -> Headers<'static> {
        let mut headers = Headers::default();
        for n in 0..self.below(20).saturating_sub(15) {
            headers.push(format!("{n}{}", self.text()).into(), self.name());
        }
        headers
    }

    fn stream_ids(&mut self) -> Option<Vec<Cow<'static, str>>> {
        self.maybe(|source| (0..=source.below(3)).map(|_| source.name()).collect())
    }

    /// A message of any kind.
    pub fn message(&mut self) -> Neutral {
        let nothing = Payload::new(Encoding::Json, b"");
        let kind = self.below(9);
        let (headers, id) = (self.headers(), self.name());
        let message = match kind {
            0 => Message::Ping,
            1 => Message::Invocation(Invocation {
                id: self.maybe(Self::name),
                target: id,
                arguments: nothing,
                stream_ids: self.stream_ids(),
                headers,
            }),
            2 => Message::StreamItem(StreamItem { id, item: nothing, headers }),
            3 => {
                let outcome = match self.below(3) {
                    0 => Outcome::Void,
                    1 => Outcome::Error(self.name()),
                    _ => Outcome::Result(nothing),
                };
                Message::Completion(Completion { id, outcome, headers })
            }
            4 => Message::StreamInvocation(StreamInvocation {
                id,
                target: self.name(),
                arguments: nothing,
                stream_ids: self.stream_ids(),
                headers,
            }),
            5 => Message::CancelInvocation(CancelInvocation { id, headers }),
            6 => Message::Close(Close {
                error: self.maybe(Self::name),
                allow_reconnect: self.below(2) == 1,
            }),
            7 => Message::Ack(self.number()),
            _ => Message::Sequence(self.number()),
        };
        let is_call = matches!(kind, 1 | 4);
        let value = if is_call { self.list(2) } else { self.value(3) };
        Neutral { message, value }
    }
}

impl Neutral {
    /// The value in `encoding`.
    pub fn raw(&self, encoding: Encoding) -> Vec<u8> {
        let mut raw = Vec::new();
        encoding.write(&self.value, &mut raw).expect("every value can be written");
        raw
    }

    /// The message in `encoding`, around the [raw](Self::raw) value.
    pub fn message<'a>(&self, encoding: Encoding, raw: &'a [u8]) -> Message<'a> {
        let mut message: Message<'a> = self.message.clone();
        if let Some(payload) = payload(&mut message) {
            *payload = Payload::new(encoding, raw);
        }
        message
    }

    /// The bytes of the message, framing included.
    pub fn encode(&self, encoding: Encoding) -> Vec<u8> {
        let mut bytes = Vec::new();
        encoding.encode(&self.message(encoding, &self.raw(encoding)), &mut bytes);
        bytes
    }
}

/// The raw value in a message, if it has one.
pub const fn payload<'m, 'a>(message: &'m mut Message<'a>) -> Option<&'m mut Payload<'a>> {
    match message {
        Message::Invocation(call) => Some(&mut call.arguments),
        Message::StreamInvocation(call) => Some(&mut call.arguments),
        Message::StreamItem(item) => Some(&mut item.item),
        Message::Completion(completion) => match &mut completion.outcome {
            Outcome::Result(result) => Some(result),
            Outcome::Void | Outcome::Error(_) => None,
        },
        Message::CancelInvocation(_)
        | Message::Ping
        | Message::Close(_)
        | Message::Ack(_)
        | Message::Sequence(_) => None,
    }
}
