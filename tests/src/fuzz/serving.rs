//! One session, its application, and the client that reads what it writes.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use hub_core::link::Timeouts;
use hub_core::server::{Config, TransportFacts};
use hub_core::{Batch, CloseReason, Pushed, Session, SlowConsumer, Timer, Timestamp};
use hub_proto::Frame;

use super::application::{Application, Verb};
use super::reading::{Reading, TARGET};

/// More than all of a session's own words that pass however much waits.
const OWN: usize = 1024;

/// A session under test. Each method asserts the laws that it can see broken.
#[derive(Debug)]
pub(super) struct Serving {
    session: Session,
    pub(super) application: Application,
    config: Arc<Config>,
    policy: SlowConsumer,
    /// Whether its pipe may ever be replaced.
    resumable: bool,
    now: Timestamp,
    /// By how much what it is told of the time is behind: a machine's time never runs back.
    pub(super) behind: Duration,
    /// The longest read so far.
    longest: usize,
    /// Whether input was ever handed in that was not wanted: from then on, cuts may matter.
    pub(super) pressed: bool,
    /// A batch that is being written.
    batch: Option<Vec<u8>>,
    /// What was written.
    output: Vec<u8>,
    reading: Reading,
    /// How many messages the hub wanted to send, and the numbers of those that are to leave.
    wished: u32,
    accepted: Vec<u32>,
    largest: usize,
    /// Whether some of what was accepted may never leave: the pipe was lost or given up.
    broken: bool,
}

impl Serving {
    pub(super) fn new(config: Config, policy: SlowConsumer, resumable: bool, spread: u8) -> Self {
        let (config, now) = (Arc::new(config), Timestamp::from_millis(1_000_000));
        let facts = TransportFacts { resumable, ..TransportFacts::websocket(spread) };
        let session = Session::websocket(Arc::clone(&config), Timeouts::default(), facts, now);
        Self {
            session: session.slow_consumer(policy),
            application: Application::new(Arc::clone(&config)),
            config,
            policy,
            resumable,
            now,
            behind: Duration::ZERO,
            longest: 0,
            pressed: false,
            batch: None,
            output: Vec::new(),
            reading: Reading::new(),
            wished: 0,
            accepted: Vec::new(),
            largest: 0,
            broken: false,
        }
    }

    /// The events and the output, all there ever were.
    pub(super) fn seen(&self) -> (&[String], &[u8]) {
        (&self.application.events, &self.output)
    }

    // The world.

    /// What it is told of the time.
    fn clock(&self) -> Timestamp {
        let behind = u64::try_from(self.behind.as_nanos()).unwrap_or(u64::MAX);
        Timestamp::from_nanos(self.now.as_nanos().saturating_sub(behind))
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        let connection = self.session.connection();
        self.pressed |= !connection.wants_input() && !connection.is_ending();
        self.longest = self.longest.max(bytes.len());
        self.session.handle_input(&mut bytes.to_vec(), self.clock());
    }

    /// Whether the last read has left room for another one.
    pub(super) fn wants_input(&self) -> bool {
        self.session.wants_input()
    }

    /// Whether more was to be sent than there is room for.
    pub(super) fn is_slow(&self) -> bool {
        self.application.reason == Some(CloseReason::SlowConsumer)
    }

    /// How long a read may be for which there is room whenever it is wanted, whatever frames it holds.
    pub(super) fn longest_read(&self) -> usize {
        self.config.limits.unread - self.config.limits.read_ahead
    }

    /// Sets the clock, perhaps back, and lets timers run out.
    pub(super) fn time(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.session.handle_timeout(now);
        if let Some(deadline) = self.session.poll_timeout() {
            assert!(deadline.at > self.now, "{deadline:?} is due, and it is {:?}", self.now);
        }
        self.broken |= self.session.is_done();
        self.drain();
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// When the next timer runs out.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.session.poll_timeout().map(|deadline| deadline.at)
    }

    /// The pipe has ended, or has broken and takes nothing any more.
    pub(super) fn end(&mut self, kind: ErrorKind) {
        if kind != ErrorKind::UnexpectedEof && self.batch.take().is_some() {
            self.session.written(0, self.clock());
        }
        self.broken = true;
        self.session.handle_end(kind, self.clock());
        if self.session.is_down() {
            self.lose_batch();
        }
        self.drain();
        assert!(self.application.is_closed() || self.session.is_down(), "no end without a pipe");
    }

    pub(super) fn relink(&mut self) {
        let resumable = self.session.connection().is_resumable();
        let relinked = self.session.relink(self.clock());
        assert!(resumable || !relinked, "a link was replaced that cannot be");
        if relinked {
            assert!(!self.session.is_down() && !self.session.is_done(), "down on a new link");
            self.lose_batch();
            self.broken = true;
            self.reading.relink();
        }
        self.drain();
    }

