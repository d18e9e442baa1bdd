//! From a raw list of arguments to typed values, one pass.

use serde::Deserialize;

use crate::{BindError, codec, json, msgpack};

/// The arguments of one call, read from left to right.
///
/// An error is final and already tells bad grammar from a wrong shape: the rest of the list has
/// been checked.
#[derive(Clone, Debug)]
pub struct Elements<'a>(In<'a>);

#[derive(Clone, Debug)]
enum In<'a> {
    Json(json::Elements<'a>),
    MessagePack(msgpack::Elements<'a>),
    Custom(codec::Elements<'a>),
}

impl<'a> Elements<'a> {
    pub(crate) const fn json(elements: json::Elements<'a>) -> Self {
        Self(In::Json(elements))
    }

    pub(crate) const fn msgpack(elements: msgpack::Elements<'a>) -> Self {
        Self(In::MessagePack(elements))
    }

    pub(crate) const fn custom(elements: codec::Elements<'a>) -> Self {
        Self(In::Custom(elements))
    }

    /// Reads the next one of `expected` arguments.
    #[inline]
    pub fn next<T: Deserialize<'a>>(&mut self, expected: usize) -> Result<T, BindError> {
        match &mut self.0 {
            In::Json(elements) => elements.next(expected),
            In::MessagePack(elements) => elements.next(expected),
            In::Custom(elements) => elements.next(expected),
        }
    }

    /// Ends the list: more than the `expected` arguments is an error.
    #[inline(always)]
    pub fn finish(self, expected: usize) -> Result<(), BindError> {
        match self.0 {
            In::Json(elements) => elements.finish(expected),
            In::MessagePack(elements) => elements.finish(expected),
            In::Custom(elements) => elements.finish(expected),
        }
    }
}

/// Types that a list of arguments can be bound to: tuples of up to twelve values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of arguments",
    label = "wrap it in a tuple: `(T,)` is one argument, `()` none",
    note = "arguments are a tuple of up to 12 values that implement `Deserialize`"
)]
pub trait FromArguments<'a>: Sized {
    /// How many arguments it takes.
    const COUNT: usize;

    /// Reads them.
    fn from_elements(elements: &mut Elements<'a>) -> Result<Self, BindError>;
}

macro_rules! from_arguments {
    ($($name:ident)*) => {
        impl<'a, $($name: Deserialize<'a>),*> FromArguments<'a> for ($($name,)*) {
            const COUNT: usize = 0 $(+ { stringify!($name); 1 })*;

            #[allow(unused_variables, clippy::unused_unit, reason = "one macro for every length")]
            fn from_elements(elements: &mut Elements<'a>) -> Result<Self, BindError> {
                Ok(($(elements.next::<$name>(Self::COUNT)?,)*))
            }
        }
    };
}

from_arguments!();
from_arguments!(A);
from_arguments!(A B);
from_arguments!(A B C);
from_arguments!(A B C D);
from_arguments!(A B C D E);
from_arguments!(A B C D E F);
from_arguments!(A B C D E F G);
from_arguments!(A B C D E F G H);
from_arguments!(A B C D E F G H I);
from_arguments!(A B C D E F G H I J);
from_arguments!(A B C D E F G H I J K);
from_arguments!(A B C D E F G H I J K L);
