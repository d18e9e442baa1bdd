//! Where one record ends and the next begins.

/// One whole record at the front of some input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record without its framing.
    pub body: &'a [u8],
    /// How many bytes of the input it takes, framing included.
    pub size: usize,
}

/// The byte that ends a record of text: the handshake and every JSON message.
pub const SEPARATOR: u8 = 0x1E;

/// Cuts the first record of text off `input`; `None` when no separator is there yet.
///
/// There is no escaping: 0x1E cannot stand inside JSON, and a lone separator is an empty record.
/// The first `searched` bytes are known to hold none, so that input that trickles in is searched once.
pub fn text(input: &[u8], searched: usize) -> Option<Record<'_>> {
    let end = searched + memchr::memchr(SEPARATOR, input.get(searched..)?)?;
    Some(Record { body: input.get(..end)?, size: end + 1 })
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
}
