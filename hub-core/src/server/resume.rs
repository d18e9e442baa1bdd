//! What a connection with stateful reconnect keeps of its links.

use std::io::ErrorKind;

use super::Connection;
use crate::limits::FIRST_WORD;
use crate::sequence::{Received, SequenceTooHigh};
use crate::time::{Deadline, Timer, Timestamp};

/// From which version of the protocol on there is stateful reconnect.
const VERSION: i32 = 2;

/// Numbers of what came, news of what arrived, and the state of the link.
#[derive(Debug)]
pub(super) struct Resume {
    received: Received,
    /// The highest number that the client has acknowledged, when that is news.
    acked: Option<u64>,
    /// Until when the client's first word is waited for.
    silent_until: Option<Timestamp>,
    down: Option<Down>,
}

/// The link is gone.
#[derive(Clone, Copy, Debug)]
struct Down {
    kind: ErrorKind,
    until: Timestamp,
}

impl Resume {
    fn new() -> Self {
        Self { received: Received::new(), acked: None, silent_until: None, down: None }
    }

    /// The handshake is answered.
    pub(super) fn greet(&mut self, now: Timestamp) {
        self.silent_until = Some(now + FIRST_WORD);
    }

    /// The client has said something, so it counts what comes.
    pub(super) fn heard(&mut self) {
        if self.silent_until.take().is_some() {
            self.acked = self.acked.max(Some(0));
        }
    }

    pub(super) const fn poll_acked(&mut self) -> Option<u64> {
        self.acked.take()
    }

    pub(super) const fn come_up(&mut self) {
        self.down = None;
    }

    pub(super) fn down_until(&self) -> Option<Timestamp> {
        self.down.map(|down| down.until)
    }

    /// How the link was lost, if no other one came in time.
    pub(super) fn given_up(&self, now: Timestamp) -> Option<ErrorKind> {
        self.down.filter(|down| down.until <= now).map(|down| down.kind)
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        let acked = self.received.poll_timeout().filter(|_| self.down.is_none());
        [
            (self.down_until(), Timer::Resume),
            (acked, Timer::Ack),
            (self.silent_until, Timer::Greeting),
        ]
        .into_iter()
        .filter_map(|(at, why)| Some(Deadline { at: at?, why }))
        .min()
    }

    /// Lets timers run out; gives the number of an Ack that is due.
    pub(super) fn run_out(&mut self, now: Timestamp) -> Option<u64> {
        if self.silent_until.is_some_and(|until| until <= now) {
            self.heard();
        }
        if self.down.is_some() {
            return None;
        }
        self.received.take_ack(now)
    }
}

impl Connection {
    /// The client speaks that version, and so it is known whether links can be replaced.
    pub(super) fn agree_on_resuming(&mut self, version: i32) {
        if self.facts.resumable && version >= VERSION {
            self.resume = Some(Box::new(Resume::new()));
        }
    }

    /// Counts a message; false when it was here before.
    pub(super) fn is_new(&mut self) -> bool {
        let now = self.now;
        self.resume.as_mut().is_none_or(|resume| resume.received.counted(now))
    }

    /// The next message to come has that number. Means nothing without stateful reconnect.
    pub(super) fn rewind(&mut self, number: i64) -> Result<(), SequenceTooHigh> {
        let now = self.now;
        let Some(resume) = &mut self.resume else { return Ok(()) };
        resume.received.sequence(u64::try_from(number).unwrap_or(0), now)
    }

    /// Everything up to that number has arrived. Means nothing without stateful reconnect.
    pub(super) fn acked(&mut self, number: i64) {
        if let Some(resume) = &mut self.resume {
            resume.acked = resume.acked.max(u64::try_from(number).ok());
        }
    }

    /// Whether a link that is lost may be replaced: with stateful reconnect, until the end is known.
    pub fn may_resume(&self) -> bool {
        self.resume.is_some() && self.phase.is_connected() && self.pending_end.is_none()
    }

    /// The link is lost, and another one is waited for.
    pub(super) fn go_down(&mut self, kind: ErrorKind) {
        self.forget_half_a_message();
        let until = self.now + self.config.resume_timeout;
        if let Some(resume) = &mut self.resume {
            resume.down.get_or_insert(Down { kind, until });
        }
    }
}
