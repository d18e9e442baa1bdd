//! The tables of the page, row by row: what is written, and what is read.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::tests::{json, packed, read_json, read_packed};
use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    first_name: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Named {
    Green,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Color {
    Green = 4,
}
crate::dotnet_enum!(Color { Green });

const PAGE: &str = include_str!("table.md");

/// A row of the first table: written as it says in both encodings, and read again.
fn both_ways<T>(kind: &str, net: &str, script: &str, value: &T) -> String
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let (text, bytes) = (json(value), packed(value));
    assert_eq!(read_json::<T>(&text).as_ref(), Ok(value), "{text}");
    assert_eq!(read_packed::<T>(&bytes).as_ref(), Ok(value), "{bytes:x?}");
    format!("| `{kind}` | {net} | {script} | `{text}` | `{}` |\n", hex(&bytes))
}

/// A row of the second table: what is read as the value, or refused.
fn read_as<T>(kind: &str, text: &str, bytes: &[u8], from: &str, value: Option<&T>) -> String
where
    T: DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(read_json::<T>(text).ok().as_ref(), value, "{text}");
    assert_eq!(read_packed::<T>(bytes).ok().as_ref(), value, "{bytes:x?}");
    let outcome = if value.is_some() { "read" } else { "refused" };
    format!("| `{kind}` | `{text}` | `{}` | {from} | {outcome} |\n", hex(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

macro_rules! rows {
    ($function:ident: $($kind:ty: $($cell:expr),+;)*) => {
        [$($function::<$kind>(&stringify!($kind).replace(' ', "").replace(',', ", "), $($cell),+)),*].concat()
    };
}

fn parsed<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("a value")
}

#[test]
fn every_value_is_written_as_the_page_says_and_read_again() {
    let number = "`number`";
    let person = || Person { first_name: "Ann".to_owned() };
    let expected = rows! { both_ways:
        (): "`null`", "`null`", &();
        bool: "`bool`", "`boolean`", &true;
        i32: "`int`", number, &-7;
        u64: "`ulong`", "`number` up to 2⁵³", &(1 << 40);
        f32: "`float`", number, &1.5;
        f64: "`double`", number, &42.0;
        Decimal: "`decimal`", "`number`; a `string` in MessagePack", &parsed("1.10");
        String: "`string`, `Uri`", "`string`", &"Grüße".to_owned();
        Char: "`char`", "`string`; a `number` in MessagePack", &Char::try_from('A').expect("16 bits");
        Option<i32>: "`int?`", "`number` or `null`", &None;
        Vec<i32>: "`List<int>`, `int[]`", "`Array`", &vec![1, 2];
        BTreeMap<String, i32>: "`Dictionary<string, int>`", "`Object`", &BTreeMap::from([("a".to_owned(), 1)]);
        Person: "a class whose names are those", "`Object`", &person();
        CamelCase<Person>: "a class whose names are those", "`Object`", &CamelCase(person());
        DotNet<Person>: "a class with a property `FirstName`", "`Object`", &DotNet(person());
        Named: "an enum with a `JsonStringEnumConverter`", "`string`", &Named::Green;
        Color: "an enum", "`number`; a `string` in MessagePack", &Color::Green;
        ByteArray: "`byte[]`", "`string`; `Uint8Array` in MessagePack", &ByteArray(vec![1, 2, 255]);
        DateTime: "`DateTime`", "`string`; `Date` in MessagePack", &parsed("2016-10-27T14:25:00.5Z");
        DateTimeOffset: "`DateTimeOffset`", "`string`; `[Date, number]` in MessagePack", &parsed("2016-10-27T16:25:00+02:00");
        TimeSpan: "`TimeSpan`", "`string`; `number` in MessagePack", &parsed("1.02:03:04.5");
        Guid: "`Guid`", "`string`", &parsed("00112233-4455-6677-8899-aabbccddeeff");
    };
    assert!(
        PAGE.contains(&format!("\n| --- | --- | --- | --- | --- |\n{expected}\n")),
        "{expected}"
    );
}

#[test]
fn what_peers_send_instead_is_read_or_refused_as_the_page_says() {
    let half = || parsed::<DateTime>("2016-10-27T14:25:00.5Z");
    let bytes = ByteArray(vec![1, 2]);
    let expected = rows! { read_as:
        f64: "42", b"\x2a", "JavaScript, for `42.0`", Some(&42.0);
        f32: "-1", b"\xff", "JavaScript, for `-1.0`", Some(&-1.0);
        f32: "0.1", b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "JavaScript and Python: always 64 bits", Some(&0.1);
        i32: "2.0", b"\xcb\x40\0\0\0\0\0\0\0", "Python, for `2.0`; .NET refuses it too", None;
        i32: "\"2\"", b"\xa1\x32", "nobody; .NET refuses it too", None;
        u8: "200", b"\xcd\x00\xc8", "encoders that do not look for the shortest form", Some(&200);
        i8: "-1", b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", "encoders that do not look for the shortest form", Some(&-1);
        i64: "9", b"\xcf\0\0\0\0\0\0\0\x09", "encoders that do not look for the shortest form", Some(&9);
        u8: "256", b"\xcd\x01\x00", "anyone: the number is too large", None;
        String: "null", b"\xc0", "anyone: only an `Option` takes it", None;
        ByteArray: "[1,2]", b"\x92\x01\x02", "JavaScript, for an `Array`", Some(&bytes);
        ByteArray: "\"AQI=\"", b"\xa4AQI=", "peers that have base64 at hand", Some(&bytes);
        ByteArray: "{\"0\":1}", b"\x81\xa10\x01", "JavaScript, for a `Uint8Array` in JSON; .NET refuses it too", None;
        DateTime: "\"2016-10-27T14:25:00.500Z\"", b"\xd7\xff\x77\x35\x94\0\x58\x12\x0e\x3c", "JavaScript, for a `Date`", Some(&half());
        DateTime: "\"2016-10-27T16:25:00.500000+02:00\"", b"\xd9\x202016-10-27T16:25:00.500000+02:00", "Python, by `isoformat()`", Some(&half());
        DateTime: "1477578300", b"\xce\x58\x12\x0e\x3c", "nobody; .NET refuses it too", None;
        TimeSpan: "\"00:00:01\"", b"\xa800:00:01", "peers that have the text at hand", Some(&TimeSpan::from_ticks(10_000_000));
        Guid: "\"00112233-4455-6677-8899-AABBCCDDEEFF\"", b"\xd9\x2400112233-4455-6677-8899-AABBCCDDEEFF", "peers that write capitals", Some(&parsed("00112233-4455-6677-8899-aabbccddeeff"));
        Color: "\"Green\"", b"\xa5Green", ".NET with a `JsonStringEnumConverter`", Some(&Color::Green);
        Color: "4", b"\x04", ".NET with `ContractlessStandardResolver` alone", Some(&Color::Green);
        DotNet<Person>: "{\"FirstName\":\"Ann\"}", b"\x81\xa9firstName\xa3Ann", "peers with other conventions", Some(&DotNet(Person { first_name: "Ann".to_owned() }));
    };
    assert!(
        PAGE.contains(&format!("\n| --- | --- | --- | --- | :-: |\n{expected}\n")),
        "{expected}"
    );
}

#[test]
fn keys_of_maps_that_are_numbers_are_texts_in_json_only() {
    let map = BTreeMap::from([(1, true)]);
    assert_eq!(json(&map), r#"{"1":true}"#);
    assert_eq!(packed(&map), b"\x81\x01\xc3");
    assert_eq!(read_json(&json(&map)).as_ref(), Ok(&map));
    assert_eq!(read_packed(&packed(&map)), Ok(map));
}
