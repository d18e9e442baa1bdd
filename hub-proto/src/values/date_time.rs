//! Points in time.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::ValueError;
use super::calendar::{self, SECONDS, Wall};
use super::form::{Bytes, Text, either};

/// A point in time in UTC, as .NET's `DateTime` and JavaScript's `Date`, to the nanosecond, in the
/// years 1 to 9999: ISO 8601 in JSON, the timestamp extension (type -1) in MessagePack.
///
/// .NET keeps steps of 100 ns and JavaScript milliseconds: what is finer is lost there. A text with
/// an offset from UTC is converted; one without is taken as UTC.
///
/// ```
/// use hub_proto::values::DateTime;
///
/// let time: DateTime = "2016-10-27T16:25:00.5+02:00".parse()?;
/// assert_eq!((time.unix_seconds(), time.nanoseconds()), (1_477_578_300, 500_000_000));
/// assert_eq!(time.to_string(), "2016-10-27T14:25:00.5Z");
/// # Ok::<(), hub_proto::values::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    seconds: i64,
    nanos: u32,
}

const OUT_OF_RANGE: ValueError = ValueError::Range("DateTime");

impl DateTime {
    /// 1970-01-01 in UTC.
    pub const UNIX_EPOCH: Self = Self { seconds: 0, nanos: 0 };

    /// Seconds since 1970-01-01 in UTC, negative before, and nanoseconds behind them.
    ///
    /// # Errors
    /// A year before 1 or after 9999, and more than 999 999 999 ns.
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Result<Self, ValueError> {
        if SECONDS.contains(&seconds) && nanoseconds < 1_000_000_000 {
            Ok(Self { seconds, nanos: nanoseconds })
        } else {
            Err(OUT_OF_RANGE)
        }
    }

    /// Milliseconds since 1970-01-01 in UTC: JavaScript's `Date.getTime()`.
    ///
    /// # Errors
    /// A year before 1 or after 9999.
    pub fn from_unix_milliseconds(milliseconds: i64) -> Result<Self, ValueError> {
        let nanos = milliseconds.rem_euclid(1000) as u32 * 1_000_000;
        Self::from_unix(milliseconds.div_euclid(1000), nanos)
    }

    /// Whole seconds since 1970-01-01 in UTC, rounded towards the past.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds behind the whole second.
    pub const fn nanoseconds(self) -> u32 {
        self.nanos
    }

    /// Milliseconds since 1970-01-01 in UTC, rounded towards the past.
    pub const fn unix_milliseconds(self) -> i64 {
        self.seconds * 1000 + (self.nanos / 1_000_000) as i64
    }

    pub(super) const fn wall(self) -> Wall {
        Wall { seconds: self.seconds, nanos: self.nanos }
    }

    /// The bytes of the timestamp extension, in the shortest of its three forms.
    fn with_timestamp<T>(self, take: impl FnOnce(&[u8]) -> T) -> T {
        let Self { seconds, nanos } = self;
        match (u32::try_from(seconds), u64::try_from(seconds)) {
            (Ok(seconds), _) if nanos == 0 => take(&seconds.to_be_bytes()),
            (_, Ok(seconds)) if seconds < 1 << 34 => {
                take(&(u64::from(nanos) << 34 | seconds).to_be_bytes())
            }
            _ => {
                let [a, b, c, d] = nanos.to_be_bytes();
                let [e, f, g, h, i, j, k, l] = seconds.to_be_bytes();
                take(&[a, b, c, d, e, f, g, h, i, j, k, l])
            }
        }
    }

    fn from_timestamp(bytes: &[u8]) -> Option<Self> {
        let (seconds, nanos) = match bytes.len() {
            4 => (u32::from_be_bytes(bytes.try_into().ok()?).into(), 0),
            8 => {
                let both = u64::from_be_bytes(bytes.try_into().ok()?);
                ((both & ((1 << 34) - 1)) as i64, (both >> 34) as u32)
            }
            12 => {
                let (nanos, seconds) = bytes.split_first_chunk()?;
                (i64::from_be_bytes(seconds.try_into().ok()?), u32::from_be_bytes(*nanos))
            }
            _ => return None,
        };
        Self::from_unix(seconds, nanos).ok()
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.wall())
    }
}

impl FromStr for DateTime {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (wall, offset) = calendar::parse(text).ok_or(ValueError::Text("DateTime"))?;
        Self::from_unix(wall.seconds - i64::from(offset.unwrap_or(0)) * 60, wall.nanos)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        either(serializer, Text(self), Timestamp(*self))
    }
}

/// The extension value, as [`rmp_serde`] wants it.
struct Timestamp(DateTime);

/// The type of the timestamp extension in the specification of MessagePack.
const TYPE: i8 = -1;

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.with_timestamp(|bytes| {
            serializer
                .serialize_newtype_struct(rmp_serde::MSGPACK_EXT_STRUCT_NAME, &(TYPE, Bytes(bytes)))
        })
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Reads a text, or an extension value: a newtype around a type and bytes.
pub(super) struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = DateTime;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timestamp or a text of ISO 8601")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<DateTime, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<DateTime, D::Error> {
        inner.deserialize_any(Extension)
    }
}

