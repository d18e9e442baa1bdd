//! The SignalR hub protocol as bytes and messages.
//!
//! Everything here is a pure function of its input: no IO, no clock, no randomness, no threads.
//! A transport's bytes are cut into records by [`framing`], a record becomes a [`Message`] by
//! [`Encoding::decode`], and what is to be sent becomes a [`Frame`]: one encoded hub message
//! with an unmasked WebSocket header in front, in one allocation that every connection of the
//! same encoding can share.
//!
//! ```
//! use hub_proto::{Decoded, Encoding, Message, framing};
//!
//! let input = b"{\"target\":\"Add\",\"arguments\":[1,2],\"invocationId\":\"0\",\"type\":1}\x1e";
//! let record = framing::text(input, 0).expect("one whole record");
//! let Ok(Decoded::Message(Message::Invocation(call))) = Encoding::Json.decode(record.body) else {
//!     panic!("not an invocation");
//! };
//! assert_eq!(call.target, "Add");
//! assert_eq!(call.arguments.bind::<(i32, i32)>(), Ok((1, 2)));
//! ```
//!
//! # Invariants
//!
//! * No input can panic anything in this crate, and the work is linear in the input.
//! * Payloads (`arguments`, `item`, `result`) stay raw. Whoever holds one must either
//!   [bind](Payload::bind) or [check](Payload::check) it: both tell bad grammar, which ends a
//!   connection, from a wrong shape, which fails one call.
//! * Limits are checked before anything is allocated for what a peer declares.
#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::iter_over_hash_type
)]

mod bind;
mod codec;
mod encoding;
mod error;
mod frame;
pub mod framing;
pub mod handshake;
mod id;
pub mod json;
mod message;
pub mod msgpack;
pub mod negotiate;
mod payload;
mod prepared;
mod reply;
pub mod ws;

pub use bind::{Elements, FromArguments};
pub use codec::{Codec, Visit};
pub use encoding::{Decoded, Encoding, TransferFormat};
pub use error::{BindError, DecodeError, EncodeError, HeaderPart, JsonType};
pub use frame::{Frame, Kind};
pub use id::Id;
pub use message::{
    CancelInvocation, Close, Completion, Headers, Invocation, Message, Outcome, StreamInvocation,
    StreamItem,
};
pub use payload::{Arguments, Payload};
pub use prepared::Prepared;
pub use reply::Reply;

/// The form in which a [`Codec`] sees values.
pub use erased_serde;
