//! A connection that HTTP requests carry, beside plain vectors.
//!
//! The requests that take its output come, take, go and are replaced in any order, and so do POSTs.

use std::time::Duration;

use bytes::Bytes;
use hub_core::endpoint::Transports;
use hub_core::link::{Exchange, Generation, LinkEvent, Next, Place, Posted, Timeouts};
use hub_core::{Batch, Limits, Outbox, Pushed, SlowConsumer, Timestamp};

use super::input::Input;

/// From so many unread bytes on, POSTs wait.
const ROOM: usize = 64 * 1024;
/// How many POSTs may wait in line.
const LINE: usize = 100;
/// A batch takes nothing more from so many bytes on.
const BATCH: usize = 64 * 1024;

/// How large messages and chunks are.
const SIZES: [usize; 6] = [1, 2, 100, 5_000, 40_000, 70_000];

/// How much time passes, in nanoseconds.
const STEPS: [u64; 8] = [
    0,
    1,
    700_000_000,
    1_000_000_000,
    5_000_000_000,
    10_000_000_000,
    15_000_000_000,
    90_000_000_000,
];

/// Runs `input` as a list of steps.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let mut pair = Pair::new(input.byte().is_multiple_of(2));
    while !input.is_empty() {
        pair.step(&mut input);
        pair.agree();
    }
    pair.end();
}

/// Where a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Ending { since: Timestamp },
    Over,
}

/// A request that takes output.
struct Taker {
    generation: Generation,
    /// When a poll has waited long enough.
    until: Timestamp,
    /// What it has taken and not sent yet.
    batch: Option<Batch>,
}

struct Pair {
    exchange: Exchange,
    outbox: Outbox,
    now: Timestamp,
    polled: bool,
    stage: Stage,
    /// Every request that ever was; the last one is the latest.
    takers: Vec<Taker>,
    /// Whether the latest is attached, else since when it is not.
    attached: Result<(), Timestamp>,
    /// All that was pushed, and where messages end.
    pushed: Vec<u8>,
    ends: Vec<usize>,
    /// How much of it was sent.
    sent: usize,
    /// Nothing is to be sent any more.
    abandoned: bool,
    stuck_since: Option<Timestamp>,
    /// What ended the input, and whether that was told.
    event: Option<LinkEvent>,
    given_up: bool,
    /// The POSTs in line.
    line: Vec<Place>,
    /// What came of them, and how much of it was taken.
    posted: Vec<u8>,
    read: usize,
    /// The timer that the session has set.
    armed: Option<Timestamp>,
    next_byte: u8,
}

impl Pair {
    fn new(polled: bool) -> Self {
        let transport =
            if polled { Transports::LONG_POLLING } else { Transports::SERVER_SENT_EVENTS };
        let now = Timestamp::from_millis(1);
        let outbox = Outbox::new(&Limits::default(), SlowConsumer::Wait, now);
        let exchange = Exchange::new(transport, Timeouts::default(), now);
        assert_eq!(exchange.transport(), transport);
        Self {
            armed: exchange.poll_timeout().map(|deadline| deadline.at),
            exchange,
            outbox: outbox.without_handshake().without_framing(),
            now,
            polled,
            stage: Stage::Open,
            takers: Vec::new(),
            attached: Err(now),
            pushed: Vec::new(),
            ends: Vec::new(),
            sent: 0,
            abandoned: false,
            stuck_since: None,
            event: None,
            given_up: false,
            line: Vec::new(),
            posted: Vec::new(),
            read: 0,
            next_byte: 0,
        }
    }

