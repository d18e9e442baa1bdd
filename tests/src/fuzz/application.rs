//! An application on a hub connection that remembers everything it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hub_core::server::{
    Admission, Answer, AskId, Call, CallId, Config, Connection, Event, Raw, StreamKey,
};
use hub_core::{CloseReason, PeerFault, Timer, Timestamp};
use hub_proto::{BindError, Frame};

use super::input::Input;

/// What a parked item takes besides its bytes.
const OVERHEAD: usize = 64;

/// What an application can do with a connection; what is the nth is so modulo the number there are.
#[derive(Clone, Debug)]
pub(super) enum Verb {
    Welcome,
    Accept,
    Refuse,
    /// What is done with the next new call: its arguments are read, and it is admitted.
    Serve,
    Admit(usize),
    Complete(usize),
    Item(usize),
    Release(usize),
    Consume(usize, usize),
    Discard(usize),
    Ask(u64, Option<Duration>),
    Withdraw(u64),
    Malformed,
    Close(CloseReason),
}

impl Verb {
    /// The verb of a number, if there is one, with what it needs of the input.
    pub(super) fn read(number: u8, input: &mut Input<'_>) -> Option<Self> {
        let mut nth = || usize::from(input.byte());
        Some(match number {
            8 => Self::Welcome,
            9 => Self::Accept,
            10 => Self::Serve,
            11 => Self::Complete(nth()),
            12 => Self::Admit(nth()),
            16 => Self::Close(reason(input.byte())),
            17 => Self::Malformed,
            18 => Self::Refuse,
            20 => Self::Consume(nth(), nth()),
            21 => Self::Discard(nth()),
            22 => Self::Item(nth()),
            23 => {
                let (ask, time) = (input.byte() % 4, input.byte());
                let time = (time > 0).then(|| Duration::from_millis(u64::from(time) * 250));
                Self::Ask(ask.into(), time)
            }
            24 => Self::Withdraw((input.byte() % 4).into()),
            25 => Self::Release(nth()),
            _ => return None,
        })
    }
}

fn reason(byte: u8) -> CloseReason {
    match byte % 8 {
        0 => CloseReason::Aborted,
        1 => CloseReason::Closed { allow_reconnect: true },
        2 => CloseReason::SlowConsumer,
        3 => CloseReason::Rejected(Some("no".to_owned())),
        4 => CloseReason::AuthExpired,
        5 => CloseReason::Shutdown,
        6 => CloseReason::Timeout(Timer::Send),
        _ => CloseReason::Peer(PeerFault::Truncated),
    }
}

/// Each method asserts the laws that it can see broken.
#[derive(Debug)]
pub(super) struct Application {
    config: Arc<Config>,
    /// What was reported.
    pub(super) events: Vec<String>,
    /// Why it was closed.
    pub(super) reason: Option<CloseReason>,
    /// Every call, in the order in which they came.
    calls: Vec<Call>,
    /// How many calls have been looked at by [`Verb::Serve`].
    served: usize,
    parked: BTreeSet<CallId>,
    over: BTreeSet<CallId>,
    /// Every stream that a client sends, with the items that its reader has and has not taken.
    streams: BTreeMap<StreamKey, usize>,
    /// Those of which nothing may come any more.
    ended: BTreeSet<StreamKey>,
    asks: BTreeSet<AskId>,
}

