//! Rust sources as the rules see them: without comments and strings, imports written out.

use super::{Finding, Pure};

/// The code of one file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is, for the findings.
    pub name: String,
    /// Its code; comments and the insides of literals are blanks.
    pub code: String,
}

impl Source {
    /// Blanks whatever is no code, keeping every line where it is.
    pub fn new(name: impl Into<String>, text: &str) -> Self {
        let mut code = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let length = not_code(rest, code.chars().next_back());
            if length > 0 {
                let (skipped, after) = rest.split_at(length);
                code.push(' ');
                code.extend(skipped.chars().filter(|char| *char == '\n'));
                rest = after;
            } else if let Some(next) = rest.chars().next() {
                code.push(next);
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
            }
        }
        Self { name: name.into(), code }
    }

    /// Every path of two or more names in the code, with its line; imports are written out one by one.
    fn paths(&self) -> Vec<(usize, String)> {
        let tokens = self.tokens();
        let mut paths = Vec::new();
        let mut at = 0;
        while let Some((line, token)) = tokens.get(at).copied() {
            at += 1;
            if token == "use" {
                import(&tokens, &mut at, "", &mut paths);
            } else if is_name(token) {
                let mut path = token.to_owned();
                while let (Some((_, "::")), Some((_, name))) = (tokens.get(at), tokens.get(at + 1))
                    && is_name(name)
                {
                    path = format!("{path}::{name}");
                    at += 2;
                }
                if path.contains("::") {
                    paths.push((line, path));
                }
            }
        }
        paths
    }

    fn tokens(&self) -> Vec<(usize, &str)> {
        let mut tokens = Vec::new();
        for (n, line) in self.code.lines().enumerate() {
            let mut rest = line.trim_start();
            while let Some(first) = rest.chars().next() {
                let name = rest.find(|char| !is_name_char(char)).unwrap_or(rest.len());
                let length = match name {
                    0 if rest.starts_with("::") => 2,
                    0 => first.len_utf8(),
                    name => name,
                };
                let (token, after) = rest.split_at(length);
                tokens.push((n + 1, token));
                rest = after.trim_start();
            }
        }
        tokens
    }
}

/// Writes out one branch of an import, behind `prefix`, up to and with the comma, brace or semicolon after it.
fn import(
    tokens: &[(usize, &str)],
    at: &mut usize,
    prefix: &str,
    paths: &mut Vec<(usize, String)>,
) {
    let (mut path, mut named) = (prefix.to_owned(), None);
    while let Some((line, token)) = tokens.get(*at).copied() {
        *at += 1;
        match token {
            "{" => {
                named = None;
                let more = |at| tokens.get(at - 1).is_some_and(|(_, end)| ["{", ","].contains(end));
                while *at < tokens.len() && more(*at) {
                    import(tokens, at, &path, paths);
                }
            }
            "," | "}" | ";" => break,
            "as" => *at += 1,
            "::" if path.is_empty() => {}
            "::" => path.push_str("::"),
            "self" => named = Some(line),
            name => {
                named = Some(line);
                path.push_str(name);
            }
        }
    }
    paths.extend(named.map(|line| (line, path.trim_end_matches("::").to_owned())));
}

/// How many bytes at the front of `rest` are a comment or a literal that is text; `before` is the last char of code.
fn not_code(rest: &str, before: Option<char>) -> usize {
    let in_name = before.is_some_and(is_name_char);
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    let literal = if in_name { rest } else { rest.trim_start_matches(['b', 'c']) };
    let prefix = rest.len() - literal.len();
    if literal.starts_with('"') {
        return prefix + quoted(literal, '"');
    }
    if let Some(raw) = literal.strip_prefix('r').filter(|_| !in_name) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw.get(hashes..).is_some_and(|text| text.starts_with('"')) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = prefix + 1 + hashes + 1;
            let text = rest.get(start..).unwrap_or_default();
            return text.find(&end).map_or(rest.len(), |found| start + found + end.len());
        }
    }
    let mut chars = literal.chars().skip(1);
    let is_char = chars.next() == Some('\\') || chars.next() == Some('\'');
    if literal.starts_with('\'') && is_char { prefix + quoted(literal, '\'') } else { 0 }
}

