//! Rules about files, whatever is in them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::{Files, Finding};

/// What people write by hand.
const SOURCES: [&str; 8] = ["rs", "js", "mjs", "html", "css", "toml", "sh", "md"];

/// The folders that are made, not written.
const MADE: [&str; 6] = ["target", "node_modules", ".git", "corpus", "artifacts", "coverage"];

/// Every hand-written text below `root`: its path from there, and what it says.
pub fn texts(root: &Path) -> io::Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
            let name = name.to_string_lossy();
            let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
            if entry.is_dir() && !MADE.contains(&&*name) {
                folders.push(entry);
            } else if entry.is_file() && (SOURCES.contains(&kind) || !name.contains('.')) {
                let short = entry.strip_prefix(root).unwrap_or(&entry).display().to_string();
                texts.push((short, fs::read_to_string(&entry)?));
            }
        }
    }
    texts.sort();
    Ok(texts)
}

/// A source file is not longer than the limit.
pub fn length(rule: &Files, name: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    (lines > rule.max_lines).then(|| {
        let most = rule.max_lines;
        format!("{name} has {lines} lines, {most} at most: split it, for {}", rule.why)
    })
}

/// Nothing is left for later.
pub fn leftovers(name: &str, text: &str) -> Vec<Finding> {
    // In halves, or this file would find itself.
    let marks = [("TO", "DO"), ("FIX", "ME"), ("to", "do!"), ("unimple", "mented!")];
    let mut findings = Vec::new();
    for (n, line) in text.lines().enumerate() {
        for mark in marks.map(|(front, back)| format!("{front}{back}")) {
            let stands_alone = line.match_indices(&mark).any(|(at, _)| {
                let (front, back) = (line.get(..at), line.get(at + mark.len()..));
                let is_name = |char: Option<char>| {
                    char.is_some_and(|char| char.is_alphanumeric() || char == '_')
                };
                let ends_name =
                    mark.ends_with('!') || !is_name(back.and_then(|text| text.chars().next()));
                ends_name && !is_name(front.and_then(|text| text.chars().next_back()))
            });
            if stands_alone {
                findings.push(format!("{name}:{} says {mark}: finish it, or open an issue", n + 1));
            }
        }
    }
    findings
}

/// The `clippy.toml` of a crate bans, under that key, what a scan cannot find.
pub fn bans(
    name: &str,
    clippy: &toml::Table,
    key: &str,
    wanted: &[String],
    why: &str,
) -> Vec<Finding> {
    let list = clippy.get(key).and_then(toml::Value::as_array).into_iter().flatten();
    let path =
        |ban: &toml::Value| ban.as_str().or_else(|| ban.get("path")?.as_str()).map(str::to_owned);
    let banned: BTreeSet<String> = list.filter_map(path).collect();
    let missing = wanted.iter().filter(|path| !banned.contains(*path));
    let finding = |path: &String| {
        format!("{name}/clippy.toml does not ban {path}: add it to {key}, for the crate is {why}")
    };
    missing.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_after_the_last_allowed_one_is_found() {
        let rule = Files { why: "x".into(), max_lines: 3 };
        assert_eq!(length(&rule, "a.rs", "1\n2\n3\n"), None);
        assert!(
            length(&rule, "a.rs", "1\n2\n3\n4\n")
                .is_some_and(|text| text.starts_with("a.rs has 4"))
        );
    }

    #[test]
    fn a_leftover_is_found_as_a_whole_word() {
        let (later, never) = (format!("{}DO: later", "TO"), format!("    {}do!()", "to"));
        assert_eq!(leftovers("a.rs", &format!("fine\n// {later}")).len(), 1);
        assert_eq!(leftovers("a.rs", &never).len(), 1);
        assert!(leftovers("a.rs", &format!("MY_{}DO_LIST, todos, auto", "TO")).is_empty());
    }

    #[test]
    fn a_ban_that_is_gone_is_found() {
        let clippy = toml::toml! {
            disallowed-types = [{ path = "a::B", reason = "x" }, "c::D"]
        };
        let wanted = ["a::B", "c::D", "e::F"].map(str::to_owned);
        let findings = bans("hub-proto", &clippy, "disallowed-types", &wanted, "pure");
        assert_eq!(findings.len(), 1);
        assert!(findings.iter().all(|finding| finding.contains("e::F")));
    }
}
