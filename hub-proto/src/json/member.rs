//! Values of properties whose type is known.

use std::borrow::Cow;

use super::scan::Scanner;
use crate::message::Headers;
use crate::{DecodeError, JsonType};

/// Fails unless a value of that type is next; `StartObject` is how an object is asked for in one error text.
#[inline]
pub(super) fn expect_type(
    scanner: &mut Scanner<'_>,
    name: &'static str,
    wanted: JsonType,
) -> Result<(), DecodeError> {
    let found = scanner.type_of_next()?;
    let kind = if wanted == JsonType::StartObject { JsonType::Object } else { wanted };
    if found == kind { Ok(()) } else { Err(DecodeError::Type { name, wanted }) }
}

/// A property that must be a string.
pub(crate) fn string<'a>(
    scanner: &mut Scanner<'a>,
    name: &'static str,
) -> Result<Cow<'a, str>, DecodeError> {
    expect_type(scanner, name, JsonType::String)?;
    Ok(scanner.string()?)
}

/// The same into its place, which is faster than a result that holds a text or an error.
pub(super) fn text<'a>(
    place: &mut Option<Cow<'a, str>>,
    scanner: &mut Scanner<'a>,
    name: &'static str,
) -> Result<(), DecodeError> {
    expect_type(scanner, name, JsonType::String)?;
    *place = Some(scanner.string()?);
    Ok(())
}

/// A property that must be an integer of that width.
pub(super) fn integer<T: TryFrom<i64>>(
    scanner: &mut Scanner<'_>,
    name: &'static str,
) -> Result<T, DecodeError> {
    expect_type(scanner, name, JsonType::Number)?;
    let integer = parse_integer(scanner.number()?).and_then(|integer| integer.try_into().ok());
    integer.ok_or(DecodeError::Integer(name))
}

/// `None` for a fraction, an exponent, and what does not fit.
fn parse_integer(number: &[u8]) -> Option<i64> {
    let (digits, sign) = match number.strip_prefix(b"-") {
        Some(digits) => (digits, -1),
        None => (number, 1),
    };
    digits.iter().try_fold(0_i64, |value, digit| {
        let digit = sign * i64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// A property that must be an integer of that width, or null.
pub(crate) fn nullable_integer<T: TryFrom<i64>>(
    scanner: &mut Scanner<'_>,
    name: &'static str,
) -> Result<Option<T>, DecodeError> {
    if scanner.type_of_next()? == JsonType::Null {
        scanner.literal("null")?;
        return Ok(None);
    }
    integer(scanner, name).map(Some)
}

/// A property that must be `true` or `false`.
pub(crate) fn boolean(scanner: &mut Scanner<'_>, name: &'static str) -> Result<bool, DecodeError> {
    match scanner.type_of_next()? {
        JsonType::True => scanner.literal("true").map(|()| true).map_err(Into::into),
        JsonType::False => scanner.literal("false").map(|()| false).map_err(Into::into),
        _ => Err(DecodeError::NotBoolean(name)),
    }
}

/// An array of strings.
pub(super) fn stream_ids<'a>(scanner: &mut Scanner<'a>) -> Result<Vec<Cow<'a, str>>, DecodeError> {
    expect_type(scanner, "streamIds", JsonType::Array)?;
    scanner.enter(JsonType::Array)?;
    let mut ids = Vec::new();
    while scanner.element(ids.is_empty())? {
        match scanner.type_of_next()? {
            JsonType::String => ids.push(scanner.string()?),
            JsonType::Null => return Err(DecodeError::NullStreamId),
            _ => return Err(DecodeError::StreamId),
        }
    }
    Ok(ids)
}

/// An object of strings, in place of earlier ones.
pub(super) fn headers<'a>(
    scanner: &mut Scanner<'a>,
    headers: &mut Headers<'a>,
) -> Result<(), DecodeError> {
    expect_type(scanner, "headers", JsonType::StartObject)?;
    scanner.enter(JsonType::Object)?;
    headers.clear();
    while let Some(name) = scanner.key(headers.is_empty())? {
        if scanner.type_of_next()? != JsonType::String {
            return Err(DecodeError::Header(name.into_owned()));
        }
        headers.push(name, scanner.string()?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_reach_to_their_ends() {
        for (text, number) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("1.0", None),
            ("1e2", None),
        ] {
            assert_eq!(parse_integer(text.as_bytes()), number, "{text}");
        }
    }
}
