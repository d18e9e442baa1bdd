//! A serializer that names fields by a convention.

use std::fmt::Display;

use serde::ser::{self, Serialize, SerializeMap, Serializer};

use super::fields::Convention;
use crate::values::FORM;

/// Passes everything on to `inner`, with other names for the fields of structs.
///
/// It calls itself human-readable whatever `inner` is; only behind [`FORM`] is `inner` itself seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing<S, C> {
    pub(super) inner: S,
    pub(super) names: C,
}

impl<S, C: Convention> Writing<S, C> {
    #[inline]
    pub(crate) const fn new(inner: S, names: C) -> Self {
        Self { inner, names }
    }
}

/// What is inside of something, to be written in the same way.
struct Inside<'a, T: ?Sized, C> {
    value: &'a T,
    names: C,
}

impl<T: Serialize + ?Sized, C: Convention> Serialize for Inside<'_, T, C> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Writing::new(serializer, self.names))
    }
}

macro_rules! scalars {
    ($($method:ident $type:ty;)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
                self.inner.$method(value)
            }
        )*
    };
}

impl<S: Serializer, C: Convention> Serializer for Writing<S, C> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Writing<S::SerializeSeq, C>;
    type SerializeTuple = Writing<S::SerializeTuple, C>;
    type SerializeTupleStruct = Writing<S::SerializeTupleStruct, C>;
    type SerializeTupleVariant = Writing<S::SerializeTupleVariant, C>;
    type SerializeMap = Writing<S::SerializeMap, C>;
    type SerializeStruct = C::Fields<S>;
    type SerializeStructVariant = Writing<S::SerializeStructVariant, C>;

    scalars! {
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
        serialize_str &str;
        serialize_bytes &[u8];
        serialize_unit_struct &'static str;
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        true
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Inside { value, names: self.names })
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        if name == FORM {
            return value.serialize(self.inner);
        }
        self.inner.serialize_newtype_struct(name, &Inside { value, names: self.names })
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = Inside { value, names: self.names };
        self.inner.serialize_newtype_variant(name, index, variant, &value)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        Ok(Writing::new(self.inner.serialize_seq(length)?, self.names))
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        Ok(Writing::new(self.inner.serialize_tuple(length)?, self.names))
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        Ok(Writing::new(self.inner.serialize_tuple_struct(name, length)?, self.names))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let open = self.inner.serialize_tuple_variant(name, index, variant, length)?;
        Ok(Writing::new(open, self.names))
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        Ok(Writing::new(self.inner.serialize_map(length)?, self.names))
    }

    #[inline]
    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.names.open(self.inner, name, length)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let open = self.inner.serialize_struct_variant(name, index, variant, length)?;
        Ok(Writing::new(open, self.names))
    }

    #[inline]
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }
}

macro_rules! open {
    ($($trait:ident $method:ident $($name:ident)?;)*) => {
        $(impl<S: ser::$trait, C: Convention> ser::$trait for Writing<S, C> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), S::Error> {
                self.inner.$method($($name,)? &Inside { value, names: self.names })
            }

            #[inline]
            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        })*
    };
}

open! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
    SerializeStruct serialize_field name;
    SerializeStructVariant serialize_field name;
}

impl<S: SerializeMap, C: Convention> SerializeMap for Writing<S, C> {
    type Ok = S::Ok;
    type Error = S::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_key(&Inside { value, names: self.names })
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_value(&Inside { value, names: self.names })
    }

    #[inline]
    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}
