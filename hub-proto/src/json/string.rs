//! The strings of an envelope: where they end and what their escapes stand for.

use std::borrow::Cow;

use super::plain::plain;
use super::scan::{Scanner, Syntax, utf8};

impl<'a> Scanner<'a> {
    /// The next value, which must be a string.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Syntax> {
        self.expect(b'"')?;
        let plain = self.plain();
        match self.rest.split_first() {
            Some((b'"', rest)) => {
                self.rest = rest;
                utf8(plain).map(Cow::Borrowed)
            }
            Some((b'\\', _)) => self.unescape(plain).map(Cow::Owned),
            _ => Err(Syntax),
        }
    }

    /// Takes bytes that stand for themselves.
    fn plain(&mut self) -> &'a [u8] {
        let (plain, rest) = self.rest.split_at_checked(plain(self.rest)).unwrap_or_default();
        self.rest = rest;
        plain
    }

    /// Finishes a string whose first escape is next; `before` is what stood in front of it.
    #[cold]
    fn unescape(&mut self, before: &[u8]) -> Result<String, Syntax> {
        let mut out = before.to_owned();
        loop {
            match self.rest.split_first() {
                Some((b'"', rest)) => {
                    self.rest = rest;
                    return String::from_utf8(out).map_err(|_| Syntax);
                }
                Some((b'\\', rest)) => {
                    self.rest = rest;
                    out.extend_from_slice(self.escape()?.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => return Err(Syntax),
            }
            out.extend_from_slice(self.plain());
        }
    }

    /// The character of an escape whose backslash was taken.
    fn escape(&mut self) -> Result<char, Syntax> {
        let (&byte, rest) = self.rest.split_first().ok_or(Syntax)?;
        self.rest = rest;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => match self.hex()? {
                high @ 0xD800..=0xDBFF => {
                    self.rest = self.rest.strip_prefix(b"\\u").ok_or(Syntax)?;
                    let low = self.hex()?;
                    if !(0xDC00..=0xDFFF).contains(&low) {
                        return Err(Syntax);
                    }
                    char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
                        .ok_or(Syntax)?
                }
                unit => char::from_u32(unit).ok_or(Syntax)?,
            },
            _ => return Err(Syntax),
        })
    }

    /// The number that four digits stand for.
    fn hex(&mut self) -> Result<u32, Syntax> {
        let (digits, rest) = self.rest.split_first_chunk::<4>().ok_or(Syntax)?;
        self.rest = rest;
        digits.iter().try_fold(0, |value, &digit| {
            Ok(value * 16 + char::from(digit).to_digit(16).ok_or(Syntax)?)
        })
    }

    /// Takes a string and checks its grammar, but not that it is UTF-8.
    pub(super) fn skip_string(&mut self) -> Result<(), Syntax> {
        self.expect(b'"')?;
        loop {
            self.plain();
            match self.rest.split_first() {
                Some((b'"', rest)) => {
                    self.rest = rest;
                    return Ok(());
                }
                Some((b'\\', rest)) => {
                    self.rest = rest;
                    self.skip_escape()?;
                }
                _ => return Err(Syntax),
            }
        }
    }

    /// Passes an escape whose backslash was taken. Half a surrogate pair is no text, but good grammar:
    /// JavaScript writes one where a string was cut in two.
    fn skip_escape(&mut self) -> Result<(), Syntax> {
        let (byte, rest) = self.rest.split_first().ok_or(Syntax)?;
        self.rest = rest;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => self.hex().map(drop),
            _ => Err(Syntax),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
