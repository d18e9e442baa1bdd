//! What can be wrong with bytes, with the texts that ASP.NET Core uses.
//!
//! Texts that differ from ASP.NET Core's are those of [`DecodeError::NotAnArray`], which does not name
//! the byte, and of [`DecodeError::Malformed`]. A value that does not fit is [`BindError::Shape`] in
//! every place; ASP.NET Core has `` Deserializing object of the `T` type for 'item' failed. `` for
//! items and results in MessagePack, where `T` is a .NET type.

use std::fmt;

/// A type of JSON value, spelled as ASP.NET Core's error texts spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum JsonType {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
    /// How `headers` is asked for; ASP.NET Core prints the reader's token name there.
    StartObject,
}

impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why a record is not a message. Every one of these ends the connection.
///
/// The [`Display`](fmt::Display) text is ASP.NET Core's, which may quote the peer: show it to that
/// peer with detailed errors only, and write [`kind`](Self::kind) to logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The text is not JSON, is nested deeper than 64, or ends too early.
    #[error("Error reading JSON.")]
    Syntax,
    /// A value of another type than the wanted one.
    #[error("Unexpected JSON Token Type '{found}'. Expected a JSON {wanted}.")]
    Unexpected {
        /// What is there.
        found: JsonType,
        /// What should be there.
        wanted: JsonType,
    },
    /// A known property of the wrong type.
    #[error("Expected '{name}' to be of type {wanted}.")]
    Type {
        /// The property.
        name: &'static str,
        /// The type it must have.
        wanted: JsonType,
    },
    /// A known property that must be `true` or `false`.
    #[error("Expected '{0}' to be true or false.")]
    NotBoolean(&'static str),
    /// A number that is not an integer of the wanted width.
    #[error("Either the JSON value of '{0}' is not in a supported format, or is out of bounds.")]
    Integer(&'static str),
    /// A header whose value is not a string.
    #[error("Expected header '{0}' to be of type String.")]
    Header(String),
    /// A stream id that is null.
    #[error("Null value for 'streamIds' is not valid.")]
    NullStreamId,
    /// A stream id that is neither a string nor null.
    #[error("Cannot get the value of a token type as a string.")]
    StreamId,
    /// A completion with an error and a result.
    #[error("The 'error' and 'result' properties are mutually exclusive.")]
    Exclusive,
    /// A required property that is not there.
    #[error("Missing required property '{0}'.")]
    Missing(&'static str),
    /// A required property of a handshake request that is not there.
    #[error("Missing required property '{name}'. Message content: {content}")]
    MissingInHandshake {
        /// The property.
        name: &'static str,
        /// The whole record, as ASP.NET Core shows it.
        content: String,
    },
    /// A hub message where a handshake response belongs.
    #[error("Expected a handshake response from the server.")]
    NotHandshakeResponse,
    /// A negotiate response of the older ASP.NET SignalR.
    #[error(
        "Detected a connection attempt to an ASP.NET SignalR Server. This client only supports connecting to an ASP.NET Core SignalR Server. See https://aka.ms/signalr-core-differences for details."
    )]
    ClassicSignalR,
    /// A binary record that declares more than 2 GiB - 1.
    #[error("Messages over 2GB in size are not supported.")]
    TooLong,
    /// A MessagePack message that ends before it begins, or whose array has more elements than bytes.
    #[error("Attempted to read past the end of the stream.")]
    EndOfStream,
    /// A MessagePack message that is no array. ASP.NET Core names the byte that it found.
    #[error("Unexpected msgpack code encountered.")]
    NotAnArray,
    /// A payload that nobody reads, and that is cut off, nested deeper than 64, or no MessagePack.
    /// ASP.NET Core does not look at those of calls and items, and has a text of its own for results.
    #[error("Failed to skip a value.")]
    Malformed,
    /// An element of a MessagePack message that is missing or of another type.
    #[error("Reading '{name}' as {wanted} failed.")]
    Field {
        /// The element.
        name: &'static str,
        /// The .NET type it must have.
        wanted: &'static str,
    },
    /// An element of a MessagePack message that is missing, of another type, or longer than its bytes.
    #[error("Reading {wanted} length for '{name}' failed.")]
    Length {
        /// The element.
        name: &'static str,
        /// What it must be: `array` or `map`.
        wanted: &'static str,
    },
    /// A part of a MessagePack header that is missing or no string.
    #[error("Reading 'headers[{index}].{part}' as String failed.")]
    HeaderText {
        /// Which header, from 0 on.
        index: usize,
        /// Which part of it.
        part: HeaderPart,
    },
    /// A part of a MessagePack header that is nil or empty. JSON allows empty ones.
    #[error("Null or empty {} in header.", .0.lower())]
    EmptyHeader(HeaderPart),
    /// Two MessagePack headers of one name. In JSON the last one wins.
    #[error("An item with the same key has already been added. Key: {0}")]
    DuplicateHeader(String),
    /// An id or target of a MessagePack message that is nil or empty.
    #[error("Null or empty {field} for {message} message.")]
    Empty {
        /// The element.
        field: &'static str,
        /// The message it is in.
        message: &'static str,
    },
    /// A stream id of a MessagePack message that is nil or empty.
    #[error("Null or empty value in streamIds received.")]
    EmptyStreamId,
    /// A MessagePack completion of another kind than 1, 2 and 3.
    #[error("Invalid invocation result kind.")]
    ResultKind,
    /// What a [`Codec`](crate::Codec) says of a record that is no message of its encoding.
    #[error("{0}")]
    Custom(String),
}

