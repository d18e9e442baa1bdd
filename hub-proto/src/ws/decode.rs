//! Frames in.

use std::{borrow::Cow, mem};

use super::{
    Close, MessageType, Opcode, Role, Violation,
    header::{Header, Partial},
    mask,
    utf8::Utf8,
};

/// What a [`Decoder`] accepts.
///
/// The decoder keeps no payload, so its limits protect those who collect messages, not itself. Control frames are not
/// subject to them: they never exceed 125 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The longest payload of one data frame, in bytes; no limit (`u64::MAX`) by default.
    pub max_frame: u64,
    /// The longest payload of one message, over all its frames, in bytes; no limit (`u64::MAX`) by default.
    pub max_message: u64,
    /// Whether text messages must be UTF-8, as RFC 6455 §8.1 demands; `true` by default.
    ///
    /// Without it, text is handed on as it is: for callers whose parser checks it anyway.
    pub check_utf8: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_frame: u64::MAX, max_message: u64::MAX, check_utf8: true }
    }
}

/// What a [`Decoder`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The next bytes of a message, as they arrived; how many pieces a message has depends on frames and reads.
    Data {
        /// What the message is.
        message: MessageType,
        /// Unmasked; empty for an empty frame.
        payload: &'a [u8],
        /// Whether the message ends with these bytes.
        fin: bool,
    },
    /// The payload to answer with [`encode::pong`](super::encode::pong), at most 125 bytes; copied only if it arrived in pieces.
    Ping(Cow<'a, [u8]>),
    /// The payload of an answer to a ping, at most 125 bytes; copied only if it arrived in pieces.
    Pong(Cow<'a, [u8]>),
    /// The peer sends nothing after this. `None` if it gave no code.
    ///
    /// The caller owes a close frame unless it sent one already, and picks its code: Microsoft's servers answer an
    /// empty close with an explicit 1000.
    Close(Option<Close>),
}

/// Reads the frames of one peer.
///
/// A decoder is small, and allocates only while a close, ping or pong with payload is split between two reads.
#[derive(Clone, Debug)]
pub struct Decoder {
    config: Config,
    role: Role,
    message: Message,
    state: State,
}

/// ```text
/// Header ──data header──▶ Data ──last byte of the frame──▶ Header
///    ├─control header──▶ Control ──ping, pong──▶ Header
///    │                      └──close──▶ Closed
///    └─ any of the three ──violation──▶ Failed
/// ```
#[derive(Clone, Debug)]
enum State {
    Header(Partial),
    Data { left: u64, key: Option<[u8; 4]>, fin: bool },
    Control { opcode: Control, length: usize, key: Option<[u8; 4]>, held: Vec<u8> },
    Closed,
    Failed(Violation),
}

impl State {
    const START: Self = Self::Header(Partial::EMPTY);
}

/// The message under way, or the last one.
#[derive(Clone, Debug)]
struct Message {
    kind: MessageType,
    /// Whether frames of it are still to come.
    open: bool,
    /// Of the payload, with all of the current frame.
    length: u64,
    utf8: Utf8,
}

#[derive(Clone, Copy, Debug)]
enum Control {
    Close,
    Ping,
    Pong,
}

impl Decoder {
    /// A decoder at the start of a connection; `role` is our side, not the peer's.
    pub const fn new(role: Role, config: Config) -> Self {
        let message =
            Message { kind: MessageType::Binary, open: false, length: 0, utf8: Utf8::START };
        Self { config, role, message, state: State::START }
    }

    /// Takes the next piece from the front of `input`, unmasking it in place; `None` when all of `input` is used up.
    ///
    /// After a close everything is ignored. After a violation the decoder returns the same violation for ever.
    ///
    /// # Errors
    /// The first rule or limit that the peer broke. What came before it is handed out first, so the pieces, joined, do
    /// not depend on how the bytes were split.
    pub fn next<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Piece<'a>>, Violation> {
        let piece = self.advance(input);
        if let Err(violation) = piece {
            self.state = State::Failed(violation);
            *input = &mut [];
        }
        piece
    }

    fn advance<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Piece<'a>>, Violation> {
        if let State::Header(partial) = &mut self.state {
            match partial.read(input, self.role, self.message.open)? {
                Some(header) => self.state = self.begin(&header)?,
                None => return Ok(None),
            }
        }
        match self.state {
            State::Data { .. } => self.data(input),
            State::Control { .. } => self.control(input),
            State::Failed(violation) => Err(violation),
            State::Header(_) | State::Closed => {
                *input = &mut [];
                Ok(None)
            }
        }
    }

    /// The state after a header: checks the limits before anything is allocated or taken.
    fn begin(&mut self, header: &Header) -> Result<State, Violation> {
        let &Header { fin, key, length, .. } = header;
        let start = |kind| Message { kind, open: true, length: 0, utf8: Utf8::START };
        let control = |opcode| {
            // Checked with the header: at most 125.
            Ok(State::Control { opcode, length: length as usize, key, held: Vec::new() })
        };
        match header.opcode {
            Opcode::Close => return control(Control::Close),
            Opcode::Ping => return control(Control::Ping),
            Opcode::Pong => return control(Control::Pong),
            Opcode::Continuation => {}
            Opcode::Text => self.message = start(MessageType::Text),
            Opcode::Binary => self.message = start(MessageType::Binary),
        }
        self.message.length = self.message.length.saturating_add(length);
        if length > self.config.max_frame {
            return Err(Violation::FrameTooBig(length));
        }
        if self.message.length > self.config.max_message {
            return Err(Violation::MessageTooBig(self.message.length));
        }
        Ok(State::Data { left: length, key, fin })
    }

    fn data<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Piece<'a>>, Violation> {
        let State::Data { left, key, fin } = &mut self.state else { return Ok(None) };
        if input.is_empty() && *left > 0 {
            return Ok(None);
        }
        let payload = take(input, usize::try_from(*left).unwrap_or(usize::MAX));
        if let Some(key) = key {
            *key = mask::apply(*key, payload);
        }
        *left -= payload.len() as u64;
        let ended = *left == 0;
        let fin = *fin && ended;
        if ended {
            self.state = State::START;
        }
        let message = self.message.kind;
        self.message.open = !fin;
        if message == MessageType::Text
            && self.config.check_utf8
            && let Err(spoilt) = self.message.utf8.check(payload, fin)
        {
            self.state = State::Failed(Violation::Text);
            return match payload.get(..spoilt).unwrap_or_default() {
                [] => Err(Violation::Text),
                payload => Ok(Some(Piece::Data { message, payload, fin: false })),
            };
        }
        Ok(Some(Piece::Data { message, payload, fin }))
    }

    fn control<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Piece<'a>>, Violation> {
        let State::Control { opcode, length, key, held } = &mut self.state else { return Ok(None) };
        if input.is_empty() && *length > 0 {
            return Ok(None);
        }
        let mut payload = if held.is_empty() && input.len() >= *length {
            Payload::Whole(take(input, *length))
        } else {
            held.reserve_exact(*length - held.len());
            held.extend_from_slice(take(input, *length - held.len()));
            if held.len() < *length {
                return Ok(None);
            }
            Payload::Joined(mem::take(held))
        };
        if let Some(key) = key {
            mask::apply(*key, payload.bytes());
        }
        let (piece, state) = match opcode {
            Control::Ping => (Piece::Ping(payload.into()), State::START),
            Control::Pong => (Piece::Pong(payload.into()), State::START),
            Control::Close => (Piece::Close(close(payload.bytes())?), State::Closed),
        };
        self.state = state;
        Ok(Some(piece))
    }
}

/// Takes at most `length` bytes from the front.
fn take<'a>(input: &mut &'a mut [u8], length: usize) -> &'a mut [u8] {
    let length = length.min(input.len());
    input.split_off_mut(..length).unwrap_or_default()
}

/// RFC 6455 §5.5.1; the codes are those of §7.4 and of IANA's registry (1012–1014).
fn close(payload: &[u8]) -> Result<Option<Close>, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Violation::TruncatedCloseCode),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::CloseCode(code));
    }
    let reason = simdutf8::basic::from_utf8(reason).map_err(|_| Violation::CloseReason)?;
    Ok(Some(Close { code, reason: reason.to_owned() }))
}

/// The payload of a control frame, complete.
enum Payload<'a> {
    Whole(&'a mut [u8]),
    Joined(Vec<u8>),
}

impl Payload<'_> {
    fn bytes(&mut self) -> &mut [u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Joined(bytes) => bytes,
        }
    }
}

impl<'a> From<Payload<'a>> for Cow<'a, [u8]> {
    fn from(payload: Payload<'a>) -> Self {
        match payload {
            Payload::Whole(bytes) => Cow::Borrowed(bytes),
            Payload::Joined(bytes) => Cow::Owned(bytes),
        }
    }
}
