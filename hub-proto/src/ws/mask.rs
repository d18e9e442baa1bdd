//! Masking: XOR with a repeating four-byte key (RFC 6455 §5.3).

/// Masks or unmasks `data` in place (each undoes the other), and returns the key for the bytes that follow.
///
/// ```
/// use hub_proto::ws::mask;
///
/// let mut data = *b"Hello";
/// let (start, end) = data.split_at_mut(3);
/// let key = mask::apply([0x37, 0xFA, 0x21, 0x3D], start);
/// mask::apply(key, end);
/// assert_eq!(data, [0x7F, 0x9F, 0x4D, 0x51, 0x58]);
/// ```
pub fn apply(mut key: [u8; 4], data: &mut [u8]) -> [u8; 4] {
    let turn = data.len() % key.len();
    let word = u32::from_ne_bytes(key);
    // The compiler makes vector instructions of this; wider steps by hand were not faster.
    let (words, tail) = data.as_chunks_mut();
    for bytes in words {
        *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
    }
    key.rotate_left(turn);
    key
}

#[cfg(test)]
mod tests {
    use super::apply;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn matches_the_text_of_the_rfc(key: [u8; 4], data: Vec<u8>) {
            let mut masked = data.clone();
            apply(key, &mut masked);
            let expected: Vec<u8> = data.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
            prop_assert_eq!(masked, expected);
        }

        #[test]
        fn undoes_itself_over_any_split(key: [u8; 4], data: Vec<u8>, cuts: Vec<prop::sample::Index>) {
            let mut masked = data.clone();
            let end = apply(key, &mut masked);
            let mut next = key;
            let mut rest = masked.as_mut_slice();
            for cut in cuts {
                let (front, back) = rest.split_at_mut(cut.index(rest.len() + 1));
                next = apply(next, front);
                rest = back;
            }
            prop_assert_eq!(apply(next, rest), end);
            prop_assert_eq!(masked, data);
        }
    }

    #[test]
    fn every_short_length_and_alignment() {
        let key = [1, 2, 4, 8];
        for start in 0..16 {
            for length in 0..100 {
                let mut data = vec![0; start + length + 5];
                apply(key, &mut data[start..start + length]);
                for (i, byte) in data.iter().enumerate() {
                    let inside = (start..start + length).contains(&i);
                    assert_eq!(*byte, if inside { key[(i - start) % 4] } else { 0 });
                }
            }
        }
    }
}
