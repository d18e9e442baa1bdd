//! Taking one value by its structure alone.
//!
//! Only quotes and brackets are followed, many bytes at a time: the grammar inside, and whether it
//! is text at all, is for whoever binds or checks the value. A backslash outside of strings, which
//! no grammar allows, may move the end of what is taken, but cannot make it well-formed.

use super::block::Block;
use super::scan::{MAX_DEPTH, Scanner, Syntax};
use crate::JsonType;

impl<'a> Scanner<'a> {
    /// Takes one value inside `depth` containers.
    pub(super) fn raw(&mut self, depth: u32) -> Result<&'a [u8], Syntax> {
        let value = self.type_of_next()?;
        let start = self.rest;
        match value {
            JsonType::Object | JsonType::Array | JsonType::StartObject => {
                self.advance(1)?;
                self.raw_container(depth)?;
            }
            JsonType::String => {
                self.advance(1)?;
                self.end_of_string()?;
            }
            JsonType::Number => {
                self.number()?;
            }
            JsonType::True => self.literal("true")?,
            JsonType::False => self.literal("false")?,
            JsonType::Null => self.literal("null")?,
        }
        Ok(self.since(start))
    }

    /// Takes the rest of a container whose opening bracket was taken and is inside `outer` others.
    fn raw_container(&mut self, outer: u32) -> Result<(), Syntax> {
        let mut nesting = Nesting::new(outer)?;
        while let Some((bytes, rest)) = self.rest.split_first_chunk() {
            let block = Block::of(bytes);
            if let Some(end) = nesting.follow(&block)? {
                return self.advance(end);
            }
            self.rest = rest;
            if nesting.in_string != 0 && block.quotes | block.backslashes == 0 {
                // A long string: there is a faster way to its end.
                self.end_of_string()?;
                nesting.in_string = 0;
            }
        }
        let end = nesting.follow(&self.short_block())?.ok_or(Syntax)?;
        self.advance(end)
    }

    /// What stands in the rest, when that is shorter than a block.
    fn short_block(&self) -> Block {
        match (self.last_block(), 64_u32.checked_sub(self.rest.len() as u32)) {
            // The last 64 bytes are there whole, unless there never were so many.
            (Some(bytes), Some(before)) if before < 64 => Block::of(bytes).behind(before),
            _ => {
                let mut bytes = [0; 64];
                bytes.iter_mut().zip(self.rest).for_each(|(to, from)| *to = *from);
                Block::of(&bytes)
            }
        }
    }

    /// Takes the rest of a string whose opening quote was taken, with its closing quote.
    fn end_of_string(&mut self) -> Result<(), Syntax> {
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.rest).ok_or(Syntax)?;
            let escape = self.rest.get(found) == Some(&b'\\');
            self.advance(found + 1 + usize::from(escape))?;
            if !escape {
                return Ok(());
            }
        }
    }
}

/// Where in a container the next block begins.
struct Nesting {
    outer: u32,
    depth: u32,
    /// All bits, when it begins inside a string.
    in_string: u64,
    /// 1, when a backslash was the last byte.
    escaped: u64,
}

impl Nesting {
    const fn new(outer: u32) -> Result<Self, Syntax> {
        if outer >= MAX_DEPTH {
            return Err(Syntax);
        }
        Ok(Self { outer, depth: outer + 1, in_string: 0, escaped: 0 })
    }

    /// Goes on to the next block; says behind which byte the container ends, if it does.
    #[inline]
    fn follow(&mut self, block: &Block) -> Result<Option<usize>, Syntax> {
        let strings = self.strings(block);
        let opens = block.opens & !strings;
        let closes = block.closes & !strings;
        let (opening, closing) = (opens.count_ones(), closes.count_ones());
        if self.depth > self.outer + closing && self.depth + opening <= MAX_DEPTH {
            // Far from the end and from the limit, only the sum counts.
            self.depth = self.depth + opening - closing;
            return Ok(None);
        }
        self.follow_each(opens, closes)
    }

