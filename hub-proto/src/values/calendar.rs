//! The calendar: texts of ISO 8601 and seconds, and nothing that knows what time it is.

use std::fmt;

/// The years 1 to 9999 of the proleptic Gregorian calendar, as .NET's `DateTime` has them: the first
/// and the last second, counted from 1970-01-01 in UTC.
pub(super) const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

const DAY: i64 = 86_400;

/// A date and the time on that day, as a clock on the wall shows them, in seconds and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wall {
    pub(super) seconds: i64,
    pub(super) nanos: u32,
}

impl fmt::Display for Wall {
    /// `2016-10-27T14:25:00`, with as many digits of a fraction as are not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos > 0 {
            let fraction = format!("{:09}", self.nanos);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// Reads a date, or a date and a time, with the offset from UTC in minutes that may follow.
///
/// The extended format of ISO 8601 as far as .NET's JSON reads it: `2016-10-27`, a time of
/// `T14:25`, `T14:25:00` or `T14:25:00.123`, and behind a time `Z`, `+02` or `+02:00`. Digits of a
/// fraction behind the ninth are dropped.
pub(super) fn parse(text: &str) -> Option<(Wall, Option<i16>)> {
    let mut text = Digits(text.as_bytes());
    let (year, month, day) = (text.number(4)?, text.after(b'-')?, text.after(b'-')?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year == 0 || !(1..=last).contains(&day) {
        return None;
    }
    let midnight = days(year, month, day) * DAY;
    if text.0.is_empty() {
        return Some((Wall { seconds: midnight, nanos: 0 }, None));
    }
    let (hour, minute) = (text.after(b'T')?, text.after(b':')?);
    let second = text.optional(b':')?;
    let nanos = if text.take(b'.') { text.fraction()? } else { 0 };
    let offset = text.offset()?;
    let fits = hour < 24 && minute < 60 && second < 60 && text.0.is_empty();
    let seconds = midnight + hour * 3600 + minute * 60 + second;
    fits.then_some((Wall { seconds, nanos }, offset))
}

/// Digits and what stands between them.
pub(super) struct Digits<'a>(pub(super) &'a [u8]);

impl Digits<'_> {
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A number of exactly that many digits, at most 18.
    pub(super) fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })
    }

    /// Two digits behind `byte`.
    pub(super) fn after(&mut self, byte: u8) -> Option<i64> {
        if self.take(byte) { self.number(2) } else { None }
    }

    /// Two digits behind `byte`, or 0 where there is no such byte.
    fn optional(&mut self, byte: u8) -> Option<i64> {
        if self.take(byte) { self.number(2) } else { Some(0) }
    }

    /// The digits that follow, one at least, in nanoseconds.
    pub(super) fn fraction(&mut self) -> Option<u32> {
        let mut unit = 100_000_000;
        let mut nanos = 0;
        let mut rest = self.0;
        while let [digit @ b'0'..=b'9', behind @ ..] = rest {
            nanos += u32::from(digit - b'0') * unit;
            unit /= 10;
            rest = behind;
        }
        let some = rest.len() < self.0.len();
        self.0 = rest;
        some.then_some(nanos)
    }

    /// Up to 14 hours in minutes, as .NET takes it; `None` inside where nothing follows.
    fn offset(&mut self) -> Option<Option<i16>> {
        if self.0.is_empty() {
            return Some(None);
        }
        if self.take(b'Z') {
            return Some(Some(0));
        }
        let sign = if self.take(b'-') { -1 } else { 1 };
        let hours = if sign < 0 { self.number(2) } else { self.after(b'+') }?;
        let minutes = self.optional(b':')?;
        let offset = hours * 60 + minutes;
        let fits = minutes < 60 && offset <= i64::from(MAX_OFFSET);
        fits.then(|| i16::try_from(sign * offset).ok())
    }
}

/// The largest offset from UTC that .NET has, in minutes.
pub(super) const MAX_OFFSET: i16 = 14 * 60;

// Both count in years that begin in March, so that the day that some years lack is the last one, and
// in eras of 400 years, which all have the same days.
const ERA: i64 = 146_097;
/// From the first of March of the year 0 to 1970-01-01.
const EPOCH: i64 = 719_468;

fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        parse(text).map(|(wall, _)| wall.seconds)
    }

    #[test]
    fn every_day_of_every_year_is_one_after_the_day_before() {
        let (mut expected, mut day) = ((1, 1, 1), *SECONDS.start() / DAY);
        while expected.0 < 10_000 {
            assert_eq!(date(day), expected);
            assert_eq!(days(expected.0, expected.1, expected.2), day);
            let (year, month, of_month) = expected;
            let leap = year % 400 == 0 || year % 4 == 0 && year % 100 != 0;
            let last = [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            expected = if of_month < last[month as usize - 1] {
                (year, month, of_month + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
            day += 1;
        }
        assert_eq!(day * DAY - 1, *SECONDS.end());
    }

    #[test]
    fn dates_are_counted_from_1970() {
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("1969-12-31T23:59:59"), Some(-1));
        assert_eq!(seconds("2016-10-27T14:25:00Z"), Some(1_477_578_300));
        assert_eq!(seconds("0001-01-01T00:00:00"), Some(*SECONDS.start()));
        assert_eq!(seconds("9999-12-31T23:59:59"), Some(*SECONDS.end()));
    }

    #[test]
    fn leap_days_are_those_of_leap_years() {
        for year in ["2024", "2000", "2400", "0004"] {
            assert!(seconds(&format!("{year}-02-29")).is_some(), "{year}");
        }
        for year in ["2023", "1900", "2100", "0001"] {
            assert_eq!(seconds(&format!("{year}-02-29")), None, "{year}");
        }
    }

    #[test]
    fn fractions_have_any_number_of_digits_and_nine_count() {
        let nanos = |text: &str| parse(text).map(|(wall, _)| wall.nanos);
        assert_eq!(nanos("2016-10-27T14:25:00.1Z"), Some(100_000_000));
        assert_eq!(nanos("2016-10-27T14:25:00.1234567Z"), Some(123_456_700));
        assert_eq!(nanos("2016-10-27T14:25:00.123456789"), Some(123_456_789));
        assert_eq!(nanos("2016-10-27T14:25:00.9999999999999"), Some(999_999_999));
        assert_eq!(nanos("2016-10-27T14:25:00.Z"), None);
    }

    #[test]
    fn offsets_are_of_minutes_up_to_14_hours() {
        let offset = |zone: &str| parse(&format!("2016-10-27T14:25{zone}")).map(|(_, zone)| zone);
        assert_eq!(offset(""), Some(None));
        assert_eq!(offset("Z"), Some(Some(0)));
        assert_eq!(offset("+02:00"), Some(Some(120)));
        assert_eq!(offset("+02"), Some(Some(120)));
        assert_eq!(offset("-00:30"), Some(Some(-30)));
        assert_eq!(offset("-14:00"), Some(Some(-840)));
        for wrong in ["z", "+", "+2", "+14:01", "-15", "+01:60", "+01:", "02:00", "Z0", "+02:00 "] {
            assert_eq!(offset(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "2016",
            "2016-10",
            "2016-1-01",
            "2016-13-01",
            "2016-00-01",
            "2016-04-31",
            "2016-01-00",
            "0000-01-01",
            "+016-01-01",
            "2016-10-27T",
            "2016-10-27T14",
            "2016-10-27 14:25",
            "2016-10-27T24:00",
            "2016-10-27T14:60",
            "2016-10-27T14:25:60",
            "2016-10-27Z",
            "2016-10-27T14:25:00.1.2",
            "२०१६-१०-२७",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
