//! What a connection tells its driver.

use std::fmt;
use std::sync::Arc;

use hub_proto::ws::Violation;
use hub_proto::{Encoding, Headers, Id, Payload, Reply};

use super::asks::AskId;
use crate::close::CloseReason;

/// One thing that happened. Every event is reported once, in order.
#[derive(Debug)]
pub enum Event {
    /// The client asked for a protocol that the connection can speak: answer with
    /// [`welcome`](super::Connection::welcome) or [`refuse`](super::Connection::refuse).
    Handshake(Encoding),
    /// A method is to be called: bind the arguments, then [`admit`](super::Connection::admit) and
    /// [`complete`](super::Connection::complete) it, or tell a bad payload by
    /// [`malformed`](super::Connection::malformed).
    Invoked(Box<Call>),
    /// A call that [`admit`](super::Connection::admit) parked may run now.
    Started(CallId),
    /// The client wants this call to stop. It is still to be [completed](super::Connection::complete).
    Cancelled(CallId),
    /// A stream of the client's brings an item: once its reader has taken it, say
    /// [`consumed`](super::Connection::consumed). Comes for calls that are parked, too.
    Item {
        /// The stream; one that is not known any more was given up meanwhile.
        stream: StreamKey,
        /// What it brings: to be [read](Payload::read) or [checked](Payload::check).
        item: Raw,
    },
    /// A stream of the client's is over.
    Ended {
        /// The stream.
        stream: StreamKey,
        /// The error with which the client ended it.
        error: Option<Box<str>>,
    },
    /// The client has answered a [question](super::Connection::ask), or its time is over.
    Answered {
        /// The question.
        ask: AskId,
        /// The answer.
        answer: Answer,
    },
    /// The connection is over; the last event.
    Closed(CloseReason),
}

/// Names a call on one connection; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(super) u64);

/// One call of a method.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name towards the connection.
    pub id: CallId,
    /// The method, in the client's spelling.
    pub target: Id,
    /// Where the answer goes.
    pub reply: Reply,
    /// Whether the client expects a stream of items.
    pub streaming: bool,
    /// The streams that the client sends along, in the order in which it names them.
    pub streams: Box<[StreamKey]>,
    /// The headers of the message, if it has any.
    pub headers: Option<Arc<Headers<'static>>>,
    /// The bytes of the whole message, with its framing.
    pub size: usize,
    pub(super) arguments: Raw,
}

impl Call {
    /// The raw arguments: to be [bound](Payload::bind) or [checked](Payload::check).
    pub fn arguments(&self) -> Payload<'_> {
        self.arguments.payload(self.reply.encoding())
    }

    /// Takes the raw arguments out; nothing is left of them here.
    pub fn take_arguments(&mut self) -> Raw {
        std::mem::replace(&mut self.arguments, Raw(Box::default()))
    }
}

/// Names a stream that a client sends on one connection; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    pub(super) call: CallId,
    pub(super) nth: u32,
}

impl StreamKey {
    /// The call that it belongs to.
    pub const fn call(self) -> CallId {
        self.call
    }
}

/// A value of the client's that nobody has read yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw(Box<[u8]>);

impl Raw {
    /// The value, on a connection with that [encoding](super::Connection::encoding).
    pub const fn payload(&self, encoding: Encoding) -> Payload<'_> {
        Payload::new(encoding, &self.0)
    }

    /// How many bytes it has.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&[u8]> for Raw {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Raw {
    /// How many bytes, not which: they are the client's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.len())
    }
}

/// What became of a question to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The client's result: to be [read](Payload::read).
    Result(Raw),
    /// The client failed, with that text.
    Error(Box<str>),
    /// The client answered with neither a result nor an error.
    Nothing,
    /// There was no answer in time.
    TimedOut,
    /// The answer cannot be read, as it may be behind more than may be parked.
    Crowded,
}

/// What became of a call that wants to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It runs from now on.
    Started,
    /// It waits for its turn; [`Event::Started`] will tell.
    Parked,
    /// Too many wait already: it is to [fail](super::Connection::fail) as
    /// [`CallFault::TooMany`](super::CallFault::TooMany).
    Full,
    /// The connection is closing or the call is over: it must not run.
    Gone,
}

/// How the input of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In good order; output can still be sent.
    Finished,
    /// The peer broke RFC 6455; output can still be sent.
    Violated(Violation),
    /// The link is gone, and nothing can be sent.
    Lost(std::io::ErrorKind),
}
