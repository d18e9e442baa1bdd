//! What a peer can do wrong.

/// The rule of RFC 6455, or the limit, that the peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A reserved bit is set, and no extension was negotiated (§5.2).
    #[error("a reserved bit is set")]
    ReservedBits,
    /// The opcode is one of 3–7 or 11–15 (§5.2).
    #[error("opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// A close, ping or pong without the FIN bit (§5.5).
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A close, ping or pong of more than 125 bytes (§5.5).
    #[error("a control frame is longer than 125 bytes")]
    OversizedControl,
    /// A continuation frame, and no message to continue (§5.4).
    #[error("a continuation frame continues no message")]
    UnexpectedContinuation,
    /// A text or binary frame before the last message ended (§5.4).
    #[error("a message begins inside another message")]
    InterleavedMessage,
    /// A client did not mask a frame (§5.1).
    #[error("a frame from the client is not masked")]
    Unmasked,
    /// A server masked a frame (§5.1).
    #[error("a frame from the server is masked")]
    Masked,
    /// The length takes more bytes than it needs (§5.2).
    #[error("the length of a frame is not in its shortest form")]
    NonMinimalLength,
    /// The top bit of a 64-bit length is set (§5.2).
    #[error("the length of a frame is over 63 bits")]
    LengthOverflow,
    /// The payload of a close frame is half a code (§5.5.1).
    #[error("a close frame holds one byte")]
    TruncatedCloseCode,
    /// A close code that must not be sent, or that nobody defined (§7.4).
    #[error("close code {0} may not be sent")]
    CloseCode(u16),
    /// The reason of a close frame is not UTF-8 (§5.5.1).
    #[error("the reason of a close frame is not UTF-8")]
    CloseReason,
    /// A text message is not UTF-8 (§5.6, §8.1).
    #[error("a text message is not UTF-8")]
    Text,
    /// A data frame over [`Config::max_frame`](super::Config::max_frame).
    #[error("a frame of {0} bytes is over the limit")]
    FrameTooBig(u64),
    /// A message over [`Config::max_message`](super::Config::max_message), counted with the frame just announced.
    #[error("a message of at least {0} bytes is over the limit")]
    MessageTooBig(u64),
}

impl Violation {
    /// The code to close with (§7.4.1): 1007 for bad UTF-8, 1009 for a limit, 1002 for everything else.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::CloseReason | Self::Text => 1007,
            Self::FrameTooBig(_) | Self::MessageTooBig(_) => 1009,
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::FragmentedControl
            | Self::OversizedControl
            | Self::UnexpectedContinuation
            | Self::InterleavedMessage
            | Self::Unmasked
            | Self::Masked
            | Self::NonMinimalLength
            | Self::LengthOverflow
            | Self::TruncatedCloseCode
            | Self::CloseCode(_) => 1002,
        }
    }
}
