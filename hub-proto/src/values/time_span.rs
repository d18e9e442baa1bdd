//! Lengths of time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::ValueError;
use super::calendar::Digits;
use super::form::{Text, either};

/// A length of time in ticks of 100 ns, as .NET's `TimeSpan`: a text like `1.02:03:04.5000000` (days,
/// hours, minutes, seconds) in JSON, the number of ticks in MessagePack. Either is read in both.
///
/// ```
/// use std::time::Duration;
/// use hub_proto::values::TimeSpan;
///
/// let span = TimeSpan::try_from(Duration::from_millis(90_500))?;
/// assert_eq!(span.ticks(), 905_000_000);
/// assert_eq!(span.to_string(), "00:01:30.5000000");
/// assert_eq!("-00:01:30.5".parse(), Ok(TimeSpan::from_ticks(-905_000_000)));
/// # Ok::<(), hub_proto::values::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan(i64);

const SECOND: u64 = 10_000_000;
const OUT_OF_RANGE: ValueError = ValueError::Range("TimeSpan");

impl TimeSpan {
    /// That many times 100 ns, negative for back in time.
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    /// In units of 100 ns.
    pub const fn ticks(self) -> i64 {
        self.0
    }
}

impl TryFrom<Duration> for TimeSpan {
    type Error = ValueError;

    /// What is shorter than 100 ns is dropped; more than 29 247 years do not fit.
    fn try_from(duration: Duration) -> Result<Self, ValueError> {
        i64::try_from(duration.as_nanos() / 100).map(Self).map_err(|_| OUT_OF_RANGE)
    }
}

impl TryFrom<TimeSpan> for Duration {
    type Error = ValueError;

    /// A negative one does not fit.
    fn try_from(span: TimeSpan) -> Result<Self, ValueError> {
        let ticks = u64::try_from(span.0).map_err(|_| ValueError::Range("Duration"))?;
        Ok(Self::new(ticks / SECOND, (ticks % SECOND) as u32 * 100))
    }
}

impl fmt::Display for TimeSpan {
    /// .NET's constant format `c`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let ticks = self.0.unsigned_abs();
        let (second, fraction) = (ticks / SECOND, ticks % SECOND);
        let days = second / 86_400;
        if days > 0 {
            write!(f, "{days}.")?;
        }
        let (hour, minute) = (second / 3600 % 24, second / 60 % 60);
        write!(f, "{hour:02}:{minute:02}:{:02}", second % 60)?;
        if fraction > 0 {
            write!(f, ".{fraction:07}")?;
        }
        Ok(())
    }
}

impl FromStr for TimeSpan {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let ticks = parse(rest).ok_or(ValueError::Text("TimeSpan"))?;
        let ticks = if negative { -ticks } else { ticks };
        i64::try_from(ticks).map(Self).map_err(|_| OUT_OF_RANGE)
    }
}

/// `[days.]hours:minutes:seconds[.fraction]`, where the fraction has one to seven digits.
fn parse(text: &str) -> Option<i128> {
    let (days, rest) = match text.split_once('.') {
        Some((days, rest)) if rest.contains(':') => (Some(days), rest),
        _ => (None, text),
    };
    let mut rest = Digits(rest.as_bytes());
    let days = match days {
        // The most that .NET has are 10 675 199 days.
        Some(days) if days.len() <= 8 => {
            let mut digits = Digits(days.as_bytes());
            digits.number(days.len()).filter(|_| !days.is_empty())?
        }
        Some(_) => return None,
        None => 0,
    };
    let (hour, minute, second) = (rest.number(2)?, rest.after(b':')?, rest.after(b':')?);
    let mut fraction = 0;
    if rest.take(b'.') {
        if rest.0.len() > 7 {
            return None;
        }
        fraction = i128::from(rest.fraction()? / 100);
    }
    let fits = hour < 24 && minute < 60 && second < 60 && rest.0.is_empty();
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    fits.then(|| i128::from(seconds) * i128::from(SECOND) + fraction)
}

impl Serialize for TimeSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        either(serializer, Text(self), self.0)
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = TimeSpan;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ticks of 100 ns, or days.hours:minutes:seconds")
    }

    fn visit_i64<E>(self, ticks: i64) -> Result<TimeSpan, E> {
        Ok(TimeSpan(ticks))
    }

    fn visit_u64<E: de::Error>(self, ticks: u64) -> Result<TimeSpan, E> {
        i64::try_from(ticks).map(TimeSpan).map_err(|_| E::custom(OUT_OF_RANGE))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TimeSpan, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{packed, read_packed};
    use super::*;

    #[test]
    fn texts_are_those_of_the_constant_format() {
        let cases = [
            (0, "00:00:00"),
            (1, "00:00:00.0000001"),
            (-1, "-00:00:00.0000001"),
            (937_840_050_000, "1.02:03:04.0050000"),
            (i64::MAX, "10675199.02:48:05.4775807"),
            (i64::MIN, "-10675199.02:48:05.4775808"),
        ];
        for (ticks, text) in cases {
            assert_eq!(TimeSpan(ticks).to_string(), text);
            assert_eq!(text.parse(), Ok(TimeSpan(ticks)));
            assert_eq!(read_packed(&packed(&TimeSpan(ticks))), Ok(TimeSpan(ticks)));
        }
        assert_eq!("00:00:01.5".parse(), Ok(TimeSpan(15_000_000)));
    }

    #[test]
    fn other_texts_are_no_time_spans() {
        for text in [
            "",
            "-",
            "1",
            "1:2:3",
            "24:00:00",
            "00:60:00",
            "00:00:60",
            "00:00",
            "00:00:00.",
            ".00:00:00",
            "00:00:00.12345678",
            "1.2.00:00:00",
            "+00:00:00",
            "--00:00:00",
            "x.00:00:00",
            "123456789.00:00:00",
            "1:00:00:00",
            " 00:00:00",
        ] {
            assert_eq!(text.parse::<TimeSpan>(), Err(ValueError::Text("TimeSpan")), "{text}");
        }
        assert_eq!("10675199.02:48:05.4775808".parse::<TimeSpan>(), Err(OUT_OF_RANGE));
        assert!(read_packed::<TimeSpan>(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
    }

    #[test]
    fn durations_are_time_spans_that_are_not_negative() {
        assert_eq!(Duration::try_from(TimeSpan(15_000_001)), Ok(Duration::new(1, 500_000_100)));
        assert!(Duration::try_from(TimeSpan(-1)).is_err());
        assert!(TimeSpan::try_from(Duration::MAX).is_err());
    }
}
