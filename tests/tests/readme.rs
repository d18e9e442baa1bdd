//! The README's table of options is whole, and `CATALOGUE.md` has a row for every limit of the machines.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in a workspace");
    fs::read_to_string(root.join(path)).expect("the file is there")
}

/// What stands between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect("the start is there");
    rest.split_once(end).expect("the end is there").0
}

#[test]
fn every_option_has_its_row_and_every_row_its_option() {
    let source = read("hub-async/src/options.rs");
    let options = between(&source, "pub struct HubOptions {", "\n}");
    let mut options: BTreeSet<_> = options
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .map(|(name, _)| name)
        .collect();
    assert!(options.len() > 20);
    options.insert("unlimited_receive_message_size");
    let readme = read("README.md");
    let table = between(&readme, "| option |", "\n\n");
    let rows = table.lines().filter_map(|row| row.strip_prefix("| `")?.split_once('`'));
    let rows: BTreeSet<_> =
        rows.map(|(name, _)| name).filter(|name| !name.contains("::")).collect();
    assert_eq!(options, rows);
}

#[test]
fn every_limit_of_a_connection_has_its_test() {
    let source = read("hub-core/src/limits.rs");
    let limits = between(&source, "pub struct Limits {", "\n}");
    let limits: BTreeSet<_> = limits
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    let page = read("tests/CATALOGUE.md");
    let section = between(&page, "## Limits", "\n## ");
    let rows = section.lines().filter_map(|row| row.strip_prefix("| | `")?.split_once('`'));
    let rows: BTreeSet<_> = rows.map(|(name, _)| name).collect();
    let missing: Vec<_> = limits.difference(&rows).collect();
    assert!(missing.is_empty(), "without a row under Limits: {missing:?}");
}

#[test]
fn the_example_for_embedding_is_as_short_as_the_readme_says() {
    assert!(read("README.md").contains("one file of less than 200 lines"));
    assert!(read("hub-core/examples/embed.rs").lines().count() < 200);
}
