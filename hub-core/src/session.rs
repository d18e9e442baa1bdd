//! All of one connection as one object, for those who embed the core.

use std::io::ErrorKind;
use std::sync::Arc;

use hub_proto::{Frame, Kind, Message};

use crate::close::CloseReason;
use crate::limits::Limits;
use crate::link::{Link, LinkEvent, NORMAL, Timeouts};
use crate::outbox::{Batch, Delivery, Outbox, Pushed, SlowConsumer};
use crate::server::{Config, Connection, End, Event, TransportFacts};
use crate::time::{Deadline, Timer, Timestamp};

/// A [`Link`] that is a WebSocket, the [`Connection`] on it and the [`Outbox`] in front of it.
///
/// The loop around it: hand in [what was read](Self::handle_input), the [end](Self::handle_end) of that
/// and the [time](Self::handle_timeout); answer every [event](Self::poll_event) by the
/// [connection](Self::connection)'s verbs; write what [`next`](Self::next) gives and report it as
/// [`written`](Self::written); come back at the latest at [`poll_timeout`](Self::poll_timeout); shut the
/// pipe down when the session [is done](Self::is_done).
///
/// ```
/// use std::sync::Arc;
/// use hub_core::link::Timeouts;
/// use hub_core::server::{Admission, Config, Event, TransportFacts};
/// use hub_core::{Batch, Session, Timestamp};
/// use hub_proto::ws::{Opcode, encode::write_frame};
///
/// let now = Timestamp::ZERO;
/// let facts = TransportFacts::websocket(0);
/// let mut session = Session::websocket(Arc::new(Config::default()), Timeouts::default(), facts, now);
///
/// let records = b"{\"protocol\":\"json\",\"version\":1}\x1e{\"type\":1,\"target\":\"Add\",\"arguments\":[1,2],\"invocationId\":\"0\"}\x1e";
/// let mut input = Vec::new();
/// write_frame(&mut input, true, Opcode::Text, records, Some([1, 2, 3, 4]));
/// session.handle_input(&mut input, now);
/// while let Some(event) = session.poll_event(now) {
///     match event {
///         Event::Handshake(_) => {
///             session.connection().welcome(now);
///             session.connection().accept(now);
///         }
///         Event::Invoked(call) => {
///             let (a, b) = call.arguments().bind::<(i32, i32)>().expect("two numbers");
///             assert_eq!(session.connection().admit(call.id), Admission::Started);
///             let answer = call.reply.result(&(a + b)).expect("a number can be serialized");
///             session.connection().complete(call.id, answer, now);
///         }
///         _ => {}
///     }
/// }
/// let mut batch = Batch::new();
/// session.next(&mut batch, now);
/// let written = batch.chunks().concat();
/// assert_eq!(written, b"\x81\x03{}\x1e\x81\x29{\"type\":3,\"invocationId\":\"0\",\"result\":3}\x1e");
/// session.written(written.len(), now);
/// ```
#[derive(Debug)]
pub struct Session {
    link: Link,
    connection: Connection,
    outbox: Outbox,
    limits: Limits,
}

impl Session {
    /// A connection on a WebSocket whose upgrade was just answered.
    pub fn websocket(
        config: Arc<Config>,
        timeouts: Timeouts,
        facts: TransportFacts,
        now: Timestamp,
    ) -> Self {
        Self {
            outbox: Outbox::new(&config.limits, SlowConsumer::default(), now),
            limits: config.limits,
            link: Link::websocket(timeouts),
            connection: Connection::new(config, facts, now),
        }
    }

    /// What becomes of messages that do not leave fast enough; by default whoever [sends](Self::send) is told
    /// to wait. To be said before anything is handed in.
    #[must_use]
    pub const fn slow_consumer(mut self, policy: SlowConsumer) -> Self {
        self.outbox.set_policy(policy);
        self
    }

    // World to machine.

    /// Takes bytes from the pipe, cut anywhere; they are unmasked in place.
    pub fn handle_input(&mut self, bytes: &mut [u8], now: Timestamp) {
        let connection = &mut self.connection;
        let now = connection.tick(now);
        self.link.handle_input(bytes, |run| connection.handle_input(run.bytes, now));
        self.settle(now);
    }

    /// The pipe has ended (`UnexpectedEof`), so that nothing more comes in, or has broken, on reading or on
    /// writing, so that nothing more leaves either.
    pub fn handle_end(&mut self, kind: ErrorKind, now: Timestamp) {
        let now = self.connection.tick(now);
        self.link.handle_end(kind);
        if kind != ErrorKind::UnexpectedEof && !self.connection.is_resumable() {
            self.outbox.abandon();
        }
        self.settle(now);
    }

