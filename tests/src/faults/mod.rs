//! Faults of one line, each of which some test must find.
//!
//! `tests/faults.toml` lists them, and the shipped sources know nothing of them: the program `faults` makes
//! a [copy](plant) of the workspace in which each can be switched on, and [hunts](hunt) for one after the
//! other. An ordinary test holds the list to the sources.

pub mod hunt;
pub mod plant;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::architecture::texts;
use crate::catalogue::is_test;

pub use self::table::{Row, table};

/// The list, from the root of the workspace.
pub const LIST: &str = "tests/faults.toml";

#[derive(Deserialize)]
struct List {
    fault: Vec<Fault>,
}

/// Something that would be wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What it is, in words.
    pub name: String,
    /// Where, from the root of the workspace.
    pub file: String,
    /// The expression, or the statement with its semicolon, as it stands there, once.
    pub right: String,
    /// What it becomes.
    pub wrong: String,
    /// What finds it when the world does not: `-p PACKAGE --lib PATH` or `-p PACKAGE --test TARGET PATH`.
    pub test: Option<String>,
}

/// The root of the workspace.
///
/// # Panics
///
/// When the tests are in none.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests are in a workspace").to_path_buf()
}

/// The faults of the list; an error in words when it is none.
pub fn read(root: &Path) -> Result<Vec<Fault>, String> {
    let text = fs::read_to_string(root.join(LIST)).map_err(|error| format!("{LIST}: {error}"))?;
    let list: List = toml::from_str(&text).map_err(|error| format!("{LIST}: {error}"))?;
    Ok(list.fault)
}

/// What of the list is not true, in words.
pub fn findings(root: &Path, faults: &[Fault]) -> Vec<String> {
    let mut names = BTreeSet::new();
    let mut findings = Vec::new();
    for fault in faults {
        let mut find = |what: String| findings.push(format!("{}: {what}", fault.name));
        if !names.insert(&fault.name) {
            find("there are two of that name".to_owned());
        }
        match fs::read_to_string(root.join(&fault.file)) {
            Err(error) => find(format!("{}: {error}", fault.file)),
            Ok(text) => match text.matches(&fault.right).count() {
                1 => {}
                count => find(format!("{} has {count} times: {}", fault.file, fault.right)),
            },
        }
        if fault.right == fault.wrong {
            find("it changes nothing".to_owned());
        }
        if let Some(test) = &fault.test
            && let Err(why) = exists(root, test)
        {
            find(why);
        }
    }
    findings
}

/// Whether there is such a test.
fn exists(root: &Path, test: &str) -> Result<(), String> {
    let words: Vec<_> = test.split(' ').collect();
    let (package, files, path) = match words[..] {
        ["-p", package, "--lib", path] => (package, "src/".to_owned(), path),
        ["-p", package, "--test", target, path] => (package, format!("tests/{target}"), path),
        _ => return Err(format!("that is no test: {test}")),
    };
    let name = path.rsplit("::").next().unwrap_or_default();
    let texts = texts(&root.join(package)).map_err(|error| format!("{package}: {error}"))?;
    let has =
        |(file, text): &(String, String)| file.starts_with(&files) && is_test(file, text, name);
    if texts.iter().any(has) { Ok(()) } else { Err(format!("there is no test {test}")) }
}
