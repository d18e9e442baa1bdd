//! The page of behaviours, held against the numbers that it must tell of and the tests that it names.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// One thing that is wrong with the page.
pub type Finding = String;

/// What the page must tell of.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    /// The numbers of each section, by its letter.
    pub sections: &'a [(char, &'a [RangeInclusive<u16>])],
    /// What a number may wait for.
    pub features: &'a [&'a str],
    /// The numbers that are still `PENDING`.
    pub pending: &'a [u16],
}

/// How many numbers have each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests show the behaviour.
    pub tests: usize,
    /// Tests show another behaviour.
    pub differs: usize,
    /// It cannot be asked in Rust.
    pub not_in_rust: usize,
    /// Its feature is planned.
    pub waits: usize,
    /// Its feature is being made.
    pub pending: usize,
}

/// Checks a page; `read` gives the text of a file by its path in the workspace.
pub fn check(
    list: &List<'_>,
    page: &str,
    read: impl Fn(&str) -> Option<String>,
) -> Result<Counts, Vec<Finding>> {
    let mut checker = Checker {
        list,
        read: &read,
        files: BTreeMap::new(),
        rows: BTreeMap::new(),
        findings: Vec::new(),
    };
    checker.page(page);
    checker.numbers();
    let Checker { rows, findings, .. } = checker;
    if !findings.is_empty() {
        return Err(findings);
    }
    let mut counts = Counts::default();
    for verdict in rows.values() {
        match verdict {
            Verdict::Tests => counts.tests += 1,
            Verdict::Differs => counts.differs += 1,
            Verdict::NotInRust => counts.not_in_rust += 1,
            Verdict::Waits => counts.waits += 1,
            Verdict::Pending => counts.pending += 1,
        }
    }
    Ok(counts)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Tests,
    Differs,
    NotInRust,
    Waits,
    Pending,
}

/// What the rows of a table are about.
#[derive(Clone, Copy)]
enum Table {
    Files,
    Behaviours,
}

