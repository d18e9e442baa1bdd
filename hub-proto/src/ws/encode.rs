//! Frames out.
//!
//! A server sends without a key (`None`), a client with a fresh, unpredictable one for each frame (RFC 6455 §5.3).
//! What the caller asks for is written as asked: that fragments follow each other, that a close comes last and that its
//! code may be sent (§7.4) is up to the caller.

use std::ops::Deref;

use super::{Opcode, mask};

/// The longest header without a key, in bytes: the room that [`write_server_header`] needs in front of a payload.
pub const MAX_SERVER_HEADER: usize = 10;

/// The longest header with a key, in bytes.
pub const MAX_CLIENT_HEADER: usize = MAX_SERVER_HEADER + 4;

/// The longest payload of a close, ping or pong, in bytes (RFC 6455 §5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// At most `N` bytes on the stack; dereferences to them.
#[derive(Clone, Copy, Debug)]
pub struct Inline<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

/// What stands in front of a payload: 2, 4 or 10 bytes, and 4 more with a key.
pub type Header = Inline<MAX_CLIENT_HEADER>;

/// A whole close, ping or pong.
pub type ControlFrame = Inline<{ 2 + 4 + MAX_CONTROL_PAYLOAD }>;

/// The header of a frame whose payload has `length` bytes; masking the payload is up to the caller (RFC 6455 §5.2).
pub fn header(fin: bool, opcode: Opcode, length: usize, key: Option<[u8; 4]>) -> Header {
    let mut header = Header::EMPTY;
    let masked = if key.is_some() { 0x80 } else { 0 };
    header.push(&[if fin { 0x80 } else { 0 } | opcode as u8]);
    if length <= 125 {
        header.push(&[masked | length as u8]);
    } else if let Ok(length) = u16::try_from(length) {
        header.push(&[masked | 126]);
        header.push(&length.to_be_bytes());
    } else {
        header.push(&[masked | 127]);
        header.push(&(length as u64).to_be_bytes());
    }
    if let Some(key) = key {
        header.push(&key);
    }
    header
}

/// Writes a header without a key against the end of `space`, and returns where in `space` the frame starts.
///
/// The payload, of `length` bytes, is expected right behind `space`:
///
/// ```
/// use hub_proto::ws::{Opcode, encode::{MAX_SERVER_HEADER, write_server_header}};
///
/// let mut frame = vec![0; MAX_SERVER_HEADER];
/// frame.extend_from_slice(b"Hello");
/// let length = frame.len() - MAX_SERVER_HEADER;
/// let space = frame.first_chunk_mut().unwrap();
/// let start = write_server_header(space, true, Opcode::Text, length);
/// assert_eq!(frame[start..], *b"\x81\x05Hello");
/// ```
pub fn write_server_header(
    space: &mut [u8; MAX_SERVER_HEADER],
    fin: bool,
    opcode: Opcode,
    length: usize,
) -> usize {
    let header = header(fin, opcode, length, None);
    let start = space.len().saturating_sub(header.len());
    for (byte, header) in space.iter_mut().skip(start).zip(header.iter()) {
        *byte = *header;
    }
    start
}

/// Appends a whole frame to `out`, masked if there is a key.
///
/// `payload` may have at most [`MAX_CONTROL_PAYLOAD`] bytes for a close, ping or pong; [`close`], [`ping`] and [`pong`]
/// see to that. With an empty `payload` this is also the way to a close without a code.
pub fn write_frame(
    out: &mut Vec<u8>,
    fin: bool,
    opcode: Opcode,
    payload: &[u8],
    key: Option<[u8; 4]>,
) {
    let header = header(fin, opcode, payload.len(), key);
    out.reserve(header.len() + payload.len());
    out.extend_from_slice(&header);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = key
        && let Some(payload) = out.get_mut(start..)
    {
        mask::apply(key, payload);
    }
}

/// A close frame (RFC 6455 §5.5.1); of `reason`, the first 123 bytes that are whole characters are sent.
pub fn close(code: u16, reason: &str, key: Option<[u8; 4]>) -> ControlFrame {
    let (reason, _) = reason.split_at(reason.floor_char_boundary(MAX_CONTROL_PAYLOAD - 2));
    control(Opcode::Close, &code.to_be_bytes(), reason.as_bytes(), key)
}

/// A ping (RFC 6455 §5.5.2); of `payload`, the first 125 bytes are sent.
pub fn ping(payload: &[u8], key: Option<[u8; 4]>) -> ControlFrame {
    control(Opcode::Ping, &[], payload, key)
}

/// A pong (RFC 6455 §5.5.3); of `payload`, the first 125 bytes are sent, which is all of any ping's.
pub fn pong(payload: &[u8], key: Option<[u8; 4]>) -> ControlFrame {
    control(Opcode::Pong, &[], payload, key)
}

/// A control frame whose payload is `front` and as much of `rest` as fits.
fn control(opcode: Opcode, front: &[u8], rest: &[u8], key: Option<[u8; 4]>) -> ControlFrame {
    let rest = rest.get(..MAX_CONTROL_PAYLOAD - front.len()).unwrap_or(rest);
    let mut frame = ControlFrame::EMPTY;
    frame.push(&header(true, opcode, front.len() + rest.len(), key));
    let key = mask::apply(key.unwrap_or_default(), frame.push(front));
    mask::apply(key, frame.push(rest));
    frame
}

impl<const N: usize> Inline<N> {
    const EMPTY: Self = Self { bytes: [0; N], length: 0 };

    /// Appends `bytes`, for which there must be room, and returns their place.
    fn push(&mut self, bytes: &[u8]) -> &mut [u8] {
        let (_, space) = self.bytes.split_at_mut(self.length);
        let (place, _) = space.split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        self.length += bytes.len();
        place
    }
}

impl<const N: usize> Deref for Inline<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.split_at(self.length).0
    }
}

impl<const N: usize> AsRef<[u8]> for Inline<N> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
