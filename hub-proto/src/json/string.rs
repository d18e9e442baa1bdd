//! The strings of an envelope: where they end and what their escapes stand for.

use std::borrow::Cow;

use super::scan::{Scanner, Syntax};

impl<'a> Scanner<'a> {
    /// The next value, which must be a string: its bytes, not yet known to be text.
    pub(super) fn raw_string(&mut self) -> Result<Cow<'a, [u8]>, Syntax> {
        self.expect(b'"')?;
        let start = self.at;
        self.at += plain(self.rest());
        match self.byte() {
            Some(b'"') => {
                let bytes = self.since(start)?;
                self.at += 1;
                Ok(Cow::Borrowed(bytes))
            }
            Some(b'\\') => self.unescape(start).map(Cow::Owned),
            _ => Err(Syntax),
        }
    }

    /// Finishes a string with escapes; everything between `start` and `self.at` is free of them.
    #[cold]
    fn unescape(&mut self, start: usize) -> Result<Vec<u8>, Syntax> {
        let mut out = self.since(start)?.to_owned();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.extend_from_slice(self.escape()?.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => return Err(Syntax),
            }
            let start = self.at;
            self.at += plain(self.rest());
            out.extend_from_slice(self.since(start)?);
        }
    }

    /// The character of an escape whose backslash was taken.
    fn escape(&mut self) -> Result<char, Syntax> {
        let byte = self.byte().ok_or(Syntax)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex()?;
                let (0xD800..=0xDBFF, Some(rest)) = (unit, self.rest().strip_prefix(b"\\u")) else {
                    // Half a surrogate pair is no character.
                    return char::from_u32(unit).ok_or(Syntax);
                };
                let low = hex(rest)?;
                self.at += 6;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return Err(Syntax);
                }
                char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)).ok_or(Syntax)?
            }
            _ => return Err(Syntax),
        })
    }

    fn hex(&mut self) -> Result<u32, Syntax> {
        let unit = hex(self.rest())?;
        self.at += 4;
        Ok(unit)
    }

    /// Takes a string and checks its grammar, but not that it is UTF-8.
    pub(super) fn skip_string(&mut self) -> Result<(), Syntax> {
        self.expect(b'"')?;
        loop {
            self.at += plain(self.rest());
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.skip_escape()?;
                }
                _ => return Err(Syntax),
            }
        }
    }

    /// Passes an escape whose backslash was taken. Half a surrogate pair is no text, but good grammar:
    /// JavaScript writes one where a string was cut in two.
    fn skip_escape(&mut self) -> Result<(), Syntax> {
        let byte = self.byte().ok_or(Syntax)?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => self.hex().map(drop),
            _ => Err(Syntax),
        }
    }
}

/// The number that four digits stand for.
fn hex(digits: &[u8]) -> Result<u32, Syntax> {
    digits
        .first_chunk::<4>()
        .ok_or(Syntax)?
        .iter()
        .try_fold(0, |value, &digit| Ok(value * 16 + char::from(digit).to_digit(16).ok_or(Syntax)?))
}

/// How many bytes at the front stand for themselves in a string: no quote, backslash or control character.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    // Most strings are short: only what is longer is worth a look at blocks.
    let short = bytes.get(..SHORT).unwrap_or(bytes);
    let (words, tail) = short.as_chunks();
    for (n, word) in words.iter().enumerate() {
        let special = special_in(u64::from_le_bytes(*word));
        if special != 0 {
            return n * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let found = tail.iter().position(|&byte| is_special(byte));
    match found {
        Some(found) => words.len() * 8 + found,
        None if short.len() < SHORT => short.len(),
        None => SHORT + plain_blocks(bytes.get(SHORT..).unwrap_or_default()),
    }
}

/// The same for what is long.
fn plain_blocks(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<32>();
    // Without a way out in the middle, this is done for many bytes at once.
    let special =
        |block: &&[u8; 32]| !block.iter().fold(false, |any, &byte| any | is_special(byte));
    let clean = blocks.iter().take_while(special).count() * 32;
    let rest = bytes.get(clean..).unwrap_or_default();
    clean + rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len())
}

const SHORT: usize = 32;

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Marks the special bytes of a word by their highest bits. The lowest mark is exact, those above it may not be:
/// a subtraction borrows from the byte above only where it has found something.
const fn special_in(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let quote = word ^ (EACH * b'"' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    let quote = quote.wrapping_sub(EACH) & !quote;
    let backslash = backslash.wrapping_sub(EACH) & !backslash;
    (control | quote | backslash) & (EACH * 0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_bytes_end_at_the_first_special_one(bytes in prop::collection::vec(any::<u8>(), 0..200), letters: bool) {
            let letter = |byte: &u8| if *byte < 250 { b'x' } else { *byte % 0x30 };
            let bytes: Vec<u8> = if letters { bytes.iter().map(letter).collect() } else { bytes };
            let first = bytes.iter().position(|&byte| is_special(byte)).unwrap_or(bytes.len());
            prop_assert_eq!(plain(&bytes), first);
        }
    }

    #[test]
    fn a_string_says_what_its_escapes_stand_for() {
        let string = |json: &'static str| Scanner::new(json.as_bytes()).string();
        assert_eq!(string(r#" "plain" "#), Ok("plain".into()));
        assert!(matches!(string(r#""plain""#), Ok(Cow::Borrowed(_))));
        assert_eq!(string(r#""\"\\\/\b\f\n\r\t""#), Ok("\"\\/\u{8}\u{c}\n\r\t".into()));
        assert_eq!(string(r#""a\u00e9\ud83d\ude00b""#), Ok("aé😀b".into()));
        for bad in [
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ud83d\u0041""#,
            r#""\ude00""#,
            r#""\u12""#,
            r#""\x""#,
            "\"\n\"",
            "\"",
            "\"a",
            "\"a\\",
        ] {
            assert_eq!(string(bad), Err(Syntax), "{bad}");
        }
        assert_eq!(Scanner::new(b"\"\xff\"").string(), Err(Syntax));
        assert_eq!(Scanner::new(b"\"\\n\xff\"").string(), Err(Syntax));
    }
}