struct Checker<'a> {
    list: &'a List<'a>,
    read: &'a dyn Fn(&str) -> Option<String>,
    /// The path and the text of each file, by its short name.
    files: BTreeMap<String, (String, String)>,
    rows: BTreeMap<u16, Verdict>,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn page(&mut self, page: &str) {
        let mut section = None;
        let mut table = None;
        for (n, line) in (1..).zip(page.lines()) {
            if let Some(heading) = line.strip_prefix("## ") {
                section = letter(heading);
                table = None;
            }
            let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
                table = None;
                continue;
            };
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            match (table, cells.as_slice()) {
                (_, ["short", "below", ..]) => table = Some(Table::Files),
                (_, ["number", "behaviour", "verdict"]) => table = Some(Table::Behaviours),
                (Some(_), [rule, ..]) if rule.starts_with("---") => {}
                (Some(Table::Files), [names, folder, ..]) => self.files(n, names, folder),
                (Some(Table::Behaviours), [numbers, behaviour, verdict]) => {
                    self.behaviour(n, section, numbers, behaviour, verdict);
                }
                (Some(Table::Behaviours), _) => {
                    self.find(n, "a row has a number, a behaviour and a verdict");
                }
                (..) => self.find(n, "this row is in no table that is known here"),
            }
        }
    }

    fn find(&mut self, line: usize, what: &str) {
        self.findings.push(format!("line {line}: {what}"));
    }

    fn files(&mut self, line: usize, names: &str, folder: &str) {
        let folder = quoted(folder).next().unwrap_or_default();
        for name in quoted(names) {
            let path = format!("{folder}{name}");
            let Some(text) = (self.read)(&path) else {
                self.find(line, &format!("there is no file {path}"));
                continue;
            };
            if !is_built(&path, self.read) {
                self.find(line, &format!("{path} is no module of the file above it"));
            }
            if self.files.insert(name.to_owned(), (path, text)).is_some() {
                self.find(line, &format!("{name} is the name of two files"));
            }
        }
    }

    fn behaviour(
        &mut self,
        line: usize,
        section: Option<char>,
        numbers: &str,
        behaviour: &str,
        verdict: &str,
    ) {
        if behaviour.is_empty() {
            self.find(line, "the row does not say what it is about");
        }
        if numbers.is_empty() {
            if self.references(line, verdict) == 0 {
                self.find(line, "a row without a number must name what shows it");
            }
            return;
        }
        let Some(verdict) = self.verdict(line, verdict) else { return };
        for number in self.parse(line, numbers) {
            let home = self.section_of(number);
            if home != section {
                let (home, here) = (name(home), name(section));
                self.find(line, &format!("{number} belongs to {home}, but stands in {here}"));
            }
            if self.rows.insert(number, verdict).is_some() {
                self.find(line, &format!("{number} has a row already"));
            }
        }
    }

    /// What a verdict comes to, once what it says was found to be true.
    fn verdict(&mut self, line: usize, text: &str) -> Option<Verdict> {
        if text == "PENDING" {
            return Some(Verdict::Pending);
        }
        if let Some(why) = text.strip_prefix("*not in Rust:*") {
            if why.trim().is_empty() {
                self.find(line, "why is it not in Rust?");
            }
            self.references(line, why);
            return Some(Verdict::NotInRust);
        }
        if let Some(feature) = text.strip_prefix("*waits for:*") {
            if !self.list.features.contains(&feature.trim()) {
                let known = self.list.features.join(", ");
                self.find(line, &format!("it waits for one of {known}, not for{feature}"));
            }
            return Some(Verdict::Waits);
        }
        let differs = text.strip_prefix("*differs:*");
        if differs.is_none() && !text.starts_with('`') {
            let wanted = "tests, *differs:*, *not in Rust:* or *waits for:*";
            self.find(line, &format!("a verdict is {wanted}, not '{text}'"));
            return None;
        }
        self.references(line, text);
        if !quoted(text).any(|name| name.contains("::")) {
            self.find(line, "no test shows it: name one as `file::test`");
        }
        Some(if differs.is_some() { Verdict::Differs } else { Verdict::Tests })
    }

    /// How many tests and files the text names, each of which must be there.
    fn references(&mut self, line: usize, text: &str) -> usize {
        let mut count = 0;
        for reference in quoted(text) {
            let (file, test) = match reference.split_once("::") {
                Some((file, test)) => (file, Some(test)),
                None if is_file(reference) || self.files.contains_key(reference) => {
                    (reference, None)
                }
                None => continue,
            };
            count += 1;
            let finding = match (self.files.get(file), test) {
                (None, _) => format!("{file} is in no table of files"),
                (Some((path, text)), Some(test)) if !is_test(path, text, test) => {
                    format!("{path} has no test {test}")
                }
                (Some(_), _) => continue,
            };
            self.find(line, &finding);
        }
        count
    }

    /// The numbers of a cell: `1, 3–5` are 1, 3, 5, and 4 where the list has it.
    fn parse(&mut self, line: usize, numbers: &str) -> Vec<u16> {
        let mut all = Vec::new();
        for part in numbers.split(',').map(str::trim) {
            let (first, last) = part.split_once('–').unwrap_or((part, part));
            let known =
                |text: &str| text.parse().ok().filter(|number| self.section_of(*number).is_some());
            match (known(first), known(last)) {
                (Some(first), Some(last)) if first <= last => {
                    all.extend((first..=last).filter(|n| self.section_of(*n).is_some()));
                }
                _ => self.find(line, &format!("'{part}' is no number of the list")),
            }
        }
        all
    }

    fn section_of(&self, number: u16) -> Option<char> {
        let mut sections = self.list.sections.iter();
        let found = sections.find(|(_, ranges)| ranges.iter().any(|range| range.contains(&number)));
        found.map(|(letter, _)| *letter)
    }

    /// Whether each number of the list has its row, and those that are pending are known to be.
    fn numbers(&mut self) {
        for (letter, ranges) in self.list.sections {
            for number in ranges.iter().cloned().flatten() {
                let known = self.list.pending.contains(&number);
                let finding = match self.rows.get(&number) {
                    None => format!("{letter} {number} has no row"),
                    Some(Verdict::Pending) if !known => {
                        format!("{letter} {number} is PENDING: name its test")
                    }
                    Some(verdict) if known && *verdict != Verdict::Pending => {
                        format!("{letter} {number} has its verdict: it is not pending any more")
                    }
                    Some(_) => continue,
                };
                self.findings.push(finding);
            }
        }
    }
}

/// The letter of the section with that heading.
fn letter(heading: &str) -> Option<char> {
    let (letter, _) = heading.split_once(". ")?;
    let mut chars = letter.chars();
    chars.next().filter(|letter| letter.is_ascii_uppercase() && chars.next().is_none())
}

