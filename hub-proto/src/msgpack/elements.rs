//! Raw MessagePack values to Rust values.

use std::marker::PhantomData;

use serde::Deserialize;

use super::reader::Reader;
use super::value;
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
        match value::read(&mut self.reader, 2, PhantomData) {
            Ok(value) => Ok(value),
            Err(_) => check(self.whole).and(Err(BindError::Shape)),
        }
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
    let mut reader = Reader::new(raw);
    match value::read(&mut reader, 1, PhantomData) {
        Ok(value) if reader.rest().is_empty() => Ok(value),
        _ => check(raw).and(Err(BindError::Shape)),
    }
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

/// The elements of a raw array, all of them well-formed.
pub(crate) fn split(raw: &[u8]) -> Result<Vec<&[u8]>, BindError> {
    let Elements { mut reader, count, .. } = Elements::new(raw)?;
    check(raw)?;
    (0..count).map(|_| reader.value(2).ok_or(BindError::Syntax)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserializer, Serialize, Serializer};

    use super::*;
    use crate::msgpack::MAX_DEPTH;
    use crate::{Encoding, FromArguments, Payload};

    fn bind<'a, T: FromArguments<'a>>(raw: &'a [u8]) -> Result<T, BindError> {
        Payload::new(Encoding::MessagePack, raw).bind()
    }

    fn written<T: Serialize>(value: &T) -> Vec<u8> {
        let mut out = Vec::new();
        Encoding::MessagePack.write(value, &mut out).expect("serializable");
        out
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Person {
        name: String,
        age: Option<u8>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Color {
        Red,
        Custom(String),
    }

    #[test]
    fn binds_by_position() {
        assert_eq!(bind::<()>(b"\x90"), Ok(()));
        assert_eq!(bind::<(i32, &str)>(b"\x92\x01\xa1a"), Ok((1, "a")));
        assert_eq!(bind::<(Vec<i32>,)>(b"\xdc\x00\x01\x92\x01\x02"), Ok((vec![1, 2],)));
        assert_eq!(bind::<(Option<i32>, f64, f32)>(b"\x93\xc0\x02\xff"), Ok((None, 2.0, -1.0)));
    }

    #[test]
    fn tells_count_from_shape_from_grammar() {
        let count = |provided, expected| Some(BindError::Count { provided, expected });
        assert_eq!(bind::<(i32, i32)>(b"\x91\x01").err(), count(1, 2));
        assert_eq!(bind::<()>(b"\x91\x01").err(), count(1, 0));
        assert_eq!(bind::<(i32,)>(b"\x92\xa1x\x01").err(), count(2, 1), "before any is read");
        assert_eq!(bind::<(i32, i32)>(b"\x92\x01\xa1x"), Err(BindError::Shape));
        assert_eq!(bind::<(u8,)>(b"\x91\xcd\x01\x00"), Err(BindError::Shape));
        assert_eq!(bind::<(String,)>(b"\x91\xa1\xff"), Err(BindError::Shape), "no UTF-8");
        for no_list in [&b""[..], b"\x2a", b"\x80", b"\xdd\xff\xff\xff\xff", b"\x92\x01"] {
            assert_eq!(bind::<(i32,)>(no_list), Err(BindError::NotAList));
        }
        for malformed in [&b"\x91\xc1"[..], b"\x91\xa2x", b"\x91\x01\x01", b"\x92\x01\xcc"] {
            assert_eq!(bind::<(i32,)>(malformed), Err(BindError::Syntax), "{malformed:x?}");
            assert_eq!(bind::<(i32, i32)>(malformed), Err(BindError::Syntax), "{malformed:x?}");
        }
    }

    #[test]
    fn one_value_is_missing_malformed_or_of_another_shape() {
        assert_eq!(read::<i32>(b""), Err(BindError::Shape));
        assert_eq!(read::<i32>(b"\xa1x"), Err(BindError::Shape));
        assert_eq!(read::<i32>(b"\xcd\x01"), Err(BindError::Syntax));
        assert_eq!(read::<i32>(b"\x01\x01"), Err(BindError::Syntax));
        assert_eq!(check(b""), Err(BindError::Syntax));
    }

    #[test]
    fn structs_are_maps_of_their_fields_and_are_read_from_arrays_too() {
        let ann = Person { name: "Ann".to_owned(), age: None };
        assert_eq!(written(&ann), b"\x82\xa4name\xa3Ann\xa3age\xc0");
        assert_eq!(read(b"\x82\xa1x\x90\xa4name\xa3Ann").as_ref(), Ok(&ann));
        assert_eq!(read(b"\x92\xa3Ann\xc0").as_ref(), Ok(&ann));
    }

    #[test]
    fn enums_are_the_names_of_their_variants() {
        assert_eq!(written(&Color::Red), b"\xa3Red");
        assert_eq!(read(b"\xa3Red"), Ok(Color::Red));
        assert_eq!(read(b"\x81\xa6Custom\xa1x"), Ok(Color::Custom("x".to_owned())));
        assert_eq!(read::<Color>(b"\xa4Blue"), Err(BindError::Shape));
    }

    /// Written as a text where that is readable, as UUIDs are.
    #[derive(Debug, PartialEq)]
    struct Uuid;

    impl Serialize for Uuid {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let readable = serializer.is_human_readable();
            serializer.serialize_str(if readable { "text" } else { "bytes" })
        }
    }

    impl<'de> Deserialize<'de> for Uuid {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            assert!(deserializer.is_human_readable());
            <&str>::deserialize(deserializer).map(|_| Self)
        }
    }

    #[test]
    fn types_with_a_readable_form_use_it() {
        assert_eq!(written(&Uuid), b"\xa4text");
        assert_eq!(read(b"\xa4text"), Ok(Uuid));
    }

    /// Is there whatever is sent, and does not always look at it.
    #[derive(Debug, PartialEq)]
    struct Anything;

    impl<'de> Deserialize<'de> for Anything {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            // A reader of numbers that gets along without one.
            i32::deserialize(deserializer).ok();
            Ok(Self)
        }
    }

    #[derive(Debug, PartialEq)]
    struct Nothing;

    impl<'de> Deserialize<'de> for Nothing {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }

    #[test]
    fn what_a_type_does_with_its_value_changes_nothing_for_the_next_one() {
        for raw in [&b"\x92\xa1x\x02"[..], b"\x92\x81\x01\x92\x01\x02\x02", b"\x92\x01\x02"] {
            assert_eq!(bind(raw), Ok((Anything, 2)));
            assert_eq!(bind(raw), Ok((Nothing, 2)));
            assert_eq!(read(&raw[1..raw.len() - 1]), Ok(Nothing));
        }
        for malformed in [&b"\x92\xa2x"[..], b"\x92\xc1\x02", b"\x91\x92\x01"] {
            assert_eq!(bind::<(Anything, i32)>(malformed).err(), Some(BindError::Syntax));
            assert_eq!(bind::<(Nothing, i32)>(malformed).err(), Some(BindError::Syntax));
            assert_eq!(read::<Nothing>(&malformed[1..]), Err(BindError::Syntax));
        }
    }

    #[test]
    fn bytes_are_borrowed_from_bin_and_vectors_are_read_from_both() {
        assert_eq!(read(b"\xc4\x02\x01\xff"), Ok(&b"\x01\xff"[..]));
        assert_eq!(read(b"\xc4\x02\x01\xff"), Ok(vec![1_u8, 255]));
        assert_eq!(read(b"\x92\x01\xcc\xff"), Ok(vec![1_u8, 255]));
        assert_eq!(written(&vec![1_u8, 255]), b"\x92\x01\xcc\xff");
    }

    #[test]
    fn extensions_are_a_type_and_bytes() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(rename = "_ExtStruct")]
        struct Extension<'a>(#[serde(borrow)] (i8, &'a [u8]));
        let raw = b"\xd6\xff\x58\xec\x1c\x80";
        assert_eq!(read(raw), Ok(Extension((-1, &raw[2..]))));
        assert_eq!(read::<i32>(raw), Err(BindError::Shape));
    }

    #[test]
    fn a_value_that_nests_without_end_is_malformed_for_every_type() {
        #[derive(Debug, PartialEq, Deserialize)]
        enum Chain {
            #[serde(rename = "c")]
            More(Box<Self>),
        }
        let chain = b"\x81\xa1c".repeat(100_000);
        assert_eq!(read::<Chain>(&[&chain[..], b"\xc0"].concat()), Err(BindError::Syntax));
        let lists = [vec![0x91; 100_000], vec![0xC0]].concat();
        assert_eq!(read::<serde_json::Value>(&lists), Err(BindError::Syntax));
        assert_eq!(bind::<(serde_json::Value,)>(&lists), Err(BindError::Syntax));
        #[derive(Debug, PartialEq, Deserialize)]
        struct Tree(Vec<Self>);
        assert_eq!(read::<Tree>(&lists), Err(BindError::Syntax));
        let deep = |depth| [vec![0x91; depth - 1], vec![0x90]].concat();
        assert!(read::<Tree>(&deep(MAX_DEPTH - 1)).is_ok());
        assert_eq!(read::<Tree>(&deep(MAX_DEPTH)), Err(BindError::Syntax));
    }

    #[test]
    fn keys_of_maps_may_be_numbers() {
        let map = BTreeMap::from([(1, "one")]);
        assert_eq!(read(&written(&map)), Ok(map));
    }
}
