//! Values that stay raw until somebody knows their types.

use serde::{Deserialize, Serialize};

use crate::bind::{Elements, FromArguments};
use crate::{BindError, EncodeError, Encoding, codec, json, msgpack};

/// A raw value inside a message: an item, a result, or a list of arguments.
///
/// Neither its grammar nor that it is text has been checked yet. Whoever holds one either [binds](Self::bind) it or
/// [checks](Self::check) it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    encoding: Encoding,
    raw: &'a [u8],
}

impl<'a> Payload<'a> {
    /// A raw value in `encoding`, without framing.
    pub const fn new(encoding: Encoding, raw: &'a [u8]) -> Self {
        Self { encoding, raw }
    }

    /// How it is written.
    pub const fn encoding(self) -> Encoding {
        self.encoding
    }

    /// The bytes as they came.
    pub const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// Reads a list of arguments as a tuple: `(A,)` is one argument, `()` none.
    pub fn bind<T: FromArguments<'a>>(self) -> Result<T, BindError> {
        // Each encoding for itself, so that the compiler sees which one it is.
        match self.encoding {
            Encoding::Json => bind(Elements::json(json::Elements::new(self.raw)?)),
            Encoding::MessagePack => bind(Elements::msgpack(msgpack::Elements::new(self.raw)?)),
            Encoding::Custom(_) => bind(self.elements()?),
        }
    }

    /// Reads a list of arguments one by one.
    pub fn elements(self) -> Result<Elements<'a>, BindError> {
        match self.encoding {
            Encoding::Json => json::Elements::new(self.raw).map(Elements::json),
            Encoding::MessagePack => msgpack::Elements::new(self.raw).map(Elements::msgpack),
            Encoding::Custom(codec) => codec::Elements::new(codec, self.raw).map(Elements::custom),
        }
    }

    /// Reads one value: an item or a result.
    pub fn read<T: Deserialize<'a>>(self) -> Result<T, BindError> {
        match self.encoding {
            Encoding::Json => json::read(self.raw),
            Encoding::MessagePack => msgpack::read(self.raw),
            Encoding::Custom(codec) => codec::read(codec, self.raw),
        }
    }

    /// Checks the grammar of a payload that nobody reads.
    pub fn check(self) -> Result<(), BindError> {
        match self.encoding {
            Encoding::Json => json::check(self.raw),
            Encoding::MessagePack => msgpack::check(self.raw),
            Encoding::Custom(codec) => codec.check(self.raw),
        }
    }
}

#[inline(always)]
fn bind<'a, T: FromArguments<'a>>(mut elements: Elements<'a>) -> Result<T, BindError> {
    let bound = T::from_elements(&mut elements)?;
    elements.finish(T::COUNT)?;
    Ok(bound)
}

/// What a method is called with: a tuple of up to twelve values, `()` for none.
///
/// A bare list is no list of arguments: `(list,)` sends it as one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of arguments",
    label = "wrap it in a tuple: `(value,)` is one argument, `()` none",
    note = "arguments are a tuple of up to 12 values that implement `Serialize`"
)]
pub trait Arguments: sealed::Sealed {
    /// Appends the list in `encoding`.
    fn write(&self, encoding: Encoding, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

mod sealed {
    /// Only tuples are lists of arguments.
    pub trait Sealed {}
}

macro_rules! arguments {
    ($($name:ident)*) => {
        impl<$($name: Serialize),*> sealed::Sealed for ($($name,)*) {}

        impl<$($name: Serialize),*> Arguments for ($($name,)*) {
            #[allow(non_snake_case, unused_mut, unused_variables, reason = "one macro for every length")]
            fn write(&self, encoding: Encoding, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                let ($($name,)*) = self;
                match encoding {
                    Encoding::Json => {
                        let mut before = b'[';
                        $(
                            out.push(before);
                            before = b',';
                            encoding.write($name, out)?;
                        )*
                        if before == b'[' {
                            out.push(before);
                        }
                        out.push(b']');
                    }
                    Encoding::MessagePack => {
                        const COUNT: usize = 0 $(+ { stringify!($name); 1 })*;
                        msgpack::write_list(COUNT, out);
                        $(msgpack::write_value($name, out)?;)*
                    }
                    Encoding::Custom(codec) => {
                        let list: &[&dyn erased_serde::Serialize] = &[$($name),*];
                        codec.write(&list, out)?;
                    }
                }
                Ok(())
            }
        }
    };
}

arguments!();
arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);
arguments!(A B C D E);
arguments!(A B C D E F);
arguments!(A B C D E F G);
arguments!(A B C D E F G H);
arguments!(A B C D E F G H I);
arguments!(A B C D E F G H I J);
arguments!(A B C D E F G H I J K);
arguments!(A B C D E F G H I J K L);

#[cfg(test)]
mod tests {
    use super::*;

    fn written(encoding: Encoding, arguments: &dyn Arguments) -> Vec<u8> {
        let mut out = Vec::new();
        arguments.write(encoding, &mut out).expect("serializable");
        out
    }

    fn json(arguments: &dyn Arguments) -> String {
        String::from_utf8(written(Encoding::Json, arguments)).expect("UTF-8")
    }

    fn msgpack(arguments: &dyn Arguments) -> Vec<u8> {
        written(Encoding::MessagePack, arguments)
    }

    #[test]
    fn a_tuple_is_a_list_and_a_list_in_it_is_one_argument() {
        assert_eq!(json(&()), "[]");
        assert_eq!(json(&(1,)), "[1]");
        assert_eq!(json(&(vec![1, 2],)), "[[1,2]]");
        assert_eq!(json(&("a", None::<u8>, 1.5)), r#"["a",null,1.5]"#);
        assert_eq!(msgpack(&()), b"\x90");
        assert_eq!(msgpack(&(1,)), b"\x91\x01");
        assert_eq!(msgpack(&(vec![1, 2],)), b"\x91\x92\x01\x02");
        assert_eq!(msgpack(&("a", None::<u8>, true)), b"\x93\xa1a\xc0\xc3");
    }
}