    /// Does one thing: what, says the first byte.
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 32 {
            0..=3 => self.attach(),
            4..=8 => self.next(input),
            9..=11 => self.send(input),
            12 | 13 => self.detach(input),
            14..=18 => self.push(input),
            19 => self.line_up(),
            20..=22 => self.post(input),
            23 => self.leave(input),
            24 | 25 => self.take_input(),
            26 | 27 => self.pass(input),
            28 => self.handle_timeout(),
            29 => self.look(),
            30 if input.byte() < 64 => self.finish(),
            31 => match input.byte() {
                0..16 => self.delete(),
                16..32 => self.lose(),
                _ => self.poll_event(),
            },
            _ => {}
        }
    }

    // Requests that take output.

    fn attach(&mut self) {
        let attached = self.exchange.attach(self.now);
        let Ok(generation) = attached else {
            let status = attached.unwrap_err().status;
            let expected = if self.stage == Stage::Over { 404 } else { 409 };
            assert_eq!(status, expected);
            assert!(self.stage == Stage::Over || !self.polled && self.attached.is_ok());
            return;
        };
        assert!(self.stage != Stage::Over && (self.polled || self.attached.is_err()));
        let poll = Timeouts::default().poll;
        let until = if self.polled { self.now + poll } else { Timestamp::MAX };
        self.takers.push(Taker { generation, until, batch: None });
        self.attached = Ok(());
    }

    fn is_latest(&self, nth: usize) -> bool {
        nth + 1 == self.takers.len()
    }

    /// Asks for any request that ever was what it is to do.
    fn next(&mut self, input: &mut Input<'_>) {
        let Some(nth) = self.choose(input) else { return };
        let Some(taker) = self.takers.get(nth) else { return };
        let (generation, until) = (taker.generation, taker.until);
        let next = self.exchange.next(generation, &self.outbox, self.now);
        if !self.is_latest(nth) || self.attached.is_err() || self.stage == Stage::Over {
            assert_eq!(next, Next::Done { status: 204 }, "a stale request takes nothing");
            return;
        }
        let waits = self.sent < self.pushed.len() && !self.abandoned;
        let lent = self.is_lent();
        let expected = match self.stage {
            _ if !lent && waits => Next::Take,
            Stage::Ending { .. } if !lent => Next::Done { status: 204 },
            _ if self.now >= until => Next::Done { status: 200 },
            _ => Next::Wait { until },
        };
        assert_eq!(next, expected);
        match next {
            Next::Take => {
                let mut batch = Batch::whole();
                self.outbox.next(&mut batch);
                let bytes = batch.chunks().concat();
                assert!(!bytes.is_empty());
                let to = self.sent + bytes.len();
                assert_eq!(self.pushed.get(self.sent..to), Some(&*bytes), "in order, and once");
                assert!(self.ends.contains(&to), "whole messages");
                // All that there is, up to so much and one message.
                let enough = self.ends.iter().find(|end| **end >= self.sent + BATCH);
                assert_eq!(to, enough.copied().unwrap_or(self.pushed.len()));
                if let Some(taker) = self.takers.get_mut(nth) {
                    taker.batch = Some(batch);
                }
            }
            Next::Done { status: 204 } => {
                assert_eq!(self.sent, self.pushed.len(), "the end before the last words");
                self.stage = Stage::Over;
            }
            Next::Done { .. } => {
                assert!(self.polled);
                self.attached = Err(self.now);
            }
            Next::Wait { .. } => {}
        }
    }

    fn is_lent(&self) -> bool {
        !self.abandoned && self.takers.iter().any(|taker| taker.batch.is_some())
    }

    /// What a request has taken is sent, all or nothing, of a stream perhaps a part.
    fn send(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        let Some(batch) = self.takers.iter_mut().find_map(|taker| taker.batch.take()) else {
            return;
        };
        let sent = match choice % 4 {
            0 => 0,
            1 if !self.polled => batch.len() * usize::from(choice) / 256,
            _ => batch.len(),
        };
        self.written(sent);
    }

    fn written(&mut self, sent: usize) {
        self.outbox.written(sent, self.now);
        if sent > 0 {
            self.exchange.took();
            self.stuck_since = None;
        }
        if !self.abandoned {
            self.sent += sent;
            assert_eq!(self.outbox.usage(), self.pushed.len() - self.sent);
        }
        assert!(!self.outbox.is_lent());
    }

    /// Any request is gone; what it has taken and not sent is there for the next.
    fn detach(&mut self, input: &mut Input<'_>) {
        let Some(nth) = self.choose(input) else { return };
        let Some(taker) = self.takers.get_mut(nth) else { return };
        let (generation, batch) = (taker.generation, taker.batch.take());
        if batch.is_some() {
            self.written(0);
        }
        self.exchange.detach(generation, self.now);
        if !self.is_latest(nth) || self.attached.is_err() {
            return;
        }
        self.attached = Err(self.now);
        if !self.polled {
            self.be_over(Some(LinkEvent::Finished));
        }
    }

    /// One of the requests, mostly a late one.
    fn choose(&self, input: &mut Input<'_>) -> Option<usize> {
        let back = match input.byte() {
            byte @ 0..64 => usize::from(byte) % self.takers.len().max(1),
            _ => 0,
        };
        self.takers.len().checked_sub(1 + back)
    }

    // POSTs.

    fn line_up(&mut self) {
        let place = self.exchange.line_up();
        assert_eq!(place.is_some(), self.line.len() < LINE);
        self.line.extend(place);
    }

    fn post(&mut self, input: &mut Input<'_>) {
        let (nth, size) = (usize::from(input.byte() % 4), input.one_of(&SIZES));
        let Some(place) = self.line.get(nth).copied() else { return };
        let bytes = self.some(size);
        let mut chunk = Bytes::from(bytes.clone());
        let posted = self.exchange.post(place, &mut chunk);
        let expected = match () {
            () if self.stage != Stage::Open => Posted::Gone,
            () if nth > 0 || self.posted.len() - self.read >= ROOM => Posted::Waits,
            () => Posted::Taken,
        };
        assert_eq!(posted, expected);
        if posted == Posted::Taken {
            assert!(chunk.is_empty());
            self.posted.extend_from_slice(&bytes);
        } else {
            assert_eq!(chunk, bytes, "it is kept");
        }
    }

    fn leave(&mut self, input: &mut Input<'_>) {
        let nth = usize::from(input.byte() % 4);
        if nth >= self.line.len() {
            return;
        }
        let place = self.line.remove(nth);
        let others = self.exchange.leave(place);
        assert_eq!(others, nth == 0 && !self.line.is_empty());
        assert!(!self.exchange.leave(place), "it is gone");
    }

    fn take_input(&mut self) {
        let input = self.exchange.take_input();
        let waiting = self.posted.split_off(self.read);
        assert_eq!(input.run().map_or(&[][..], |run| run.bytes), waiting, "in order, and once");
        assert_eq!(input.made_room(), waiting.len() >= ROOM);
        self.posted.extend(waiting);
        self.read = self.posted.len();
    }

    // The application, and whoever sends.

    fn push(&mut self, input: &mut Input<'_>) {
        let bytes = self.some(input.one_of(&SIZES));
        let pushed = self.outbox.push_raw(bytes.clone().into());
        match pushed {
            Pushed::Queued | Pushed::Waiting => {
                self.pushed.extend(bytes);
                self.ends.push(self.pushed.len());
            }
            Pushed::Overflow => assert!(self.outbox.usage() >= Limits::default().hard_output),
            Pushed::Refused => assert!(self.outbox.is_sealed()),
            Pushed::Dropped => panic!("nothing is dropped"),
        }
    }

    /// So many bytes that are told from those before.
    fn some(&mut self, size: usize) -> Vec<u8> {
        (0..size)
            .map(|_| {
                self.next_byte = self.next_byte.wrapping_mul(5).wrapping_add(3);
                self.next_byte
            })
            .collect()
    }

    fn finish(&mut self) {
        self.exchange.finish(self.now);
        self.outbox.seal(None);
        if self.stage == Stage::Open {
            self.stage = Stage::Ending { since: self.now };
        }
        self.arm();
    }

    fn delete(&mut self) {
        assert_eq!(self.exchange.delete(), self.stage != Stage::Over);
        self.be_over(Some(LinkEvent::Finished));
        self.arm();
    }

    fn lose(&mut self) {
        self.exchange.lose();
        self.abandon();
        self.be_over(None);
        self.arm();
    }

    fn abandon(&mut self) {
        self.outbox.abandon();
        self.abandoned = true;
        assert_eq!((self.outbox.usage(), self.outbox.is_empty()), (0, true));
    }

    fn look(&mut self) {
        self.exchange.look(&self.outbox, self.now);
        self.look_too();
        self.arm();
    }

    /// What the exchange is to see when it looks.
    fn look_too(&mut self) {
        let waits = self.sent < self.pushed.len() && !self.abandoned;
        let watched = waits && (!self.polled || self.is_lent()) && self.stage == Stage::Open;
        self.stuck_since = watched.then_some(self.stuck_since.unwrap_or(self.now));
    }

    fn poll_event(&mut self) {
        assert_eq!(self.exchange.poll_event(), self.event.take(), "once, and only that");
        assert_eq!(self.exchange.poll_event(), None);
    }

    /// The end, which comes by that event if the input was open.
    fn be_over(&mut self, event: Option<LinkEvent>) {
        if self.stage == Stage::Open {
            self.event = event;
        }
        self.stage = Stage::Over;
        self.stuck_since = None;
    }

    // Time.

    fn pass(&mut self, input: &mut Input<'_>) {
        self.now = self.now + Duration::from_nanos(input.one_of(&STEPS));
        if input.byte() < 192 {
            self.handle_timeout();
        }
    }

    fn handle_timeout(&mut self) {
        let timeouts = Timeouts::default();
        self.exchange.handle_timeout(&self.outbox, self.now);
        self.look_too();
        if let Stage::Ending { since } = self.stage
            && self.now >= since + timeouts.send + timeouts.close
        {
            self.give_up(LinkEvent::Absent);
        }
        if self.stuck_since.is_some_and(|since| self.now >= since + timeouts.send) {
            self.give_up(LinkEvent::Stuck);
        }
        let gone_for = self.attached.err().map(|since| match self.stage {
            Stage::Ending { since: ended } => (since.max(ended), timeouts.close),
            Stage::Open | Stage::Over => (since, timeouts.disconnect),
        });
        if gone_for.is_some_and(|(since, time)| self.now > since + time)
            && self.stage != Stage::Over
        {
            self.give_up(LinkEvent::Absent);
        }
        let next = self.exchange.poll_timeout();
        assert!(next.is_none_or(|deadline| deadline.at > self.now), "{next:?} at {:?}", self.now);
        if self.exchange.is_given_up() {
            self.abandon();
        }
        self.arm();
    }

    fn give_up(&mut self, event: LinkEvent) {
        self.be_over(Some(event));
        self.given_up = true;
    }

    /// The session sets its timer.
    fn arm(&mut self) {
        self.armed = self.exchange.poll_timeout().map(|deadline| deadline.at);
    }

    // Laws.

    fn agree(&self) {
        let Self { exchange, .. } = self;
        assert_eq!(exchange.is_over(), self.stage == Stage::Over);
        assert_eq!(exchange.is_closed(), self.stage != Stage::Open);
        assert_eq!(exchange.is_given_up(), self.given_up);
        assert_eq!(exchange.unread(), self.posted.len() - self.read);
        assert!(exchange.unread() < ROOM + SIZES.into_iter().max().unwrap_or_default());
        let timeout = exchange.poll_timeout().map(|deadline| deadline.at);
        assert_eq!(timeout.is_none(), self.stage == Stage::Over);
        if self.stage == Stage::Open {
            // Requests come and go without waking the session.
            assert!(timeout >= self.armed, "{timeout:?} before {:?}", self.armed);
        }
    }

    /// Everybody goes, and what was said is told to those who come.
    fn end(&mut self) {
        self.take_input();
        self.finish();
        while !self.line.is_empty() {
            self.leave(&mut Input::new(&[]));
        }
        while let Some(batch) = self.takers.iter_mut().find_map(|taker| taker.batch.take()) {
            self.written(batch.len());
        }
        let told = self.stage != Stage::Over && (self.polled || self.attached.is_ok());
        for _ in 0..=self.ends.len() + 1 {
            if self.polled {
                self.attach();
            }
            self.next(&mut Input::new(&[255]));
            self.send(&mut Input::new(&[2]));
        }
        if told {
            assert_eq!((self.sent, self.stage), (self.pushed.len(), Stage::Over));
        }
        self.lose();
        self.poll_event();
        assert_eq!((self.exchange.unread(), self.outbox.footprint()), (0, 0));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_lost_doubled_or_reordered(steps in prop::collection::vec(any::<u8>(), 0..600)) {
            run(&steps);
        }
    }
}
