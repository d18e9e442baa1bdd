//! Whose frames they are, and what becomes of them.

use std::num::NonZeroU32;

/// What happens to a hub's message for a connection that is over its soft budget.
///
/// Whatever the policy, a connection over its hard budget is ended as a slow consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowConsumer {
    /// It is queued, and whoever awaits the send waits until the queue is below the budget.
    #[default]
    Wait,
    /// It is dropped.
    DropNewest,
    /// It is queued, and the oldest of the hub's messages that nothing of has left are dropped.
    DropOldest,
    /// The connection is ended.
    Close,
}

/// Whose frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The connection's own: an answer, a ping, a Close. Never dropped.
    Own,
    /// An invocation by the hub, which the policy may drop.
    Hub,
    /// The same, of which only the latest with that key matters: the one before is dropped if it still waits
    /// and nothing of it has begun to leave. The policy holds where there was none to drop.
    Latest(NonZeroU32),
}

impl Delivery {
    pub(super) const fn key(self) -> Option<NonZeroU32> {
        match self {
            Self::Own | Self::Hub => None,
            Self::Latest(key) => Some(key),
        }
    }
}

/// What became of a pushed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It will leave.
    Queued,
    /// It will leave, but the queue is over its soft budget: whoever can wait should.
    Waiting,
    /// The policy dropped it.
    Dropped,
    /// Nothing leaves any more, or not yet.
    Refused,
    /// The queue is full: the connection is to be ended as a slow consumer.
    Overflow,
}
