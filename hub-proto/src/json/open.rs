//! Lists and objects on the way out.

use serde::ser::{self, Error as _, SerializeStruct as _};
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::escape::string;
use super::value::write_value;

/// A list or an object that is not closed yet.
pub(super) struct Open<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    close: &'static str,
}

impl<'a> Open<'a> {
    /// Opens it now; `close` is for the end.
    pub(super) fn new(out: &'a mut Vec<u8>, open: &str, close: &'static str) -> Self {
        out.extend_from_slice(open.as_bytes());
        Self { out, first: true, close }
    }

    /// What stands inside when it is neither a list of elements nor one of members.
    pub(super) fn only<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        write_value(value, self.out)?;
        self.close()
    }

    fn separate(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        write_value(value, self.out)
    }

    fn member<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if name.starts_with(PRIVATE) {
            return serde_json::to_writer(&mut *self.out, &Private { name, value });
        }
        self.separate();
        string(self.out, name);
        self.out.push(b':');
        write_value(value, self.out)
    }

    /// A key must be a string; numbers and booleans are put between quotes.
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        let start = self.out.len();
        write_value(key, self.out)?;
        match self.out.get(start) {
            Some(b'"') => {}
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.out.insert(start, b'"');
                self.out.push(b'"');
            }
            _ => return Err(Error::custom("key must be a string")),
        }
        self.out.push(b':');
        Ok(())
    }

    fn close(self) -> Result<(), Error> {
        self.out.extend_from_slice(self.close.as_bytes());
        Ok(())
    }
}

macro_rules! open {
    ($($trait:ident $method:ident($($name:ident: $type:ty)?) by $by:ident;)*) => {
        $(impl ser::$trait for Open<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $type,)? value: &T) -> Result<(), Error> {
                self.$by($($name,)? value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        })*
    };
}

open! {
    SerializeSeq serialize_element() by element;
    SerializeTuple serialize_element() by element;
    SerializeTupleStruct serialize_field() by element;
    SerializeTupleVariant serialize_field() by element;
    SerializeStruct serialize_field(name: &'static str) by member;
    SerializeStructVariant serialize_field(name: &'static str) by member;
}

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        write_value(value, self.out)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

/// How the names of serde_json's own types begin: `RawValue` and big numbers are structs of one member of that name.
pub(super) const PRIVATE: &str = "$serde_json::private::";

/// Such a type, for serde_json to write.
struct Private<'a, T: ?Sized> {
    name: &'static str,
    value: &'a T,
}

impl<T: Serialize + ?Sized> Serialize for Private<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut one = serializer.serialize_struct(self.name, 1)?;
        one.serialize_field(self.name, self.value)?;
        one.end()
    }
}
