//! How much of everything there may be.

/// Bounds on what one connection may hold; sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message from the peer, framing included, the handshake too; `None` is no limit.
    pub message: Option<usize>,
    /// Calls that may run at once.
    pub parallel_calls: usize,
    /// Calls that may wait for their turn; one more fails. As many may run on without a slot because they
    /// asked their client something.
    pub parked_calls: usize,
    /// Streams that may be open at once, both ways together; the call that would open one more fails.
    pub streams: usize,
    /// Items of one stream from the client that its reader may have in front of it; further ones are
    /// parked.
    pub stream_items: usize,
    /// Questions to the client that may wait for an answer.
    pub asks: usize,
    /// Events that may wait to be polled; at the limit no further message is read. While streams or questions
    /// are open, none is read behind any event that waits.
    pub events: usize,
    /// Unread input up to which more is wanted.
    pub read_ahead: usize,
    /// Unread input at which the connection ends as [`Overflow`](crate::CloseReason::Overflow), for input that
    /// came although none was wanted.
    pub unread: usize,
    /// Bytes of arguments that may wait with their calls, and of items that wait for their readers, each of
    /// which counts 64 more; at the limit no further message is read.
    pub parked: usize,
    /// Cheap messages per second, in the long run: pings, cancels, what nobody knows or reads, and calls
    /// that cannot be bound. Above it, no message is read for a while.
    pub flood_rate: u32,
    /// Cheap messages that may come at once.
    pub flood_burst: u32,
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
            streams: 100,
            stream_items: 10,
            asks: 1_000,
            events: 64,
            read_ahead: 64 * 1024,
            unread: 256 * 1024,
            parked: 256 * 1024,
            flood_rate: 1_000,
            flood_burst: 10_000,
            soft_output: 64 * 1024,
            hard_output: 1024 * 1024,
            unacked: 100_000,
        }
    }
}
