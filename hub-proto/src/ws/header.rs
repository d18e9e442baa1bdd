//! The header of a frame, read (RFC 6455 §5.2).

use super::{Opcode, Role, Violation, encode::MAX_CLIENT_HEADER};

/// What stands in front of a payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// Of the payload, in bytes.
    pub(super) length: u64,
    pub(super) key: Option<[u8; 4]>,
    /// Of the header itself, in bytes.
    pub(super) size: usize,
}

impl Header {
    /// Reads the header at the front of `bytes`; `None` if it goes on behind them.
    ///
    /// `open` tells whether a message waits to be continued. Every rule is checked with the first byte that can break
    /// it, so a violation does not depend on how the bytes were split.
    pub(super) fn parse(bytes: &[u8], role: Role, open: bool) -> Result<Option<Self>, Violation> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let fin = first & 0x80 != 0;
        if first & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = match first & 0x0F {
            0x0 if !open => return Err(Violation::UnexpectedContinuation),
            0x1 | 0x2 if open => return Err(Violation::InterleavedMessage),
            0x8..=0xA if !fin => return Err(Violation::FragmentedControl),
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            reserved => return Err(Violation::ReservedOpcode(reserved)),
        };

        let Some((&second, rest)) = rest.split_first() else { return Ok(None) };
        let masked = second & 0x80 != 0;
        match (role, masked) {
            (Role::Server, false) => return Err(Violation::Unmasked),
            (Role::Client, true) => return Err(Violation::Masked),
            (Role::Server, true) | (Role::Client, false) => {}
        }
        let (length, rest) = match second & 0x7F {
            126.. if opcode.is_control() => return Err(Violation::OversizedControl),
            126 => {
                let Some((&length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (minimal(u16::from_be_bytes(length).into(), 126)?, rest)
            }
            127.. => {
                let Some((&length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (minimal(u64::from_be_bytes(length), 1 << 16)?, rest)
            }
            short => (short.into(), rest),
        };

        let (key, rest) = match (masked, rest.split_first_chunk()) {
            (false, _) => (None, rest),
            (true, Some((&key, rest))) => (Some(key), rest),
            (true, None) => return Ok(None),
        };
        Ok(Some(Self { fin, opcode, length, key, size: bytes.len() - rest.len() }))
    }
}

fn minimal(length: u64, least: u64) -> Result<u64, Violation> {
    match length {
        0x8000_0000_0000_0000.. => Err(Violation::LengthOverflow),
        length if length < least => Err(Violation::NonMinimalLength),
        length => Ok(length),
    }
}

/// The part of a header that earlier reads brought.
#[derive(Clone, Debug)]
pub(super) struct Partial {
    bytes: [u8; MAX_CLIENT_HEADER],
    length: u8,
}

impl Partial {
    pub(super) const EMPTY: Self = Self { bytes: [0; MAX_CLIENT_HEADER], length: 0 };

    /// Takes a header, or what there is of it, from the front of `input`.
    pub(super) fn read(
        &mut self,
        input: &mut &mut [u8],
        role: Role,
        open: bool,
    ) -> Result<Option<Header>, Violation> {
        if self.length == 0
            && let Some(header) = Header::parse(input, role, open)?
        {
            let _read = input.split_off_mut(..header.size);
            return Ok(Some(header));
        }
        while let Some(byte) = input.split_off_first_mut()
            && let Some(slot) = self.bytes.get_mut(usize::from(self.length))
        {
            *slot = *byte;
            self.length += 1;
            let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
            if let Some(header) = Header::parse(bytes, role, open)? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}
