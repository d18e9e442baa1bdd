//! A pull scanner over JSON text: strict for the envelope, structural for raw values.

use std::borrow::Cow;

use crate::{DecodeError, JsonType};

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syntax;

impl From<Syntax> for DecodeError {
    fn from(Syntax: Syntax) -> Self {
        Self::Syntax
    }
}

/// How deep values may nest; the outermost object is 1, as in System.Text.Json.
const MAX_DEPTH: u32 = 64;

/// Reads JSON text from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Scans the part of `record` that is UTF-8; what follows reads as the end of the text.
    ///
    /// So bad bytes after the closing brace are ignored like every other trailing byte, and bad
    /// bytes before it are a syntax error.
    pub(crate) fn new(record: &'a [u8]) -> Self {
        let text = match simdutf8::basic::from_utf8(record) {
            Ok(text) => text,
            Err(_) => valid_prefix(record),
        };
        Self { text, at: 0 }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space, not taken.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.byte() {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes `byte` if it is next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Syntax> {
        if self.take(byte) { Ok(()) } else { Err(Syntax) }
    }

    /// Takes the `{` or `[` of `wanted`; another value there is named in the error.
    pub(crate) fn enter(&mut self, wanted: JsonType) -> Result<(), DecodeError> {
        let open = if wanted == JsonType::Array { b'[' } else { b'{' };
        if self.take(open) {
            return Ok(());
        }
        let found = self.type_of_next()?;
        if !matches!(found, JsonType::Object | JsonType::Array) {
            self.skip(0)?;
        }
        Err(DecodeError::Unexpected { found, wanted })
    }

    /// The type of the next value, by its first byte.
    pub(crate) fn type_of_next(&mut self) -> Result<JsonType, Syntax> {
        match self.peek() {
            Some(b'{') => Ok(JsonType::Object),
            Some(b'[') => Ok(JsonType::Array),
            Some(b'"') => Ok(JsonType::String),
            Some(b't') => Ok(JsonType::True),
            Some(b'f') => Ok(JsonType::False),
            Some(b'n') => Ok(JsonType::Null),
            Some(b'-' | b'0'..=b'9') => Ok(JsonType::Number),
            _ => Err(Syntax),
        }
    }

    /// The next key of an object whose `{` was taken, its colon taken too; `None` at its `}`.
    pub(crate) fn key(&mut self, first: bool) -> Result<Option<Cow<'a, str>>, Syntax> {
        if self.take(b'}') {
            return Ok(None);
        }
        if !first {
            self.expect(b',')?;
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// Whether another element follows in an array whose `[` was taken.
    pub(crate) fn element(&mut self, first: bool) -> Result<bool, Syntax> {
        if self.take(b']') {
            return Ok(false);
        }
        if !first {
            self.expect(b',')?;
        }
        Ok(true)
    }

    /// The next value, which must be a string.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Syntax> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.byte().ok_or(Syntax)? {
                b'"' => {
                    let text = self.text.get(start..self.at).ok_or(Syntax)?;
                    self.at += 1;
                    return Ok(Cow::Borrowed(text));
                }
                b'\\' => return self.escaped_string(start).map(Cow::Owned),
                0..=0x1F => return Err(Syntax),
                _ => self.at += 1,
            }
        }
    }

    /// Finishes a string with escapes; everything before `self.at` is free of them.
    fn escaped_string(&mut self, start: usize) -> Result<String, Syntax> {
        let mut out = self.text.get(start..self.at).ok_or(Syntax)?.to_owned();
        loop {
            let run = self.at;
            while !matches!(self.byte().ok_or(Syntax)?, b'"' | b'\\' | 0..=0x1F) {
                self.at += 1;
            }
            out.push_str(self.text.get(run..self.at).ok_or(Syntax)?);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return Err(Syntax),
            }
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
                match unit {
                    0xD800..=0xDBFF => {
                        let low = if self.text.as_bytes().get(self.at..self.at + 2) == Some(b"\\u")
                        {
                            self.at += 2;
                            self.hex()?
                        } else {
                            return Err(Syntax);
                        };
                        if !(0xDC00..=0xDFFF).contains(&low) {
                            return Err(Syntax);
                        }
                        char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
                            .ok_or(Syntax)?
                    }
                    _ => char::from_u32(unit).ok_or(Syntax)?,
                }
            }
            _ => return Err(Syntax),
        })
    }

    fn hex(&mut self) -> Result<u32, Syntax> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(Syntax)?;
        self.at += 4;
        digits.iter().try_fold(0, |value, &digit| {
            Ok(value * 16 + char::from(digit).to_digit(16).ok_or(Syntax)?)
        })
    }

    /// The next value, which must be a number: its text.
    pub(crate) fn number(&mut self) -> Result<&'a str, Syntax> {
        self.peek();
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(Syntax),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.some_digits()?;
        }
        self.text.get(start..self.at).ok_or(Syntax)
    }

    fn digits(&mut self) {
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Syntax> {
        let start = self.at;
        self.digits();
        if self.at > start { Ok(()) } else { Err(Syntax) }
    }

    /// Takes one of `true`, `false` and `null`.
    pub(crate) fn literal(&mut self, word: &'static str) -> Result<(), Syntax> {
        self.peek();
        if self.rest().starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(Syntax)
        }
    }

    /// Skips one value inside `depth` containers and checks its grammar.
    pub(crate) fn skip(&mut self, depth: u32) -> Result<(), Syntax> {
        let outer = depth;
        let mut depth = depth;
        let mut objects = 0_u64;
        loop {
            let value = self.type_of_next()?;
            match value {
                JsonType::Object | JsonType::Array | JsonType::StartObject => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(Syntax);
                    }
                    self.at += 1;
                    let object = value != JsonType::Array;
                    objects = objects << 1 | u64::from(object);
                    if !self.take(if object { b'}' } else { b']' }) {
                        if object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                    depth -= 1;
                    objects >>= 1;
                }
                JsonType::String => self.skip_string()?,
                JsonType::Number => {
                    self.number()?;
                }
                JsonType::True => self.literal("true")?,
                JsonType::False => self.literal("false")?,
                JsonType::Null => self.literal("null")?,
            }
            loop {
                if depth == outer {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                if self.take(b',') {
                    if object {
                        self.skip_key()?;
                    }
                    break;
                }
                self.expect(if object { b'}' } else { b']' })?;
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), Syntax> {
        self.skip_string()?;
        self.expect(b':')
    }

    fn skip_string(&mut self) -> Result<(), Syntax> {
        self.expect(b'"')?;
        loop {
            match self.byte().ok_or(Syntax)? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    self.at += 1;
                    self.skip_escape()?;
                }
                0..=0x1F => return Err(Syntax),
                _ => self.at += 1,
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

    /// Takes one value inside `depth` containers by its structure alone.
    ///
    /// Only brackets and quotes are followed: the grammar inside is for whoever reads it.
    pub(crate) fn raw(&mut self, depth: u32) -> Result<&'a str, Syntax> {
        let value = self.type_of_next()?;
        let start = self.at;
        match value {
            JsonType::Object | JsonType::Array | JsonType::StartObject => {
                self.raw_container(depth)?
            }
            JsonType::String => {
                self.at += 1;
                self.raw_string()?;
            }
            JsonType::Number => {
                self.number()?;
            }
            JsonType::True => self.literal("true")?,
            JsonType::False => self.literal("false")?,
            JsonType::Null => self.literal("null")?,
        }
        self.text.get(start..self.at).ok_or(Syntax)
    }

    fn raw_container(&mut self, outer: u32) -> Result<(), Syntax> {
        let mut depth = outer;
        loop {
            match self.byte().ok_or(Syntax)? {
                b'"' => {
                    self.at += 1;
                    self.raw_string()?;
                    continue;
                }
                b'{' | b'[' => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(Syntax);
                    }
                }
                b'}' | b']' => {
                    depth -= 1;
                    if depth == outer {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Takes a string whose opening quote was taken, up to and with its closing quote.
    fn raw_string(&mut self) -> Result<(), Syntax> {
        loop {
            let rest = self.text.as_bytes().get(self.at..).ok_or(Syntax)?;
            let found = memchr::memchr2(b'"', b'\\', rest).ok_or(Syntax)?;
            let escape = rest.get(found) == Some(&b'\\');
            self.at += found + 1 + usize::from(escape);
            if !escape {
                return Ok(());
            }
        }
    }
}

fn valid_prefix(record: &[u8]) -> &str {
    record.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skips(text: &str) -> bool {
        let mut scanner = Scanner::new(text.as_bytes());
        scanner.skip(0).is_ok() && scanner.peek().is_none()
    }

    #[test]
    fn skip_accepts_what_rfc_8259_accepts_and_nothing_else() {
        for good in [
            "0",
            "-0",
            "1.5e+3",
            "\"\"",
            "\"\\u00e9\\n\"",
            "[]",
            "[ ]",
            "{}",
            "[1,[2,{\"a\":null}],true]",
            " { \"a\" : [ ] , \"b\" : false } ",
            "\"\\ud83d\\ude00\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "{\"\\udc00\":1}",
        ] {
            assert!(skips(good), "{good}");
        }
        for bad in [
            "",
            "01",
            "+1",
            "1.",
            ".5",
            "1e",
            "-",
            "\"",
            "\"\n\"",
            "\"\\x\"",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "[}",
            "{]",
            "[[}]",
            "tru",
            "nul",
            "NaN",
            "'a'",
            "/*x*/1",
            "\u{feff}1",
        ] {
            assert!(!skips(bad), "{bad}");
        }
    }

    #[test]
    fn values_nest_64_deep_and_no_deeper() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(skips(&nested(64)));
        assert!(!skips(&nested(65)));
        assert!(Scanner::new(nested(64).as_bytes()).raw(0).is_ok());
        assert!(Scanner::new(nested(65).as_bytes()).raw(0).is_err());
    }

    #[test]
    fn raw_follows_quotes_and_brackets_only() {
        let mut scanner = Scanner::new(br#"[1, "a]\"b", {x}] , 2"#);
        assert_eq!(scanner.raw(0), Ok(r#"[1, "a]\"b", {x}]"#));
        assert!(scanner.take(b','));
        assert_eq!(scanner.raw(0), Ok("2"));
    }
}
