//! Reading one record: the envelope in one pass, its properties in any order.

use std::borrow::Cow;
use std::mem;

use super::member::{boolean, expect_type, headers, integer, nullable_integer, stream_ids, text};
use super::property::Property;
use super::scan::{Scanner, Syntax, utf8};
use crate::message::{
    CancelInvocation, Close, Completion, Headers, Invocation, Message, Outcome, StreamInvocation,
    StreamItem,
};
use crate::{DecodeError, Decoded, Encoding, JsonType, Payload};

/// Reads one record, without its separator. Payloads that no message carries on are checked here.
pub fn decode(record: &[u8]) -> Result<Decoded<'_>, DecodeError> {
    let mut scanner = Scanner::new(record);
    scanner.enter(JsonType::Object)?;
    let mut envelope = Envelope::default();
    let mut first = true;
    while let Some(property) = Property::next(&mut scanner, first)? {
        first = false;
        envelope.take(property, &mut scanner)?;
    }
    envelope.message()
}

/// Every property that a message can have, as far as it has been met.
#[derive(Default)]
struct Envelope<'a> {
    kind: Option<i32>,
    id: Option<Cow<'a, str>>,
    target: Option<Cow<'a, str>>,
    error: Option<Cow<'a, str>>,
    arguments: Option<&'a [u8]>,
    item: Option<&'a [u8]>,
    result: Option<&'a [u8]>,
    stream_ids: Option<Vec<Cow<'a, str>>>,
    headers: Headers<'a>,
    allow_reconnect: bool,
    sequence_id: Option<i64>,
}

impl<'a> Envelope<'a> {
    /// Takes the value of a property. Known ones are checked for their type whatever the message's
    /// type; of duplicates the last one wins.
    fn take(&mut self, property: Property, scanner: &mut Scanner<'a>) -> Result<(), DecodeError> {
        match property {
            Property::Type => self.kind = Some(integer(scanner, "type")?),
            Property::Target => text(&mut self.target, scanner, "target")?,
            Property::Arguments => {
                expect_type(scanner, "arguments", JsonType::Array)?;
                replace(&mut self.arguments, scanner.raw(1)?)?;
            }
            Property::InvocationId => text(&mut self.id, scanner, "invocationId")?,
            Property::Result => replace(&mut self.result, scanner.raw(1)?)?,
            Property::Item => replace(&mut self.item, scanner.raw(1)?)?,
            Property::Error => text(&mut self.error, scanner, "error")?,
            Property::StreamIds => self.stream_ids = Some(stream_ids(scanner)?),
            Property::Headers => headers(scanner, &mut self.headers)?,
            Property::AllowReconnect => {
                self.allow_reconnect = boolean(scanner, "allowReconnect")?;
            }
            Property::SequenceId => self.sequence_id = nullable_integer(scanner, "sequenceId")?,
            Property::Unknown => scanner.skip(1)?,
        }
        Ok(())
    }

    /// The message, after the closing brace: what is required is looked for in ASP.NET Core's order.
    ///
    /// Its parts are moved one by one: to move the envelope is slower than to read a ping.
    fn message(&mut self) -> Result<Decoded<'a>, DecodeError> {
        let kind = required(self.kind, "type")?;
        self.check_unused(kind)?;
        Ok(Decoded::Message(match kind {
            1 => {
                let target = self.target()?;
                let arguments = self.arguments()?;
                let id = self.id.take().filter(|id| !id.is_empty());
                let (stream_ids, headers) = (self.stream_ids.take(), self.headers());
                Message::Invocation(Invocation { id, target, arguments, stream_ids, headers })
            }
            2 => {
                let id = self.id()?;
                let item = payload(required(self.item, "item")?);
                Message::StreamItem(StreamItem { id, item, headers: self.headers() })
            }
            3 => {
                let id = self.id()?;
                let outcome = match (self.error.take(), self.result) {
                    (Some(_), Some(_)) => return Err(DecodeError::Exclusive),
                    (Some(error), None) => Outcome::Error(error),
                    (None, Some(result)) => Outcome::Result(payload(result)),
                    (None, None) => Outcome::Void,
                };
                Message::Completion(Completion { id, outcome, headers: self.headers() })
            }
            4 => {
                let target = self.target()?;
                let id = self.id()?;
                let arguments = self.arguments()?;
                let (stream_ids, headers) = (self.stream_ids.take(), self.headers());
                let call = StreamInvocation { id, target, arguments, stream_ids, headers };
                Message::StreamInvocation(call)
            }
            5 => {
                let id = self.id()?;
                Message::CancelInvocation(CancelInvocation { id, headers: self.headers() })
            }
            6 => Message::Ping,
            7 => Message::Close(Close {
                error: self.error.take(),
                allow_reconnect: self.allow_reconnect,
            }),
            8 => Message::Ack(required(self.sequence_id, "sequenceId")?),
            9 => Message::Sequence(required(self.sequence_id, "sequenceId")?),
            unknown => return Ok(Decoded::Skipped(unknown)),
        }))
    }

    fn id(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        required(self.id.take().filter(|id| !id.is_empty()), "invocationId")
    }

    fn target(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        required(self.target.take().filter(|target| !target.is_empty()), "target")
    }

    fn arguments(&self) -> Result<Payload<'a>, DecodeError> {
        required(self.arguments, "arguments").map(payload)
    }

    fn headers(&mut self) -> Headers<'a> {
        mem::take(&mut self.headers)
    }

    /// Checks payloads that stand in a message of a type that has no such field.
    fn check_unused(&self, kind: i32) -> Result<(), Syntax> {
        let arguments = self.arguments.filter(|_| kind != 1 && kind != 4);
        let item = self.item.filter(|_| kind != 2);
        let result = self.result.filter(|_| kind != 3);
        [arguments, item, result].into_iter().flatten().try_for_each(check)
    }
}

