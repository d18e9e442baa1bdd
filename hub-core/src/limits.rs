//! How much of everything there may be.

/// Bounds on what one connection may hold; sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message from the peer, framing included, the handshake too; `None` is no limit.
    pub message: Option<usize>,
    /// Calls that may run at once.
    pub parallel_calls: usize,
    /// Calls that may wait for their turn; at the limit no further message is read.
    pub parked_calls: usize,
    /// Events that may wait to be polled; at the limit no further message is read.
    pub events: usize,
    /// Unread input up to which more is wanted.
    pub read_ahead: usize,
    /// Bytes of arguments that may wait with their calls; at the limit no further message is read. Also
    /// the unread input at which the connection ends as [`Overflow`](crate::CloseReason::Overflow), for
    /// input that came although none was wanted.
    pub parked: usize,
    /// Queued output from which the hub's policy holds; 4 GiB at most.
    pub soft_output: usize,
    /// Queued output from which the connection ends as a slow consumer. One message may overshoot it. 4 GiB
    /// at most.
    pub hard_output: usize,
    /// Output that has left a resumable connection, or is about to, and is not acked, from which further
    /// messages are held back. One message may overshoot it.
    pub unacked: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: Some(32 * 1024),
            parallel_calls: 1,
            parked_calls: 64,
            events: 64,
            read_ahead: 64 * 1024,
            parked: 256 * 1024,
            soft_output: 64 * 1024,
            hard_output: 1024 * 1024,
            unacked: 100_000,
        }
    }
}
