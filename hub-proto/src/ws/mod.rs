//! WebSocket frames ([RFC 6455] §5 and §7): a decoder that keeps no payload, and the headers for sending.
//!
//! Frames only: the HTTP upgrade, timers and the closing sequence belong to the caller. Nothing here reads, waits or
//! draws a random number; masking keys are handed in. Extensions are not spoken, so every reserved bit is a violation.
//!
//! ```
//! use hub_proto::ws::{Config, Decoder, MessageType, Opcode, Piece, Role, encode};
//!
//! let mut wire = Vec::new();
//! encode::write_frame(&mut wire, true, Opcode::Text, b"hello", Some([1, 2, 3, 4]));
//! encode::write_frame(&mut wire, true, Opcode::Ping, b"", Some([5, 6, 7, 8]));
//!
//! let mut decoder = Decoder::new(Role::Server, Config::default());
//! let mut input = wire.as_mut_slice();
//! while let Some(piece) = decoder.next(&mut input)? {
//!     match piece {
//!         Piece::Data { message, payload, fin } => {
//!             assert_eq!((message, payload, fin), (MessageType::Text, &b"hello"[..], true));
//!         }
//!         Piece::Ping(payload) => assert_eq!(*encode::pong(&payload, None), [0x8A, 0]),
//!         Piece::Pong(_) | Piece::Close(_) => {}
//!     }
//! }
//! # Ok::<(), hub_proto::ws::Violation>(())
//! ```
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455

mod decode;
pub mod encode;
mod header;
pub mod mask;
#[cfg(test)]
mod tests;
mod utf8;
mod violation;

pub use decode::{Config, Decoder, Piece};
pub use violation::Violation;

/// The side of the connection that we are (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We accepted the connection: what comes in must be masked.
    Server,
    /// We opened the connection: what comes in must not be masked.
    Client,
}

/// What a frame is, with its number on the wire (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further frame of the message that a text or binary frame began.
    Continuation = 0x0,
    /// The first or only frame of a text message.
    Text = 0x1,
    /// The first or only frame of a binary message.
    Binary = 0x2,
    /// The last frame that a side sends.
    Close = 0x8,
    /// Asks for a pong with the same payload.
    Ping = 0x9,
    /// Answers a ping, or is a sign of life of its own.
    Pong = 0xA,
}

impl Opcode {
    /// Whether this is a close, ping or pong: at most 125 bytes, never fragmented (RFC 6455 §5.5).
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

impl From<MessageType> for Opcode {
    fn from(message: MessageType) -> Self {
        match message {
            MessageType::Text => Self::Text,
            MessageType::Binary => Self::Binary,
        }
    }
}

/// What a message is, whatever the number of its frames (RFC 6455 §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

/// Why the peer closes (RFC 6455 §5.5.1, §7.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// One of the codes that may appear on the wire: 1000–1003, 1007–1014, 3000–4999.
    pub code: u16,
    /// At most 123 bytes, often empty.
    pub reason: String,
}
