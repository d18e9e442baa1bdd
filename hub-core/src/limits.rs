//! How much of everything there may be: what can be set, and what cannot.
//!
//! How long things may take stands in [`server::Config`](crate::server::Config) and
//! [`link::Timeouts`](crate::link::Timeouts), how many may come in at a door in
//! [`endpoint::Config`](crate::endpoint::Config).

use std::time::Duration;

/// The largest handshake, in bytes with its framing, where messages have no limit.
pub(crate) const HANDSHAKE: usize = 32 * 1024;
/// What a parked call or item takes besides its bytes, so that empty ones are not free.
pub(crate) const PARKED_OVERHEAD: usize = 64;
/// The bytes of an item from which it costs the client as much to send it as it costs us to ignore it.
pub(crate) const TINY: usize = 32;
/// How much of the flood budget must be back before reading goes on, so that it does not go on for one
/// message.
pub(crate) const FLOOD_RECOVERY: Duration = Duration::from_millis(100);
/// How long the first word behind the handshake is waited for before a client with stateful reconnect gets
/// messages that count.
pub(crate) const FIRST_WORD: Duration = Duration::from_secs(1);
/// How long what has come may wait for its Ack.
pub(crate) const ACK_DELAY: Duration = Duration::from_secs(1);
/// Unread bytes of a raw connection from which its link is left alone.
pub const RAW_UNREAD: usize = 64 * 1024;
/// The same in chunks, which may be empty.
pub const RAW_CHUNKS: usize = 1024;
/// Bytes of POSTs that nobody has taken, from which further ones wait.
pub(crate) const POSTED: usize = 64 * 1024;
/// Bytes of POSTs that a connection takes before it has a transport.
pub const EARLY: usize = 64 * 1024;
/// The same of all connections of an endpoint together.
pub(crate) const EARLY_TOGETHER: usize = 16 * 1024 * 1024;
/// The usual size that the head of an HTTP request may have.
pub const REQUEST_HEAD: usize = 32 * 1024;
/// The time in which the head of an HTTP request must be whole.
pub const REQUEST_HEAD_TIME: Duration = Duration::from_secs(30);
/// The longest pause in the body of a POST.
pub const REQUEST_BODY_PAUSE: Duration = Duration::from_secs(30);
/// What all connections of a process may usually keep.
pub const PROCESS: usize = 1 << 30;

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
    /// Streams that may be open at once, both ways together, those of the client until their call is over; the
    /// call that would open one more fails.
    pub streams: usize,
    /// Items of one stream from the client that its reader may have in front of it, in all streams together no
    /// more than `parked` bytes but for one item in each; further ones are parked.
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
    /// Bytes of calls that wait, and of items that wait for their readers, each of which counts 64 more; at the
    /// limit no further message is read. While a question waits for its answer, twice as many; then it is
    /// given up.
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
    /// messages are held back. One message may overshoot it; and while input waits that is not read, in which
    /// there may be an Ack, half of what is between `soft_output` and `hard_output`, to which that counts.
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