fn name(section: Option<char>) -> String {
    section
        .map_or_else(|| "no section with a letter".to_owned(), |letter| format!("section {letter}"))
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_file(name: &str) -> bool {
    name.ends_with(".rs") || name.ends_with(".mjs")
}

/// Whether the file that a source is a module of, where there is one, says so.
fn is_built(path: &str, read: &dyn Fn(&str) -> Option<String>) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return true };
    let Some(module) = name.strip_suffix(".rs") else { return true };
    let roots = [format!("{folder}/main.rs"), format!("{folder}/mod.rs")];
    let roots = roots.into_iter().chain([format!("{folder}/lib.rs"), format!("{folder}.rs")]);
    let mut roots = roots.filter(|root| root != path).filter_map(|root| read(&root)).peekable();
    let line = format!("mod {module};");
    let declares =
        |text: String| text.lines().any(|own| own.trim().trim_start_matches("pub ") == line);
    roots.peek().is_none() || roots.any(declares) || module == "main" || module == "mod"
}

/// Whether a file has a test of that name that runs by itself.
pub(crate) fn is_test(path: &str, text: &str, name: &str) -> bool {
    if path.ends_with(".mjs") {
        let forms = [
            format!("export async function {name}("),
            format!("export function {name}("),
            format!("export const {name} ="),
            // In the object of all cases.
            format!("  async {name}("),
            format!("  {name}: each"),
        ];
        return text.lines().any(|line| forms.iter().any(|form| line.starts_with(form)));
    }
    let trial = |line: &str| {
        // Names of trials have paths; a target of the fuzzer becomes a trial of its own.
        let trial = line.contains("Trial::test(");
        trial && (line.contains(&format!("\"{name}\"")) || line.contains(&format!("::{name}\"")))
            || line.contains(&format!("Target {{ name: \"{name}\""))
    };
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let function = |(at, line): (usize, &&str)| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let is_it = line.strip_prefix("fn ").and_then(|line| line.strip_prefix(name));
        let above = lines.get(..at).unwrap_or_default().iter().rev();
        let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        let (mut test, mut runs) = (false, true);
        above.by_ref().for_each(|line| {
            test |= *line == "#[test]" || line.starts_with("#[tokio::test");
            runs &= !line.starts_with("#[ignore");
        });
        is_it.is_some_and(|rest| rest.starts_with('(')) && test && runs
    };
    lines.iter().any(|line| trial(line)) || lines.iter().enumerate().any(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: List<'_> = List {
        sections: &[('A', &[1..=2, 4..=4]), ('B', &[5..=8])],
        features: &["tracing", "filters"],
        pending: &[7],
    };

    const PAGE: &str = "
| short | below | |
|---|---|---|
| `a.rs` `cases.mjs` | `core/` | in virtual time |
| `life/main.rs` | `tests/` | |

## A. Handshake

| number | behaviour | verdict |
|---|---|---|
| 1–4 | It begins | `a.rs::begins`, `cases.mjs::starts` |
| | It goes on | `life/main.rs` |

## B. Lifetime

| number | behaviour | verdict |
|---|---|---|
| 5 | It ends | *differs:* it ends `Early`, see `life/main.rs::ends` |
| 6 | It is null | *not in Rust:* nothing is null |
| 7 | It flows | PENDING |
| 8 | It is seen | *waits for:* tracing |

## More of the layer below

