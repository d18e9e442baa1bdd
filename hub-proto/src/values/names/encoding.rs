//! The built-in encodings, with a convention for every value.

use erased_serde::Deserializer;
use serde_json::value::RawValue;

use super::read::Reading;
use super::{Named, Names};
use crate::codec::{Codec, Visit};
use crate::framing::{NoRecord, Record};
use crate::message::{Message, Outcome};
use crate::{
    BindError, DecodeError, Decoded, EncodeError, Encoding, Payload, TransferFormat, msgpack,
};

/// JSON with `firstName` and MessagePack with `FirstName`, as ASP.NET Core names properties by
/// default: what a server may offer in the place of [`Encoding::BUILT_IN`].
///
/// ```
/// use hub_proto::values::DOT_NET;
/// use hub_proto::{Encoding, Reply};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Person {
///     first_name: String,
/// }
///
/// let json = Encoding::by_name("json", &DOT_NET).expect("offered");
/// let ann = Person { first_name: "Ann".to_owned() };
/// let frame = Reply::new(json, Some("1")).result(&ann)?.expect("wanted");
/// let record = b"{\"type\":3,\"invocationId\":\"1\",\"result\":{\"firstName\":\"Ann\"}}\x1e";
/// assert_eq!(frame.payload(), record);
/// # Ok::<(), hub_proto::EncodeError>(())
/// ```
pub const DOT_NET: [Encoding; 2] = [Names::CamelCase.json(), Names::PascalCase.message_pack()];

impl Names {
    /// JSON whose properties are written so, and read whatever their case.
    ///
    /// Values take the way of a [`Codec`], which costs some allocations a message. [`DotNet`](super::DotNet)
    /// says which names they are.
    pub const fn json(self) -> Encoding {
        Encoding::Custom(match self {
            Self::AsGiven => &Conventional { of: Format::Json, names: Self::AsGiven },
            Self::CamelCase => &Conventional { of: Format::Json, names: Self::CamelCase },
            Self::PascalCase => &Conventional { of: Format::Json, names: Self::PascalCase },
        })
    }

    /// MessagePack whose properties are written so, and read whatever their case; see [`json`](Self::json).
    pub const fn message_pack(self) -> Encoding {
        Encoding::Custom(match self {
            Self::AsGiven => &Conventional { of: Format::MessagePack, names: Self::AsGiven },
            Self::CamelCase => &Conventional { of: Format::MessagePack, names: Self::CamelCase },
            Self::PascalCase => &Conventional { of: Format::MessagePack, names: Self::PascalCase },
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Json,
    MessagePack,
}

/// A built-in encoding and a convention: the messages are those of the one, the names of the other.
#[derive(Debug)]
struct Conventional {
    of: Format,
    names: Names,
}

impl Conventional {
    const fn inner(&self) -> Encoding {
        match self.of {
            Format::Json => Encoding::Json,
            Format::MessagePack => Encoding::MessagePack,
        }
    }

    const fn outer(&self) -> Encoding {
        match self.of {
            Format::Json => self.names.json(),
            Format::MessagePack => self.names.message_pack(),
        }
    }
}

impl Codec for Conventional {
    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn format(&self) -> TransferFormat {
        self.inner().format()
    }

    fn record<'a>(&self, input: &'a [u8], searched: usize) -> Result<Record<'a>, NoRecord> {
        self.inner().record(input, searched)
    }

    fn decode<'a>(&self, record: &'a [u8]) -> Result<Decoded<'a>, DecodeError> {
        let mut decoded = self.inner().decode(record)?;
        if let Decoded::Message(message) = &mut decoded
            && let Some(payload) = payload(message)
        {
            *payload = Payload::new(self.outer(), payload.raw());
        }
        Ok(decoded)
    }

    fn encode(&self, message: &Message<'_>, out: &mut Vec<u8>) {
        self.inner().encode(message, out);
    }

    fn write(
        &self,
        value: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.inner().write(&Named { value: &value, text: self.names, binary: self.names }, out)
    }

    fn read<'a>(&self, raw: &'a [u8], visit: Visit<'_, 'a>) -> Result<(), BindError> {
        match self.of {
            Format::MessagePack if raw.is_empty() => return Err(BindError::Shape),
            Format::Json | Format::MessagePack => self.check(raw)?,
        }
        let read = match self.of {
            Format::Json => {
                let mut json = serde_json::Deserializer::from_slice(raw);
                visit(&mut <dyn Deserializer<'_>>::erase(Reading::new(&mut json)))
            }
            Format::MessagePack => {
                let mut packed = rmp_serde::Deserializer::from_read_ref(raw).with_human_readable();
                visit(&mut <dyn Deserializer<'_>>::erase(Reading::new(&mut packed)))
            }
        };
        read.map_err(|_| BindError::Shape)
    }

    fn elements<'a>(&self, raw: &'a [u8]) -> Result<Vec<&'a [u8]>, BindError> {
        match self.of {
            Format::Json => {
                self.check(raw)?;
                let values = serde_json::from_slice::<Vec<&RawValue>>(raw);
                let values = values.map_err(|_| BindError::Shape)?;
                Ok(values.into_iter().map(|value| value.get().as_bytes()).collect())
            }
            Format::MessagePack => msgpack::split(raw),
        }
    }

    fn check(&self, raw: &[u8]) -> Result<(), BindError> {
        Payload::new(self.inner(), raw).check()
    }
}

