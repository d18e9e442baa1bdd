//! What stateful reconnect remembers of the messages that a client may have missed.
//!
//! Numbers are implicit, from 1 on: a counted message gets its number when the last byte of it has left,
//! so that whatever a policy drops is dropped before. What is sent again gets the same number again.

use std::fmt;
use std::num::NonZeroU32;

use bytes::Bytes;

use super::{Entry, Origin};
use crate::queue::Queue;

/// So many links without an Ack, and nobody waits for the client any more: it could go on like that.
const FRUITLESS: u8 = 3;

pub(super) struct Replay {
    /// How many bytes may be unacked for one more message to enter the queue.
    limit: usize,
    /// Those that have left on this link and are not acked, with consecutive numbers up to before `next`;
    /// without a link, all that have ever left, or may have.
    kept: Queue<Bytes>,
    /// Those that may not leave yet, in order, all of them counted; without a link, all that wait.
    pub(super) held: Queue<Entry>,
    /// Everything up to this number has arrived.
    acked: u64,
    /// The client says so up to this number, some of which is leaving at this moment.
    claimed: u64,
    /// The number of the next one that leaves on this link.
    next: u64,
    /// The highest number of those that ever left, or may have on a link that is lost.
    sent: u64,
    /// Bytes that are kept, and those of counted messages in the queue.
    unacked: usize,
    /// The part of them that has ever left.
    kept_bytes: usize,
    /// At most the part of them that went past the limit.
    passed: usize,
    /// Whether there is a link.
    pub(super) linked: bool,
    /// Whether the client counts already.
    spoken: bool,
    /// How many links in a row have come since the client acked something, though there was something to ack.
    fruitless: u8,
    /// A stream was told to wait until nothing is held.
    pub(super) streams_wait: bool,
    /// A counted message has left, or an Ack was news.
    pub(super) moved: bool,
}