/// Checks the grammar of a raw value inside a message.
pub(super) fn check(raw: &[u8]) -> Result<(), Syntax> {
    utf8(raw)?;
    let mut scanner = Scanner::new(raw);
    scanner.skip_text(1)?;
    if scanner.peek().is_none() { Ok(()) } else { Err(Syntax) }
}

/// The last duplicate wins, but the one before it was read too.
fn replace<'a>(slot: &mut Option<&'a [u8]>, raw: &'a [u8]) -> Result<(), Syntax> {
    slot.replace(raw).map_or(Ok(()), check)
}

const fn payload(raw: &[u8]) -> Payload<'_> {
    Payload::new(Encoding::Json, raw)
}

fn required<T>(value: Option<T>, name: &'static str) -> Result<T, DecodeError> {
    match value {
        Some(value) => Ok(value),
        None => Err(DecodeError::Missing(name)),
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;
    use crate::BindError;

    fn error(record: &str) -> String {
        decode(record.as_bytes()).expect_err(record).to_string()
    }

    #[test]
    fn a_payload_that_no_message_carries_is_checked() {
        assert_eq!(decode(br#"{"type":6,"arguments":[tru]}"#), Err(DecodeError::Syntax));
        assert_eq!(
            decode(br#"{"type":2,"invocationId":"1","item":1,"result":[}]}"#),
            Err(DecodeError::Syntax)
        );
        assert_eq!(decode(br#"{"type":99,"item":[1,]}"#), Err(DecodeError::Syntax));
        assert_eq!(
            decode(br#"{"type":1,"target":"t","arguments":[nul],"arguments":[]}"#),
            Err(DecodeError::Syntax)
        );
    }

    #[test]
    fn a_mistyped_property_wins_over_later_faults() {
        assert_eq!(error(r#"{"type":6,"error":5,"#), "Expected 'error' to be of type String.");
        assert_eq!(error(r#"{"error":5}"#), "Expected 'error' to be of type String.");
    }

    #[test]
    fn bytes_that_are_no_text_matter_before_the_closing_brace_only() {
        assert_eq!(decode(b"{\"type\":6}\xff"), Ok(Decoded::Message(Message::Ping)));
        assert_eq!(decode(b"{\"type\":6,\"x\":\"\xff\"}"), Err(DecodeError::Syntax));
        assert_eq!(decode(b"{\"type\":6,\"\xff\":1}"), Err(DecodeError::Syntax));
        assert_eq!(decode(b"{\"type\":6,\"error\":\"\xff\"}"), Err(DecodeError::Syntax));
        assert_eq!(decode(b"{\"type\":6,\"item\":\"\xff\"}"), Err(DecodeError::Syntax));
        assert_eq!(decode(b"{\"type\":6,\xff}"), Err(DecodeError::Syntax));
    }
    #[test]
    fn a_payload_that_is_no_text_is_told_by_whoever_reads_it() {
        let record = b"{\"type\":1,\"target\":\"t\",\"arguments\":[\"\xff\"]}";
        let Ok(Decoded::Message(Message::Invocation(call))) = decode(record) else {
            panic!("no invocation")
        };
        assert_eq!(call.arguments.check(), Err(BindError::Syntax));
        assert_eq!(call.arguments.bind::<(String,)>(), Err(BindError::Syntax));
        assert_eq!(call.arguments.bind::<()>(), Err(BindError::Syntax));
        assert_eq!(call.arguments.bind::<(IgnoredAny,)>(), Err(BindError::Syntax));
        assert_eq!(call.arguments.read::<Vec<String>>(), Err(BindError::Syntax));
        assert_eq!(call.arguments.read::<IgnoredAny>(), Err(BindError::Syntax));
    }
}
