//! Identifiers.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::ValueError;

/// 16 bytes with a name, as .NET's `Guid`: a text of 36 characters in both encodings.
///
/// The bytes are in the order of the text, as in RFC 9562; `Guid.ToByteArray` of .NET has the first
/// three groups the other way round. Any letter case is read, lower case is written. Types of other
/// crates that serialize as that text do as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Guid {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        parse(text.as_bytes()).ok_or(ValueError::Text("Guid"))
    }
}

fn parse(mut text: &[u8]) -> Option<Guid> {
    let mut bytes = [0; 16];
    for (index, byte) in bytes.iter_mut().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text = text.strip_prefix(b"-")?;
        }
        let ([high, low], rest) = text.split_first_chunk()?;
        *byte = digit(*high)? << 4 | digit(*low)?;
        text = rest;
    }
    text.is_empty().then_some(Guid(bytes))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Reader)
    }
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Guid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text of 36 characters")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Guid, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{json, read_json};
    use super::*;
    use crate::BindError;

    #[test]
    fn the_text_has_the_bytes_in_their_order() {
        let guid = Guid(std::array::from_fn(|index| index as u8 * 0x11));
        assert_eq!(json(&guid), "\"00112233-4455-6677-8899-aabbccddeeff\"");
        assert_eq!(read_json("\"00112233-4455-6677-8899-AABBCCDDEEFF\""), Ok(guid));
    }

    #[test]
    fn other_texts_are_no_guids() {
        for text in [
            "",
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233-4455-6677-8899-aabbccddeeff0",
            "00112233445566778899aabbccddeeff",
            "0011223-34455-6677-8899-aabbccddeeff",
            "{0112233-4455-6677-8899-aabbccddeeff",
            "+0112233-4455-6677-8899-aabbccddeeff",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(ValueError::Text("Guid")), "{text}");
        }
        assert_eq!(read_json::<Guid>("[1]"), Err(BindError::Shape));
    }
}
