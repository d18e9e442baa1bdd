//! One raw value, read into whatever its reader asks for.

use std::error::Error;
use std::fmt;

use rmp_serde::config::{DefaultConfig, HumanReadableConfig};
use rmp_serde::decode::ReadRefReader;
use serde::Deserializer;
use serde::de::{self, Visitor};

use super::reader::Reader;

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

/// The value at the front of a reader, inside so many containers.
///
/// Texts are what most arguments are, and need no state: they are read at once. All else is rmp-serde's, once it is known
/// to be well-formed and of bounded depth: rmp-serde alone would recurse without a limit into an enum.
///
/// The reader is then behind the value, or where it was if the value is not well-formed.
#[derive(Debug)]
pub(super) struct Value<'r, 'a> {
    reader: &'r mut Reader<'a>,
    around: usize,
}

type Readable<C> = HumanReadableConfig<C>;
type Other<'a> = rmp_serde::Deserializer<ReadRefReader<'a, [u8]>, Readable<DefaultConfig>>;

impl<'r, 'a> Value<'r, 'a> {
    #[inline]
    pub(super) const fn new(reader: &'r mut Reader<'a>, around: usize) -> Self {
        Self { reader, around }
    }

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

    fn other(self) -> Result<Other<'a>, NoValue> {
        let mut ahead = *self.reader;
        let raw = ahead.value(self.around).ok_or(NoValue)?;
        *self.reader = ahead;
        Ok(rmp_serde::Deserializer::from_read_ref(raw).with_human_readable())
    }
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

    #[inline]
    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, NoValue> {
        self.text(visitor)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, NoValue> {
        self.text(visitor)
    }

    other! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_unit deserialize_seq deserialize_map deserialize_identifier deserialize_ignored_any
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
        Ok(self.other()?.deserialize_newtype_struct(name, visitor)?)
    }

    fn deserialize_tuple<V: Visitor<'a>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        Ok(self.other()?.deserialize_tuple(length, visitor)?)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        Ok(self.other()?.deserialize_tuple_struct(name, length, visitor)?)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        Ok(self.other()?.deserialize_struct(name, fields, visitor)?)
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
