//! The encodings of hub messages.

use crate::json;
use crate::message::Message;
use crate::{DecodeError, framing};

/// How hub messages are written: the `protocol` of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// `json`: UTF-8 text, records end with 0x1E.
    Json,
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
    /// Every encoding, in the order of [`index`](Self::index).
    pub const ALL: [Self; Self::COUNT] = [Self::Json];
    /// How many there are.
    pub const COUNT: usize = 1;
    /// The highest protocol version of the handshake; 2 may use Ack and Sequence.
    pub const MAX_VERSION: i32 = 2;

    /// The name in the handshake.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
        }
    }

    /// The encoding of that name, whatever its ASCII case.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name().eq_ignore_ascii_case(name))
    }

    /// What the transport must carry.
    pub const fn format(self) -> TransferFormat {
        match self {
            Self::Json => TransferFormat::Text,
        }
    }

    /// A small number, for tables with one place per encoding.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Cuts the first whole record off `input`; `None` when there is none yet.
    ///
    /// The first `searched` bytes have been looked at before, with the same answer.
    pub fn record(self, input: &[u8], searched: usize) -> Option<framing::Record<'_>> {
        match self {
            Self::Json => framing::text(input, searched),
        }
    }

    /// Reads one record, without its framing.
    pub fn decode(self, record: &[u8]) -> Result<Decoded<'_>, DecodeError> {
        match self {
            Self::Json => json::decode(record),
        }
    }

    /// Appends one message with its framing, in the bytes that ASP.NET Core writes.
    pub fn encode(self, message: &Message<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Json => json::encode(message, out),
        }
    }
}