fn payload<'m, 'a>(message: &'m mut Message<'a>) -> Option<&'m mut Payload<'a>> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::values::{ByteArray, CamelCase, DateTime, Decimal};
    use crate::{Frame, Reply};

    const ALL: [(Encoding, [Encoding; 3]); 2] = [
        (
            Encoding::Json,
            [Names::AsGiven.json(), Names::CamelCase.json(), Names::PascalCase.json()],
        ),
        (
            Encoding::MessagePack,
            [
                Names::AsGiven.message_pack(),
                Names::CamelCase.message_pack(),
                Names::PascalCase.message_pack(),
            ],
        ),
    ];

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Parcel {
        sent_at: DateTime,
        raw_data: ByteArray,
        net_price: Decimal,
        next_one: Option<Box<Self>>,
    }

    fn parcel() -> Parcel {
        let inner = Parcel {
            sent_at: DateTime::UNIX_EPOCH,
            raw_data: vec![1, 2].into(),
            net_price: Decimal::new(110, 2).expect("fits"),
            next_one: None,
        };
        Parcel {
            sent_at: DateTime::UNIX_EPOCH,
            raw_data: vec![].into(),
            net_price: Decimal::default(),
            next_one: Some(Box::new(inner)),
        }
    }

    #[test]
    fn messages_are_those_of_the_built_in_encodings() {
        for (built_in, conventional) in ALL {
            for encoding in conventional {
                assert_eq!(encoding.name(), built_in.name());
                assert_eq!(encoding.format(), built_in.format());
                let arguments = (1, "two", [3, 4]);
                let ours = Frame::invocation(encoding, None, "Go", &arguments).expect("fine");
                let theirs = Frame::invocation(built_in, None, "Go", &arguments).expect("fine");
                assert_eq!(ours.websocket(), theirs.websocket());
                let record = encoding.record(ours.payload(), 0).expect("whole");
                let Ok(Decoded::Message(Message::Invocation(call))) = encoding.decode(record.body)
                else {
                    panic!("no invocation");
                };
                assert_eq!(call.arguments.encoding(), encoding);
                assert_eq!(
                    call.arguments.bind::<(i32, &str, Vec<u8>)>(),
                    Ok((1, "two", vec![3, 4]))
                );
            }
        }
    }

    #[test]
    fn values_have_their_form_and_names_their_convention() {
        for (built_in, [as_given, camel, pascal]) in ALL {
            let written = |encoding| {
                let reply = Reply::new(encoding, Some("1")).result(&parcel()).expect("fine");
                reply.expect("wanted").payload().to_vec()
            };
            assert_eq!(written(as_given), written(built_in));
            let expected = Frame::result(built_in, "1", &CamelCase(parcel())).expect("fine");
            assert_eq!(written(camel), expected.payload());
            for reader in [as_given, camel, pascal] {
                let bytes = written(pascal);
                let record = reader.record(&bytes, 0).expect("whole");
                let Ok(Decoded::Message(Message::Completion(done))) = reader.decode(record.body)
                else {
                    panic!("no completion");
                };
                let Outcome::Result(result) = done.outcome else { panic!("no result") };
                assert_eq!(result.read(), Ok(parcel()));
            }
        }
    }

    #[test]
    fn a_value_with_a_convention_of_its_own_keeps_it() {
        let mut out = Vec::new();
        let json = Names::PascalCase.json();
        json.write(&(CamelCase(parcel()), parcel()), &mut out).expect("fine");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.starts_with(r#"[{"sentAt":"#) && text.contains(r#"},{"SentAt":"#), "{text}");
    }

    /// Of several faults a call may be told another one: a list is read here before it is counted.
    fn failed<T>(bound: Result<T, BindError>) -> Result<T, BindError> {
        bound.map_err(|error| match error {
            BindError::Count { .. } => BindError::Shape,
            other => other,
        })
    }

    proptest! {
        #[test]
        fn arguments_fail_as_they_do_in_the_built_in_encodings(
            json in "[\\[\\]{},:\"a1. ]{0,12}",
            packed in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            let raws = [json.as_bytes(), &packed];
            for ((built_in, [encoding, ..]), raw) in ALL.into_iter().zip(raws) {
                let (ours, theirs) = (Payload::new(encoding, raw), Payload::new(built_in, raw));
                prop_assert_eq!(ours.check(), theirs.check());
                prop_assert_eq!(ours.read::<Option<f64>>(), theirs.read::<Option<f64>>());
                prop_assert_eq!(failed(ours.bind::<(i32,)>()), failed(theirs.bind::<(i32,)>()));
            }
        }
    }
}
