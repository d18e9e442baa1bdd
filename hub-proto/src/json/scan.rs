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
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(record: &'a [u8]) -> Self {
        Self { record, at: 0 }
    }

    /// What has not been taken yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.record.get(self.at..).unwrap_or_default()
    }

    /// What has been taken since `start`.
    pub(super) fn since(&self, start: usize) -> Result<&'a [u8], Syntax> {
        self.record.get(start..self.at).ok_or(Syntax)
    }

    /// The last 64 bytes of everything, taken or not.
    pub(super) const fn last_block(&self) -> Option<&'a [u8; 64]> {
        self.record.last_chunk()
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.record.get(self.at).copied()
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

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Syntax> {
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
        self.raw_key(first)?.map(text).transpose()
    }

    /// The same, not yet known to be text.
    pub(super) fn raw_key(&mut self, first: bool) -> Result<Option<Cow<'a, [u8]>>, Syntax> {
        if self.take(b'}') {
            return Ok(None);
        }
        if !first {
            self.expect(b',')?;
        }
        let key = self.raw_string()?;
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
        text(self.raw_string()?)
    }

    /// The next value, which must be a number: its text.
    pub(crate) fn number(&mut self) -> Result<&'a [u8], Syntax> {
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
        self.since(start)
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
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(Syntax)
        }
    }
}

/// The text of a string.
pub(super) fn text(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Syntax> {
    match bytes {
        Cow::Borrowed(bytes) => utf8(bytes).map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| Syntax),
    }
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Syntax> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| Syntax)
}