    /// Nobody says what has left of the batch that is being written: all of it may have.
    fn lose_batch(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.reading.read(&batch, self.session.connection().encoding());
        }
    }

    /// Begins to write what waits.
    pub(super) fn take(&mut self) {
        if self.batch.is_none() {
            let mut batch = Batch::new();
            self.session.next(&mut batch, self.clock());
            let bytes = batch.chunks().concat();
            assert_eq!(bytes.len(), batch.len());
            self.batch = Some(bytes).filter(|bytes| !bytes.is_empty());
        }
        self.drain();
    }

    /// So many bytes of the batch have left.
    pub(super) fn report(&mut self, count: usize) {
        let Some(batch) = self.batch.take() else { return };
        let (left, _) = batch.split_at(count.min(batch.len()));
        self.output.extend_from_slice(left);
        self.reading.read(left, self.session.connection().encoding());
        assert!(!self.reading.has_gap(), "a Sequence leaves out what never left");
        self.session.written(left.len(), self.clock());
        self.drain();
    }

    /// Writes all that waits.
    pub(super) fn flush(&mut self) {
        self.report(usize::MAX);
        self.take();
        while self.batch.is_some() {
            self.report(usize::MAX);
            self.take();
        }
    }

    // The application.

    pub(super) fn act(&mut self, verb: &Verb) {
        if let Verb::Close(CloseReason::Timeout(_)) = verb {
            // What the link alone may say: it drops what is leaving.
            return;
        }
        self.application.act(self.session.connection(), verb, self.now);
        self.drain();
        if let Verb::Close(_) = verb {
            assert!(self.application.is_closed(), "no end after close");
        }
    }

    pub(super) fn send(&mut self, size: usize) {
        let encoding = self.session.connection().encoding();
        let arguments = (self.wished, "x".repeat(size));
        let frame = Frame::invocation(encoding, None, TARGET, &arguments).expect("two arguments");
        self.largest = self.largest.max(frame.websocket().len());
        let (resumable, soft) =
            (self.session.connection().is_resumable(), self.config.limits.soft_output);
        let pushed = self.session.send(&frame, self.clock());
        match pushed {
            Pushed::Queued | Pushed::Waiting => {
                self.accepted.push(self.wished);
                let over = self.session.usage() > soft;
                assert!(resumable || over == (pushed == Pushed::Waiting), "{pushed:?}");
            }
            Pushed::Dropped => assert_eq!(self.policy, SlowConsumer::DropNewest),
            Pushed::Refused => {}
            Pushed::Overflow => {
                let over = self.session.connection().is_ending();
                assert!(over, "a full queue does not end the connection");
            }
        }
        self.wished += 1;
        self.drain();
    }

    // What the session gives.

    /// Polls at most so many events.
    pub(super) fn poll(&mut self, count: usize) {
        for _ in 0..count {
            let Some(event) = self.session.poll_event(self.clock()) else { return };
            self.application.told(event, self.session.connection());
        }
    }

    /// Polls until nothing moves.
    pub(super) fn drain(&mut self) {
        self.poll(usize::MAX);
        self.broken |= self.session.is_down();
        let session = &mut self.session;
        self.application.settled(session.connection(), self.longest);
        let limits = &self.config.limits;
        // What one that can be resumed has kept for another link waits as well, once it has ended.
        let ends = session.connection().is_ending();
        let keeps = session.connection().is_resumable() || self.resumable && ends;
        if !keeps {
            let bound = limits.hard_output + self.largest + self.longest + OWN;
            assert!(session.usage() <= bound, "{} bytes wait", session.usage());
            let room = session.usage() <= limits.soft_output;
            assert_eq!(session.wants_items(), room, "{} bytes wait", session.usage());
        }
        let told = &self.reading.told;
        if self.policy == SlowConsumer::DropOldest {
            assert!(told.is_sorted_by(|a, b| a < b), "messages change places");
            assert!(told.iter().all(|number| self.accepted.binary_search(number).is_ok()));
        } else {
            assert!(self.accepted.starts_with(told), "{told:?} of {:?}", self.accepted);
        }
    }

    /// All ends in good order, as far as it has not ended yet.
    pub(super) fn finish(mut self) {
        self.act(&Verb::Close(CloseReason::Aborted));
        let lost = matches!(
            self.application.reason,
            Some(CloseReason::Lost(_) | CloseReason::Timeout(Timer::Send))
        );
        self.flush();
        if !self.broken && !lost && self.policy != SlowConsumer::DropOldest {
            assert_eq!(self.reading.told, self.accepted, "accepted, and not sent");
        }
        self.end(ErrorKind::UnexpectedEof);
        assert!(self.session.is_done() && !self.session.wants_input(), "not done behind the end");
        assert_eq!(self.session.usage(), 0, "bytes behind the end");
        assert!(!self.session.relink(self.now), "a link behind the end");
        self.time(self.now + Duration::from_secs(3_600));
        self.take();
        assert!(self.batch.is_none() && self.session.is_done(), "something behind the end");
    }
}
