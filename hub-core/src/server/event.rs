//! What a connection tells its driver.

use bytes::Bytes;
use hub_proto::{Encoding, Id, Payload, Reply};

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
    Invoked(Call),
    /// A call that [`admit`](super::Connection::admit) parked may run now.
    Started(CallId),
    /// The client wants this call to stop.
    Cancelled(CallId),
    /// The connection is over; the last event.
    Closed(CloseReason),
}

/// Names a call on one connection; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(super) u64);

/// One call of a method.
#[derive(Debug)]
pub struct Call {
    /// Its name towards the connection.
    pub id: CallId,
    /// The method, in the client's spelling.
    pub target: Id,
    /// Where the answer goes.
    pub reply: Reply,
    /// Whether the client expects a stream of items.
    pub streaming: bool,
    /// How many streams the client wants to send along.
    pub streams: usize,
    pub(super) arguments: Bytes,
}

impl Call {
    /// The raw arguments: to be [bound](Payload::bind) or [checked](Payload::check).
    pub fn arguments(&self) -> Payload<'_> {
        Payload::new(self.reply.encoding(), &self.arguments)
    }
}

/// What became of a call that wants to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It runs from now on.
    Started,
    /// It waits for its turn; [`Event::Started`] will tell.
    Parked,
    /// The connection is closing or the call is over: it must not run.
    Gone,
}

/// How the input of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In good order; output can still be sent.
    Finished,
    /// The link is gone, and nothing can be sent.
    Lost(std::io::ErrorKind),
}