/// The length of a literal with its quotes.
fn quoted(literal: &str, quote: char) -> usize {
    let mut escaped = true;
    for (at, char) in literal.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            char if char == quote => return at + 1,
            _ => {}
        }
    }
    literal.len()
}

/// The length of a block comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let step = match rest {
            _ if rest.starts_with("/*") => {
                depth += 1;
                2
            }
            _ if rest.starts_with("*/") => {
                depth -= 1;
                2
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn is_name_char(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn is_name(token: &str) -> bool {
    token.chars().next().is_some_and(is_name_char)
}

/// A pure crate names no clock, thread, IO or random source, and awaits nothing.
pub fn impurities(rule: &Pure, source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, path) in source.paths() {
        let banned = |ban: &&String| {
            path.strip_prefix(ban.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        found.extend(rule.paths.iter().filter(banned).map(|_| (line, path.clone())));
    }
    for (n, line) in source.code.lines().enumerate() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = rule.words.iter().filter(|word| {
            line.match_indices(word.as_str()).any(|(at, _)| {
                let before = line.get(..at).and_then(|front| front.chars().next_back());
                let starts_name = word.chars().next().is_some_and(is_name_char);
                !(starts_name && before.is_some_and(is_name_char))
            })
        });
        found.extend(words.map(|word| (n + 1, word.clone())));
    }
    let finding = |(line, what)| {
        format!(
            "{}:{line} names `{what}`: hand it in from outside, for the crate is {}",
            source.name, rule.why
        )
    };
    found.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::new("a.rs", text).code
    }

    fn found(text: &str) -> Vec<String> {
        let rule = Pure {
            why: "pure".into(),
            crates: vec![],
            test_tools: vec![],
            paths: ["std::time::Instant", "std::thread", "rand"].map(String::from).to_vec(),
            words: ["async fn", ".await", "print!", "println!"].map(String::from).to_vec(),
            types: vec![],
            methods: vec![],
        };
        let what = |finding: Finding| finding.split('`').nth(1).unwrap_or_default().to_owned();
        impurities(&rule, &Source::new("a.rs", text)).into_iter().map(what).collect()
    }

    #[test]
    fn comments_and_text_are_no_code() {
        assert_eq!(code("a // b\nc"), "a  \nc");
        assert_eq!(code("a /* b /* c */ \n */ d"), "a  \n d");
        assert_eq!(code(r#"a("b\"c", 'd', '\'', b"e")"#), "a( ,  ,  ,  )");
        assert_eq!(code(r##"a(r#"b"c"#, br"d\")"##), "a( ,  )");
        assert_eq!(code("fn a<'b>(c: &'b str) {}"), "fn a<'b>(c: &'b str) {}");
    }

    #[test]
    fn an_import_is_found_in_any_spelling() {
        assert_eq!(found("use std::time::Instant;"), ["std::time::Instant"]);
        assert_eq!(found("use std::time::{Duration, Instant as Now};"), ["std::time::Instant"]);
        assert_eq!(
            found("use std::{\n    fmt,\n    thread::{self, spawn},\n};"),
            ["std::thread", "std::thread::spawn"]
        );
        assert_eq!(found("pub use ::std::thread;"), ["std::thread"]);
        assert_eq!(found("let now = std::time::Instant::now();"), ["std::time::Instant::now"]);
        assert_eq!(found("let dice = rand::random();"), ["rand::random"]);
        assert_eq!(found("use rand;"), ["rand"]);
        assert_eq!(found("use a::{b::{c, d,}, e}; use {f, std::{thread}};"), ["std::thread"]);
    }

    #[test]
    fn what_looks_alike_is_not_found() {
        assert!(found("use std::time::{Duration, InstantLike}; use operand::x;").is_empty());
        assert!(found("// std::thread::spawn\nlet a = \"rand::random()\";").is_empty());
        assert!(found("use std::{fmt, mem}; fn instant() {} struct Threads;").is_empty());
        assert!(found("my_println!(x)").is_empty());
    }

    #[test]
    fn what_awaits_or_prints_is_found() {
        assert_eq!(found("pub  async  fn a() { b.await }"), ["async fn", ".await"]);
        assert_eq!(found("println!(\"x\")"), ["println!"]);
    }
}
