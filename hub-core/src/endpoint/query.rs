//! The query of a request URL: names without regard to case, values decoded.

use std::borrow::Cow;

/// The value of a name, which is compared without regard to ASCII case; `None` when it is absent.
///
/// A name that comes more than once has the values joined by commas, as the servers that clients
/// grew up with read it. No query is an error: what cannot be decoded is taken as it stands.
pub fn value<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut found: Option<Cow<'a, str>> = None;
    for pair in query.strip_prefix('?').unwrap_or(query).split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !decode(key).eq_ignore_ascii_case(name) {
            continue;
        }
        found = Some(match found {
            None => decode(value),
            Some(earlier) => Cow::Owned(format!("{earlier},{}", decode(value))),
        });
    }
    found
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, tail @ ..]) if let Some(byte) = hex(*high, *low) => {
                bytes.push(byte);
                rest = tail;
            }
            _ => bytes.push(first),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_values() {
        let rows = [
            ("", None),
            ("?", None),
            ("x=1", None),
            ("id", Some("")),
            ("id=", Some("")),
            ("id=a", Some("a")),
            ("?id=a", Some("a")),
            ("x=1&ID=a&y", Some("a")),
            ("%69d=a", Some("a")),
            ("id=a=b", Some("a=b")),
            ("id=a%2Bb+c", Some("a+b c")),
            ("id=%C3%A9", Some("é")),
            ("id=%", Some("%")),
            ("id=%4", Some("%4")),
            ("id=%zz%41", Some("%zzA")),
            ("id=%+1", Some("% 1")),
            ("id=%ff", Some("\u{fffd}")),
            ("id=a&id=b", Some("a,b")),
            ("id=&id=", Some(",")),
            ("ids=a&i=b&=c", None),
        ];
        for (query, expected) in rows {
            assert_eq!(value(query, "id").as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn plain_values_are_borrowed() {
        assert!(matches!(value("id=abc-_", "id"), Some(Cow::Borrowed("abc-_"))));
    }

    proptest! {
        #[test]
        fn any_query_can_be_read(query in "[a-d%+=&?iI0-9\u{e9}]{0,40}") {
            value(&query, "id");
        }

        #[test]
        fn what_was_encoded_comes_back(text in any::<String>()) {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(decode(&encoded), text);
        }
    }
}
