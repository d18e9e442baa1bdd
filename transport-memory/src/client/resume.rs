//! The numbers of a client with stateful reconnect.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long after a message it is acknowledged, with all that came meanwhile.
const ACK: Duration = Duration::from_secs(1);

/// What is needed to carry a connection on over another link.
pub(super) struct Resume {
    pub(super) token: String,
    /// How many counted messages were sent.
    sent: i64,
    /// Those that the server may not have, with their numbers.
    unacked: VecDeque<(i64, Vec<u8>)>,
    /// The number of the next message of the server on this link.
    next: i64,
    /// The highest number that has come.
    pub(super) latest: i64,
    pub(super) ack_due: Option<Instant>,
}

impl Resume {
    pub(super) const fn new(token: String) -> Self {
        Self { token, sent: 0, unacked: VecDeque::new(), next: 1, latest: 0, ack_due: None }
    }

    /// Keeps a counted message until the server has it.
    pub(super) fn keep(&mut self, record: &[u8]) {
        self.sent += 1;
        self.unacked.push_back((self.sent, record.to_vec()));
    }

    /// Counts a message of the server; false when it has come before.
    pub(super) fn count(&mut self, now: Instant) -> bool {
        self.ack_due.get_or_insert(now + ACK);
        let number = self.next;
        self.next += 1;
        let is_new = number > self.latest;
        self.latest = self.latest.max(number);
        is_new
    }

    /// The server has everything up to that.
    pub(super) fn acked(&mut self, number: i64) {
        self.unacked.retain(|(kept, _)| *kept > number);
    }

    /// The server goes on with that number.
    pub(super) fn go_on(&mut self, number: i64) {
        assert!(
            number <= self.latest + 1,
            "the server leaves out what comes behind {}",
            self.latest
        );
        self.next = number;
    }

    /// The number with which this side goes on over another link, and what it sends again.
    pub(super) fn again(&self) -> (i64, impl Iterator<Item = &[u8]>) {
        let first = self.unacked.front().map_or(self.sent + 1, |(number, _)| *number);
        (first, self.unacked.iter().map(|(_, record)| &**record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_acknowledged_is_sent_again() {
        let mut resume = Resume::new("token".to_owned());
        let again = |resume: &Resume| {
            let (first, records) = resume.again();
            (first, records.map(<[u8]>::to_vec).collect::<Vec<_>>())
        };
        assert_eq!(again(&resume), (1, vec![]));
        for record in [b"a", b"b", b"c"] {
            resume.keep(record);
        }
        resume.acked(2);
        assert_eq!(again(&resume), (3, vec![b"c".to_vec()]));
        resume.acked(3);
        assert_eq!(again(&resume), (4, vec![]));
    }

    #[test]
    fn what_comes_again_is_not_new_and_is_acknowledged_once() {
        let (mut resume, now) = (Resume::new("token".to_owned()), Instant::now());
        assert!(resume.count(now) && resume.count(now + ACK / 2));
        assert_eq!((resume.latest, resume.ack_due), (2, Some(now + ACK)));
        resume.go_on(2);
        assert!(!resume.count(now) && resume.count(now));
        assert_eq!(resume.latest, 3);
    }
}
