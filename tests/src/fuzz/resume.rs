//! Both ends of a connection with stateful reconnect, and links between them that are cut at any byte,
//! noticed late and replaced.
//!
//! The first byte of the input chooses the settings, the rest is a list of steps. Whatever happens, each
//! end gets what the other one has sent, in order and once; when a link holds, it gets all of it.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use hub_core::link::Timeouts;
use hub_core::server::{Admission, Config, Event, TransportFacts};
use hub_core::{Batch, CloseReason, Limits, PeerFault, Pushed, Session, Timestamp};
use hub_proto::{Encoding, Frame, Message};

use super::client::Client;
use super::input::Input;
use super::reading::{Heard, Reading, TARGET};

/// So long that it never matters.
const LONG: Duration = Duration::from_secs(1_000_000_000);

const SECOND: Duration = Duration::from_secs(1);
/// The longest read.
const READ: usize = 64 * 1024;

/// Runs `input` as a list of steps.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let settings = input.byte();
    let encoding = if settings & 1 == 1 { Encoding::MessagePack } else { Encoding::Json };
    let unacked = match settings & 6 {
        0 => Limits::default().unacked,
        2 => 1_000,
        4 => 100,
        _ => 1,
    };
    let mut world = World::new(encoding, unacked);
    if settings & 8 == 0 {
        world.client.say(&Message::Ping);
    }
    while !input.is_empty() && !world.is_over() {
        world.step(&mut input);
    }
    if !world.is_doomed {
        world.settle();
        world.end();
    }
}

struct World {
    encoding: Encoding,
    unacked: usize,
    now: Timestamp,
    session: Session,
    /// How many messages the server has got and sent.
    got: usize,
    sent: usize,
    largest: usize,
    /// What was written and is not reported yet.
    unreported: Option<usize>,
    /// Reads whatever leaves, on all links.
    leaves: Reading,
    client: Client,
    /// Whether the link holds; either end may not know yet that it does not.
    holds: bool,
    /// Bytes on their way to the server, and to the client.
    up: Vec<u8>,
    down: Vec<u8>,
    /// Whether the client has left out what it never sent, which ends everything once it arrives.
    is_doomed: bool,
    reason: Option<CloseReason>,
}

impl World {
    /// Both ends, behind the handshake.
    fn new(encoding: Encoding, unacked: usize) -> Self {
        let limits = Limits { unacked, hard_output: usize::MAX, ..Limits::default() };
        let config = Config {
            client_timeout_interval: LONG,
            message_timeout: LONG,
            resume_timeout: LONG,
            limits,
            ..Config::default()
        };
        let (now, facts) = (Timestamp::from_millis(1), TransportFacts::websocket(0).resumable());
        let mut world = Self {
            encoding,
            unacked,
            now,
            session: Session::websocket(Arc::new(config), Timeouts::default(), facts, now),
            got: 0,
            sent: 0,
            largest: 0,
            unreported: None,
            leaves: Reading::new(),
            client: Client::new(encoding),
            holds: true,
            up: Vec::new(),
            down: Vec::new(),
            is_doomed: false,
            reason: None,
        };
        world.exchange();
        world
    }

    const fn is_over(&self) -> bool {
        self.reason.is_some()
    }

