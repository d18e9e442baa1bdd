//! Passing over one value while checking its grammar.

use super::scan::{MAX_DEPTH, Scanner, Syntax, utf8};
use crate::JsonType;

impl Scanner<'_> {
    /// Skips one value inside `depth` containers; it must be well-formed.
    pub(crate) fn skip(&mut self, depth: u32) -> Result<(), Syntax> {
        let start = self.rest;
        self.skip_text(depth)?;
        utf8(self.since(start)).map(drop)
    }

    /// The same where the text is known to be UTF-8.
    pub(super) fn skip_text(&mut self, depth: u32) -> Result<(), Syntax> {
        let outer = depth;
        let mut depth = depth;
        let mut objects = 0_u64;
        loop {
            let value = self.type_of_next()?;
            match value {
                JsonType::Object | JsonType::Array | JsonType::StartObject => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(Syntax);
                    }
                    self.advance(1)?;
                    let object = value != JsonType::Array;
                    objects = objects << 1 | u64::from(object);
                    if !self.take(if object { b'}' } else { b']' }) {
                        if object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                    depth -= 1;
                    objects >>= 1;
                }
                JsonType::String => self.skip_string()?,
                JsonType::Number => {
                    self.number()?;
                }
                JsonType::True => self.literal("true")?,
                JsonType::False => self.literal("false")?,
                JsonType::Null => self.literal("null")?,
            }
            loop {
                if depth == outer {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                if self.take(b',') {
                    if object {
                        self.skip_key()?;
                    }
                    break;
                }
                self.expect(if object { b'}' } else { b']' })?;
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), Syntax> {
        self.skip_string()?;
        self.expect(b':')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skips(text: &str) -> bool {
        let mut scanner = Scanner::new(text.as_bytes());
        scanner.skip(0).is_ok() && scanner.peek().is_none()
    }

    #[test]
    fn skip_accepts_what_rfc_8259_accepts_and_nothing_else() {
        for good in [
            "0",
            "-0",
            "1.5e+3",
            "\"\"",
            "\"\\u00e9\\n\"",
            "[]",
            "[ ]",
            "{}",
            "[1,[2,{\"a\":null}],true]",
            " { \"a\" : [ ] , \"b\" : false } ",
            "\"\\ud83d\\ude00\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "{\"\\udc00\":1}",
        ] {
            assert!(skips(good), "{good}");
        }
        for bad in [
            "",
            "01",
            "+1",
            "1.",
            ".5",
            "1e",
            "-",
            "\"",
            "\"\n\"",
            "\"\\x\"",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "[}",
            "{]",
            "[[}]",
            "tru",
            "nul",
            "NaN",
            "'a'",
            "/*x*/1",
            "\u{feff}1",
        ] {
            assert!(!skips(bad), "{bad}");
        }
    }

    #[test]
    fn values_nest_64_deep_and_no_deeper() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(skips(&nested(64)));
        assert!(!skips(&nested(65)));
    }
}