    /// Lets every timer that is due at `now` run out.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let now = self.connection.tick(now);
        self.connection.handle_timeout(now);
        self.link.handle_timeout(now);
        self.settle(now);
    }

    /// Another pipe carries the connection from now on, a WebSocket whose upgrade was just answered. What of
    /// the last batch was not reported as [`written`](Self::written) may have arrived or not, and leaves
    /// again. False, and the pipe is of no use, when the connection cannot be
    /// [resumed](Connection::is_resumable).
    #[must_use]
    pub fn relink(&mut self, now: Timestamp) -> bool {
        let now = self.connection.tick(now);
        self.settle(now);
        if !self.outbox.is_resumable() || !self.connection.relink(now) {
            return false;
        }
        self.link = self.link.another();
        self.outbox.lose_link();
        let first = Message::Sequence(i64::try_from(self.outbox.sequence()).unwrap_or(i64::MAX));
        self.outbox.relink(&Frame::message(self.connection.encoding(), &first))
    }

    // Application to machine.

    /// The connection, to answer its events and to close it.
    pub const fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Queues what the hub sends to this connection.
    pub fn send(&mut self, frame: &Frame, now: Timestamp) -> Pushed {
        self.push(frame, Delivery::Hub, now)
    }

    /// The same, to be treated like that when it does not leave fast enough: a question to the client is
    /// [`Delivery::Own`], or it might never be asked.
    pub fn push(&mut self, frame: &Frame, delivery: Delivery, now: Timestamp) -> Pushed {
        let now = self.connection.tick(now);
        // What the connection said before comes first.
        self.settle(now);
        let pushed = self.outbox.push(frame, delivery);
        if pushed == Pushed::Overflow {
            self.connection.close(CloseReason::SlowConsumer, now);
        }
        pushed
    }

    /// The first `count` bytes of the last batch were written; none, if the pipe took nothing.
    pub fn written(&mut self, count: usize, now: Timestamp) {
        let now = self.connection.tick(now);
        self.outbox.written(count, now);
        if count > 0 {
            self.connection.wrote(now);
        }
        self.flushed(count > 0, now);
    }

    // Machine to world.

    /// The next event. Behind [`Event::Closed`], the last one, there is still output: what was queued, and
    /// the close of the WebSocket.
    pub fn poll_event(&mut self, now: Timestamp) -> Option<Event> {
        let now = self.connection.tick(now);
        self.settle(now);
        let mut event = self.connection.poll_event();
        if event.is_none() {
            // That may have given an answer for which there is no room.
            self.settle(now);
            if self.connection.is_ending() {
                event = self.connection.poll_event();
            }
        }
        if let Some(Event::Closed(reason)) = &event {
            match reason {
                CloseReason::Lost(_) | CloseReason::Timeout(Timer::Send) => self.outbox.abandon(),
                _ => self.outbox.seal(None),
            }
            self.link.finish(NORMAL, now);
        }
        event
    }

    /// Adds what should be written next to an empty batch.
    pub fn next(&mut self, batch: &mut Batch, now: Timestamp) {
        let now = self.connection.tick(now);
        self.settle(now);
        if let Some(pong) = self.link.poll_transmit() {
            self.outbox.push_control(pong);
        }
        if self.outbox.is_empty()
            && let Some(close) = self.link.close(now)
        {
            self.outbox.seal(Some(close));
        }
        self.outbox.next(batch);
        if batch.is_empty() {
            self.flushed(false, now);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earliest(self.connection.poll_timeout(), self.link.poll_timeout())
    }

    // Questions.

    /// Whether more input may be handed in.
    pub fn wants_input(&self) -> bool {
        let wanted = self.connection.wants_input() || self.connection.is_ending();
        wanted && self.link.wants_input()
    }

    /// Whether a stream may be asked for more: there is room, and no message waits for the client to ack
    /// others.
    pub fn wants_items(&mut self) -> bool {
        self.outbox.wants_items()
    }

    /// Bytes that wait to leave.
    pub const fn usage(&self) -> usize {
        self.outbox.usage()
    }

    /// Whether the pipe is gone and [another one](Self::relink) may come.
    pub fn is_down(&self) -> bool {
        self.connection.is_down()
    }

    /// Whether the pipe can be shut down: all has been said on both sides, or never will be.
    pub fn is_done(&self) -> bool {
        self.link.is_given_up() || self.link.is_done() && self.outbox.is_empty()
    }

    /// Lets each part know what the others did.
    fn settle(&mut self, now: Timestamp) {
        match self.link.poll_event() {
            Some(LinkEvent::Finished) => self.connection.handle_disconnect(End::Finished, now),
            Some(LinkEvent::Violated(violation)) => {
                self.connection.handle_disconnect(End::Violated(violation), now);
            }
            Some(LinkEvent::Lost(kind)) => self.lose_link(kind, now),
            Some(LinkEvent::Stuck) if self.connection.is_resumable() => {
                self.lose_link(ErrorKind::TimedOut, now);
            }
            Some(LinkEvent::Stuck) => self.connection.close(CloseReason::Timeout(Timer::Send), now),
            Some(LinkEvent::Absent) => {
                self.connection.close(CloseReason::Timeout(Timer::Disconnect), now);
            }
            None => {}
        }
        if let Some(number) = self.connection.poll_acked() {
            self.outbox.spoke();
            self.outbox.acked(number);
        }
        while let Some(frame) = self.connection.poll_transmit() {
            if frame.kind() == Kind::Handshake && self.connection.is_resumable() {
                self.outbox.resumable(&self.limits);
            }
            if self.outbox.push(&frame, Delivery::Own) == Pushed::Overflow {
                self.connection.close(CloseReason::SlowConsumer, now);
            }
        }
        if self.connection.leaves_acks_unread() {
            self.outbox.release_past_limit();
        }
        if self.connection.is_down() && !self.outbox.is_unlinked() {
            // Before the answer to the handshake was queued it could not be.
            let _ = self.outbox.unlink();
        }
    }

    /// A client that acks nothing makes no more progress than one that reads nothing.
    fn flushed(&mut self, wrote: bool, now: Timestamp) {
        let waits = !self.outbox.is_empty() || self.outbox.waits_for_acks();
        let progress = self.outbox.made_progress(wrote);
        self.link.flushed(waits, progress, now);
    }

    /// The pipe is gone: so is the connection, or it waits for another one.
    fn lose_link(&mut self, kind: ErrorKind, now: Timestamp) {
        self.connection.handle_disconnect(End::Lost(kind), now);
        if self.connection.is_down() {
            // Nothing only before the answer to the handshake is queued: then once it is.
            self.outbox.lose_link();
        }
    }
}

#[cfg(test)]
mod tests;
