//! Typed values, in the bytes that serde_json writes.
//!
//! It is serde_json that writes numbers; strings are ours, because it looks at them byte by byte.

use std::fmt::{self, Display};

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::escape::{escape, string};
use super::open::{Open, PRIVATE};

/// Appends one value.
///
/// # Errors
/// What its `Serialize` refuses to write, and maps whose keys are no strings; what was appended until then stays.
pub(crate) fn write_value<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    value.serialize(Writer(out))
}

struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    fn string(self, text: &str) -> Result<(), Error> {
        string(self.0, text);
        Ok(())
    }

    fn null(self) -> Result<(), Error> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn open(self, open: &str, close: &'static str) -> Result<Open<'a>, Error> {
        Ok(Open::new(self.0, open, close))
    }

    /// The value of a variant is an object with that one member.
    fn open_variant(self, name: &str, open: &str, close: &'static str) -> Result<Open<'a>, Error> {
        self.0.push(b'{');
        string(self.0, name);
        self.0.push(b':');
        self.open(open, close)
    }
}

macro_rules! as_serde_json_does {
    ($($method:ident $type:ty;)*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            serde_json::to_writer(self.0, &value)
        })*
    };
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Open<'a>;
    type SerializeTupleStruct = Open<'a>;
    type SerializeTupleVariant = Open<'a>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Open<'a>;

    as_serde_json_does! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_char char;
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        self.string(text)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        self.collect_seq(bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.null()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.null()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.string(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.open_variant(variant, "", "}")?.only(value)
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Open<'a>, Error> {
        self.open("[", "]")
    }

    fn serialize_tuple(self, _length: usize) -> Result<Open<'a>, Error> {
        self.open("[", "]")
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, Error> {
        self.open("[", "]")
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, Error> {
        self.open_variant(variant, "[", "]}")
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Open<'a>, Error> {
        self.open("{", "}")
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Open<'a>, Error> {
        if name.starts_with(PRIVATE) { self.open("", "") } else { self.open("{", "}") }
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, Error> {
        self.open_variant(variant, "{", "}}")
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.0.push(b'"');
        fmt::write(&mut Escaping(self.0), format_args!("{value}")).map_err(Error::custom)?;
        self.0.push(b'"');
        Ok(())
    }
}

/// What a `Display` prints, inside quotes.
struct Escaping<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    enum Kind {
        Unit,
        One(i32),
        Two(i32, String),
        Named { a: Option<bool>, b: char },
    }

    #[derive(Debug, Serialize)]
    struct Empty;

    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    struct Wrapped<T>(T);

    #[derive(Debug, Serialize)]
    struct Pair(f32, Empty);

    #[derive(Debug, Serialize)]
    struct All {
        numbers: (u8, i8, u16, i16, u32, i32, u64, i64, u128, i128),
        floats: (f32, f64),
        kinds: Vec<Kind>,
        texts: BTreeMap<String, Vec<String>>,
        keys: BTreeMap<i32, Option<Wrapped<String>>>,
        #[serde(rename = "a \"name\"")]
        odd: (),
        #[serde(skip_serializing_if = "Option::is_none")]
        nothing: Option<u8>,
        pair: Pair,
    }

    #[track_caller]
    fn same<T: Serialize + ?Sized>(value: &T) {
        let mut ours = Vec::new();
        let (theirs, written) = (serde_json::to_string(value), write_value(value, &mut ours));
        assert_eq!(written.is_ok(), theirs.is_ok());
        if let Ok(theirs) = theirs {
            assert_eq!(String::from_utf8(ours).unwrap(), theirs);
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![".{0,40}", "[\\x00-\\x7f]{0,80}", "[a-z\"\\\\\n]{0,80}"]
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![
            Just(Kind::Unit),
            any::<i32>().prop_map(Kind::One),
            (any::<i32>(), text()).prop_map(|(a, b)| Kind::Two(a, b)),
            any::<(Option<bool>, char)>().prop_map(|(a, b)| Kind::Named { a, b }),
        ]
    }

    proptest! {
        #[test]
        fn values_are_written_as_serde_json_writes_them(
            numbers: (u8, i8, u16, i16, u32, i32, u64, i64, u128, i128),
            floats: (f32, f64),
            kinds in prop::collection::vec(kind(), 0..5),
            texts in prop::collection::btree_map(text(), prop::collection::vec(text(), 0..3), 0..4),
            keys in prop::collection::btree_map(any::<i32>(), prop::option::of(text().prop_map(Wrapped)), 0..3),
            nothing: Option<u8>,
        ) {
            same(&All { numbers, floats, kinds, texts, keys, odd: (), nothing, pair: Pair(floats.0, Empty) });
        }
    }

    #[test]
    fn every_control_character_is_escaped_as_serde_json_does() {
        same(&(0..=0x7F_u8).map(char::from).collect::<String>());
        same(&(0..=0x7F_u8).map(char::from).collect::<Vec<_>>());
        same("\u{80}\u{7ff}\u{fffd}\u{1F600}");
    }

    #[test]
    fn keys_are_strings_or_become_strings_or_are_refused() {
        same(&BTreeMap::from([(true, 1), (false, 2)]));
        same(&BTreeMap::from([('"', 1), ('a', 2)]));
        same(&BTreeMap::from([(Wrapped(-7), 1), (Wrapped(8), 2)]));
        same(&BTreeMap::from([(Some("a"), 1)]));
        same(&BTreeMap::from([(Kind::Unit, 1)]));
        same(&BTreeMap::from([(None::<&str>, 1)]));
        same(&BTreeMap::from([(Kind::One(1), 1)]));
        same(&BTreeMap::from([((), 1)]));
        same(&BTreeMap::from([((1, 2), 1)]));
        same(&BTreeMap::from([(vec![1], 1)]));
    }

    #[test]
    fn what_is_special_to_serde_json_stays_so() {
        let raw = RawValue::from_string("{ \"a\" : [1, 2] }".to_owned()).unwrap();
        same(&raw);
        same(&[Some(&raw), None]);
        same(&(f64::NAN, f32::INFINITY, 1e300, 0.1_f32, -0.0));
        same(&format_args!("a \"{}\"", 1));
        same(&serde_json::json!({"a": [null, 1.5, "\n", {"b": {}}], "c": []}));
    }
}
