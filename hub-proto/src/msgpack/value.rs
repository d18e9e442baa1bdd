//! One raw value, read into whatever its reader asks for.

use rmp_serde::config::{DefaultConfig, HumanReadableConfig};
use rmp_serde::decode::ReadRefReader;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Visitor};

use super::MAX_DEPTH;
use super::content::{Content, NoValue};
use super::reader::Reader;

/// Reads the value at the front of `reader`, around which so many containers are open.
///
/// Without an error the reader is behind the value, which is well-formed.
#[inline]
pub(super) fn read<'a, S: DeserializeSeed<'a>>(
    reader: &mut Reader<'a>,
    around: usize,
    seed: S,
) -> Result<S::Value, NoValue> {
    let left = reader.rest().len();
    let value = seed.deserialize(Value { reader, around })?;
    // Some types do not look at what there is, or get along without it.
    if reader.rest().len() == left {
        reader.value(around).ok_or(NoValue)?;
    }
    Ok(value)
}

/// The value at the front of a reader, which is behind it when it has been read, and otherwise where it was.
///
/// Texts, numbers, lists and maps are read in one pass. All else is rmp-serde's, once it is known to be well-formed and
/// of bounded depth: rmp-serde alone would recurse without a limit into an enum.
#[derive(Debug)]
struct Value<'r, 'a> {
    reader: &'r mut Reader<'a>,
    around: usize,
}

type Readable<C> = HumanReadableConfig<C>;
type Other<'a> = rmp_serde::Deserializer<ReadRefReader<'a, [u8]>, Readable<DefaultConfig>>;

impl<'a> Value<'_, 'a> {
    #[inline]
    fn text<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, NoValue> {
        let mut ahead = *self.reader;
        if let Some(Some(bytes)) = ahead.string()
            && let Ok(text) = simdutf8::basic::from_utf8(bytes)
        {
            *self.reader = ahead;
            return visitor.visit_borrowed_str(text);
        }
        Ok(self.other()?.deserialize_str(visitor)?)
    }

    #[inline]
    fn integer<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, NoValue> {
        let mut ahead = *self.reader;
        let Some(integer) = ahead.integer() else {
            return Ok(self.other()?.deserialize_any(visitor)?);
        };
        *self.reader = ahead;
        match u64::try_from(integer) {
            Ok(integer) => visitor.visit_u64(integer),
            Err(_) => visitor.visit_i64(integer),
        }
    }

    /// A list or a map: structs are read from both.
    fn container<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, NoValue> {
        let (mut list, mut map) = (*self.reader, *self.reader);
        let (mut content, is_list) = if let Some(left) = list.array() {
            (Content { reader: list, around: self.around + 1, left }, true)
        } else if let Some(left) = map.map() {
            (Content { reader: map, around: self.around + 1, left }, false)
        } else {
            return Ok(self.other()?.deserialize_seq(visitor)?);
        };
        if self.around >= MAX_DEPTH {
            return Err(NoValue);
        }
        let value = if is_list {
            visitor.visit_seq(&mut content)
        } else {
            visitor.visit_map(&mut content)
        }?;
        if content.left > 0 {
            return Err(NoValue);
        }
        *self.reader = content.reader;
        Ok(value)
    }

    fn other(self) -> Result<Other<'a>, NoValue> {
        let mut ahead = *self.reader;
        let raw = ahead.value(self.around).ok_or(NoValue)?;
        *self.reader = ahead;
        Ok(rmp_serde::Deserializer::from_read_ref(raw).with_human_readable())
    }
}

/// Methods that read all of one kind.
macro_rules! each {
    ($kind:ident: $($method:ident)*) => {
        $(#[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, NoValue> {
            self.$kind(visitor)
        })*
    };
}

/// Methods that only hand on.
macro_rules! other {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, NoValue> {
            Ok(self.other()?.$method(visitor)?)
        })*
    };
}

impl<'a> Deserializer<'a> for Value<'_, 'a> {
    type Error = NoValue;

