//! Sections 9 and 10: big messages, in many frames, in many reads, and many small ones.

use super::case::{Case, Frame, binary, echo, fragments, open, text};

const K: usize = 1 << 10;
const M: usize = 1 << 20;

/// The sizes of 9.1.x and 9.2.x, in bytes.
const SIZES: [usize; 6] = [64 * K, 256 * K, M, 4 * M, 8 * M, 16 * M];

/// The fragments of 9.3.x and 9.4.x, in bytes, of a message of 4 MiB.
const FRAGMENTS: [usize; 9] = [64, 256, K, 4 * K, 16 * K, 64 * K, 256 * K, M, 4 * M];

/// The chops of 9.5.x and 9.6.x, in octets, of a message of 1 MiB.
const CHOPS: [usize; 6] = [64, 128, 256, 512, K, 2 * K];

/// The sizes of 9.7.x and 9.8.x, in bytes; a thousand messages each, the next one after the echo.
const TRIPS: [usize; 6] = [0, 16, 64, 256, K, 4 * K];

/// What one of the two kinds of message is made of.
#[derive(Clone, Copy)]
struct Kind {
    /// The first subsection of the kind; its others are every second one from there.
    first: usize,
    message: fn(Vec<u8>) -> Frame,
    pattern: &'static [u8],
    byte: u8,
}

const TEXT: Kind = Kind { first: 1, message: text, pattern: b"BAsd7&jh23", byte: b'*' };
const BINARY: Kind =
    Kind { first: 2, message: binary, pattern: b"\x00\xfe\x23\xfa\xf0", byte: 0xFE };

impl Kind {
    fn number(self, pair: usize, n: usize) -> String {
        format!("9.{}.{n}", self.first + 2 * pair)
    }

    fn patterned(self, length: usize) -> Frame {
        let mut payload = self.pattern.repeat(length.div_ceil(self.pattern.len()));
        payload.truncate(length);
        (self.message)(payload)
    }

    fn plain(self, length: usize) -> Frame {
        (self.message)(vec![self.byte; length])
    }

    fn big(self) -> impl Iterator<Item = Case> {
        let sizes = (1..).zip(SIZES);
        sizes.map(move |(n, size)| echo(&self.number(0, n), self.patterned(size)))
    }

    fn fragmented(self) -> impl Iterator<Item = Case> {
        (1..).zip(FRAGMENTS).map(move |(n, size)| {
            let message = self.plain(4 * M);
            open(&self.number(1, n), fragments(&message, size), [message])
        })
    }

    fn chopped(self) -> impl Iterator<Item = Case> {
        let chops = (1..).zip(CHOPS);
        chops.map(move |(n, octets)| echo(&self.number(2, n), self.patterned(M)).in_chops(octets))
    }

    fn trips(self) -> impl Iterator<Item = Case> {
        (1..).zip(TRIPS).map(move |(n, size)| {
            let first = echo(&self.number(3, n), self.plain(size));
            (1..1000).fold(first, |case, _| case.then([self.plain(size)], [self.plain(size)]))
        })
    }

    fn cases(self) -> impl Iterator<Item = Case> {
        self.big().chain(self.fragmented()).chain(self.chopped()).chain(self.trips())
    }
}

/// Section 9, one after the other, since the biggest are too big to be held all at once.
pub(crate) fn cases() -> impl Iterator<Item = Case> {
    TEXT.cases().chain(BINARY.cases())
}

/// Section 10: 65,536 bytes in frames of at most 1,300, hence 51 of them.
pub(crate) fn auto_fragmentation() -> Vec<Case> {
    let message = text("*".repeat(65536));
    let sent = fragments(&message, 1300);
    assert_eq!(sent.len(), 51);
    vec![open("10.1.1", sent, [message])]
}
