//! Points in time with the clock of some place.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::calendar::{self, MAX_OFFSET};
use super::form::{Text, either};
use super::{DateTime, ValueError, date_time};

/// A point in time and an offset from UTC, as .NET's `DateTimeOffset`: ISO 8601 with the offset in
/// JSON, `[timestamp, offset in minutes]` in MessagePack.
///
/// The timestamp of that pair is the clock on the wall, as if it showed UTC: so .NET writes it. A
/// text or a timestamp without an offset is taken as UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DateTimeOffset {
    /// What the clock on the wall shows.
    local: DateTime,
    minutes: i16,
}

const OUT_OF_RANGE: ValueError = ValueError::Range("DateTimeOffset");

impl DateTimeOffset {
    /// The point in time, and how many minutes the clock there is ahead of UTC.
    ///
    /// # Errors
    /// More than 14 hours, and a clock that shows a year before 1 or after 9999.
    pub fn new(utc: DateTime, offset_minutes: i16) -> Result<Self, ValueError> {
        let local = shift(utc, i64::from(offset_minutes))?;
        Self::from_local(local, offset_minutes)
    }

    fn from_local(local: DateTime, minutes: i16) -> Result<Self, ValueError> {
        let new = Self { local, minutes };
        let fits = minutes.unsigned_abs() <= MAX_OFFSET.unsigned_abs();
        if fits && shift(local, -i64::from(minutes)).is_ok() { Ok(new) } else { Err(OUT_OF_RANGE) }
    }

    /// The point in time.
    pub fn utc(self) -> DateTime {
        // It has been in range since the value was made.
        shift(self.local, -i64::from(self.minutes)).unwrap_or(self.local)
    }

    /// How many minutes the clock is ahead of UTC.
    pub const fn offset_minutes(self) -> i16 {
        self.minutes
    }
}

fn shift(time: DateTime, minutes: i64) -> Result<DateTime, ValueError> {
    DateTime::from_unix(time.unix_seconds() + minutes * 60, time.nanoseconds())
        .map_err(|_| OUT_OF_RANGE)
}

impl From<DateTime> for DateTimeOffset {
    fn from(utc: DateTime) -> Self {
        Self { local: utc, minutes: 0 }
    }
}

impl fmt::Display for DateTimeOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let minutes = self.minutes.unsigned_abs();
        write!(f, "{}{sign}{:02}:{:02}", self.local.wall(), minutes / 60, minutes % 60)
    }
}

impl FromStr for DateTimeOffset {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (wall, offset) = calendar::parse(text).ok_or(ValueError::Text("DateTimeOffset"))?;
        Self::from_local(DateTime::from_unix(wall.seconds, wall.nanos)?, offset.unwrap_or(0))
    }
}

impl Serialize for DateTimeOffset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        either(serializer, Text(self), (self.local, self.minutes))
    }
}

impl<'de> Deserialize<'de> for DateTimeOffset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = DateTimeOffset;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timestamp and an offset, or a text of ISO 8601")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<DateTimeOffset, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<DateTimeOffset, A::Error> {
        let (Some(local), Some(minutes)) = (pair.next_element()?, pair.next_element()?) else {
            return Err(de::Error::custom(ValueError::Text("DateTimeOffset")));
        };
        DateTimeOffset::from_local(local, minutes).map_err(de::Error::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        inner: D,
    ) -> Result<DateTimeOffset, D::Error> {
        date_time::Reader.visit_newtype_struct(inner).map(DateTimeOffset::from)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{json, packed, read_json, read_packed};
    use super::*;
    use crate::BindError;

    fn time(text: &str) -> DateTimeOffset {
        text.parse().expect("a time")
    }

    #[test]
    fn the_pair_holds_the_clock_on_the_wall() {
        let noon = time("1970-01-01T12:00:00-01:30");
        assert_eq!(noon.utc().unix_seconds(), 13 * 3600 + 1800);
        assert_eq!(packed(&noon), b"\x92\xd6\xff\x00\x00\xa8\xc0\xd0\xa6");
        assert_eq!(read_packed(b"\x92\xd6\xff\x00\x00\xa8\xc0\xd0\xa6"), Ok(noon));
        assert_eq!(json(&noon), "\"1970-01-01T12:00:00-01:30\"");
        assert_eq!(DateTimeOffset::new(noon.utc(), noon.offset_minutes()), Ok(noon));
    }

    #[test]
    fn without_an_offset_it_is_utc() {
        assert_eq!(json(&time("2016-10-27T14:25:00Z")), "\"2016-10-27T14:25:00+00:00\"");
        assert_eq!(time("2016-10-27"), time("2016-10-27T00:00+00:00"));
        assert_eq!(read_packed(b"\xd6\xff\0\0\0\x01"), Ok(time("1970-01-01T00:00:01Z")));
    }

    #[test]
    fn what_has_no_utc_time_or_too_large_an_offset_has_the_wrong_shape() {
        for text in ["\"0001-01-01T00:00:00+00:01\"", "\"9999-12-31T23:59:59-00:01\"", "1", "[]"] {
            assert_eq!(read_json::<DateTimeOffset>(text), Err(BindError::Shape), "{text}");
        }
        for bytes in
            [&b"\x92\xd6\xff\0\0\0\x01\xcd\x03\x49"[..], b"\x91\xd6\xff\0\0\0\x01", b"\x90"]
        {
            assert_eq!(read_packed::<DateTimeOffset>(bytes), Err(BindError::Shape), "{bytes:x?}");
        }
        assert_eq!(DateTimeOffset::new(DateTime::UNIX_EPOCH, i16::MIN), Err(OUT_OF_RANGE));
        assert_eq!(DateTimeOffset::new(DateTime::UNIX_EPOCH, -841), Err(OUT_OF_RANGE));
    }
}
