//! Characters.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use serde::{Serialize, Serializer};

use super::ValueError;
use super::form::either;

/// A character of 16 bits, as .NET's `char`: a text of one in JSON, a number in MessagePack. Either is
/// read in both.
///
/// A Rust `char` is a text of one in both, which .NET does not read as its `char` in MessagePack.
/// Characters behind U+FFFF do not fit, nor do the halves of a pair that .NET could send alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Char(u16);

impl TryFrom<char> for Char {
    type Error = ValueError;

    fn try_from(character: char) -> Result<Self, ValueError> {
        u16::try_from(u32::from(character)).map(Self).map_err(|_| ValueError::Range("Char"))
    }
}

impl From<Char> for char {
    fn from(character: Char) -> Self {
        // No half of a pair is ever inside.
        Self::from_u32(character.0.into()).unwrap_or(Self::REPLACEMENT_CHARACTER)
    }
}

impl fmt::Display for Char {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&char::from(*self), f)
    }
}

impl Serialize for Char {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        either(serializer, char::from(*self), self.0)
    }
}

impl<'de> Deserialize<'de> for Char {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Char;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one character of 16 bits")
    }

    fn visit_u64<E: de::Error>(self, unit: u64) -> Result<Char, E> {
        u32::try_from(unit)
            .ok()
            .and_then(char::from_u32)
            .and_then(|character| Char::try_from(character).ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(unit), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Char, E> {
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) => Char::try_from(one).map_err(E::custom),
            _ => Err(E::custom(ValueError::Text("Char"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{read_json, read_packed};
    use super::*;
    use crate::BindError;

    #[test]
    fn one_character_of_16_bits_fits() {
        let letter = Char::try_from('ß').expect("16 bits");
        assert_eq!(char::from(letter), 'ß');
        assert_eq!(read_json("\"ß\""), Ok(letter));
        assert_eq!(read_packed(b"\xa2\xc3\x9f"), Ok(letter), "a text");
        assert_eq!(read_packed(b"\xcc\xdf"), Ok(letter));
        for text in ["\"\"", "\"ab\"", "\"👋\"", "-1", "1.0", "65536", "55296", "null"] {
            assert_eq!(read_json::<Char>(text), Err(BindError::Shape), "{text}");
        }
    }
}