/// A part of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum HeaderPart {
    Key,
    Value,
}

impl HeaderPart {
    const fn lower(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }
}

impl fmt::Display for HeaderPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl DecodeError {
    /// The short name of the .NET exception that carries this text.
    pub const fn exception(&self) -> &'static str {
        match self {
            Self::Integer(_) | Self::TooLong => "FormatException",
            Self::EndOfStream => "EndOfStreamException",
            Self::NotAnArray | Self::Malformed => "MessagePackSerializationException",
            Self::DuplicateHeader(_) => "ArgumentException",
            Self::StreamId => "InvalidOperationException",
            Self::Syntax
            | Self::Unexpected { .. }
            | Self::Type { .. }
            | Self::NotBoolean(_)
            | Self::Header(_)
            | Self::NullStreamId
            | Self::Exclusive
            | Self::Missing(_)
            | Self::MissingInHandshake { .. }
            | Self::NotHandshakeResponse
            | Self::ClassicSignalR
            | Self::Field { .. }
            | Self::Length { .. }
            | Self::HeaderText { .. }
            | Self::EmptyHeader(_)
            | Self::Empty { .. }
            | Self::EmptyStreamId
            | Self::ResultKind
            | Self::Custom(_) => "InvalidDataException",
        }
    }

    /// A short name without any of the peer's bytes, for logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Syntax => "bad JSON",
            Self::Unexpected { .. } => "unexpected JSON value",
            Self::Type { .. } | Self::NotBoolean(_) | Self::Header(_) | Self::StreamId => {
                "property of wrong type"
            }
            Self::Integer(_) => "not an integer",
            Self::NullStreamId => "null stream id",
            Self::Exclusive => "error and result in one completion",
            Self::Missing(_) | Self::MissingInHandshake { .. } => "missing property",
            Self::NotHandshakeResponse => "not a handshake response",
            Self::ClassicSignalR => "older ASP.NET SignalR",
            Self::TooLong => "message over 2 GB",
            Self::EndOfStream => "message cut off",
            Self::NotAnArray => "message is no array",
            Self::Malformed => "malformed value",
            Self::Field { .. } | Self::Length { .. } | Self::HeaderText { .. } => {
                "element missing or of wrong type"
            }
            Self::EmptyHeader(_) => "empty header",
            Self::DuplicateHeader(_) => "duplicate header",
            Self::Empty { .. } => "empty id or target",
            Self::EmptyStreamId => "empty stream id",
            Self::ResultKind => "unknown kind of result",
            Self::Custom(_) => "no message of its encoding",
        }
    }
}

/// Why a payload does not fit the wanted types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The payload is not well-formed: the connection must end, with
    /// [`Encoding::malformed`](crate::Encoding::malformed). In MessagePack ASP.NET Core calls some of
    /// this a wrong shape.
    #[error("The value is not well-formed.")]
    Syntax,
    /// MessagePack arguments that are missing, no list, or a list of more elements than bytes: the
    /// call fails, the connection lives. In JSON, arguments that are no list are a [`DecodeError`].
    #[error("Reading array length for 'arguments' failed.")]
    NotAList,
    /// Well-formed, of another shape: the call fails, the connection lives.
    #[error(
        "Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked."
    )]
    Shape,
    /// Well-formed, another number of arguments: the call fails, the connection lives.
    #[error("Invocation provides {provided} argument(s) but target expects {expected}.")]
    Count {
        /// How many there are.
        provided: usize,
        /// How many the target takes.
        expected: usize,
    },
}

/// A value that its `Serialize` refuses to write. The sender's fault: no bytes leave.
#[derive(Debug, thiserror::Error)]
#[error("the value cannot be serialized: {0}")]
pub struct EncodeError(String);

impl EncodeError {
    /// What the serializer says.
    pub fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}