    /// Does one thing: what, says the first byte.
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 20 {
            0..=1 => self.send(usize::from(input.byte()) * 4),
            2..=3 => self.client.send(usize::from(input.byte()) * 4),
            4 => drop(self.flush()),
            5 => drop(self.write(input.byte().into())),
            6 => self.report(),
            7 => self.deliver_up(input.byte().into()),
            8 => self.deliver_down(input.byte().into()),
            9 => self.exchange(),
            10 => self.time(self.now + Duration::from_millis(u64::from(input.byte()) * 100)),
            11 => {
                let deadline = self.session.poll_timeout().map(|deadline| deadline.at);
                // The far ones are those that never matter.
                self.time(deadline.unwrap_or(self.now).min(self.now + 60 * SECOND));
            }
            12 => {
                self.cut();
                let who = input.byte();
                if who & 1 == 1 {
                    self.server_notices(ErrorKind::ConnectionReset);
                }
                if who & 2 == 2 {
                    self.client.lose();
                }
            }
            13 => {
                self.cut();
                self.server_notices(ErrorKind::UnexpectedEof);
            }
            14 => {
                self.cut();
                self.client.lose();
            }
            15 => self.relink(),
            16 => self.client.say(&Message::Ping),
            17 => {
                let number = usize::from(input.byte()) % (self.client.acked + 1);
                self.client.resend(number + 1);
            }
            18 => {
                if let ahead @ 0..64 = input.byte() {
                    self.client.has_lied = true;
                    self.client.say(&Message::Ack(self.client.thanked as i64 + i64::from(ahead)));
                } else {
                    self.client.say(&Message::Ack(-1));
                }
            }
            _ => {
                if let ahead @ 0..16 = input.byte() {
                    self.is_doomed = true;
                    let number = self.client.count() + 2 + usize::from(ahead);
                    self.client.say(&Message::Sequence(number as i64));
                }
            }
        }
    }

    // The server.

    fn send(&mut self, size: usize) {
        let arguments = (self.sent as u32, "x".repeat(size));
        let frame = Frame::invocation(self.encoding, None, TARGET, &arguments).expect("encodes");
        self.largest = self.largest.max(frame.payload().len());
        let pushed = self.session.send(&frame, self.now);
        assert!(matches!(pushed, Pushed::Queued | Pushed::Waiting), "{pushed:?}");
        self.sent += 1;
    }

    /// Writes at most so many bytes, and does not know yet that they have left.
    fn write(&mut self, count: usize) -> Vec<Heard> {
        self.report();
        let mut batch = Batch::new();
        self.session.next(&mut batch, self.now);
        let bytes = batch.chunks().concat();
        let (left, _) = bytes.split_at(count.min(bytes.len()));
        self.unreported = (!bytes.is_empty()).then_some(left.len());
        if self.holds {
            self.down.extend_from_slice(left);
        }
        let heard = self.leaves.read(left, self.encoding);
        assert!(!self.leaves.has_gap(), "a Sequence leaves out what never left");
        let kept = self.leaves.size_behind(self.client.thanked);
        // Whoever is told goodbye acks no more.
        let free = self.client.has_lied || self.is_over();
        assert!(free || kept <= self.unacked + self.largest, "{kept} bytes are not acked");
        heard
    }

    /// What was written is known to have left.
    fn report(&mut self) {
        if let Some(count) = self.unreported.take() {
            self.session.written(count, self.now);
            self.drain();
        }
    }

    fn flush(&mut self) -> Vec<Heard> {
        let mut heard = self.write(usize::MAX);
        while self.unreported.is_some() {
            heard.extend(self.write(usize::MAX));
        }
        heard
    }

    fn server_notices(&mut self, kind: ErrorKind) {
        self.session.handle_end(kind, self.now);
        self.drain();
        assert!(self.session.is_down() || self.is_over(), "a link that is lost and not missed");
    }

    /// Takes every event, and does at once what is asked.
    fn drain(&mut self) {
        while let Some(event) = self.session.poll_event(self.now) {
            assert!(!self.is_over(), "{event:?} behind the end");
            let connection = self.session.connection();
            match event {
                Event::Handshake(_) => {
                    connection.welcome(self.now);
                    connection.accept(self.now);
                }
                Event::Invoked(call) => {
                    let (number, _): (usize, String) =
                        call.arguments().bind().expect("what was sent");
                    assert_eq!(number, self.got, "lost, twice or out of order");
                    self.got += 1;
                    assert_eq!(connection.admit(call.id), Admission::Started);
                    assert!(connection.complete(call.id, None, self.now));
                }
                Event::Closed(reason) => {
                    let fault = CloseReason::Peer(PeerFault::Sequence);
                    assert!(self.is_doomed && reason == fault, "closed: {reason:?}");
                    self.reason = Some(reason);
                }
                event => panic!("{event:?}"),
            }
        }
        if self.session.is_down() {
            self.unreported = None;
        }
    }

    // The network.

    /// In reads that are no longer than those of drivers.
    fn deliver_up(&mut self, mut count: usize) {
        if !self.holds {
            return self.client.out.clear();
        }
        self.up.append(&mut self.client.out);
        while count.min(self.up.len()) > 0 && !self.session.is_down() && self.session.wants_input()
        {
            let length = count.min(self.up.len()).min(READ);
            count -= length;
            let mut bytes: Vec<u8> = self.up.drain(..length).collect();
            self.session.handle_input(&mut bytes, self.now);
            self.drain();
        }
    }

    fn deliver_down(&mut self, count: usize) {
        let bytes: Vec<u8> = self.down.drain(..count.min(self.down.len())).collect();
        self.client.read(&bytes, self.now);
    }

    /// Everything arrives that is on its way or may leave.
    fn exchange(&mut self) {
        self.deliver_up(usize::MAX);
        self.flush();
        self.deliver_down(usize::MAX);
    }

    fn time(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        let now = self.now;
        self.session.handle_timeout(now);
        if let Some(deadline) = self.session.poll_timeout() {
            assert!(deadline.at > now, "{deadline:?} is due, and it is {now:?}");
        }
        self.drain();
        self.client.time(now);
    }

    fn cut(&mut self) {
        self.holds = false;
        self.up.clear();
        self.down.clear();
    }

    /// A new link in the place of the old one, whether that is gone or not.
    fn relink(&mut self) {
        self.cut();
        self.unreported = None;
        assert!(self.session.relink(self.now), "no new link");
        self.holds = true;
        self.leaves.relink();
        self.client.open();
        self.drain();
    }

    // The end.

    /// The network behaves from now on: everything arrives, and is acked.
    fn settle(&mut self) {
        // What was late already may come too late for the link, but not for the next one.
        self.exchange();
        self.time(self.now + SECOND);
        self.exchange();
        if !self.holds || !self.client.is_linked || self.session.is_down() {
            self.relink();
        }
        for _ in 0..2 * self.sent + 5 {
            self.time(self.now + SECOND);
            self.exchange();
        }
        assert_eq!(self.got, self.client.count(), "not all has reached the server");
        assert_eq!(self.client.acked, self.got, "what has arrived is not acked");
        if self.client.has_lied {
            return;
        }
        assert_eq!(self.client.reading.count(), self.sent, "not all has reached the client");
        assert!(self.session.wants_items(), "a stream may not go on");
        assert_eq!(self.session.usage(), 0, "bytes wait though all has arrived");
        self.relink();
        let next = Heard::Sequence(self.sent as u64 + 1);
        assert_eq!(self.flush(), [next], "something leaves again though it was acked");
    }

    /// Nothing is left behind the end.
    fn end(&mut self) {
        self.is_doomed = true;
        self.session.connection().close(CloseReason::Peer(PeerFault::Sequence), self.now);
        self.drain();
        assert!(self.is_over(), "no end after close");
        self.flush();
        self.session.handle_end(ErrorKind::UnexpectedEof, self.now);
        assert!(self.session.is_done(), "not done behind the end");
        assert_eq!(self.session.usage(), 0, "bytes behind the end");
        let connection = self.session.connection();
        assert_eq!(connection.unread() + connection.parked() + connection.open_calls(), 0);
    }
}
