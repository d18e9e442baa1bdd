//! Enums that have numbers.

use std::fmt;

use serde::Serializer;
use serde::de::{self, Deserializer, Visitor};

use super::ValueError;
use super::form::either;

/// Lets an enum without fields serialize as .NET's do: its number in JSON, the name of its member in
/// MessagePack. Either is read in both; a number or a name that is no member has the wrong shape.
///
/// The numbers are those of the enum itself. `#[derive(Serialize, Deserialize)]` writes names in both
/// encodings, as .NET does with a `JsonStringEnumConverter`.
///
/// ```
/// use hub_proto::Encoding;
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Color {
///     Red = 1,
///     Green = 4,
/// }
/// hub_proto::dotnet_enum!(Color { Red, Green });
///
/// let mut out = Vec::new();
/// Encoding::Json.write(&Color::Green, &mut out)?;
/// assert_eq!(out, b"4");
/// out.clear();
/// Encoding::MessagePack.write(&Color::Green, &mut out)?;
/// assert_eq!(out, b"\xa5Green");
/// # Ok::<(), hub_proto::EncodeError>(())
/// ```
#[macro_export]
macro_rules! dotnet_enum {
    ($name:ident { $($member:ident),+ $(,)? }) => {
        impl $crate::values::serde::Serialize for $name {
            fn serialize<S: $crate::values::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                let (name, number) = match self {
                    $(Self::$member => (::core::stringify!($member), Self::$member as i64),)+
                };
                $crate::values::write_member(serializer, name, number)
            }
        }

        impl<'de> $crate::values::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::values::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::values::read_member(deserializer, &[
                    $((::core::stringify!($member), Self::$member as i64, || Self::$member),)+
                ])
            }
        }
    };
}

/// Writes a member of an enum; what [`dotnet_enum!`](crate::dotnet_enum) expands to.
#[doc(hidden)]
pub fn write_member<S: Serializer>(
    serializer: S,
    name: &'static str,
    number: i64,
) -> Result<S::Ok, S::Error> {
    either(serializer, number, name)
}

/// A member: its name, its number, and the value.
type Member<T> = (&'static str, i64, fn() -> T);

/// Reads a member of an enum; what [`dotnet_enum!`](crate::dotnet_enum) expands to.
#[doc(hidden)]
pub fn read_member<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    members: &[Member<T>],
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Reader(members))
}

struct Reader<'a, T>(&'a [Member<T>]);

impl<T> Reader<'_, T> {
    fn find<E: de::Error>(&self, is: impl Fn(&Member<T>) -> bool) -> Result<T, E> {
        let member = self.0.iter().find(|member| is(member));
        member.map(|(.., value)| value()).ok_or_else(|| E::custom(ValueError::Range("the enum")))
    }
}

impl<T> Visitor<'_> for Reader<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number or the name of a member")
    }

    fn visit_i64<E: de::Error>(self, wanted: i64) -> Result<T, E> {
        self.find(|(_, number, _)| *number == wanted)
    }

    fn visit_u64<E: de::Error>(self, wanted: u64) -> Result<T, E> {
        self.find(|(_, number, _)| u64::try_from(*number) == Ok(wanted))
    }

    fn visit_str<E: de::Error>(self, wanted: &str) -> Result<T, E> {
        self.find(|(name, ..)| *name == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{json, packed, read_json, read_packed};
    use crate::BindError;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Level {
        Low = -1,
        High = 300,
    }
    dotnet_enum!(Level { Low, High });

    #[test]
    fn members_are_numbers_in_json_and_names_in_messagepack_and_read_as_either() {
        assert_eq!(json(&[Level::Low, Level::High]), "[-1,300]");
        assert_eq!(packed(&[Level::Low, Level::High]), b"\x92\xa3Low\xa4High");
        assert_eq!(read_json("[-1,300,\"Low\"]"), Ok(vec![Level::Low, Level::High, Level::Low]));
        assert_eq!(read_packed(b"\x92\xff\xa4High"), Ok(vec![Level::Low, Level::High]));
    }

    #[test]
    fn what_is_no_member_has_the_wrong_shape() {
        for text in ["0", "\"low\"", "\"\"", "-1.0", "18446744073709551615", "null", "{}"] {
            assert_eq!(read_json::<Level>(text), Err(BindError::Shape), "{text}");
        }
    }
}
