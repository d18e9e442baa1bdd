//! What lists and maps hold, value by value.

use std::error::Error;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess};

use super::reader::Reader;
use super::value;

/// What is to come of a list or a map: so many elements or pairs.
///
/// How many is not told to those who ask for it, to make room: so far that is no more than declared.
pub(super) struct Content<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) around: usize,
    pub(super) left: usize,
}

impl<'a> Content<'a> {
    #[inline]
    fn next<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<Option<S::Value>, NoValue> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        value::read(&mut self.reader, self.around, seed).map(Some)
    }
}

impl<'a> SeqAccess<'a> for Content<'a> {
    type Error = NoValue;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, NoValue> {
        self.next(seed)
    }
}

impl<'a> MapAccess<'a> for Content<'a> {
    type Error = NoValue;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, NoValue> {
        self.next(seed)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, NoValue> {
        value::read(&mut self.reader, self.around, seed)
    }
}

/// There is no such value. What a reader says about it is not written down: nobody sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoValue;

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such value")
    }
}

impl Error for NoValue {}

impl de::Error for NoValue {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl From<rmp_serde::decode::Error> for NoValue {
    fn from(_: rmp_serde::decode::Error) -> Self {
        Self
    }
}
