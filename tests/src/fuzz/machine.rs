//! One hub connection and an application that remembers everything it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub_core::server::{
    Admission, Answer, AskId, Call, CallId, Config, Connection, End, Event, Raw, StreamKey,
    TransportFacts,
};
use hub_core::{CloseReason, PeerFault, Timestamp};
use hub_proto::{BindError, Decoded, Encoding, Frame, Kind, Message, Payload, StreamItem};

/// What a parked item takes besides its bytes.
const OVERHEAD: usize = 64;

/// A connection under test. Each method asserts the laws that it can see broken.
#[derive(Debug)]
pub(super) struct Machine {
    connection: Connection,
    config: Arc<Config>,
    now: Timestamp,
    /// The longest read so far.
    longest: usize,
    /// Whether input was ever handed in that was not wanted: from then on, cuts may matter.
    pub(super) pressed: bool,
    /// What was reported.
    pub(super) events: Vec<String>,
    /// What was sent.
    pub(super) output: Vec<u8>,
    sent_close: bool,
    closed: bool,
    /// Every call, in the order in which they came.
    calls: Vec<Call>,
    /// How many calls have been looked at by [`serve`](Self::serve).
    served: usize,
    parked: BTreeSet<CallId>,
    over: BTreeSet<CallId>,
    /// Every stream that a client sends, with the items that its reader has and has not taken.
    streams: BTreeMap<StreamKey, usize>,
    /// Those of which nothing may come any more.
    ended: BTreeSet<StreamKey>,
    asks: BTreeSet<AskId>,
    /// How much of what was sent has arrived.
    pub(super) acked: Option<u64>,
}

impl Machine {
    pub(super) fn new(config: Config, spread: u8, resumable: bool) -> Self {
        let (config, now) = (Arc::new(config), Timestamp::from_millis(1));
        let facts = TransportFacts { resumable, ..TransportFacts::websocket(spread) };
        Self {
            connection: Connection::new(Arc::clone(&config), facts, now),
            config,
            now,
            longest: 0,
            pressed: false,
            events: Vec::new(),
            output: Vec::new(),
            sent_close: false,
            closed: false,
            calls: Vec::new(),
            served: 0,
            parked: BTreeSet::new(),
            over: BTreeSet::new(),
            streams: BTreeMap::new(),
            ended: BTreeSet::new(),
            asks: BTreeSet::new(),
            acked: None,
        }
    }

