//! One session and its socket: what a driver does for it in one turn.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use hub_core::endpoint::Claim;
use hub_core::server::{AskId, Call, CallId, StreamKey};
use hub_core::{Batch, Session};

use super::super::house::{LinkId, Outcome, Place, SOCKET};
use super::Core;

/// A session, and what the application keeps of its client.
pub(super) struct Seat {
    pub(super) place: Place,
    pub(super) client: usize,
    pub(super) user: Option<u8>,
    pub(super) claim: Claim,
    pub(super) session: Session,
    pub(super) link: Option<LinkId>,
    /// Calls that wait for their turn.
    pub(super) parked: BTreeMap<CallId, Call>,
    /// Those among them that were cancelled already.
    pub(super) cancelled: BTreeSet<CallId>,
    /// Calls that are about to end, by their numbers.
    pub(super) ending: Vec<(u32, Outcome)>,
    /// Calls that run, by their numbers.
    pub(super) running: BTreeMap<u32, Running>,
    /// What has come of streams, also for calls that wait.
    pub(super) streams: BTreeMap<StreamKey, Stream>,
    /// Questions: their numbers, and whether a method waits.
    pub(super) questions: BTreeMap<AskId, (u32, bool)>,
    pub(super) asked: u64,
    /// Whether its end was reported.
    pub(super) closed: bool,
    /// Whether nothing is left of it.
    pub(super) gone: bool,
}

/// A call that goes on.
pub(super) struct Running {
    pub(super) call: Call,
    pub(super) work: Work,
}

/// What it is busy with.
pub(super) enum Work {
    /// It waits to be told.
    Held,
    /// It sends items up to there.
    Items { next: u32, end: u32 },
    /// It reads streams.
    Sum(Reading),
    /// It has asked its caller.
    Asking,
}

/// What a method has read of its streams, one after the other.
#[derive(Default)]
pub(super) struct Reading {
    /// The stream that it reads.
    pub(super) nth: usize,
    pub(super) sum: u32,
}

/// A stream in front of its reader.
#[derive(Default)]
pub(super) struct Stream {
    pub(super) items: Vec<(u32, usize)>,
    pub(super) ended: Option<bool>,
}

impl Seat {
    pub(super) const fn new(
        place: Place,
        client: usize,
        user: Option<u8>,
        claim: Claim,
        session: Session,
        link: LinkId,
    ) -> Self {
        Self {
            place,
            client,
            user,
            claim,
            session,
            link: Some(link),
            parked: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            ending: Vec::new(),
            running: BTreeMap::new(),
            streams: BTreeMap::new(),
            questions: BTreeMap::new(),
            asked: 0,
            closed: false,
            gone: false,
        }
    }

    /// What it still has, in words. Output that nobody takes is given up with its link.
    pub(super) fn leftovers(&mut self) -> Option<String> {
        let connection = self.session.connection();
        let counts = [
            connection.unread(),
            connection.parked(),
            connection.in_front_of_readers(),
            connection.open_calls(),
            connection.open_streams(),
            connection.open_asks(),
        ];
        let empty = counts == [0; 6] && connection.poll_timeout().is_none();
        (!empty || !self.gone)
            .then(|| format!("client {}: {counts:?} {:?}", self.client, self.gone))
    }

    /// Nothing is ever more than it may be.
    fn is_within_limits(&mut self) {
        let limits = self.place.limits();
        let message = limits.message.unwrap_or(0);
        let usage = self.session.usage();
        assert!(usage <= limits.hard_output + 2 * message, "{usage} bytes wait");
        let connection = self.session.connection();
        let most = limits.read_ahead + message + SOCKET;
        assert!(connection.unread() <= most, "{} bytes unread", connection.unread());
        let most = 2 * limits.parked + message;
        assert!(connection.parked() <= most, "{} bytes parked", connection.parked());
        let most = limits.stream_items * limits.streams * message;
        assert!(connection.in_front_of_readers() <= most);
        assert!(connection.open_streams() <= limits.streams);
        assert!(connection.open_asks() <= limits.asks);
    }
}

impl Core {
    /// Does what there is to do for a seat; false when there is nothing.
    pub(super) fn turn(&mut self, nth: usize) -> bool {
        if self.seats[nth].gone {
            return false;
        }
        self.turns += 1;
        let mut moved = self.run_out(nth) | self.take_input(nth);
        for _ in 0..self.manner.events {
            let now = self.skewed();
            let Some(event) = self.seats[nth].session.poll_event(now) else { break };
            self.on_event(nth, event);
            if !self.patient {
                self.end_calls(nth);
                self.read_on(nth);
            }
            moved = true;
        }
        moved |= self.end_calls(nth) | self.read_on(nth) | self.yield_on(nth);
        moved |= self.write_out(nth);
        moved |= self.let_go(nth);
        self.seats[nth].is_within_limits();
        moved
    }

    /// Lets timers run out that are due.
    fn run_out(&mut self, nth: usize) -> bool {
        let now = self.now;
        let session = &mut self.seats[nth].session;
        let due = session.poll_timeout().is_some_and(|deadline| deadline.at <= now);
        if due || self.manner.skewed {
            session.handle_timeout(now);
            let next = session.poll_timeout();
            assert!(next.is_none_or(|next| next.at > now), "{next:?} is due, and it is {now:?}");
        }
        due
    }

    fn take_input(&mut self, nth: usize) -> bool {
        let now = self.skewed();
        let seat = &mut self.seats[nth];
        let Some(socket) = seat.link.map(|link| &mut self.sockets[link]) else { return false };
        if !socket.up.is_empty() {
            if !seat.session.wants_input() {
                return false;
            }
            let count = socket.up.len().min(self.manner.read);
            let mut bytes: Vec<u8> = socket.up.drain(..count).collect();
            seat.session.handle_input(&mut bytes, now);
            return true;
        }
        // A broken pipe is told at once, an end is read.
        match socket.ended {
            Some(kind) if !socket.shut => {
                socket.ended = None;
                socket.shut |= kind != ErrorKind::UnexpectedEof;
                seat.session.handle_end(kind, now);
                true
            }
            _ => false,
        }
    }

    fn write_out(&mut self, nth: usize) -> bool {
        let seat = &mut self.seats[nth];
        let Some(socket) = seat.link.map(|link| &mut self.sockets[link]) else { return false };
        let mut batch = Batch::new();
        seat.session.next(&mut batch, self.now);
        if batch.is_empty() {
            return false;
        }
        let room = SOCKET - socket.down.len();
        let bytes = batch.chunks().concat();
        let count = if socket.shut { 0 } else { room.min(bytes.len()) };
        socket.down.extend(&bytes[..count]);
        seat.session.written(count, self.now);
        count > 0
    }

    /// A link that is of no use any more, or a session.
    fn let_go(&mut self, nth: usize) -> bool {
        let seat = &mut self.seats[nth];
        if seat.session.is_down() {
            let Some(link) = seat.link.take() else { return false };
            self.sockets[link].shut = true;
            return true;
        }
        if !seat.closed || !seat.session.is_done() {
            return false;
        }
        if let Some(link) = seat.link.take() {
            self.sockets[link].shut = true;
        }
        seat.gone = true;
        let hub = &mut self.hubs[super::index(seat.place)];
        assert_eq!(hub.table.release(&seat.claim.token), Some(nth), "its place in the table");
        true
    }
}
