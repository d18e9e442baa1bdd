//! The nine hub messages, borrowed from the bytes they came in.

use std::borrow::Cow;

use crate::payload::Payload;

/// One hub message. The numbers in the docs are the wire's.
#[derive(Clone, Debug, PartialEq)]
pub enum Message<'a> {
    /// 1: calls a method.
    Invocation(Invocation<'a>),
    /// 2: one item of a stream.
    StreamItem(StreamItem<'a>),
    /// 3: ends a call or a stream.
    Completion(Completion<'a>),
    /// 4: calls a method that answers with a stream.
    StreamInvocation(StreamInvocation<'a>),
    /// 5: asks to stop a call or a stream.
    CancelInvocation(CancelInvocation<'a>),
    /// 6: a sign of life.
    Ping,
    /// 7: ends the connection.
    Close(Close<'a>),
    /// 8: everything up to this number has been processed.
    Ack(i64),
    /// 9: the number of the next counted message.
    Sequence(i64),
}

impl Message<'_> {
    /// Whether stateful reconnect counts this message: types 1 to 5.
    pub const fn is_counted(&self) -> bool {
        match self {
            Self::Invocation(_)
            | Self::StreamItem(_)
            | Self::Completion(_)
            | Self::StreamInvocation(_)
            | Self::CancelInvocation(_) => true,
            Self::Ping | Self::Close(_) | Self::Ack(_) | Self::Sequence(_) => false,
        }
    }
}

/// Calls `target`. Without an id it is never answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation<'a> {
    /// Chosen by the caller; absent (an empty one reads as absent) when no answer is wanted.
    pub id: Option<Cow<'a, str>>,
    /// The method, in the caller's spelling.
    pub target: Cow<'a, str>,
    /// The list of arguments.
    pub arguments: Payload<'a>,
    /// The ids of the streams that the caller will send. In MessagePack an empty list reads as none.
    pub stream_ids: Option<Vec<Cow<'a, str>>>,
    /// Headers, usually none.
    pub headers: Headers<'a>,
}

/// Calls `target` and expects a stream of items.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamInvocation<'a> {
    /// Chosen by the caller; never empty.
    pub id: Cow<'a, str>,
    /// The method, in the caller's spelling.
    pub target: Cow<'a, str>,
    /// The list of arguments.
    pub arguments: Payload<'a>,
    /// The ids of the streams that the caller will send. In MessagePack an empty list reads as none.
    pub stream_ids: Option<Vec<Cow<'a, str>>>,
    /// Headers, usually none.
    pub headers: Headers<'a>,
}

/// One item of the stream `id`.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamItem<'a> {
    /// The stream; never empty.
    pub id: Cow<'a, str>,
    /// The item, which may be null.
    pub item: Payload<'a>,
    /// Headers, usually none.
    pub headers: Headers<'a>,
}

/// Ends the call or stream `id`.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion<'a> {
    /// The call or stream; never empty.
    pub id: Cow<'a, str>,
    /// How it ended.
    pub outcome: Outcome<'a>,
    /// Headers, usually none.
    pub headers: Headers<'a>,
}

/// How a call or stream ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<'a> {
    /// Without a result.
    Void,
    /// With a result, which may be null.
    Result(Payload<'a>),
    /// With an error. JSON cannot carry an empty text: it is written as [`Void`](Self::Void);
    /// MessagePack can.
    Error(Cow<'a, str>),
}

/// Asks to stop the call or stream `id`.
#[derive(Clone, Debug, PartialEq)]
pub struct CancelInvocation<'a> {
    /// The call or stream; never empty.
    pub id: Cow<'a, str>,
    /// Headers, usually none.
    pub headers: Headers<'a>,
}

/// Ends the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Close<'a> {
    /// Why, when it was not asked for. MessagePack cannot carry an empty text: it is written as none.
    pub error: Option<Cow<'a, str>>,
    /// Whether a client with automatic reconnect may come back.
    pub allow_reconnect: bool,
}

/// The headers of a message, in the order in which they came.
///
/// The protocol defines none and no known client sends any; an empty list allocates nothing. In
/// MessagePack a name occurs once, and neither it nor its value is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Headers<'a> {
    /// No headers.
    pub const NONE: Self = Self(Vec::new());

    /// The value of `name`, compared exactly; of duplicates the last one wins.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// Every header as it came, duplicates included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are, duplicates included.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds one at the end.
    pub fn push(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        self.0.push((name, value));
    }

    /// A copy that borrows nothing.
    pub fn to_static(&self) -> Headers<'static> {
        let owned = |text: &str| Cow::Owned(text.to_owned());
        Headers(self.iter().map(|(name, value)| (owned(name), owned(value))).collect())
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