    /// The same, bracket by bracket. Rare, and in the loop it would take registers.
    #[inline(never)]
    fn follow_each(&mut self, opens: u64, closes: u64) -> Result<Option<usize>, Syntax> {
        let mut brackets = opens | closes;
        while brackets != 0 {
            let bracket = brackets & brackets.wrapping_neg();
            if opens & bracket != 0 {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(Syntax);
                }
            } else {
                self.depth -= 1;
                if self.depth == self.outer {
                    return Ok(Some(bracket.trailing_zeros() as usize + 1));
                }
            }
            brackets ^= bracket;
        }
        Ok(None)
    }

    /// The bytes inside strings, opening quotes included and closing ones not.
    #[inline]
    fn strings(&mut self, block: &Block) -> u64 {
        let mut quotes = block.quotes;
        if block.backslashes | self.escaped != 0 {
            quotes &= !self.escaped_bytes(block.backslashes);
        }
        // Each bit becomes the parity of the quotes up to it.
        let mut strings = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            strings ^= strings << shift;
        }
        strings ^= self.in_string;
        self.in_string = (strings.cast_signed() >> 63).cast_unsigned();
        strings
    }

    /// The bytes behind a backslash that is not itself behind one.
    fn escaped_bytes(&mut self, backslashes: u64) -> u64 {
        let mut escaped = self.escaped;
        let mut left = backslashes & !escaped;
        self.escaped = 0;
        while left != 0 {
            let backslash = left & left.wrapping_neg();
            let behind = backslash << 1;
            escaped |= behind;
            self.escaped = u64::from(behind == 0);
            left &= !(backslash | behind);
        }
        escaped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn raw(bytes: &[u8]) -> Result<&[u8], Syntax> {
        Scanner::new(bytes).raw(0)
    }

    /// The same, byte by byte.
    fn obvious(bytes: &[u8]) -> Option<&[u8]> {
        let (mut depth, mut string, mut escaped) = (0, false, false);
        for (n, byte) in bytes.iter().enumerate() {
            let behind_escape = std::mem::take(&mut escaped);
            match byte {
                b'\\' => escaped = !behind_escape,
                b'"' if !behind_escape => string = !string,
                b'[' | b'{' if !string => depth += 1,
                b']' | b'}' if !string => depth -= 1,
                _ => {}
            }
            if depth > 64 {
                return None;
            }
            if depth == 0 {
                return bytes.get(..=n);
            }
        }
        None
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            ".{0,12}",
            "[\"\\\\\\[\\]{}a]{0,12}",
            "[a-z ]{60,200}",
            "[a-z\"\\\\]{60,200}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((text.clone(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_ends_where_serde_json_says(value in value(), pretty: bool, behind in "[,}\\]][ -~]{0,80}") {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.unwrap();
            let record = text.clone() + &behind;
            prop_assert_eq!(raw(record.as_bytes()), Ok(text.as_bytes()));
            let mut values = serde_json::Deserializer::from_str(&record).into_iter::<Value>();
            prop_assert!(values.next().is_some_and(|value| value.is_ok()));
            prop_assert_eq!(values.byte_offset(), text.len());
        }

        #[test]
        fn any_bytes_are_taken_as_one_by_one(bytes in prop::collection::vec(prop_oneof![
            4 => Just(b'a'), 1 => any::<u8>(), 1 => prop::sample::select(&b"\"\\[]{}"[..]),
        ], 0..400)) {
            let record = [b"[", &*bytes].concat();
            prop_assert_eq!(raw(&record).ok(), obvious(&record));
        }

        #[test]
        fn any_run_of_escapes_is_taken_as_one_by_one(runs in prop::collection::vec((0..70_usize, 0..70_usize), 0..8)) {
            let mut record = b"[\"".to_vec();
            for (plain, escapes) in runs {
                record.extend(std::iter::repeat_n(b'a', plain));
                record.extend(std::iter::repeat_n(b'\\', escapes));
                record.extend(b"\"]");
            }
            prop_assert_eq!(raw(&record).ok(), obvious(&record));
        }
    }

    #[test]
    fn values_nest_64_deep_and_no_deeper_wherever_they_stand() {
        for before in ["", "1,", &"1,".repeat(31), &"1,".repeat(40)] {
            let nested = |depth: usize| {
                format!("[{before}{}{}]", "[".repeat(depth - 1), "]".repeat(depth - 1))
            };
            assert_eq!(raw(nested(64).as_bytes()), Ok(nested(64).as_bytes()));
            assert_eq!(raw(nested(65).as_bytes()), Err(Syntax));
        }
        assert_eq!(Scanner::new(b"[]").raw(64), Err(Syntax));
    }

    #[test]
    fn raw_follows_quotes_and_brackets_only() {
        let mut scanner = Scanner::new(br#"[1, "a]\"b", {x}] , 2"#);
        assert_eq!(scanner.raw(0), Ok(&br#"[1, "a]\"b", {x}]"#[..]));
        assert!(scanner.take(b','));
        assert_eq!(scanner.raw(0), Ok(&b"2"[..]));
    }
}
