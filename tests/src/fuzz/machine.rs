//! One hub connection and its application.

use std::sync::Arc;

use hub_core::Timestamp;
use hub_core::server::{Config, Connection, End, TransportFacts};
use hub_proto::{Decoded, Encoding, Frame, Kind};

use super::application::{Application, Verb};

/// A connection under test. Each method asserts the laws that it can see broken.
#[derive(Debug)]
pub(super) struct Machine {
    connection: Connection,
    pub(super) application: Application,
    config: Arc<Config>,
    now: Timestamp,
    /// The longest read so far.
    longest: usize,
    /// Whether input was ever handed in that was not wanted: from then on, cuts may matter.
    pub(super) pressed: bool,
    /// What was sent.
    output: Vec<u8>,
    sent_close: bool,
    /// How much of what was sent has arrived.
    pub(super) acked: Option<u64>,
}

impl Machine {
    pub(super) fn new(config: Config, spread: u8, resumable: bool) -> Self {
        let (config, now) = (Arc::new(config), Timestamp::from_millis(1));
        let facts = TransportFacts { resumable, ..TransportFacts::websocket(spread) };
        Self {
            connection: Connection::new(Arc::clone(&config), facts, now),
            application: Application::new(Arc::clone(&config)),
            config,
            now,
            longest: 0,
            pressed: false,
            output: Vec::new(),
            sent_close: false,
            acked: None,
        }
    }

    pub(super) fn act(&mut self, verb: &Verb) {
        self.application.act(&mut self.connection, verb, self.now);
        self.drain();
        if let Verb::Close(_) = verb {
            assert!(self.is_closed(), "no end after close");
        }
    }

    /// The events and the output, all there ever were.
    pub(super) fn seen(&self) -> (&[String], &[u8]) {
        (&self.application.events, &self.output)
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
        self.application.is_closed()
    }

    /// When the next timer runs out.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.connection.poll_timeout().map(|deadline| deadline.at)
    }

    pub(super) fn disconnect(&mut self, end: End) {
        self.connection.handle_disconnect(end, self.now);
        self.drain();
        let waits = matches!(end, End::Lost(_)) && self.connection.is_down();
        assert!(self.is_closed() || waits, "no end after a disconnect");
    }

    /// The last link is lost, and no other one comes.
    pub(super) fn vanish(&mut self, end: End) {
        self.disconnect(end);
        self.time(self.now + self.config.resume_timeout);
        assert!(self.is_closed(), "no end without a link");
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

    // What the connection gives.

    /// Polls until nothing moves.
    fn drain(&mut self) {
        loop {
            while let Some(frame) = self.connection.poll_transmit() {
                self.sent(&frame);
            }
            if let Some(event) = self.connection.poll_event() {
                self.application.told(event, &self.connection);
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
        self.application.settled(&self.connection, self.longest);
    }

    fn sent(&mut self, frame: &Frame) {
        assert!(!self.is_closed(), "a frame after Closed");
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
}
