//! The encodings of hub messages.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::Serialize;

use crate::codec::Codec;
use crate::framing::{self, NoRecord, Record};
use crate::message::Message;
use crate::{DecodeError, EncodeError, json, msgpack};

/// How hub messages are written: the `protocol` of the handshake.
///
/// Two of them are equal when they have the same name.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Encoding {
    /// `json`: UTF-8 text, records end with 0x1E.
    Json,
    /// `messagepack`: records begin with their length.
    MessagePack,
    /// One that somebody else implements.
    Custom(&'static dyn Codec),
}

/// What a transport must be able to carry for an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferFormat {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

/// What a record holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded<'a> {
    /// A message of a known type.
    Message(Message<'a>),
    /// A well-formed message of a type nobody knows yet: to be skipped.
    Skipped(i32),
}

impl Encoding {
    /// Those that need no [`Codec`].
    pub const BUILT_IN: [Self; 2] = [Self::Json, Self::MessagePack];
    /// The highest protocol version of the handshake; 2 may use Ack and Sequence.
    pub const MAX_VERSION: i32 = 2;

    /// The name in the handshake.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "messagepack",
            Self::Custom(codec) => codec.name(),
        }
    }

    /// The first of `offered` that has that name, whatever its ASCII case.
    pub fn by_name(name: &str, offered: &[Self]) -> Option<Self> {
        offered.iter().copied().find(|encoding| encoding.name().eq_ignore_ascii_case(name))
    }

    /// What the transport must carry.
    pub fn format(self) -> TransferFormat {
        match self {
            Self::Json => TransferFormat::Text,
            Self::MessagePack => TransferFormat::Binary,
            Self::Custom(codec) => codec.format(),
        }
    }

    /// Cuts the first whole record off `input`, or says how many bytes it is known to take.
    ///
    /// The first `searched` bytes have been looked at before, and there was no whole record.
    pub fn record(self, input: &[u8], searched: usize) -> Result<Record<'_>, NoRecord> {
        match self {
            Self::Json => {
                framing::text(input, searched).ok_or(NoRecord::Incomplete { size: input.len() })
            }
            Self::MessagePack => framing::binary(input),
            Self::Custom(codec) => codec.record(input, searched),
        }
    }

    /// Reads one record, without its framing.
    pub fn decode(self, record: &[u8]) -> Result<Decoded<'_>, DecodeError> {
        match self {
            Self::Json => json::decode(record),
            Self::MessagePack => msgpack::decode(record),
            Self::Custom(codec) => codec.decode(record),
        }
    }

    /// Appends one message with its framing, in the bytes that ASP.NET Core writes.
    ///
    /// The payload of the message must be of this encoding.
    pub fn encode(self, message: &Message<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Json => json::encode(message, out),
            Self::MessagePack => msgpack::encode(message, out),
            Self::Custom(codec) => codec.encode(message, out),
        }
    }

    /// Appends one value, without framing: what [`Payload::read`](crate::Payload::read) reads.
    pub fn write<T: Serialize + ?Sized>(
        self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Json => json::write_value(value, out).map_err(EncodeError::new),
            Self::MessagePack => msgpack::write_value(value, out),
            Self::Custom(codec) => codec.write(&value, out),
        }
    }

    /// What is wrong with a message whose payload is not well-formed:
    /// [`BindError::Syntax`](crate::BindError::Syntax) as the fault of the message.
    pub const fn malformed(self) -> DecodeError {
        match self {
            Self::Json => DecodeError::Syntax,
            Self::MessagePack | Self::Custom(_) => DecodeError::Malformed,
        }
    }
}

impl PartialEq for Encoding {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Json, Self::Json) | (Self::MessagePack, Self::MessagePack) => true,
            (Self::Custom(one), Self::Custom(other)) => one.name() == other.name(),
            _ => false,
        }
    }
}

impl Eq for Encoding {}

impl Hash for Encoding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json => f.write_str("Json"),
            Self::MessagePack => f.write_str("MessagePack"),
            Self::Custom(codec) => f.debug_tuple("Custom").field(&codec.name()).finish(),
        }
    }
}
