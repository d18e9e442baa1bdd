//! The names of properties: those of a struct's fields, in the case that the other side is used to.

mod convention;
mod encoding;
mod fields;
mod read;
mod write;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::form::FORM;
use read::Reading;

pub use convention::Names;
pub use encoding::DOT_NET;
pub(crate) use fields::Given;
pub(crate) use write::Writing;

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident: $text:ident, $binary:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name<T>(pub T);

            impl<T: Serialize> Serialize for $name<T> {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let named = Named { value: &self.0, text: Names::$text, binary: Names::$binary };
                    named.serialize(serializer)
                }
            }

            impl<'de, T: Deserialize<'de>> Deserialize<'de> for $name<T> {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    T::deserialize(Reading::new(deserializer)).map(Self)
                }
            }
        )*
    };
}

named! {
    /// A value whose properties are named as ASP.NET Core names them by default: `firstName` in JSON,
    /// `FirstName` in MessagePack, for a field `first_name`.
    ///
    /// For one call or one type; `#[serde(rename_all = "camelCase")]` gives the same names in both
    /// encodings, and costs nothing.
    ///
    /// Written so are the fields of structs, however deep inside: not the keys of maps, not variants
    /// of enums and their fields, not what `#[serde(flatten)]` makes a map of, and no name that begins
    /// with `$`. A name is read whatever its case and with or without `_`, in both encodings (ASP.NET
    /// Core does not look at the case in JSON, and does in MessagePack); but not in what serde
    /// reads twice: flattened fields, untagged and internally tagged enums.
    ///
    /// ```
    /// use hub_proto::values::DotNet;
    /// use hub_proto::{Encoding, Payload};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, PartialEq, Serialize, Deserialize)]
    /// struct Person {
    ///     first_name: String,
    /// }
    ///
    /// let ann = || DotNet(Person { first_name: "Ann".to_owned() });
    /// let mut out = Vec::new();
    /// Encoding::Json.write(&ann(), &mut out)?;
    /// assert_eq!(out, br#"{"firstName":"Ann"}"#);
    /// out.clear();
    /// Encoding::MessagePack.write(&ann(), &mut out)?;
    /// assert_eq!(out, b"\x81\xa9FirstName\xa3Ann");
    ///
    /// let read = Payload::new(Encoding::Json, br#"{"FIRSTNAME":"Ann"}"#).read();
    /// assert_eq!(read, Ok(ann()));
    /// # Ok::<(), hub_proto::EncodeError>(())
    /// ```
    DotNet: CamelCase, PascalCase;
    /// A value whose properties are named `firstName` in both encodings, and read whatever their
    /// case; see [`DotNet`] for which names that are.
    CamelCase: CamelCase, CamelCase;
    /// A value whose properties are named `FirstName` in both encodings, and read whatever their
    /// case; see [`DotNet`] for which names that are.
    PascalCase: PascalCase, PascalCase;
}

/// A value and the names for a text encoding and for a binary one.
struct Named<'a, T> {
    value: &'a T,
    text: Names,
    binary: Names,
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(FORM, &Bare(self))
    }
}

/// A named value where its serializer tells whether it is one of text.
struct Bare<'a, T>(&'a Named<'a, T>);

impl<T: Serialize> Serialize for Bare<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Named { value, text, binary } = self.0;
        let names = if serializer.is_human_readable() { text } else { binary };
        value.serialize(Writing::new(serializer, *names))
    }
}

#[cfg(test)]
mod tests;