| number | behaviour | verdict |
|---|---|---|
| | Bytes flow | `cases.mjs::constant` |
";

    fn read(path: &str) -> Option<String> {
        let text = match path {
            "core/a.rs" => {
                "#[test]\nfn begins() {}\n\nfn plain() {}\n#[test]\n#[ignore]\nfn slow() {}\n"
            }
            "core/cases.mjs" => {
                "export async function starts(world) {}\nexport const constant = 1;\nconst own = 2;\n  async method(stage) {"
            }
            "tests/life/main.rs" => {
                "proptest! {\n    #[test]\n    // why\n    #[allow(x)]\n    fn ends(steps in 0..1) {}\n}\nTrial::test(\"life::trial\", x)\nTarget { name: \"ws\" }\n#[tokio::test(x)]\nasync fn real() {}"
            }
            "tests/life/lost.rs" => "#[test]\nfn lost() {}",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn findings(page: &str) -> Vec<Finding> {
        check(&LIST, page, read).err().unwrap_or_default()
    }

    /// What is found when a piece of the page is another.
    #[track_caller]
    fn changed(from: &str, to: &str) -> Vec<Finding> {
        assert_eq!(PAGE.matches(from).count(), 1, "{from}");
        findings(&PAGE.replace(from, to))
    }

    #[test]
    fn a_good_page_is_counted() {
        let counts = Counts { tests: 3, differs: 1, not_in_rust: 1, waits: 1, pending: 1 };
        assert_eq!(check(&LIST, PAGE, read), Ok(counts));
    }

    #[test]
    fn a_missing_number_is_found() {
        assert_eq!(changed("| 1–4 |", "| 1, 4 |"), ["A 2 has no row"]);
        assert_eq!(findings("").len(), 7);
    }

    #[test]
    fn a_number_with_two_rows_is_found() {
        assert_eq!(changed("| 1–4 |", "| 1–4, 2 |"), ["line 11: 2 has a row already"]);
    }

    #[test]
    fn a_number_in_another_section_or_in_no_list_is_found() {
        let elsewhere = changed("| 6 |", "| 3, 6 |");
        assert_eq!(elsewhere, ["line 19: '3' is no number of the list"]);
        assert_eq!(
            changed("## B. Lifetime", "## C. Lifetime")[0],
            "line 18: 5 belongs to section B, but stands in section C"
        );
        assert_eq!(changed("## B. Lifetime", "## Lifetime").len(), 4);
        assert_eq!(changed("| 1–4 |", "| 4–1 |").len(), 4);
        assert_eq!(changed("| 6 |", "| six |").len(), 2);
    }

    #[test]
    fn a_file_that_is_not_there_or_not_listed_is_found() {
        assert_eq!(
            changed("`a.rs::begins`", "`b.rs::begins`"),
            ["line 11: b.rs is in no table of files"]
        );
        assert_eq!(changed("`life/main.rs` |\n\n", "`b.rs` |\n\n").len(), 1);
        assert_eq!(changed("`tests/`", "`test/`")[0], "line 5: there is no file test/life/main.rs");
        assert_eq!(
            changed(
                "| `life/main.rs` | `tests/` |",
                "| `life/main.rs` | `tests/` | |\n| `a.rs` | `core/` |"
            ),
            ["line 6: a.rs is the name of two files"]
        );
    }

    #[test]
    fn a_file_that_is_not_built_is_found() {
        assert_eq!(
            changed(
                "| `life/main.rs` | `tests/` |",
                "| `life/main.rs` `life/lost.rs` | `tests/` |"
            ),
            ["line 5: tests/life/lost.rs is no module of the file above it"]
        );
    }

    #[test]
    fn a_test_that_is_not_there_is_found_and_so_is_one_that_does_not_run() {
        for name in ["begin", "beginss", "plain", "slow"] {
            let finding = format!("line 11: core/a.rs has no test {name}");
            assert_eq!(changed("`a.rs::begins`", &format!("`a.rs::{name}`")), [finding]);
        }
        assert_eq!(
            changed("`cases.mjs::starts`", "`cases.mjs::own`"),
            ["line 11: core/cases.mjs has no test own"]
        );
        for name in ["trial", "ws", "real"] {
            assert_eq!(changed("main.rs::ends", &format!("main.rs::{name}")), [""; 0]);
        }
        assert_eq!(changed("cases.mjs::starts", "cases.mjs::method"), [""; 0]);
        assert_eq!(changed("main.rs::ends", "main.rs::tria").len(), 1);
    }

    #[test]
    fn a_verdict_that_is_none_is_found() {
        assert_eq!(
            changed("| PENDING |", "| |")[0],
            "line 20: a verdict is tests, *differs:*, *not in Rust:* or *waits for:*, not ''"
        );
        assert_eq!(changed("*not in Rust:* nothing is null", "no").len(), 2);
        assert_eq!(
            changed("*not in Rust:* nothing is null", "*not in Rust:*"),
            ["line 19: why is it not in Rust?"]
        );
        assert_eq!(
            changed("*waits for:* tracing", "*waits for:* spring"),
            ["line 21: it waits for one of tracing, filters, not for spring"]
        );
        assert_eq!(changed("| It is null |", "| |").len(), 1);
        assert_eq!(changed("| It is seen |", "| It is | seen |").len(), 2);
    }

    #[test]
    fn a_difference_or_a_behaviour_without_a_test_is_found() {
        let without = ["line 18: no test shows it: name one as `file::test`"];
        assert_eq!(changed(", see `life/main.rs::ends`", ""), without);
        assert_eq!(changed("main.rs::ends", "main.rs"), without);
        assert_eq!(changed("`cases.mjs::constant`", "nothing").len(), 1);
    }

    #[test]
    fn what_is_pending_must_be_known_to_be_and_no_longer_than_it_is() {
        let unknown = List { pending: &[], ..LIST };
        let found = check(&unknown, PAGE, read).expect_err("it is PENDING");
        assert_eq!(found, ["B 7 is PENDING: name its test"]);
        assert_eq!(
            changed("| PENDING |", "| `a.rs::begins` |"),
            ["B 7 has its verdict: it is not pending any more"]
        );
    }
}