    each! { text: deserialize_str deserialize_string deserialize_identifier }
    each! {
        integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }
    each! { container: deserialize_seq deserialize_map }

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, NoValue> {
        let mut ahead = *self.reader;
        if let Some(None) = ahead.string() {
            *self.reader = ahead;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    other! {
        deserialize_any deserialize_bool deserialize_i128 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_bytes deserialize_byte_buf deserialize_unit
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, NoValue> {
        // The reader passes over what nobody has looked at.
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        Ok(self.other()?.deserialize_unit_struct(name, visitor)?)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        if name == rmp_serde::MSGPACK_EXT_STRUCT_NAME {
            return Ok(self.other()?.deserialize_newtype_struct(name, visitor)?);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, NoValue> {
        self.container(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        self.container(visitor)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        self.container(visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        Ok(self.other()?.deserialize_enum(name, variants, visitor)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use serde::Deserialize;

    use crate::msgpack::read;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Person<'a> {
        name: &'a str,
        age: Option<u8>,
        #[serde(default)]
        friends: Vec<Self>,
        color: Option<Color>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Color {
        Red,
        Mixed(Vec<Self>),
        Custom { name: String },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename = "_ExtStruct")]
    struct Extension<'a>(#[serde(borrow)] (i8, &'a [u8]));

    #[derive(Debug, PartialEq, Deserialize)]
    struct Unit;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(i64);

    const VALUES: [&[u8]; 28] = [
        b"\xc0",
        b"\xc3",
        b"\x07",
        b"\xff",
        b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xd3\xff\xff\xff\xff\xff\xff\xff\xfe",
        b"\xd1\x00\x05",
        b"\xca\x3f\xc0\0\0",
        b"\xa3Red",
        b"\xa1\xff",
        b"\xc4\x02\x01\x02",
        b"\xd4\x05\xff",
        b"\x90",
        b"\x80",
        b"\x91\x01",
        b"\x92\x01\x02",
        b"\x92\x01\xa3Red",
        b"\x93\x01\xc0\xff",
        b"\x91\xd4\x05\xff",
        b"\x91\xa3Red",
        b"\x81\xa3Red\xc0",
        b"\x81\xa5Mixed\x92\xa3Red\x81\xa6Custom\x81\xa4name\xa1x",
        b"\x81\xa1a\x92\x01\xcc\xff",
        b"\x81\xa1a\xc4\x01\xff",
        b"\x81\x01\xa1b",
        b"\x82\xa4name\xa3Ann\xa7friends\x91\x81\xa4name\xa3Bob",
        b"\x84\xa1x\x91\x80\xa4name\xa3Ann\xa3age\xc0\xa5color\xa3Red",
        b"\x94\xa3Ann\x07\x90\x81\xa6Custom\x81\xa4name\xa1x",
    ];

    fn reads_as_rmp_serde<'a, T: Deserialize<'a> + PartialEq + Debug>() -> usize {
        let read = |raw: &'a [u8]| {
            let theirs = rmp_serde::Deserializer::from_read_ref(raw);
            let theirs = T::deserialize(&mut theirs.with_human_readable()).ok();
            let ours = read::<T>(raw).ok();
            assert_eq!(ours, theirs, "{raw:x?}");
            ours.is_some()
        };
        VALUES.into_iter().filter(|raw| read(raw)).count()
    }

    #[test]
    fn every_value_reads_as_every_type_as_rmp_serde_reads_it() {
        assert!(reads_as_rmp_serde::<serde_json::Value>() > 15);
        assert_eq!(reads_as_rmp_serde::<Person<'_>>(), 3);
        assert!(reads_as_rmp_serde::<Color>() > 2);
        assert!(reads_as_rmp_serde::<Vec<Color>>() > 1);
        assert!(reads_as_rmp_serde::<Vec<Extension<'_>>>() > 1);
        assert_eq!(reads_as_rmp_serde::<Extension<'_>>(), 1);
        assert!(reads_as_rmp_serde::<Vec<Option<i64>>>() > 3);
        assert!(reads_as_rmp_serde::<(i32, String)>() > 0);
        assert!(reads_as_rmp_serde::<(u8, u8)>() > 1);
        assert!(reads_as_rmp_serde::<BTreeMap<String, Vec<u8>>>() > 2);
        assert!(reads_as_rmp_serde::<BTreeMap<u8, &str>>() > 1);
        assert!(reads_as_rmp_serde::<&[u8]>() > 0);
        assert!(reads_as_rmp_serde::<Unit>() > 1);
        assert!(reads_as_rmp_serde::<Wrapped>() > 3);
        assert!(reads_as_rmp_serde::<u64>() > 2);
        assert!(reads_as_rmp_serde::<i128>() > 2);
        assert!(reads_as_rmp_serde::<f32>() > 3);
        assert!(reads_as_rmp_serde::<bool>() > 0);
        assert!(reads_as_rmp_serde::<()>() > 0);
        assert!(reads_as_rmp_serde::<Option<Option<String>>>() > 1);
    }
}
