//! UTF-8 that arrives in pieces.

/// What the character under way still needs (RFC 3629 §4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Utf8 {
    /// Continuation bytes to come; 0 between characters.
    missing: u8,
    /// The least next continuation byte.
    low: u8,
    /// The greatest next continuation byte.
    high: u8,
}

impl Utf8 {
    /// Before the first byte of a text.
    pub(super) const START: Self = Self { missing: 0, low: 0x80, high: 0xBF };

    /// Checks the next bytes of a text, `last` if it ends with them.
    ///
    /// The error is the index of the byte that spoils the text, the same for every split of the same bytes.
    pub(super) fn check(&mut self, bytes: &[u8], last: bool) -> Result<(), usize> {
        let open = self.walk(bytes, 0, |state| state.missing == 0)?;
        let rest = bytes.get(open..).unwrap_or_default();
        if let Err(error) = simdutf8::compat::from_utf8(rest) {
            // What is left is a spoilt character, or the start of one.
            self.walk(bytes, open + error.valid_up_to(), |_| false)?;
        }
        if last && self.missing > 0 { Err(bytes.len().saturating_sub(1)) } else { Ok(()) }
    }

    /// Steps from index `at` until `stop` or the end, and returns the index there.
    fn walk(
        &mut self,
        bytes: &[u8],
        mut at: usize,
        stop: impl Fn(&Self) -> bool,
    ) -> Result<usize, usize> {
        while let Some(&byte) = bytes.get(at)
            && !stop(self)
        {
            *self = self.step(byte).ok_or(at)?;
            at += 1;
        }
        Ok(at)
    }

    const fn step(self, byte: u8) -> Option<Self> {
        let (missing, low, high) = match (self.missing, byte) {
            (0, 0x00..=0x7F) => return Some(Self::START),
            (0, 0xC2..=0xDF) => (1, 0x80, 0xBF),
            (0, 0xE0) => (2, 0xA0, 0xBF),
            (0, 0xE1..=0xEC | 0xEE..=0xEF) => (2, 0x80, 0xBF),
            (0, 0xED) => (2, 0x80, 0x9F),
            (0, 0xF0) => (3, 0x90, 0xBF),
            (0, 0xF1..=0xF3) => (3, 0x80, 0xBF),
            (0, 0xF4) => (3, 0x80, 0x8F),
            (1.., _) if self.low <= byte && byte <= self.high => (self.missing - 1, 0x80, 0xBF),
            _ => return None,
        };
        Some(Self { missing, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::Utf8;
    use proptest::prelude::*;

    /// The first byte after which no further bytes could make the text whole, by asking std about every prefix.
    fn spoilt(bytes: &[u8]) -> Option<usize> {
        let hopeless = |end: &usize| {
            std::str::from_utf8(&bytes[..*end]).is_err_and(|error| error.error_len().is_some())
        };
        match (1..=bytes.len()).find(hopeless) {
            Some(end) => Some(end - 1),
            None => std::str::from_utf8(bytes).is_err().then(|| bytes.len() - 1),
        }
    }

    /// Bytes that often are, or almost are, UTF-8.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let edge = prop::sample::select(
            &[0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF][..],
        );
        let lead = prop::sample::select(
            &[0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF][..],
        );
        let part = prop_oneof![
            4 => any::<char>().prop_map(|char| char.to_string().into_bytes()),
            2 => "[a-z]{0,40}".prop_map(String::into_bytes),
            1 => prop_oneof![edge, lead].prop_map(|byte| vec![byte]),
        ];
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    fn check(parts: &[&[u8]]) -> Result<(), usize> {
        let mut state = Utf8::START;
        let mut before = 0;
        for (i, part) in parts.iter().enumerate() {
            state.check(part, i + 1 == parts.len()).map_err(|at| before + at)?;
            before += part.len();
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn finds_what_std_finds(bytes in bytes(), cut: prop::sample::Index) {
            let expected = spoilt(&bytes).map_or(Ok(()), Err);
            prop_assert_eq!(check(&[&bytes]), expected);
            let (front, back) = bytes.split_at(cut.index(bytes.len() + 1));
            if !back.is_empty() {
                prop_assert_eq!(check(&[front, back]), expected);
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(check(&single), expected);
        }
    }

    #[test]
    fn every_pair_of_bytes_before_a_continuation() {
        for first in 0..=255 {
            for second in 0..=255 {
                let bytes = [first, second, 0x80, 0x80];
                let expected = spoilt(&bytes).map_or(Ok(()), Err);
                assert_eq!(check(&[&bytes]), expected, "{bytes:x?}");
                assert_eq!(
                    check(&[&bytes[..1], &bytes[1..2], &bytes[2..]]),
                    expected,
                    "{bytes:x?}"
                );
            }
        }
    }

    #[test]
    fn an_empty_end_spoils_an_open_character() {
        assert_eq!(check(&[b"\xE2\x82", b""]), Err(2));
        assert_eq!(check(&[b"\xE2\x82\xAC", b""]), Ok(()));
    }
}