impl Replay {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: Queue::new(),
            held: Queue::new(),
            acked: 0,
            claimed: 0,
            next: 1,
            sent: 0,
            unacked: 0,
            kept_bytes: 0,
            passed: 0,
            linked: true,
            spoken: false,
            fruitless: 0,
            streams_wait: false,
            moved: false,
        }
    }

    /// The number of the first one that leaves on the next link.
    ///
    /// Of what was acked while it waited to leave again, not more is left out than has left: a client that
    /// has got the last Sequence, but not yet what was behind it, counts from there, and takes no higher one.
    pub(super) fn first(&self) -> u64 {
        self.next - self.kept.len() as u64
    }

    /// The client has begun to count.
    pub(super) const fn spoke(&mut self) {
        self.spoken = true;
    }

    /// Gives an entry back for the queue, or holds it.
    pub(super) fn pass(&mut self, entry: Entry) -> Option<Entry> {
        if entry.is_counted() && !(self.held.is_empty() && self.takes_more()) {
            self.held.push_back(entry);
            return None;
        }
        self.enters(&entry);
        Some(entry)
    }

    /// What was held and may go on to the queue.
    pub(super) fn release(&mut self) -> Option<Entry> {
        if !self.takes_more() {
            return None;
        }
        let entry = self.held.pop_front()?;
        self.enters(&entry);
        Some(entry)
    }

    /// What was held and goes past the limit, which is no more than so many bytes at a time.
    pub(super) fn release_past_limit(&mut self, most: usize) -> Option<Entry> {
        let size = self.held.front()?.bytes.len();
        if !self.waits_for_acks() || self.passed() + size > most {
            return None;
        }
        let entry = self.held.pop_front()?;
        self.enters(&entry);
        self.passed += size;
        Some(entry)
    }

    /// Whether one more may enter the queue, whatever its size: it is the next one that waits.
    const fn takes_more(&self) -> bool {
        self.linked && self.spoken && self.unacked <= self.limit
    }

    /// Whether messages are held because too many are not acked.
    pub(super) fn waits_for_acks(&self) -> bool {
        self.linked && self.spoken && !self.held.is_empty()
    }

    /// Whether others may wait for room: there is a link, and so far links have come to something.
    pub(super) const fn may_be_waited_for(&self) -> bool {
        self.linked && self.fruitless < FRUITLESS
    }

    /// Something is in the queue from now on.
    pub(super) fn enters(&mut self, entry: &Entry) {
        if entry.is_counted() {
            self.passed = self.passed();
            self.unacked += entry.bytes.len();
        }
    }

    /// Something was taken out of the queue without having left.
    pub(super) const fn forget(&mut self, entry: &Entry) {
        if entry.is_counted() {
            self.unacked -= entry.bytes.len();
        }
    }

    /// Takes the last one with that key out of those that are held.
    pub(super) fn take_held(&mut self, key: NonZeroU32) -> Option<Entry> {
        let at = self.held.rposition(|entry| entry.key == Some(key))?;
        self.held.remove(at)
    }

    /// Bytes that have left and are not acked.
    pub(super) const fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// Bytes that went past the limit, and are still over it.
    fn passed(&self) -> usize {
        self.passed.min(self.unacked.saturating_sub(self.limit))
    }

    /// Those of them that have left.
    pub(super) fn kept_past_limit(&self) -> usize {
        self.passed.min(self.kept_bytes.saturating_sub(self.limit))
    }

    /// Something has left. Gives the bytes that have left for the first time.
    pub(super) fn left(&mut self, entry: Entry) -> usize {
        let size = entry.bytes.len();
        if !entry.is_counted() {
            return size;
        }
        self.moved = true;
        let number = self.next;
        self.next += 1;
        if number > self.acked {
            self.kept.push_back(entry.bytes);
        } else {
            // The ack for the first time that it left was faster than the second time.
            self.unacked -= size;
            self.kept_bytes -= size;
        }
        if number <= self.sent {
            return 0;
        }
        self.sent = number;
        self.kept_bytes += size;
        size
    }

    /// Everything up to that number has arrived; of numbers that no message ever had, nothing is believed.
    /// The next `leaving` messages may have left although nobody has said so yet: an Ack is not faster than
    /// a write, but may be faster than the report of it.
    pub(super) fn acked(&mut self, number: u64, leaving: u64) {
        let highest = self.sent.max(self.next - 1 + leaving);
        self.claimed = self.claimed.max(number.min(highest));
        self.believe();
    }

    /// A write is reported in full: what was claimed of others than have left is not true.
    pub(super) fn reported(&mut self) {
        self.believe();
        self.claimed = self.acked;
    }

    fn believe(&mut self) {
        let number = self.claimed.min(self.sent);
        if number > self.acked {
            self.acked = number;
            (self.fruitless, self.moved) = (0, true);
        }
        while self.first() <= self.acked
            && let Some(bytes) = self.kept.pop_front()
        {
            self.unacked -= bytes.len();
            self.kept_bytes -= bytes.len();
        }
    }

    /// The link is gone, with that queue in front of it, of which the first `lent` may have left. Gives the
    /// bytes of what is dropped, and of what may have left for the first time.
    pub(super) fn unlinked(&mut self, mut queue: Queue<Entry>, lent: usize) -> usize {
        self.linked = false;
        let mut gone = 0;
        let mut held = Queue::new();
        for nth in 0.. {
            let Some(entry) = queue.pop_front() else { break };
            if !entry.is_counted() {
                gone += entry.bytes.len();
            } else if self.next <= self.sent {
                // It was to leave again.
                self.kept.push_back(entry.bytes);
                self.next += 1;
            } else if nth < lent {
                // The client may have counted it: its number is no other's.
                gone += self.left(entry);
            } else {
                self.unacked -= entry.bytes.len();
                held.push_back(entry);
            }
        }
        if self.claimed > self.acked {
            // An Ack was faster than the loss, so it has arrived.
            self.reported();
        }
        while let Some(entry) = self.held.pop_front() {
            held.push_back(entry);
        }
        self.held = held;
        gone
    }

    /// There is a new link. Gives what is to leave on it before anything that is held.
    pub(super) fn relinked(&mut self, sequence: Entry) -> Queue<Entry> {
        self.fruitless = self.fruitless.saturating_add(u8::from(!self.kept.is_empty()));
        self.next = self.first();
        let mut queue = Queue::new();
        queue.push_back(sequence);
        while let Some(bytes) = self.kept.pop_front() {
            // No policy drops it any more: it has a number.
            queue.push_back(Entry { bytes, origin: Origin::Answer, key: None });
        }
        self.linked = true;
        // The client does not take these for a part of the answer to its handshake.
        self.spoken = true;
        queue
    }

    /// Bytes that are not acked, and those of them that have left, as they are kept account of, and as they
    /// are.
    #[cfg(test)]
    pub(super) fn counts(&self, queue: &Queue<Entry>) -> [[usize; 2]; 2] {
        let counted = || queue.iter().filter(|entry| entry.is_counted()).map(|entry| &entry.bytes);
        let again = counted().take((self.sent + 1 - self.next) as usize);
        let left: usize = self.kept.iter().chain(again).map(Bytes::len).sum();
        let all = self.kept.iter().chain(counted()).map(Bytes::len).sum();
        [[self.unacked, all], [self.kept_bytes, left]]
    }
}

/// Without the bytes that are kept.
impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("linked", &self.linked)
            .field("acked", &self.acked)
            .field("next", &self.next)
            .field("sent", &self.sent)
            .field("unacked", &self.unacked)
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}
