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
    /// the last batch was not reported as [`written`](Self::written) counts as lost. False, and the pipe is
    /// of no use, when the connection cannot be [resumed](Connection::is_resumable).
    #[must_use]
    pub fn relink(&mut self, now: Timestamp) -> bool {
        let now = self.connection.tick(now);
        self.settle(now);
        if !self.outbox.is_resumable() || !self.connection.relink(now) {
            return false;
        }
        self.link = self.link.another();
        self.outbox.written(0, now);
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
        if self.connection.is_down() && !self.outbox.is_unlinked() {
            // Before the answer to the handshake was queued it could not be.
            let _ = self.outbox.unlink();
        }
    }

    /// A client that acks nothing makes no more progress than one that reads nothing.
    fn flushed(&mut self, progress: bool, now: Timestamp) {
        let waits = !self.outbox.is_empty() || self.outbox.waits_for_acks();
        self.link.flushed(waits, progress, now);
    }

    /// The pipe is gone: so is the connection, or it waits for another one.
    fn lose_link(&mut self, kind: ErrorKind, now: Timestamp) {
        self.connection.handle_disconnect(End::Lost(kind), now);
        if self.connection.is_down() {
            self.outbox.written(0, now);
            // False only before the answer to the handshake is queued: then once it is.
            let _ = self.outbox.unlink();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hub_proto::Encoding;
    use hub_proto::ws::{Opcode, Violation, encode};

    use super::*;
    use crate::close::PeerFault;

    const NOW: Timestamp = Timestamp::ZERO;
    const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

    /// A session that has shaken hands, the answer to which waits.
    fn session() -> Session {
        let facts = TransportFacts::websocket(0);
        greeted(Session::websocket(Arc::default(), Timeouts::default(), facts, NOW))
    }

    /// The same, of a client whose pipes may be replaced.
    fn resumable(config: Config) -> Session {
        let facts = TransportFacts::websocket(0).resumable();
        let mut session = Session::websocket(Arc::new(config), Timeouts::default(), facts, NOW);
        receive(&mut session, Opcode::Text, b"{\"protocol\":\"json\",\"version\":2}\x1e");
        accept(session)
    }

    fn greeted(mut session: Session) -> Session {
        receive(&mut session, Opcode::Text, b"{\"protocol\":\"json\",\"version\":1}\x1e");
        accept(session)
    }

    fn accept(mut session: Session) -> Session {
        while let Some(event) = session.poll_event(NOW) {
            if let Event::Handshake(_) = event {
                session.connection().welcome(NOW);
                session.connection().accept(NOW);
            }
        }
        session
    }

    fn receive(session: &mut Session, opcode: Opcode, payload: &[u8]) {
        let mut frame = Vec::new();
        encode::write_frame(&mut frame, true, opcode, payload, KEY);
        session.handle_input(&mut frame, NOW);
    }

    fn closed(session: &mut Session) -> Option<CloseReason> {
        match session.poll_event(NOW)? {
            Event::Closed(reason) => Some(reason),
            event => panic!("{event:?}"),
        }
    }

    fn write(session: &mut Session) -> Vec<u8> {
        let mut batch = Batch::new();
        session.next(&mut batch, NOW);
        session.written(batch.len(), NOW);
        batch.chunks().concat()
    }

    #[test]
    fn the_policy_for_slow_consumers_is_the_embedders_choice() {
        let limits = Limits { soft_output: 100, ..Limits::default() };
        let config = Arc::new(Config { limits, ..Config::default() });
        let frame = Frame::invocation(Encoding::Json, None, "T", &("x".repeat(80),)).unwrap();
        for (policy, third) in [
            (SlowConsumer::default(), Pushed::Waiting),
            (SlowConsumer::DropNewest, Pushed::Dropped),
            (SlowConsumer::DropOldest, Pushed::Waiting),
            (SlowConsumer::Close, Pushed::Overflow),
        ] {
            let facts = TransportFacts::websocket(0);
            let session = Session::websocket(config.clone(), Timeouts::default(), facts, NOW);
            let mut session = greeted(session.slow_consumer(policy));
            write(&mut session);
            assert!(session.wants_items() && session.usage() == 0);
            assert_eq!(session.send(&frame, NOW), Pushed::Waiting);
            assert_eq!(session.usage(), frame.websocket().len());
            assert!(!session.wants_items());
            assert_eq!(session.send(&frame, NOW), third, "{policy:?}");
            while session.usage() > 0 {
                write(&mut session);
            }
            assert!(session.wants_items());
        }
    }

    #[test]
    fn an_answer_for_which_there_is_no_room_ends_the_connection_at_once() {
        let limits = Limits { hard_output: 100, ..Limits::default() };
        let config = Arc::new(Config { limits, ..Config::default() });
        let facts = TransportFacts::websocket(0);
        let mut session = greeted(Session::websocket(config, Timeouts::default(), facts, NOW));
        let frame = Frame::invocation(Encoding::Json, None, "T", &("x".repeat(100),)).unwrap();
        assert_eq!(session.send(&frame, NOW), Pushed::Queued);
        let refused =
            b"{\"type\":1,\"invocationId\":\"0\",\"target\":\"T\",\"arguments\":[],\"streamIds\":[\"1\",\"1\"]}\x1e";
        receive(&mut session, Opcode::Text, refused);
        assert_eq!(closed(&mut session), Some(CloseReason::SlowConsumer));
    }

    #[test]
    fn a_time_older_than_the_last_one_counts_as_the_last_one() {
        let mut session = session();
        let last = Timestamp::from_millis(1_000);
        session.handle_timeout(last);
        receive(&mut session, Opcode::Close, b"\x03\xe8");
        assert_eq!(closed(&mut session), Some(CloseReason::Ended));
        let at = last + Timeouts::default().close;
        assert_eq!(session.poll_timeout(), Some(Deadline { at, why: Timer::Close }));
    }

    #[test]
    fn a_session_is_shown_without_what_the_hub_sends() {
        let mut session = session();
        session.send(&Frame::result(Encoding::Json, "1", "secret").unwrap(), NOW);
        let shown = format!("{session:?}");
        assert!(shown.contains("Entry") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_pipe_that_breaks_leaves_nothing_to_do_whatever_waited() {
        let mut lost = session();
        receive(&mut lost, Opcode::Ping, b"p");
        lost.handle_end(ErrorKind::ConnectionReset, NOW);
        assert_eq!(closed(&mut lost), Some(CloseReason::Lost(ErrorKind::ConnectionReset)));
        assert!(write(&mut lost).is_empty() && lost.is_done());
    }

    #[test]
    fn so_does_one_that_breaks_behind_the_peers_close() {
        let mut session = session();
        receive(&mut session, Opcode::Close, b"\x03\xe8");
        assert_eq!(closed(&mut session), Some(CloseReason::Ended));
        assert!(!session.is_done());
        session.handle_end(ErrorKind::BrokenPipe, NOW);
        assert!(session.is_done() && session.poll_event(NOW).is_none());
    }

    #[test]
    fn what_came_before_a_broken_frame_is_told_however_it_is_cut() {
        let call = b"{\"type\":1,\"target\":\"T\",\"arguments\":[]}\x1e";
        let mut input = Vec::new();
        encode::write_frame(&mut input, true, Opcode::Text, call, KEY);
        input.extend_from_slice(b"\x81\x00");
        for cut in 0..input.len() {
            let mut session = session();
            let mut bytes = input.clone();
            let (one, two) = bytes.split_at_mut(cut);
            session.handle_input(one, NOW);
            session.handle_input(two, NOW);
            assert!(matches!(session.poll_event(NOW), Some(Event::Invoked(_))), "cut at {cut}");
            let violation = PeerFault::WebSocket(Violation::Unmasked);
            assert_eq!(closed(&mut session), Some(CloseReason::Peer(violation)));
        }
    }

    #[test]
    fn a_peer_that_closes_gets_what_waits_and_the_close_behind_it() {
        let mut session = session();
        receive(&mut session, Opcode::Close, b"\x03\xe8");
        assert_eq!(closed(&mut session), Some(CloseReason::Ended));
        assert_eq!(
            write(&mut session),
            b"\x81\x03{}\x1e\x81\x21{\"type\":7,\"allowReconnect\":true}\x1e"
        );
        assert!(!session.is_done());
        assert_eq!(write(&mut session), b"\x88\x02\x03\xe8");
        assert!(session.is_done());
    }

    #[test]
    fn what_was_said_leaves_before_what_is_sent_behind_it() {
        let mut session = session();
        let call = b"{\"type\":1,\"invocationId\":\"1\",\"target\":\"T\",\"arguments\":[]}\x1e";
        receive(&mut session, Opcode::Text, call);
        let Some(Event::Invoked(call)) = session.poll_event(NOW) else { panic!("no call") };
        write(&mut session);
        session.connection().admit(call.id);
        session.connection().complete(call.id, call.reply.void(), NOW);
        let frame = Frame::invocation(Encoding::Json, None, "T", &()).unwrap();
        session.send(&frame, NOW);
        let answer = Frame::void(Encoding::Json, "1");
        assert_eq!(write(&mut session), [&answer.websocket()[..], frame.websocket()].concat());
    }

    #[test]
    fn a_client_that_acks_nothing_for_10_s_needs_another_pipe() {
        let limits = Limits { unacked: 10, ..Limits::default() };
        let mut session = resumable(Config { limits, ..Config::default() });
        receive(&mut session, Opcode::Text, b"{\"type\":6}\x1e");
        let frame = Frame::invocation(Encoding::Json, None, "T", &("x",)).unwrap();
        session.send(&frame, NOW);
        write(&mut session);
        assert!(session.poll_timeout().is_none_or(|next| next.why != Timer::Send));
        session.send(&frame, NOW);
        assert!(write(&mut session).is_empty(), "it waits for an Ack");
        let stuck = Deadline { at: NOW + Duration::from_secs(10), why: Timer::Send };
        assert_eq!(session.poll_timeout(), Some(stuck));
        receive(&mut session, Opcode::Text, b"{\"type\":8,\"sequenceId\":1}\x1e");
        assert_eq!(write(&mut session), *frame.websocket());
        session.send(&frame, NOW);
        assert!(write(&mut session).is_empty());
        session.handle_timeout(stuck.at);
        assert!(session.is_down());
    }

    #[test]
    fn nothing_leaves_by_a_pipe_that_breaks_before_the_handshake_is_answered() {
        let facts = TransportFacts::websocket(0).resumable();
        let mut session = Session::websocket(Arc::default(), Timeouts::default(), facts, NOW);
        receive(&mut session, Opcode::Text, b"{\"protocol\":\"json\",\"version\":2}\x1e");
        assert!(matches!(session.poll_event(NOW), Some(Event::Handshake(_))));
        session.connection().welcome(NOW);
        session.connection().accept(NOW);
        session.handle_end(ErrorKind::ConnectionReset, NOW);
        assert!(session.is_down());
        let frame = Frame::invocation(Encoding::Json, None, "T", &("x",)).unwrap();
        session.send(&frame, NOW);
        assert!(write(&mut session).is_empty() && !session.wants_items());
        assert!(session.poll_timeout().is_none_or(|next| next.why != Timer::Send));
    }

    #[test]
    fn what_waits_when_a_pipe_breaks_leaves_by_the_next_one() {
        let mut session = resumable(Config::default());
        let told = |number: u8| Frame::invocation(Encoding::Json, None, "T", &(number,)).unwrap();
        assert_eq!(session.send(&told(1), NOW), Pushed::Queued);
        assert_eq!(write(&mut session), b"\x81\x03{}\x1e", "the client does not count yet");
        receive(&mut session, Opcode::Text, b"{\"type\":6}\x1e");
        let one = told(1).websocket().to_vec();
        assert_eq!(write(&mut session), one);
        session.handle_end(ErrorKind::ConnectionReset, NOW);
        assert!(session.is_down() && session.is_done() && session.poll_event(NOW).is_none());
        assert_eq!(session.send(&told(2), NOW), Pushed::Queued);
        assert!(write(&mut session).is_empty());

        assert!(session.relink(NOW) && !session.is_down() && !session.is_done());
        let sequence = b"\x81\x1a{\"type\":9,\"sequenceId\":1}\x1e".to_vec();
        assert_eq!(write(&mut session), [sequence, one, told(2).websocket().to_vec()].concat());
        receive(&mut session, Opcode::Close, b"\x03\xe8");
        assert_eq!(closed(&mut session), Some(CloseReason::Ended));
        assert!(!session.relink(NOW), "an end in good order is final");
    }
}
