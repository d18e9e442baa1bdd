//! Where one record ends and the next begins.

/// One whole record at the front of some input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record without its framing.
    pub body: &'a [u8],
    /// How many bytes of the input it takes, framing included.
    pub size: usize,
}

/// Why there is no whole record at the front of some input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRecord {
    /// More bytes are needed; nothing is consumed.
    Incomplete {
        /// How many bytes the record is known to take, framing included: as many as it declares, or
        /// all that are there while it has declared nothing. To be compared with a limit before
        /// room is made for them.
        size: usize,
    },
    /// It declares more than 2 GiB - 1: an error, as soon as the length is there.
    TooLong,
}

/// The byte that ends a record of text: the handshake and every JSON message.
pub const SEPARATOR: u8 = 0x1E;

/// The largest body of a binary record in bytes, 2 GiB - 1 (`BinaryMessageParser`).
pub const MAX_BODY: usize = 0x7FFF_FFFF;

/// The longest prefix of a binary record in bytes.
const MAX_PREFIX: usize = 5;

/// Cuts the first record of text off `input`; `None` when no separator is there yet.
///
/// There is no escaping: 0x1E cannot stand inside JSON, and a lone separator is an empty record.
/// The first `searched` bytes are known to hold none, so that input that trickles in is searched once.
pub fn text(input: &[u8], searched: usize) -> Option<Record<'_>> {
    let end = searched + memchr::memchr(SEPARATOR, input.get(searched..)?)?;
    Some(Record { body: input.get(..end)?, size: end + 1 })
}

/// Cuts the first binary record off `input`: its length in 1 to 5 bytes, then so many bytes.
///
/// The length is unsigned LEB128: seven bits a byte, low ones first, the high bit set on all but the
/// last. One that is written with more bytes than it needs is accepted, as by other implementations.
pub fn binary(input: &[u8]) -> Result<Record<'_>, NoRecord> {
    let (length, prefix) = match input.first() {
        Some(short) if short & 0x80 == 0 => (usize::from(*short), 1),
        _ => read_length(input)?.ok_or(NoRecord::Incomplete { size: input.len() })?,
    };
    // On a target of 16 bits nothing that long could be held.
    let size = prefix.checked_add(length).ok_or(NoRecord::TooLong)?;
    let body = input.get(prefix..size).ok_or(NoRecord::Incomplete { size })?;
    Ok(Record { body, size })
}

/// The length of a body and how many bytes tell it; `None` when they are not all there.
fn read_length(input: &[u8]) -> Result<Option<(usize, usize)>, NoRecord> {
    let mut length = 0_u64;
    for (at, byte) in input.iter().take(MAX_PREFIX).enumerate() {
        length |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            let length = usize::try_from(length).ok().filter(|length| *length <= MAX_BODY);
            return length.map(|length| Some((length, at + 1))).ok_or(NoRecord::TooLong);
        }
    }
    if input.len() < MAX_PREFIX { Ok(None) } else { Err(NoRecord::TooLong) }
}

/// Appends the length of a binary record, in as few bytes as it takes.
pub fn write_length(length: usize, out: &mut Vec<u8>) {
    let mut rest = length;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Appends one binary record, whose body is what `write` appends.
///
/// A body over [`MAX_BODY`] is framed like any other, and no peer takes it.
pub(crate) fn write_binary<E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    // Most records are short, so one byte is the best guess.
    out.push(0);
    write(out)?;
    let length = out.len().saturating_sub(start + 1);
    if length >= 0x80 {
        // What the guess has left out is written behind the body, and then goes in front of it.
        let end = out.len();
        write_length(length >> 7, out);
        let more = out.len() - end;
        if let Some(behind) = out.get_mut(start + 1..) {
            behind.rotate_right(more);
        }
    }
    if let Some(first) = out.get_mut(start) {
        *first = if length < 0x80 { length as u8 } else { length as u8 | 0x80 };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_ends_at_the_separator_and_an_empty_one_is_a_record() {
        assert_eq!(text(b"ABC", 0), None);
        assert_eq!(text(b"ABC\x1eXYZ", 2), Some(Record { body: b"ABC", size: 4 }));
        assert_eq!(text(b"\x1e", 0), Some(Record { body: b"", size: 1 }));
    }

    #[test]
    fn a_binary_record_is_as_long_as_it_says() {
        assert_eq!(binary(b"\x00"), Ok(Record { body: b"", size: 1 }));
        assert_eq!(binary(b"\x03ABCXYZ"), Ok(Record { body: b"ABC", size: 4 }));
        assert_eq!(binary(b"\x83\x00ABC"), Ok(Record { body: b"ABC", size: 5 }));
    }

    #[test]
    fn what_is_missing_is_known_as_soon_as_the_length_is() {
        assert_eq!(binary(b""), Err(NoRecord::Incomplete { size: 0 }));
        assert_eq!(binary(b"\x80\x80"), Err(NoRecord::Incomplete { size: 2 }));
        assert_eq!(binary(b"\x80\x01A"), Err(NoRecord::Incomplete { size: 130 }));
        let most = MAX_BODY + 5;
        assert_eq!(binary(b"\xff\xff\xff\xff\x07"), Err(NoRecord::Incomplete { size: most }));
    }

    #[test]
    fn more_than_two_gigabytes_fail_with_the_fifth_byte() {
        for bytes in [b"\x80\x80\x80\x80\x08", b"\xff\xff\xff\xff\xff", b"\x80\x80\x80\x80\x80"] {
            assert_eq!(binary(bytes), Err(NoRecord::TooLong));
            assert_eq!(binary(&bytes[..4]), Err(NoRecord::Incomplete { size: 4 }));
        }
    }

    #[test]
    fn a_record_is_written_with_the_shortest_length() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_152] {
            let mut out = b"before".to_vec();
            let body = vec![7; length];
            write_binary::<()>(&mut out, |out| {
                out.extend_from_slice(&body);
                Ok(())
            })
            .unwrap();
            let mut wanted = b"before".to_vec();
            write_length(length, &mut wanted);
            assert_eq!(out[..wanted.len()], wanted);
            assert_eq!(binary(&out[6..]).map(|record| record.body), Ok(&body[..]));
        }
    }
}
