//! A pull scanner over JSON text: the tokens of an envelope, strictly.

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
pub(super) const MAX_DEPTH: u32 = 64;

/// Reads JSON text from left to right.
///
/// Only what is handed out as text is checked to be UTF-8, so bytes that nobody gets to, such as
/// those after the closing brace, do not matter.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    record: &'a [u8],
    /// What has not been taken yet: the end of the record.
    pub(super) rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(record: &'a [u8]) -> Self {
        Self { record, rest: record }
    }

    /// The last 64 bytes of everything, taken or not.
    pub(super) const fn last_block(&self) -> Option<&'a [u8; 64]> {
        self.record.last_chunk()
    }

    /// How many bytes have been taken.
    pub(super) const fn taken(&self) -> usize {
        self.record.len() - self.rest.len()
    }

    /// What has been taken since `start` was the rest.
    pub(super) fn since(&self, start: &'a [u8]) -> &'a [u8] {
        start.get(..start.len() - self.rest.len()).unwrap_or_default()
    }

    /// Takes so many bytes, all of which are there.
    pub(super) fn advance(&mut self, bytes: usize) -> Result<(), Syntax> {
        self.rest = self.rest.get(bytes..).ok_or(Syntax)?;
        Ok(())
    }

    /// The next byte that is no white space, not taken.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some((&byte, rest)) = self.rest.split_first() {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.rest = rest;
        }
        None
    }

    /// Takes `byte` if it is next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.step();
        }
        found
    }

    /// Takes a byte that has been seen.
    fn step(&mut self) {
        self.rest = self.rest.split_first().map_or(self.rest, |(_, rest)| rest);
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Syntax> {
        if self.take(byte) { Ok(()) } else { Err(Syntax) }
    }

    /// Takes the `{` or `[` of `wanted`; another value there is named in the error.
    #[inline]
    pub(crate) fn enter(&mut self, wanted: JsonType) -> Result<(), DecodeError> {
        let open = if wanted == JsonType::Array { b'[' } else { b'{' };
        if self.take(open) { Ok(()) } else { Err(self.unexpected(wanted)) }
    }

    #[cold]
    fn unexpected(&mut self, wanted: JsonType) -> DecodeError {
        match self.type_of_next() {
            Ok(found @ (JsonType::Object | JsonType::Array)) => {
                DecodeError::Unexpected { found, wanted }
            }
            Ok(found) if self.skip(0).is_ok() => DecodeError::Unexpected { found, wanted },
            Ok(_) | Err(Syntax) => DecodeError::Syntax,
        }
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

    /// The next value, which must be a number: its text.
    pub(crate) fn number(&mut self) -> Result<&'a [u8], Syntax> {
        self.peek();
        let start = self.rest;
        self.step_over(b"-");
        match self.rest.first() {
            Some(b'0') => self.step(),
            _ => self.digits()?,
        }
        if self.step_over(b".") {
            self.digits()?;
        }
        if self.step_over(b"eE") {
            self.step_over(b"+-");
            self.digits()?;
        }
        Ok(self.since(start))
    }

    /// Takes one of `bytes`, if it is next.
    fn step_over(&mut self, bytes: &[u8]) -> bool {
        let found = self.rest.first().is_some_and(|byte| bytes.contains(byte));
        if found {
            self.step();
        }
        found
    }

    /// Takes at least one digit.
    fn digits(&mut self) -> Result<(), Syntax> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(Syntax);
        }
        self.advance(digits)
    }

    /// Takes one of `true`, `false` and `null`.
    pub(crate) fn literal(&mut self, word: &'static str) -> Result<(), Syntax> {
        self.peek();
        self.rest = self.rest.strip_prefix(word.as_bytes()).ok_or(Syntax)?;
        Ok(())
    }
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Syntax> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| Syntax)
}
