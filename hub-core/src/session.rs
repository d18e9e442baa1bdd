//! Both halves of a connection as one object, for those who embed the core.

use std::sync::Arc;

use hub_proto::{Encoding, Frame};

use crate::close::CloseReason;
use crate::outbox::{Batch, Delivery, Outbox, Pushed, SlowConsumer};
use crate::server::{Config, Connection, Event, TransportFacts};
use crate::time::{Deadline, Timestamp};

/// A [`Connection`] and the [`Outbox`] in front of its link.
///
/// The loop around it: hand in what was read with [`with`](Self::with), answer every
/// [event](Self::poll_event), write what [`next`](Self::next) gives and report it as
/// [`written`](Self::written), and come back at the latest at [`poll_timeout`](Self::poll_timeout).
///
/// ```
/// use std::sync::Arc;
/// use hub_core::server::{Admission, Config, Event, TransportFacts};
/// use hub_core::{Batch, Session, Timestamp};
///
/// let now = Timestamp::ZERO;
/// let mut session = Session::new(Arc::new(Config::default()), TransportFacts::websocket(0), now);
/// let input = b"{\"protocol\":\"json\",\"version\":1}\x1e{\"type\":1,\"target\":\"Add\",\"arguments\":[1,2],\"invocationId\":\"0\"}\x1e";
/// session.with(|connection| connection.handle_input(input, now));
/// while let Some(event) = session.poll_event() {
///     match event {
///         Event::Handshake(_) => {
///             session.with(|connection| connection.welcome(now));
///             session.with(|connection| connection.accept(now));
///         }
///         Event::Invoked(call) => {
///             let (a, b) = call.arguments().bind::<(i32, i32)>().expect("two numbers");
///             assert_eq!(session.with(|connection| connection.admit(call.id)), Admission::Started);
///             let answer = call.reply.result(&(a + b)).expect("a number can be serialized");
///             session.with(|connection| connection.complete(call.id, answer, now));
///         }
///         Event::Started(_) | Event::Cancelled(_) | Event::Closed(_) => {}
///     }
/// }
/// let mut batch = Batch::new();
/// session.next(&mut batch);
/// let written = batch.chunks().concat();
/// assert_eq!(written, b"\x81\x03{}\x1e\x81\x29{\"type\":3,\"invocationId\":\"0\",\"result\":3}\x1e");
/// ```
#[derive(Debug)]
pub struct Session {
    connection: Connection,
    outbox: Outbox,
}

impl Session {
    /// A connection whose link has just come up.
    pub fn new(config: Arc<Config>, facts: TransportFacts, now: Timestamp) -> Self {
        let outbox = Outbox::new(&config.limits, SlowConsumer::default(), now);
        Self { connection: Connection::new(config, facts, now), outbox }
    }

    /// Does something with the connection and queues what it wants to send.
    pub fn with<R>(&mut self, act: impl FnOnce(&mut Connection) -> R) -> R {
        let result = act(&mut self.connection);
        while let Some(frame) = self.connection.poll_transmit() {
            if self.outbox.push(&frame, Delivery::Own) == Pushed::Overflow {
                self.connection.close(CloseReason::SlowConsumer, self.outbox.idle_since());
            }
        }
        result
    }

    /// Queues what the hub sends to this connection.
    pub fn send(&mut self, frame: &Frame, now: Timestamp) -> Pushed {
        let pushed = self.outbox.push(frame, Delivery::Hub);
        if pushed == Pushed::Overflow {
            self.with(|connection| connection.close(CloseReason::SlowConsumer, now));
        }
        pushed
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.with(Connection::poll_event);
        // An end that only now took effect has left its Close behind; its report follows at once.
        event.or_else(|| {
            self.connection.is_ending().then(|| self.with(Connection::poll_event)).flatten()
        })
    }

    /// When to hand in the time by `with(|connection| connection.handle_timeout(now))`.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.connection.poll_timeout()
    }

    /// Adds what should be written next, as WebSocket frames, to an empty batch.
    pub fn next(&mut self, batch: &mut Batch) {
        self.outbox.next(batch);
    }

    /// The first `count` bytes of the last batch were written.
    pub fn written(&mut self, count: usize, now: Timestamp) {
        self.outbox.written(count, now);
        if count > 0 {
            self.connection.wrote(now);
        }
    }

    /// How messages to the peer are written.
    pub const fn encoding(&self) -> Encoding {
        self.connection.encoding()
    }

    /// The queue, for the link's control frames and its close.
    pub const fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}