    // The world.

    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.pressed |= !self.connection.wants_input();
        self.longest = self.longest.max(bytes.len());
        self.connection.handle_input(bytes, self.now);
        self.drain();
    }

    /// Sets the clock, perhaps back, and lets timers run out.
    pub(super) fn time(&mut self, now: Timestamp) {
        self.connection.handle_timeout(now);
        self.now = self.now.max(now);
        if let Some(deadline) = self.connection.poll_timeout() {
            assert!(deadline.at > self.now, "{deadline:?} is due, and it is {:?}", self.now);
        }
        self.drain();
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// When the next timer runs out.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.connection.poll_timeout().map(|deadline| deadline.at)
    }

    pub(super) fn disconnect(&mut self, end: End) {
        self.connection.handle_disconnect(end, self.now);
        self.drain();
        let waits = matches!(end, End::Lost(_)) && self.connection.is_down();
        assert!(self.closed || waits, "no end after a disconnect");
    }

    /// The last link is lost, and no other one comes.
    pub(super) fn vanish(&mut self, end: End) {
        self.disconnect(end);
        self.time(self.now + self.config.resume_timeout);
        assert!(self.closed, "no end without a link");
    }

    pub(super) fn relink(&mut self) {
        let resumable = self.connection.is_resumable();
        let relinked = self.connection.relink(self.now);
        assert!(resumable || !relinked, "a link was replaced that cannot be");
        assert!(!relinked || !self.connection.is_down(), "down on a new link");
        self.drain();
    }

    pub(super) fn wrote(&mut self) {
        self.connection.wrote(self.now);
    }

    // The application.

    pub(super) fn welcome(&mut self) {
        self.connection.welcome(self.now);
        self.drain();
    }

    pub(super) fn refuse(&mut self) {
        self.connection.refuse("no", self.now);
        self.drain();
    }

    pub(super) fn accept(&mut self) {
        self.connection.accept(self.now);
        self.drain();
    }

    /// Does with the next new call what an application does: reads its arguments and admits it.
    pub(super) fn serve(&mut self) {
        let Some(call) = self.calls.get(self.served) else { return };
        self.served += 1;
        if call.arguments().check() == Err(BindError::Syntax) {
            self.malformed();
        } else {
            self.admit(self.served - 1);
        }
    }

    pub(super) fn admit(&mut self, nth: usize) {
        let Some(call) = self.call(nth) else { return };
        let admission = self.connection.admit(call);
        if self.over.contains(&call) {
            assert_eq!(admission, Admission::Gone, "a call that is over runs");
        }
        if admission == Admission::Parked {
            self.parked.insert(call);
        }
        self.drain();
    }

    /// Ends a call, which succeeds at most once.
    pub(super) fn complete(&mut self, nth: usize) {
        let Some(call) = self.call(nth) else { return };
        let known = self.calls.iter().find(|known| known.id == call);
        let answer = known.and_then(|known| known.reply.result(&nth).expect("a number"));
        if self.connection.complete(call, answer, self.now) {
            assert!(self.over.insert(call), "a call was answered twice");
            self.parked.remove(&call);
        }
        self.drain();
    }

    /// Sends an item of a call, which only one that runs may.
    pub(super) fn item(&mut self, nth: usize) {
        let Some(call) = self.call(nth) else { return };
        let encoding = self.connection.encoding();
        let item = StreamItem {
            id: "4".into(),
            item: Payload::new(encoding, b"0"),
            headers: Default::default(),
        };
        let item = Frame::message(encoding, &Message::StreamItem(item));
        if self.connection.item(call, item, self.now) {
            assert!(!self.over.contains(&call), "an item of a call that is over");
            assert!(!self.parked.contains(&call), "an item of a call that does not run");
        }
        self.drain();
    }

    pub(super) fn release(&mut self, nth: usize) {
        let Some(call) = self.call(nth) else { return };
        self.connection.release(call, self.now);
        self.drain();
    }

    /// Takes some items of a stream, if it brought as many.
    pub(super) fn consume(&mut self, nth: usize, count: usize) {
        let Some(stream) = self.stream(nth) else { return };
        let Some(out) = self.streams.get_mut(&stream) else { return };
        let count = count.min(*out);
        *out -= count;
        self.connection.consumed(stream, count, self.now);
        self.drain();
    }

    pub(super) fn discard(&mut self, nth: usize) {
        let Some(stream) = self.stream(nth) else { return };
        self.connection.discard(stream, self.now);
        self.ended.insert(stream);
        self.drain();
    }

    pub(super) fn ask(&mut self, ask: u64, until: Option<Timestamp>) {
        let ask = AskId(ask);
        if self.connection.ask(ask, until, self.now).is_ok() {
            assert!(self.asks.insert(ask), "one id for two questions");
        }
        self.settled();
    }

    pub(super) fn withdraw(&mut self, ask: u64) {
        let waits = self.connection.withdraw(AskId(ask));
        let asked = self.asks.remove(&AskId(ask));
        assert_eq!(waits, asked && !self.closed, "who waits for s{ask}?");
    }

    pub(super) fn malformed(&mut self) {
        let error = self.connection.encoding().malformed();
        self.connection.malformed(PeerFault::Message(error), self.now);
        self.drain();
    }

    pub(super) fn close(&mut self, reason: CloseReason) {
        self.connection.close(reason, self.now);
        self.drain();
        assert!(self.closed, "no end after close");
    }

    fn call(&self, nth: usize) -> Option<CallId> {
        let length = self.calls.len();
        (length > 0).then(|| self.calls.get(nth % length).map(|call| call.id)).flatten()
    }

    fn stream(&self, nth: usize) -> Option<StreamKey> {
        self.streams.keys().nth(nth % self.streams.len().max(1)).copied()
    }

    // What the connection gives.

    /// Polls until nothing moves.
    fn drain(&mut self) {
        loop {
            while let Some(frame) = self.connection.poll_transmit() {
                self.sent(&frame);
            }
            if let Some(event) = self.connection.poll_event() {
                self.told(event);
                continue;
            }
            // An end that only now took effect has left its last frame behind.
            let Some(last) = self.connection.poll_transmit() else { break };
            self.sent(&last);
        }
        if let Some(number) = self.connection.poll_acked() {
            assert!(self.connection.is_resumable(), "news of arrivals that nobody counts");
            self.acked = self.acked.max(Some(number));
        }
        self.settled();
    }

    fn sent(&mut self, frame: &Frame) {
        assert!(!self.closed, "a frame after Closed");
        assert!(!self.sent_close, "a frame after Close");
        assert_eq!(
            self.output.is_empty(),
            frame.kind() == Kind::Handshake,
            "the handshake comes first, once"
        );
        self.sent_close = frame.kind() == Kind::Close;
        let handshake = frame.kind() == Kind::Handshake;
        let encoding = if handshake { Encoding::Json } else { self.connection.encoding() };
        let record = encoding.record(frame.payload(), 0).expect("a whole record");
        assert_eq!(record.size, frame.payload().len(), "more than one record in a frame");
        if !handshake {
            let message = encoding.decode(record.body);
            assert!(matches!(message, Ok(Decoded::Message(_))), "{message:?} was sent");
        }
        self.output.extend_from_slice(frame.payload());
    }

    fn told(&mut self, event: Event) {
        assert!(!self.closed, "{event:?} after Closed");
        let bytes = self.bytes(&event).escape_ascii().to_string();
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
            Event::Closed(_) => self.closed = true,
        }
    }

    /// The client's bytes of an event, which its text does not tell.
    fn bytes(&self, event: &Event) -> Vec<u8> {
        let encoding = self.connection.encoding();
        let bytes = |raw: &Raw| raw.payload(encoding).raw().to_vec();
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

    /// What holds whenever nothing moves.
    fn settled(&self) {
        let limits = &self.config.limits;
        let bound =
            limits.read_ahead.max(limits.unread) + limits.message.unwrap_or(0) + self.longest;
        assert!(self.connection.unread() <= bound, "{} bytes unread", self.connection.unread());
        let bound = 2 * limits.parked + limits.message.unwrap_or(0) + OVERHEAD;
        assert!(self.connection.parked() <= bound, "{} bytes parked", self.connection.parked());
        let streams = self.connection.open_streams();
        assert!(streams <= limits.streams, "{streams} streams");
        let calls = self.connection.open_calls();
        let bound =
            limits.parallel_calls + 2 * limits.parked_calls + limits.events + limits.streams;
        assert!(calls <= bound, "{calls} calls");
        assert!(self.asks.len() <= limits.asks, "{} questions", self.asks.len());
        assert_eq!(self.connection.is_ending(), self.closed, "an end that is not reported");
        if self.closed {
            assert_eq!(self.connection.poll_timeout(), None, "a timer after the end");
            assert!(!self.connection.wants_input(), "input after the end");
            assert_eq!(self.connection.unread(), 0, "bytes after the end");
            assert_eq!(self.connection.open_calls(), 0, "calls after the end");
            assert_eq!(self.connection.open_streams(), 0, "streams after the end");
            assert_eq!(self.connection.open_asks(), 0, "questions after the end");
            assert_eq!(self.connection.parked(), 0, "bytes parked after the end");
            assert!(!self.connection.is_down() && !self.connection.is_resumable());
        } else {
            assert_eq!(self.connection.open_asks(), self.asks.len(), "questions that got lost");
        }
    }
}