impl Application {
    pub(super) const fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            events: Vec::new(),
            reason: None,
            calls: Vec::new(),
            served: 0,
            parked: BTreeSet::new(),
            over: BTreeSet::new(),
            streams: BTreeMap::new(),
            ended: BTreeSet::new(),
            asks: BTreeSet::new(),
        }
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.reason.is_some()
    }

    // What it does. All that this moves is to be polled behind it.

    pub(super) fn act(&mut self, connection: &mut Connection, verb: &Verb, now: Timestamp) {
        match *verb {
            Verb::Welcome => connection.welcome(now),
            Verb::Accept => connection.accept(now),
            Verb::Refuse => connection.refuse("no", now),
            Verb::Serve => self.serve(connection, now),
            Verb::Admit(nth) => self.admit(connection, nth),
            Verb::Complete(nth) => self.complete(connection, nth, now),
            Verb::Item(nth) => self.item(connection, nth, now),
            Verb::Release(nth) => {
                if let Some(call) = self.call(nth) {
                    connection.release(call, now);
                }
            }
            Verb::Consume(nth, count) => self.consume(connection, nth, count, now),
            Verb::Discard(nth) => {
                if let Some(stream) = self.stream(nth) {
                    connection.discard(stream, now);
                    self.ended.insert(stream);
                }
            }
            Verb::Ask(ask, time) => {
                let ask = AskId(ask);
                if connection.ask(ask, time.map(|time| now + time), now).is_ok() {
                    assert!(self.asks.insert(ask), "one id for two questions");
                }
            }
            Verb::Withdraw(ask) => {
                let waits = connection.withdraw(AskId(ask));
                let asked = self.asks.remove(&AskId(ask));
                assert_eq!(waits, asked && !self.is_closed(), "who waits for s{ask}?");
            }
            Verb::Malformed => malformed(connection, now),
            Verb::Close(ref reason) => connection.close(reason.clone(), now),
        }
    }

    fn serve(&mut self, connection: &mut Connection, now: Timestamp) {
        let Some(call) = self.calls.get(self.served) else { return };
        self.served += 1;
        if call.arguments().check() == Err(BindError::Syntax) {
            malformed(connection, now);
        } else {
            self.admit(connection, self.served - 1);
        }
    }

    fn admit(&mut self, connection: &mut Connection, nth: usize) {
        let Some(call) = self.call(nth) else { return };
        let admission = connection.admit(call);
        if self.over.contains(&call) {
            assert_eq!(admission, Admission::Gone, "a call that is over runs");
        }
        if admission == Admission::Parked {
            self.parked.insert(call);
        }
    }

    /// Ends a call, which succeeds at most once.
    fn complete(&mut self, connection: &mut Connection, nth: usize, now: Timestamp) {
        let Some(call) = self.call(nth) else { return };
        let known = self.calls.iter().find(|known| known.id == call);
        let answer = known.and_then(|known| known.reply.result(&nth).expect("a number"));
        if connection.complete(call, answer, now) {
            assert!(self.over.insert(call), "a call was answered twice");
            self.parked.remove(&call);
        }
    }

    /// Sends an item of a call, which only one that runs may.
    fn item(&self, connection: &mut Connection, nth: usize, now: Timestamp) {
        let Some(call) = self.call(nth) else { return };
        let item = Frame::item(connection.encoding(), "4", &0).expect("a number");
        if connection.item(call, item, now) {
            assert!(!self.over.contains(&call), "an item of a call that is over");
            assert!(!self.parked.contains(&call), "an item of a call that does not run");
        }
    }

    /// Takes some items of a stream, if it brought as many.
    fn consume(&mut self, connection: &mut Connection, nth: usize, count: usize, now: Timestamp) {
        let Some(stream) = self.stream(nth) else { return };
        let Some(out) = self.streams.get_mut(&stream) else { return };
        let count = count.min(*out);
        *out -= count;
        connection.consumed(stream, count, now);
    }

    fn call(&self, nth: usize) -> Option<CallId> {
        let length = self.calls.len();
        (length > 0).then(|| self.calls.get(nth % length).map(|call| call.id)).flatten()
    }

    fn stream(&self, nth: usize) -> Option<StreamKey> {
        self.streams.keys().nth(nth % self.streams.len().max(1)).copied()
    }

    // What it is told.

    pub(super) fn told(&mut self, event: Event, connection: &Connection) {
        assert!(!self.is_closed(), "{event:?} after Closed");
        let bytes = bytes(&event, connection).escape_ascii().to_string();
        self.events.push(format!("{event:?} {bytes}"));
        match event {
            Event::Handshake(_) => {
                let handshakes = self.events.iter().filter(|line| line.starts_with("Handshake"));
                assert_eq!(handshakes.count(), 1, "a second handshake");
            }
            Event::Invoked(call) => {
                assert!(self.calls.iter().all(|known| known.id != call.id), "an id was used twice");
                self.streams.extend(call.streams.iter().map(|stream| (*stream, 0)));
                self.calls.push(*call);
            }
            Event::Started(call) => assert!(self.parked.remove(&call), "started, and not parked"),
            Event::Cancelled(call) => {
                assert!(self.calls.iter().any(|known| known.id == call), "unknown call cancelled");
            }
            Event::Item { stream, .. } => {
                assert!(!self.ended.contains(&stream), "an item behind the end");
                let out = self.streams.get_mut(&stream).expect("a stream that is known");
                *out += 1;
                assert!(*out <= self.config.limits.stream_items, "more items than were asked for");
            }
            Event::Ended { stream, .. } => {
                assert!(self.streams.contains_key(&stream), "the end of an unknown stream");
                assert!(self.ended.insert(stream), "a stream ended twice");
            }
            Event::Answered { ask, .. } => {
                assert!(self.asks.remove(&ask), "an answer nobody waits for");
            }
            Event::Closed(reason) => self.reason = Some(reason),
        }
    }

    /// What holds whenever nothing moves, and no read was longer than that.
    pub(super) fn settled(&self, connection: &Connection, longest: usize) {
        let limits = &self.config.limits;
        let message = limits.message.unwrap_or(0);
        let bound = limits.read_ahead.max(limits.unread) + message + longest;
        assert!(connection.unread() <= bound, "{} bytes unread", connection.unread());
        let bound = 2 * limits.parked + message + OVERHEAD;
        assert!(connection.parked() <= bound, "{} bytes parked", connection.parked());
        let streams = connection.open_streams();
        assert!(streams <= limits.streams, "{streams} streams");
        let calls = connection.open_calls();
        let bound =
            limits.parallel_calls + 2 * limits.parked_calls + limits.events + limits.streams;
        assert!(calls <= bound, "{calls} calls");
        assert!(self.asks.len() <= limits.asks, "{} questions", self.asks.len());
        assert_eq!(connection.is_ending(), self.is_closed(), "an end that is not reported");
        if self.is_closed() {
            assert_eq!(connection.poll_timeout(), None, "a timer after the end");
            assert!(!connection.wants_input(), "input after the end");
            assert_eq!(connection.unread(), 0, "bytes after the end");
            assert_eq!(connection.open_calls(), 0, "calls after the end");
            assert_eq!(connection.open_streams(), 0, "streams after the end");
            assert_eq!(connection.open_asks(), 0, "questions after the end");
            assert_eq!(connection.parked(), 0, "bytes parked after the end");
            assert!(!connection.is_down() && !connection.is_resumable());
        } else {
            assert_eq!(connection.open_asks(), self.asks.len(), "questions that got lost");
        }
    }
}

fn malformed(connection: &mut Connection, now: Timestamp) {
    let error = connection.encoding().malformed();
    connection.malformed(PeerFault::Message(error), now);
}

/// The client's bytes of an event, which its text does not tell.
fn bytes(event: &Event, connection: &Connection) -> Vec<u8> {
    let bytes = |raw: &Raw| raw.payload(connection.encoding()).raw().to_vec();
    match event {
        Event::Invoked(call) => call.arguments().raw().to_vec(),
        Event::Item { item, .. } => bytes(item),
        Event::Answered { answer: Answer::Result(result), .. } => bytes(result),
        Event::Answered { .. }
        | Event::Handshake(_)
        | Event::Started(_)
        | Event::Cancelled(_)
        | Event::Ended { .. }
        | Event::Closed(_) => Vec::new(),
    }
}
