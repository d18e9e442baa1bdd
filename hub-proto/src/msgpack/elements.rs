//! Raw MessagePack values to Rust values.

use serde::Deserialize;

use super::reader::Reader;
use crate::BindError;

/// The elements of a raw MessagePack array, read one by one.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    whole: &'a [u8],
    reader: Reader<'a>,
    count: usize,
    taken: usize,
}

impl<'a> Elements<'a> {
    /// Starts at the front of `raw`, which must be an array.
    pub fn new(raw: &'a [u8]) -> Result<Self, BindError> {
        let mut reader = Reader::new(raw);
        let count = reader.array().ok_or(BindError::NotAList)?;
        Ok(Self { whole: raw, reader, count, taken: 0 })
    }

    /// Reads the next of `expected` elements. Another number of them fails before any is read, as
    /// in ASP.NET Core.
    #[inline]
    pub fn next<T: Deserialize<'a>>(&mut self, expected: usize) -> Result<T, BindError> {
        if self.count != expected || self.taken == self.count {
            return Err(self.miscounted(expected));
        }
        self.taken += 1;
        // The message and the list are around each element.
        let raw = self.reader.value(2).ok_or(BindError::Syntax)?;
        deserialize(raw).or_else(|error| check(self.whole).and(Err(error)))
    }

    #[cold]
    fn miscounted(&self, expected: usize) -> BindError {
        let count = BindError::Count { provided: self.count, expected };
        check(self.whole).err().unwrap_or(count)
    }

    /// Ends the array; counts what nobody asked for.
    #[inline]
    pub fn finish(self, expected: usize) -> Result<(), BindError> {
        if self.count != expected {
            return Err(self.miscounted(expected));
        }
        if self.taken != self.count || !self.reader.rest().is_empty() {
            check(self.whole)?;
        }
        Ok(())
    }
}

/// Reads one raw value. One that is missing altogether has the wrong shape, as in ASP.NET Core.
pub fn read<'a, T: Deserialize<'a>>(raw: &'a [u8]) -> Result<T, BindError> {
    if raw.is_empty() {
        return Err(BindError::Shape);
    }
    check(raw)?;
    deserialize(raw)
}

/// Checks the grammar of one raw value: it is whole, nothing is behind it, and it does not nest too
/// deep. The bytes of its strings may be any.
pub fn check(raw: &[u8]) -> Result<(), BindError> {
    let mut reader = Reader::new(raw);
    match reader.value(1) {
        Some(_) if reader.rest().is_empty() => Ok(()),
        _ => Err(BindError::Syntax),
    }
}

/// Reads a value that is well-formed, whole and of bounded depth: rmp-serde alone would recurse
/// without a limit into an enum.
fn deserialize<'a, T: Deserialize<'a>>(raw: &'a [u8]) -> Result<T, BindError> {
    let deserializer = rmp_serde::Deserializer::from_read_ref(raw);
    T::deserialize(&mut deserializer.with_human_readable()).map_err(|_| BindError::Shape)
}
