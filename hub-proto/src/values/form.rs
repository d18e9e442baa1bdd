//! One value, two forms: a text where the encoding is text, something smaller where it is binary.

use std::fmt::Display;

use serde::{Serialize, Serializer};

/// The name of the newtype around every value with two forms.
///
/// MessagePack calls itself human-readable, because .NET writes most values there as text. Only
/// behind this name it does not, so that its serializer can be told from that of JSON.
pub(crate) const FORM: &str = "$hub_proto::form";

/// Writes `text` in a human-readable encoding and `binary` in any other.
pub(super) fn either<S: Serializer>(
    serializer: S,
    text: impl Serialize,
    binary: impl Serialize,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(FORM, &Forms { text, binary })
}

struct Forms<T, B> {
    text: T,
    binary: B,
}

impl<T: Serialize, B: Serialize> Serialize for Forms<T, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.text.serialize(serializer)
        } else {
            self.binary.serialize(serializer)
        }
    }
}

/// What a `Display` prints, as a string.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Some bytes, as bytes.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// What is wrong with a value that one of these types cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A text of another form; the name of the type that was asked for.
    #[error("the text is no {0}")]
    Text(&'static str),
    /// A value that .NET's type of that name cannot hold.
    #[error("the value is out of the range of {0}")]
    Range(&'static str),
}
