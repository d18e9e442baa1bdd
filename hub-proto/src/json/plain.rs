//! Bytes that stand for themselves in a string.

/// How many bytes at the front are neither quote nor backslash nor control character.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    // Most strings are short, and there is more behind them.
    match bytes.first_chunk().map(special_in_block) {
        Some(found) if found < 16 => found,
        _ => plain_in_blocks(bytes),
    }
}

#[inline(never)]
fn plain_in_blocks(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks();
    for (n, block) in blocks.iter().enumerate() {
        let found = special_in_block(block);
        if found < 16 {
            return n * 16 + found;
        }
    }
    // What is left over is looked at together with bytes before it, which are known to be plain.
    if let Some(block) = bytes.last_chunk() {
        return bytes.len() - 16 + special_in_block(block).min(16);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let found = special_in_word(first);
        return if found < 8 { found } else { bytes.len() - 8 + special_in_word(last) };
    }
    let special = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    bytes.iter().position(special).unwrap_or(bytes.len())
}

/// The place of the first special byte; at least 16 when there is none.
#[cfg(target_feature = "sse2")]
#[inline]
fn special_in_block(block: &[u8; 16]) -> usize {
    use safe_arch::{
        bitor_m128i, cmp_eq_mask_i8_m128i, load_unaligned_m128i, min_u8_m128i, move_mask_i8_m128i,
        set_splat_i8_m128i,
    };

    let bytes = load_unaligned_m128i(block);
    let is = |byte: u8| cmp_eq_mask_i8_m128i(bytes, set_splat_i8_m128i(byte.cast_signed()));
    let control = cmp_eq_mask_i8_m128i(bytes, min_u8_m128i(bytes, set_splat_i8_m128i(0x1F)));
    let special = bitor_m128i(control, bitor_m128i(is(b'"'), is(b'\\')));
    move_mask_i8_m128i(special).trailing_zeros() as usize
}

#[cfg(not(target_feature = "sse2"))]
fn special_in_block(block: &[u8; 16]) -> usize {
    special_in_words(block)
}

/// The same with no instruction that only some machines have.
#[cfg(any(test, not(target_feature = "sse2")))]
fn special_in_words(block: &[u8; 16]) -> usize {
    let (words, _) = block.as_chunks();
    words.iter().map(special_in_word).take_while(|found| *found == 8).count() * 8
        + words.iter().map(special_in_word).find(|found| *found < 8).unwrap_or_default()
}

/// The place of the first special byte; 8 when there is none.
fn special_in_word(word: &[u8; 8]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(*word);
    let quote = word ^ (EACH * u64::from(b'"'));
    let backslash = word ^ (EACH * u64::from(b'\\'));
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    let quote = quote.wrapping_sub(EACH) & !quote;
    let backslash = backslash.wrapping_sub(EACH) & !backslash;
    // The highest bits mark special bytes. A subtraction borrows only from above a byte where it has found something,
    // so the lowest mark is true.
    let special = (control | quote | backslash) & (EACH * 0x80);
    special.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn obvious(bytes: &[u8]) -> usize {
        let special = |byte: &u8| matches!(byte, 0..=0x1F | b'"' | b'\\');
        bytes.iter().position(special).unwrap_or(bytes.len())
    }

    fn block() -> impl Strategy<Value = [u8; 16]> {
        let byte = prop_oneof![
            8 => Just(b'x'), 1 => any::<u8>(), 1 => prop::sample::select(&b"\"\\\x1f\x20\x21\x80\xff"[..]),
        ];
        prop::array::uniform16(byte)
    }

    proptest! {
        #[test]
        fn plain_bytes_end_at_the_first_special_one(
            blocks in prop::collection::vec(block(), 0..8), length: prop::sample::Index,
        ) {
            let bytes = blocks.concat();
            let bytes = &bytes[..length.index(bytes.len() + 1)];
            prop_assert_eq!(plain(bytes), obvious(bytes));
        }

        #[test]
        fn every_way_to_find_special_bytes_agrees(block in block()) {
            prop_assert_eq!(special_in_words(&block), obvious(&block));
            prop_assert_eq!(special_in_block(&block).min(16), obvious(&block));
        }
    }

    #[test]
    fn every_byte_is_what_it_is_wherever_it_stands() {
        for byte in 0..=255 {
            for place in 0..16 {
                let mut block = [b'x'; 16];
                block[place] = byte;
                assert_eq!(special_in_words(&block), obvious(&block));
                assert_eq!(special_in_block(&block).min(16), obvious(&block));
                assert_eq!(plain(&block), obvious(&block));
                assert_eq!(plain(&block[..place]), place);
            }
        }
    }
}
