//! SignalR hub connections as pure state machines.
//!
//! Nothing here does IO, asks a clock, draws a random number, spawns anything or awaits anything:
//! bytes, [time](Timestamp), ids and seeds are handed in, and what should be sent, told and awaited
//! is polled out. That makes the machines fit any runtime, or none, and every test exact.
//!
//! | part | what it is |
//! |---|---|
//! | [`endpoint::Table`] | negotiations, and which token belongs to which session |
//! | [`link::Link`] | a WebSocket on a byte pipe: frames, pings, the closing sequence |
//! | [`server::Connection`] | the receiving half of a connection: handshake, calls, timers |
//! | [`Outbox`] | the sending half: order, budget, gate, what may have to be sent again |
//! | [`Received`] | what of the receiving half outlives a link |
//! | [`Session`] | both halves as one object, for those who embed the core |
//! | [`registry::Registry`] | who is connected, and who belongs to which user and group |
//!
//! # The four families
//!
//! `handle_*` takes what the world did and never fails: a peer's fault becomes output and one
//! [`Closed`](server::Event::Closed). Verbs take what the application wants. `poll_*` gives what the
//! world should do, and is O(1) when there is nothing. Questions take `&self`. They may be called in
//! any order, and nothing has to be drained before the next call.
#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::iter_over_hash_type
)]

mod close;
pub mod endpoint;
pub mod limits;
pub mod link;
mod outbox;
mod queue;
pub mod registry;
mod seed;
mod sequence;
pub mod server;
mod session;
pub mod time;

pub use close::{CLOSED_WITH_ERROR, CloseReason, PeerFault, close_message};
pub use limits::Limits;
pub use outbox::{Batch, Delivery, Outbox, Pushed, SlowConsumer};
pub use sequence::{Received, SequenceTooHigh};
pub use session::Session;
pub use time::{Deadline, Timer, Timestamp};
