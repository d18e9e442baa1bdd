//! What stateful reconnect remembers of the messages that have come.

use crate::limits::ACK_DELAY;
use crate::time::Timestamp;

/// Counts the messages of a peer that may send some of them again on another link.
///
/// Numbers are implicit, from 1 on. A message is to be counted by its type on the wire, whatever becomes
/// of it: so does the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The number of the next one.
    next: u64,
    /// The highest number there was.
    highest: u64,
    ack_at: Option<Timestamp>,
    expects_sequence: bool,
}

/// A [Sequence](Received::sequence) that leaves out messages which never came: they are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Sequence ID greater than amount of messages we've received.")]
pub struct SequenceTooHigh;

impl Received {
    /// Nothing has come.
    pub const fn new() -> Self {
        Self { next: 1, highest: 0, ack_at: None, expects_sequence: false }
    }

    /// A counted message has come; false for one that is to be dropped, as it has come before.
    pub fn counted(&mut self, now: Timestamp) -> bool {
        if self.expects_sequence {
            return false;
        }
        let number = self.next;
        self.next += 1;
        if number >= self.highest {
            // For the newest one once more as well: its Ack may have been lost with the link.
            self.ack_soon(now);
        }
        let new = number > self.highest;
        self.highest = self.highest.max(number);
        new
    }

    /// The peer says that the next message has that number, which may have come before.
    pub fn sequence(&mut self, number: u64, now: Timestamp) -> Result<(), SequenceTooHigh> {
        // Not the next one: on the link before, the peer may have got our Ack of what it was sending again
        // before we had all of that.
        if number > self.highest + 1 {
            return Err(SequenceTooHigh);
        }
        self.expects_sequence = false;
        self.next = number.max(1);
        if self.highest > 0 {
            // A peer that holds all it has back for an Ack that was lost would send nothing to ack.
            self.ack_soon(now);
        }
        Ok(())
    }

    /// From now on everything is dropped until a Sequence comes: for the side that opens the new link.
    pub const fn expect_sequence(&mut self) {
        self.expects_sequence = true;
    }

    /// Whether only a Sequence is taken.
    pub const fn expects_sequence(&self) -> bool {
        self.expects_sequence
    }

    /// The number for the Ack that is due, once.
    pub fn take_ack(&mut self, now: Timestamp) -> Option<u64> {
        self.ack_at.take_if(|at| *at <= now).map(|_| self.highest)
    }

    /// When an [Ack](Self::take_ack) is due.
    pub const fn poll_timeout(&self) -> Option<Timestamp> {
        self.ack_at
    }

    fn ack_soon(&mut self, now: Timestamp) {
        self.ack_at.get_or_insert(now + ACK_DELAY);
    }
}

impl Default for Received {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::ZERO;

    /// How so many messages in a row are taken.
    fn take(received: &mut Received, count: usize, now: Timestamp) -> Vec<bool> {
        (0..count).map(|_| received.counted(now)).collect()
    }

    #[test]
    fn after_a_sequence_what_has_come_before_is_dropped_and_the_rest_is_new() {
        let mut received = Received::new();
        assert_eq!(take(&mut received, 3, NOW), [true; 3]);
        assert_eq!(received.sequence(2, NOW), Ok(()));
        assert_eq!(take(&mut received, 3, NOW), [false, false, true]);
        assert_eq!(received.sequence(5, NOW), Ok(()));
        assert!(received.counted(NOW));
        assert!(size_of::<Received>() <= 40);
    }

    #[test]
    fn a_sequence_that_leaves_something_out_is_an_error_and_changes_nothing() {
        let mut received = Received::new();
        assert_eq!(received.sequence(2, NOW), Err(SequenceTooHigh));
        assert_eq!(received, Received::new());
        assert_eq!(
            SequenceTooHigh.to_string(),
            "Sequence ID greater than amount of messages we've received."
        );
        // There is no message 0.
        assert_eq!(received.sequence(0, NOW), Ok(()));
        assert_eq!((received.counted(NOW), received.poll_timeout().is_some()), (true, true));
    }

    #[test]
    fn an_ack_is_due_1_s_after_the_first_message_since_the_last_ack_and_only_then() {
        let mut received = Received::new();
        let at = Timestamp::from_millis;
        take(&mut received, 1, at(10));
        take(&mut received, 1, at(1_000));
        assert_eq!(received.poll_timeout(), Some(at(1_010)));
        assert_eq!(received.take_ack(at(1_009)), None);
        assert_eq!(received.take_ack(at(1_010)), Some(2));
        assert_eq!((received.take_ack(at(5_000)), received.poll_timeout()), (None, None));
        take(&mut received, 1, at(6_000));
        assert_eq!(received.take_ack(at(7_000)), Some(3));
    }

    #[test]
    fn an_ack_that_may_have_been_lost_is_repeated() {
        let mut received = Received::new();
        take(&mut received, 2, NOW);
        assert_eq!(received.take_ack(Timestamp::from_millis(1_000)), Some(2));
        assert_eq!(received.sequence(1, Timestamp::from_millis(2_000)), Ok(()));
        assert_eq!(received.take_ack(Timestamp::from_millis(3_000)), Some(2));
        let later = Timestamp::from_millis(4_000);
        assert_eq!((take(&mut received, 1, later), received.poll_timeout()), (vec![false], None));
        assert_eq!(take(&mut received, 1, later), [false]);
        assert_eq!(received.take_ack(Timestamp::from_millis(5_000)), Some(2));
    }

    #[test]
    fn nothing_counts_while_a_sequence_is_expected() {
        let mut received = Received::new();
        take(&mut received, 1, NOW);
        received.expect_sequence();
        assert!(!received.counted(NOW) && received.expects_sequence());
        assert_eq!(received.sequence(1, NOW), Ok(()));
        assert_eq!(take(&mut received, 2, NOW), [false, true]);
    }

    proptest! {
        #[test]
        fn each_message_is_taken_once_wherever_the_peer_begins_again(
            links in prop::collection::vec((0..10_u64, 0..20_usize), 0..20),
        ) {
            let (mut received, mut next, mut highest) = (Received::new(), 1, 0);
            for (back, count) in links {
                next = u64::max(1, next - back.min(next));
                prop_assert_eq!(received.sequence(next, NOW), Ok(()));
                for _ in 0..count {
                    prop_assert_eq!(received.counted(NOW), next > highest);
                    highest = highest.max(next);
                    next += 1;
                }
                let mut leaves_out = received.clone();
                prop_assert_eq!(leaves_out.sequence(highest + 2, NOW), Err(SequenceTooHigh));
                prop_assert_eq!(&leaves_out, &received);
                prop_assert_eq!(leaves_out.sequence(highest + 1, NOW), Ok(()));
                prop_assert!(leaves_out.counted(NOW));
                prop_assert_eq!(received.take_ack(Timestamp::MAX).unwrap_or(0), highest);
            }
        }
    }
}
