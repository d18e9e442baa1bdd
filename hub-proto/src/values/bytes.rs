//! Byte arrays.

use std::fmt;
use std::ops::Deref;

use base64::Engine;
use base64::alphabet;
use base64::display::Base64Display;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::ValueError;
use super::form::{Bytes, Text, either};

/// Bytes, as .NET's `byte[]` and JavaScript's `Uint8Array`: a base64 text in JSON, `bin` in MessagePack.
///
/// Read from either, and from a list of numbers. A text is base64 in both encodings; the reader of
/// .NET takes the bytes of a MessagePack text as they are, but no known peer sends one.
///
/// ```
/// use hub_proto::Encoding;
/// use hub_proto::values::ByteArray;
///
/// let mut out = Vec::new();
/// Encoding::Json.write(&ByteArray(vec![1, 2, 255]), &mut out)?;
/// assert_eq!(out, b"\"AQL/\"");
/// # Ok::<(), hub_proto::EncodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteArray(pub Vec<u8>);

/// The alphabet with `+` and `/`, padded. .NET does not look at the bits that stand for nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

impl Deref for ByteArray {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for ByteArray {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<ByteArray> for Vec<u8> {
    fn from(bytes: ByteArray) -> Self {
        bytes.0
    }
}

impl Serialize for ByteArray {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        either(serializer, Text(Base64Display::new(&self.0, &BASE64)), Bytes(&self.0))
    }
}

impl<'de> Deserialize<'de> for ByteArray {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = ByteArray;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes or base64")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<ByteArray, E> {
        Ok(ByteArray(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<ByteArray, E> {
        Ok(ByteArray(bytes))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteArray, E> {
        let bytes = BASE64.decode(text).map_err(|_| E::custom(ValueError::Text("base64")))?;
        Ok(ByteArray(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<ByteArray, A::Error> {
        // No room is made for what a peer only declares.
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(ByteArray(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{read_json, read_packed};
    use super::*;
    use crate::BindError;

    #[test]
    fn base64_is_padded_and_of_the_standard_alphabet() {
        let bytes = |bytes: &[u8]| Ok(ByteArray(bytes.to_vec()));
        assert_eq!(read_json(r#""""#), bytes(b""));
        assert_eq!(read_json(r#""+/8=""#), bytes(b"\xfb\xff"));
        assert_eq!(read_json(r#""AR==""#), bytes(b"\x01"), "bits that stand for nothing");
        for text in [r#""AQ""#, r#""-_8=""#, r#""A Q==""#, "1", "{}", "null"] {
            assert_eq!(read_json::<ByteArray>(text), Err(BindError::Shape), "{text}");
        }
    }

    #[test]
    fn lists_of_numbers_and_base64_are_bytes_in_messagepack_too() {
        let bytes = Ok(ByteArray(vec![1, 255]));
        assert_eq!(read_packed(b"\x92\x01\xcc\xff"), bytes);
        assert_eq!(read_packed(b"\xa4Af8="), bytes);
        assert_eq!(read_json("[1,255]"), bytes);
        assert_eq!(read_json::<ByteArray>("[256]"), Err(BindError::Shape));
    }
}
