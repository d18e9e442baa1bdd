//! Decimal fractions.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::ValueError;
use super::form::{Text, either};

/// A decimal fraction, as .NET's `decimal`: up to 28 digits exactly, a number in JSON, a text in
/// MessagePack. Either is read in both.
///
/// `1.10` keeps its last zero and is equal to `1.1`. Digits that do not fit are refused; .NET rounds
/// them away. Other parsers of JSON, those of JavaScript and Python too, read a number of 64 bits.
///
/// ```
/// use hub_proto::Encoding;
/// use hub_proto::values::Decimal;
///
/// let price: Decimal = "1.10".parse()?;
/// assert_eq!(Ok(price), Decimal::new(110, 2));
/// let mut out = Vec::new();
/// Encoding::Json.write(&price, &mut out)?;
/// assert_eq!(out, b"1.10");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

const OUT_OF_RANGE: ValueError = ValueError::Range("Decimal");
const NO_DECIMAL: ValueError = ValueError::Text("Decimal");

/// 96 bits.
const MAX_MANTISSA: u128 = (1 << 96) - 1;
const MAX_SCALE: u8 = 28;

impl Decimal {
    /// `mantissa` with the last `scale` of its digits behind the point.
    ///
    /// # Errors
    /// A mantissa of more than 96 bits besides its sign, and a scale over 28.
    pub const fn new(mantissa: i128, scale: u8) -> Result<Self, ValueError> {
        if mantissa.unsigned_abs() <= MAX_MANTISSA && scale <= MAX_SCALE {
            Ok(Self { mantissa, scale })
        } else {
            Err(OUT_OF_RANGE)
        }
    }

    /// All digits, with the sign and without the point.
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// How many of the digits are behind the point.
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Without zeros at the end.
    const fn shortest(mut self) -> (i128, u8) {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        (self.mantissa, self.scale)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.shortest() == other.shortest()
    }
}

impl Eq for Decimal {}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shortest().hash(state);
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self { mantissa: number.into(), scale: 0 }
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        Self { mantissa: number.into(), scale: 0 }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs();
        let unit = 10_u128.pow(self.scale.into());
        write!(f, "{sign}{}", digits / unit)?;
        match usize::from(self.scale) {
            0 => Ok(()),
            scale => write!(f, ".{:0scale$}", digits % unit),
        }
    }
}

impl FromStr for Decimal {
    type Err = ValueError;

    /// Digits with a sign, a point and an exponent of ten, where there are such.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse().map_err(|_| NO_DECIMAL)?),
            None => (text, 0),
        };
        let (negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || number.ends_with('.') {
            return Err(NO_DECIMAL);
        }
        let mut mantissa = 0_i128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let digit = digit.is_ascii_digit().then(|| digit - b'0').ok_or(NO_DECIMAL)?;
            mantissa = append(mantissa, digit.into())?;
        }
        let digits = i32::try_from(fraction.len()).map_err(|_| OUT_OF_RANGE)?;
        let mut scale = digits.checked_sub(exponent).ok_or(OUT_OF_RANGE)?;
        while scale < 0 && mantissa != 0 {
            mantissa = append(mantissa, 0)?;
            scale += 1;
        }
        let scale = u8::try_from(scale.max(0)).map_err(|_| OUT_OF_RANGE)?;
        Self::new(if negative { -mantissa } else { mantissa }, scale)
    }
}

/// One digit more, if it still fits: this also bounds how many there can be.
fn append(mantissa: i128, digit: i128) -> Result<i128, ValueError> {
    let longer = mantissa * 10 + digit;
    if longer.unsigned_abs() <= MAX_MANTISSA { Ok(longer) } else { Err(OUT_OF_RANGE) }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        either(serializer, Number(*self), Text(self))
    }
}

/// The number in JSON, digit by digit.
struct Number(Decimal);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// How serde_json is asked for a value as its text; other deserializers do not mind. A number that
/// it reads itself may have lost digits by then.
const RAW: &str = "$serde_json::private::RawValue";

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RAW, Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number")
    }

    fn visit_map<A: MapAccess<'de>>(self, raw: A) -> Result<Decimal, A::Error> {
        let raw = Box::<RawValue>::deserialize(MapAccessDeserializer::new(raw))?;
        let text = raw.get();
        let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        self.visit_str(inside.unwrap_or(text))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Decimal, D::Error> {
        inner.deserialize_any(Self)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Decimal, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Decimal, E> {
        Ok(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Decimal, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::DotNet;
    use super::super::tests::{json, read_json, read_packed};
    use super::*;
    use crate::BindError;

    const LARGEST: &str = "79228162514264337593543950335";
    const SMALLEST: &str = "0.0000000000000000000000000001";

    #[test]
    fn every_digit_is_kept() {
        for text in [
            "0",
            "1.10",
            "-1.10",
            "-0.05",
            "0.00",
            LARGEST,
            SMALLEST,
            "-79228162514264337593543950335",
        ] {
            let decimal: Decimal = text.parse().expect("a decimal");
            assert_eq!(json(&decimal), text);
            assert_eq!(
                read_json::<Decimal>(text).map(|read| read.to_string()),
                Ok(text.to_owned())
            );
            assert_eq!(read_json(&format!("\"{text}\"")), Ok(decimal), "a text");
            assert_eq!(read_json(&format!("[{text}]")), Ok(vec![DotNet(decimal)]));
        }
    }

    #[test]
    fn exponents_move_the_point() {
        for (text, expected) in [
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("-1.25e+1", "-12.5"),
            ("0e99", "0"),
            ("120e-1", "12.0"),
        ] {
            assert_eq!(
                text.parse::<Decimal>().map(|read| read.to_string()),
                Ok(expected.to_owned())
            );
        }
    }

    #[test]
    fn numbers_of_javascript_are_decimals_in_messagepack() {
        let half = Decimal::new(5, 1).expect("fits");
        assert_eq!(read_packed(b"\xcb\x3f\xe0\0\0\0\0\0\0"), Ok(half));
        assert_eq!(read_packed(b"\xa30.5"), Ok(half));
        assert_eq!(read_packed(b"\xff"), Ok(Decimal::from(-1_i64)));
        assert!(read_packed::<Decimal>(b"\xcb\x7f\xf8\0\0\0\0\0\0").is_err(), "NaN");
    }

    #[test]
    fn decimals_are_found_inside_what_serde_reads_twice() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Price {
            #[serde(flatten)]
            inner: Inner,
        }
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Inner {
            euro: Decimal,
        }
        let price = Price { inner: Inner { euro: "1.5".parse().expect("a decimal") } };
        assert_eq!(read_json(r#"{"euro":1.5}"#), Ok(price));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in [
            "79228162514264337593543950336",
            "0.00000000000000000000000000001",
            "1e29",
            "1e-29",
            "1e99999999999",
            "1e2147483647",
            "1e-2147483648",
        ] {
            assert_eq!(read_json::<Decimal>(text), Err(BindError::Shape), "{text}");
        }
        for text in
            ["", "-", ".", "1.", ".5", "1.2.3", "+1", "--1", "1e", "e1", "0x1", "NaN", "1 ", "1_0"]
        {
            assert_eq!(text.parse::<Decimal>(), Err(NO_DECIMAL), "{text}");
        }
        for text in ["null", "{}", "[1]", "true", "\"\\u0031\""] {
            assert_eq!(read_json::<Decimal>(text), Err(BindError::Shape), "{text}");
        }
        assert!(Decimal::new(i128::MIN, 0).is_err() && Decimal::new(1, 29).is_err());
    }
}
