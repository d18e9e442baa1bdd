//! The names of an envelope's properties.

use super::scan::{Scanner, Syntax};

macro_rules! properties {
    ($($property:ident $name:literal)*) => {
        /// A property that a message can have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Property {
            $($property,)*
            Unknown,
        }

        impl Property {
            fn of(name: &str) -> Self {
                $(if name == $name {
                    return Self::$property;
                })*
                Self::Unknown
            }

            /// Takes a known name and its colon, if they are written as every client writes them.
            #[inline]
            fn take_plain(scanner: &mut Scanner<'_>) -> Option<Self> {
                $(if let Some(rest) = scanner.rest.strip_prefix(concat!('"', $name, "\":").as_bytes()) {
                    scanner.rest = rest;
                    return Some(Self::$property);
                })*
                None
            }
        }
    };
}

// The frequent ones first.
properties! {
    Type "type"
    Target "target"
    Arguments "arguments"
    InvocationId "invocationId"
    Result "result"
    Item "item"
    Error "error"
    StreamIds "streamIds"
    Headers "headers"
    AllowReconnect "allowReconnect"
    SequenceId "sequenceId"
}

impl Property {
    /// Takes the next name of an envelope and its colon; `None` at the closing brace.
    #[inline]
    pub(super) fn next(scanner: &mut Scanner<'_>, first: bool) -> Result<Option<Self>, Syntax> {
        if scanner.take(b'}') {
            return Ok(None);
        }
        if !first {
            scanner.expect(b',')?;
        }
        if let Some(property) = Self::take_plain(scanner) {
            return Ok(Some(property));
        }
        let name = scanner.string()?;
        scanner.expect(b':')?;
        Ok(Some(Self::of(&name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        for text in ["\"target\":1", " \"target\" : 1", "\"t\\u0061rget\":1"] {
            let mut scanner = Scanner::new(text.as_bytes());
            assert_eq!(Property::next(&mut scanner, true), Ok(Some(Property::Target)), "{text}");
            assert_eq!(scanner.number(), Ok(&b"1"[..]));
        }
        for text in ["\"Target\":1", "\"targe\":1", "\"target \":1", "\"targett\":1", "\"\":1"] {
            let mut scanner = Scanner::new(text.as_bytes());
            assert_eq!(Property::next(&mut scanner, true), Ok(Some(Property::Unknown)), "{text}");
        }
        for text in ["\"target\"", "\"target:1", "target:1", ",\"target\":1"] {
            let mut scanner = Scanner::new(text.as_bytes());
            assert_eq!(Property::next(&mut scanner, true), Err(Syntax), "{text}");
        }
        assert_eq!(Property::next(&mut Scanner::new(b"\"\xff\":1"), true), Err(Syntax));
    }
}
