//! Chance that follows from a seed.

pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u32) -> Self {
        Self(seed as u64)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to `end`, exclusive.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn key(&mut self) -> [u8; 4] {
        (self.next() as u32).to_le_bytes()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes());
        let mut bytes = words.take(length.div_ceil(8)).flatten().collect::<Vec<_>>();
        bytes.truncate(length);
        bytes
    }

    /// Text of at most `length` bytes, with characters of one to four.
    pub(crate) fn text(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let end = self.pick(&[0x80, 0x800, 0xFFFF, 0x10FFFF]);
            let Some(char) = char::from_u32(self.below(end) as u32) else { continue };
            if text.len() + char.len_utf8() > length {
                break;
            }
            text.push(char);
        }
        text
    }

    /// Cuts into at most `pieces` pieces, some of them empty.
    pub(crate) fn cut<'a>(&mut self, mut bytes: &'a [u8], pieces: usize) -> Vec<&'a [u8]> {
        let mut cuts = Vec::new();
        for _ in 0..self.below(pieces) {
            let (front, back) = bytes.split_at(self.below(bytes.len() + 1));
            cuts.push(front);
            bytes = back;
        }
        cuts.push(bytes);
        cuts
    }
}