struct Extension;

impl<'de> Visitor<'de> for Extension {
    type Value = DateTime;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timestamp")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<DateTime, A::Error> {
        let time = match (parts.next_element()?, parts.next_element_seed(Data)?) {
            (Some(TYPE), Some(time)) => time,
            _ => None,
        };
        time.ok_or_else(|| de::Error::custom(ValueError::Range("DateTime")))
    }
}

/// The bytes of the extension.
struct Data;

impl<'de> de::DeserializeSeed<'de> for Data {
    type Value = Option<DateTime>;

    fn deserialize<D: Deserializer<'de>>(self, bytes: D) -> Result<Self::Value, D::Error> {
        bytes.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Data {
    type Value = Option<DateTime>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("4, 8 or 12 bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(DateTime::from_timestamp(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{packed, read_json, read_packed};
    use super::*;
    use crate::BindError;

    fn at(seconds: i64, nanos: u32) -> DateTime {
        DateTime::from_unix(seconds, nanos).expect("in range")
    }

    #[test]
    fn timestamps_take_4_8_or_12_bytes() {
        let cases: [(i64, u32, &[u8]); 8] = [
            (0, 0, b"\xd6\xff\0\0\0\0"),
            (1_477_578_300, 0, b"\xd6\xff\x58\x12\x0e\x3c"),
            (u32::MAX.into(), 0, b"\xd6\xff\xff\xff\xff\xff"),
            (1 << 32, 0, b"\xd7\xff\0\0\0\x01\0\0\0\0"),
            (0, 1, b"\xd7\xff\0\0\0\x04\0\0\0\0"),
            ((1 << 34) - 1, 999_999_999, b"\xd7\xff\xee\x6b\x27\xff\xff\xff\xff\xff"),
            (1 << 34, 0, b"\xc7\x0c\xff\0\0\0\0\0\0\0\x04\0\0\0\0"),
            (-1, 999_999_999, b"\xc7\x0c\xff\x3b\x9a\xc9\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        ];
        for (seconds, nanos, bytes) in cases {
            assert_eq!(packed(&at(seconds, nanos)), bytes);
            assert_eq!(read_packed(bytes), Ok(at(seconds, nanos)));
        }
    }

    #[test]
    fn longer_forms_than_needed_are_read() {
        assert_eq!(read_packed(b"\xd7\xff\0\0\0\0\0\0\0\x01"), Ok(at(1, 0)));
        assert_eq!(read_packed(b"\xc7\x0c\xff\0\0\0\0\0\0\0\0\0\0\0\x01"), Ok(at(1, 0)));
        assert_eq!(read_packed(b"\xc7\x04\xff\0\0\0\x01"), Ok(at(1, 0)));
        assert_eq!(read_packed(b"\xb41970-01-01T00:00:01Z"), Ok(at(1, 0)), "a text");
    }

    #[test]
    fn other_extensions_and_impossible_times_have_the_wrong_shape() {
        let wrong: [&[u8]; 8] = [
            b"\xd6\x01\0\0\0\0",
            b"\xd5\xff\0\0",
            b"\xc7\x00\xff",
            b"\xd7\xff\xff\xff\xff\xfc\0\0\0\0",
            b"\xc7\x0c\xff\0\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"\xc7\x0c\xff\x3b\x9a\xca\0\0\0\0\0\0\0\0\0",
            b"\x92\xff\xc4\x04\0\0\0\0",
            b"\x01",
        ];
        for bytes in wrong {
            assert_eq!(read_packed::<DateTime>(bytes), Err(BindError::Shape), "{bytes:x?}");
        }
        for text in ["\"\"", "1477578300", "\"0001-01-01T00:00:00+00:01\"", "[]", "null"] {
            assert_eq!(read_json::<DateTime>(text), Err(BindError::Shape), "{text}");
        }
    }

    #[test]
    fn milliseconds_are_those_of_javascript() {
        let time = DateTime::from_unix_milliseconds(-1).expect("in range");
        assert_eq!((time.unix_seconds(), time.nanoseconds()), (-1, 999_000_000));
        assert_eq!(time.unix_milliseconds(), -1);
        assert_eq!(time.to_string(), "1969-12-31T23:59:59.999Z");
        assert!(DateTime::from_unix_milliseconds(i64::MAX).is_err());
        assert!(DateTime::from_unix_milliseconds(i64::MIN).is_err());
    }

    #[test]
    fn times_are_found_inside_what_serde_reads_twice() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(i32),
            Time(DateTime),
        }
        assert_eq!(read_packed(b"\xd6\xff\0\0\0\x01"), Ok(Either::Time(at(1, 0))));
        assert_eq!(read_packed(b"\x05"), Ok(Either::Number(5)));
        assert_eq!(read_json("\"1970-01-01\""), Ok(Either::Time(at(0, 0))));
    }
}
