//! The SignalR hub protocol as bytes and messages.
//!
//! Everything here is a pure function of its input: no IO, no clock, no randomness, no threads.
//! A transport's bytes are cut into records by [`Encoding::record`], a record becomes a [`Message`] by
//! [`Encoding::decode`], and what is to be sent becomes a [`Frame`]: one encoded hub message
//! with an unmasked WebSocket header in front, in one allocation that every connection of the
//! same encoding can share.
//!
//! ```
//! use hub_proto::{Decoded, Encoding, Message};
//!
//! let input = b"{\"target\":\"Add\",\"arguments\":[1,2],\"invocationId\":\"0\",\"type\":1}\x1e";
//! let record = Encoding::Json.record(input, 0).expect("one whole record");
//! let Ok(Decoded::Message(Message::Invocation(call))) = Encoding::Json.decode(record.body) else {
//!     panic!("not an invocation");
//! };
//! assert_eq!(call.target, "Add");
//! assert_eq!(call.arguments.bind::<(i32, i32)>(), Ok((1, 2)));
//! ```
//!
//! # The nine messages
//!
//! What ASP.NET Core calls them, and their bytes in both encodings: JSON ends a record with `0x1E`,
//! MessagePack begins it with its length. Payloads are shown as they are most often.
//!
//! | type | message | JSON | MessagePack |
//! |---|---|---|---|
//! | 1 | [`Invocation`] | `{"type":1,"invocationId":"0","target":"Add","arguments":[1,2]}` | `[1, {}, "0", "Add", [1, 2], []]` |
//! | 2 | [`StreamItem`] | `{"type":2,"invocationId":"0","item":3}` | `[2, {}, "0", 3]` |
//! | 3 | [`Completion`] | `{"type":3,"invocationId":"0","result":3}` | `[3, {}, "0", 3, 3]` |
//! | 4 | [`StreamInvocation`] | `{"type":4,"invocationId":"0","target":"Count","arguments":[9]}` | `[4, {}, "0", "Count", [9], []]` |
//! | 5 | [`CancelInvocation`] | `{"type":5,"invocationId":"0"}` | `[5, {}, "0"]` |
//! | 6 | [`Ping`](Message::Ping) | `{"type":6}` | `[6]` |
//! | 7 | [`Close`] | `{"type":7,"allowReconnect":true}` | `[7, nil, true]` |
//! | 8 | [`Ack`](Message::Ack) | `{"type":8,"sequenceId":1}` | `[8, 1]` |
//! | 9 | [`Sequence`](Message::Sequence) | `{"type":9,"sequenceId":2}` | `[9, 2]` |
//!
//! In MessagePack the `{}` are headers and the `[]` at the end the ids of streams, both usually none;
//! the fourth element of a completion says what it is: 1 an error, 2 nothing, 3 a result.
//!
//! ```
//! use hub_proto::*;
//!
//! let headers = Headers::default;
//! let id = || "0".into();
//! let both: [(Encoding, &[u8], &[u8], &[u8]); 2] = [
//!     (Encoding::Json, b"[1,2]", b"[9]", b"3"),
//!     (Encoding::MessagePack, b"\x92\x01\x02", b"\x91\x09", b"\x03"),
//! ];
//! let written = both.map(|(encoding, two, one, three)| {
//!     let payload = |raw| Payload::new(encoding, raw);
//!     let messages = [
//!         Message::Invocation(Invocation {
//!             id: Some(id()),
//!             target: "Add".into(),
//!             arguments: payload(two),
//!             stream_ids: None,
//!             headers: headers(),
//!         }),
//!         Message::StreamItem(StreamItem { id: id(), item: payload(three), headers: headers() }),
//!         Message::Completion(Completion {
//!             id: id(),
//!             outcome: Outcome::Result(payload(three)),
//!             headers: headers(),
//!         }),
//!         Message::StreamInvocation(StreamInvocation {
//!             id: id(),
//!             target: "Count".into(),
//!             arguments: payload(one),
//!             stream_ids: None,
//!             headers: headers(),
//!         }),
//!         Message::CancelInvocation(CancelInvocation { id: id(), headers: headers() }),
//!         Message::Ping,
//!         Message::Close(Close { error: None, allow_reconnect: true }),
//!         Message::Ack(1),
//!         Message::Sequence(2),
//!     ];
//!     messages.map(|message| {
//!         let mut out = Vec::new();
//!         encoding.encode(&message, &mut out);
//!         out
//!     })
//! });
//! let [json, message_pack] = written;
//! assert_eq!(json, [
//!     &b"{\"type\":1,\"invocationId\":\"0\",\"target\":\"Add\",\"arguments\":[1,2]}\x1e"[..],
//!     b"{\"type\":2,\"invocationId\":\"0\",\"item\":3}\x1e",
//!     b"{\"type\":3,\"invocationId\":\"0\",\"result\":3}\x1e",
//!     b"{\"type\":4,\"invocationId\":\"0\",\"target\":\"Count\",\"arguments\":[9]}\x1e",
//!     b"{\"type\":5,\"invocationId\":\"0\"}\x1e",
//!     b"{\"type\":6}\x1e",
//!     b"{\"type\":7,\"allowReconnect\":true}\x1e",
//!     b"{\"type\":8,\"sequenceId\":1}\x1e",
//!     b"{\"type\":9,\"sequenceId\":2}\x1e",
//! ]);
//! assert_eq!(message_pack, [
//!     &b"\x0d\x96\x01\x80\xa10\xa3Add\x92\x01\x02\x90"[..],
//!     b"\x06\x94\x02\x80\xa10\x03",
//!     b"\x07\x95\x03\x80\xa10\x03\x03",
//!     b"\x0e\x96\x04\x80\xa10\xa5Count\x91\x09\x90",
//!     b"\x05\x93\x05\x80\xa10",
//!     b"\x02\x91\x06",
//!     b"\x04\x93\x07\xc0\xc3",
//!     b"\x03\x92\x08\x01",
//!     b"\x03\x92\x09\x02",
//! ]);
//! ```
//!
//! A third encoding is a [`Codec`]. Arguments, items and results are whatever serde makes of Rust's types;
//! [`values`] has types for those that .NET and JavaScript write in other ways, and shows the bytes of all.
//!
//! # Invariants
//!
//! * No input can panic anything in this crate, and the work is linear in the input; only the headers of a
//!   MessagePack message are sorted, to find duplicates.
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
pub mod sse;
pub mod values;
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
