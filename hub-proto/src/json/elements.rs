//! Raw JSON values to Rust values.

use serde::Deserialize;
use serde_json::Deserializer;

use super::decode;
use super::scan::{Scanner, Syntax, utf8};
use crate::BindError;

impl From<Syntax> for BindError {
    fn from(Syntax: Syntax) -> Self {
        Self::Syntax
    }
}

/// The elements of a raw JSON array, read one by one.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    whole: &'a str,
    scanner: Scanner<'a>,
    taken: usize,
}

impl<'a> Elements<'a> {
    /// Starts at the front of `raw`, which must be an array.
    pub fn new(raw: &'a [u8]) -> Result<Self, BindError> {
        let whole = utf8(raw)?;
        let mut scanner = Scanner::new(raw);
        if !scanner.take(b'[') {
            check(raw)?;
            return Err(BindError::Shape);
        }
        Ok(Self { whole, scanner, taken: 0 })
    }

    /// Reads the next of `expected` elements.
    pub fn next<T: Deserialize<'a>>(&mut self, expected: usize) -> Result<T, BindError> {
        if !self.scanner.element(self.taken == 0)? {
            check(self.whole.as_bytes())?;
            return Err(BindError::Count { provided: self.taken, expected });
        }
        self.taken += 1;
        let rest = self.whole.get(self.scanner.taken()..).unwrap_or_default();
        let mut values = Deserializer::from_str(rest).into_iter();
        if let Some(Ok(value)) = values.next() {
            self.scanner.advance(values.byte_offset())?;
            return Ok(value);
        }
        check(self.whole.as_bytes())?;
        Err(BindError::Shape)
    }

    /// Ends the array; counts what nobody asked for.
    pub fn finish(mut self, expected: usize) -> Result<(), BindError> {
        while self.scanner.element(self.taken == 0)? {
            self.taken += 1;
            self.scanner.skip_text(2)?;
        }
        if self.scanner.peek().is_some() {
            return Err(BindError::Syntax);
        }
        if self.taken == expected {
            Ok(())
        } else {
            Err(BindError::Count { provided: self.taken, expected })
        }
    }
}

/// Reads one raw value.
pub fn read<'a, T: Deserialize<'a>>(raw: &'a [u8]) -> Result<T, BindError> {
    // Of what is ignored, serde_json does not ask whether it is text.
    serde_json::from_str(utf8(raw)?).or_else(|_| check(raw).and(Err(BindError::Shape)))
}

/// Checks the grammar of one raw value.
///
/// serde_json also calls numbers out of range and lone surrogates bad syntax; only this decides.
pub fn check(raw: &[u8]) -> Result<(), BindError> {
    Ok(decode::check(raw)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoding, Payload};

    fn bind<'a, T: crate::FromArguments<'a>>(raw: &'a str) -> Result<T, BindError> {
        Payload::new(Encoding::Json, raw.as_bytes()).bind()
    }

    #[test]
    fn binds_by_position() {
        assert_eq!(bind::<()>(" [ ] "), Ok(()));
        assert_eq!(bind::<(i32, &str)>(r#" [ 1 , "a" ] "#), Ok((1, "a")));
        assert_eq!(bind::<(Vec<i32>,)>("[[1,2]]"), Ok((vec![1, 2],)));
        assert_eq!(bind::<(Option<i32>, f64)>("[null,2]"), Ok((None, 2.0)));
    }

    #[test]
    fn tells_count_from_shape_from_grammar() {
        assert_eq!(bind::<(i32, i32)>("[1]"), Err(BindError::Count { provided: 1, expected: 2 }));
        assert_eq!(bind::<(i32,)>("[1,2,{}]"), Err(BindError::Count { provided: 3, expected: 1 }));
        assert_eq!(bind::<()>("[1]"), Err(BindError::Count { provided: 1, expected: 0 }));
        assert_eq!(bind::<(i32, i32)>(r#"["x"]"#), Err(BindError::Shape));
        assert_eq!(bind::<(i32,)>(r#"["x",]"#), Err(BindError::Syntax));
        assert_eq!(bind::<(i32,)>("[1,2,nul]"), Err(BindError::Syntax));
        assert_eq!(bind::<(i32,)>("[1x]"), Err(BindError::Syntax));
        assert_eq!(bind::<(i32,)>("[1,]"), Err(BindError::Syntax));
        assert_eq!(bind::<(i32,)>("[1]]"), Err(BindError::Syntax));
        assert_eq!(bind::<(Vec<i32>,)>("[[}]"), Err(BindError::Syntax));
        assert_eq!(bind::<(i32,)>("{}"), Err(BindError::Shape));
        assert_eq!(bind::<(i32,)>("{"), Err(BindError::Syntax));
    }

    #[test]
    fn a_number_that_does_not_fit_is_a_matter_of_shape() {
        assert_eq!(bind::<(f64,)>("[1e999]"), Err(BindError::Shape));
        assert_eq!(bind::<(u8,)>("[256]"), Err(BindError::Shape));
        assert_eq!(bind::<(i32,)>("[2.0]"), Err(BindError::Shape));
    }

    #[test]
    fn half_a_surrogate_pair_is_a_matter_of_shape() {
        assert_eq!(bind::<(String,)>(r#"["\ud83d"]"#), Err(BindError::Shape));
        assert_eq!(bind::<(String,)>(r#"["\ude00\ud83d"]"#), Err(BindError::Shape));
        assert_eq!(
            bind::<(i32,)>(r#"[1,"\ud83d"]"#),
            Err(BindError::Count { provided: 2, expected: 1 })
        );
        assert_eq!(bind::<(String,)>(r#"["\ud83"]"#), Err(BindError::Syntax));
    }
}
