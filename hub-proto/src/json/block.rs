//! Where quotes, backslashes and brackets stand in 64 bytes.

/// One bit for each byte, the first byte lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// `[` and `{`.
    pub(super) opens: u64,
    /// `]` and `}`.
    pub(super) closes: u64,
}

/// What makes a curly bracket of a square one, and of nothing else.
const CURLY: u8 = b'{' ^ b'[';

impl Block {
    #[cfg(target_feature = "sse2")]
    #[inline]
    pub(super) fn of(bytes: &[u8; 64]) -> Self {
        sse2(bytes)
    }

    #[cfg(not(target_feature = "sse2"))]
    pub(super) fn of(bytes: &[u8; 64]) -> Self {
        portable(bytes)
    }

    /// The same without the first bytes.
    pub(super) const fn behind(self, bytes: u32) -> Self {
        Self {
            quotes: self.quotes >> bytes,
            backslashes: self.backslashes >> bytes,
            opens: self.opens >> bytes,
            closes: self.closes >> bytes,
        }
    }
}

/// 16 bytes in each step, with instructions that every x86-64 has.
#[cfg(target_feature = "sse2")]
#[inline]
fn sse2(bytes: &[u8; 64]) -> Block {
    use safe_arch::{
        bitor_m128i, cmp_eq_mask_i8_m128i, load_unaligned_m128i, m128i, move_mask_i8_m128i,
        set_splat_i8_m128i,
    };

    let is = |bytes: m128i, byte: u8| {
        cmp_eq_mask_i8_m128i(bytes, set_splat_i8_m128i(byte.cast_signed()))
    };
    let bits = |[a, b, c, d]: [m128i; 4]| {
        let bits = |part| u64::from(move_mask_i8_m128i(part).cast_unsigned());
        bits(a) | bits(b) << 16 | bits(c) << 32 | bits(d) << 48
    };
    let (parts, _) = bytes.as_chunks();
    let mut bytes = [m128i::default(); 4];
    bytes.iter_mut().zip(parts).for_each(|(to, part)| *to = load_unaligned_m128i(part));
    let curly = bytes.map(|bytes| bitor_m128i(bytes, set_splat_i8_m128i(CURLY.cast_signed())));

    // Most blocks have no backslash, and to know that is cheaper than to know where.
    let backslashes = bytes.map(|bytes| is(bytes, b'\\'));
    let any = backslashes.into_iter().fold(m128i::default(), bitor_m128i);
    Block {
        quotes: bits(bytes.map(|bytes| is(bytes, b'"'))),
        backslashes: if move_mask_i8_m128i(any) == 0 { 0 } else { bits(backslashes) },
        opens: bits(curly.map(|bytes| is(bytes, b'{'))),
        closes: bits(curly.map(|bytes| is(bytes, b'}'))),
    }
}

/// In terms that the compiler can make vector instructions of.
#[cfg(any(test, not(target_feature = "sse2")))]
fn portable(bytes: &[u8; 64]) -> Block {
    let curly = bytes.map(|byte| byte | CURLY);
    Block {
        quotes: bits(bytes, b'"'),
        backslashes: bits(bytes, b'\\'),
        opens: bits(&curly, b'{'),
        closes: bits(&curly, b'}'),
    }
}

/// The bits of the bytes that are `wanted`.
#[cfg(any(test, not(target_feature = "sse2")))]
fn bits(bytes: &[u8; 64], wanted: u8) -> u64 {
    let mut marks = [0; 64];
    for (n, (mark, byte)) in marks.iter_mut().zip(bytes).enumerate() {
        *mark = if *byte == wanted { 1 << (n % 8) } else { 0 };
    }
    let (words, _) = marks.as_chunks();
    // The marks of eight bytes have no bit in common, so their sum, the highest byte, joins them.
    let joined =
        |word: &[u8; 8]| u64::from_le_bytes(*word).wrapping_mul(0x0101_0101_0101_0101) >> 56;
    words.iter().rev().fold(0, |bits, word| bits << 8 | joined(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn obvious(bytes: &[u8; 64]) -> Block {
        let bits = |wanted: &[u8]| {
            let found = bytes.iter().enumerate().filter(|(_, byte)| wanted.contains(byte));
            found.fold(0, |bits, (n, _)| bits | 1 << n)
        };
        Block {
            quotes: bits(b"\""),
            backslashes: bits(b"\\"),
            opens: bits(b"[{"),
            closes: bits(b"]}"),
        }
    }

    proptest! {
        #[test]
        fn every_way_to_find_them_agrees(bytes in prop::collection::vec(any::<u8>(), 64), many: bool) {
            let some = b"\"\\[]{};:,a";
            let bytes: Vec<u8> = if many { bytes.iter().map(|&byte| some[usize::from(byte) % some.len()]).collect() } else { bytes };
            let bytes = bytes.first_chunk().unwrap();
            prop_assert_eq!(portable(bytes), obvious(bytes));
            prop_assert_eq!(Block::of(bytes), obvious(bytes));
        }
    }

    #[test]
    fn every_byte_is_what_it_is() {
        for byte in 0..=255 {
            let bytes = [byte; 64];
            assert_eq!(portable(&bytes), obvious(&bytes));
            assert_eq!(Block::of(&bytes), obvious(&bytes));
        }
    }
}
