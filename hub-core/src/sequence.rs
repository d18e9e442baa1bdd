//! Numbers of counted messages that arrive.

use std::time::Duration;

use crate::time::Timestamp;

const ACK_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Received {
    next: u64,
    highest: u64,
    ack_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SequenceTooHigh;

impl Received {
    pub(crate) const fn new() -> Self {
        Self { next: 1, highest: 0, ack_at: None }
    }

    pub(crate) fn counted(&mut self, now: Timestamp) -> bool {
        let number = self.next;
        self.next += 1;
        let new = number > self.highest;
        self.highest = self.highest.max(number);
        if number >= self.highest {
            self.ack_at.get_or_insert(now + ACK_AFTER);
        }
        new
    }

    pub(crate) fn sequence(&mut self, number: u64, now: Timestamp) -> Result<(), SequenceTooHigh> {
        if number > self.next {
            return Err(SequenceTooHigh);
        }
        self.next = number;
        self.ack_at.get_or_insert(now + ACK_AFTER);
        Ok(())
    }

    pub(crate) const fn poll_timeout(&self) -> Option<Timestamp> {
        self.ack_at
    }

    pub(crate) fn take_ack(&mut self, now: Timestamp) -> Option<u64> {
        if self.ack_at.is_some_and(|at| at <= now) {
            self.ack_at = None;
            return Some(self.highest);
        }
        None
    }
}
