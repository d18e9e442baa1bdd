//! The rules of `architecture.toml`, held against this workspace, one test each.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

use tests::architecture::{self, Crate, Finding, Plan, Source};

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests are in the workspace").to_path_buf()
}

fn table(path: &str) -> toml::Table {
    let text =
        fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn plan() -> Plan {
    table("tests/architecture.toml")
        .try_into()
        .unwrap_or_else(|error| panic!("architecture.toml: {error}"))
}

fn crates() -> Vec<Crate> {
    // Without the dependencies, nothing has to be downloaded.
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec();
    Crate::all(&metadata.expect("cargo metadata runs"))
}

#[track_caller]
fn none(findings: impl IntoIterator<Item = Finding>) {
    let findings: Vec<_> = findings.into_iter().collect();
    assert!(findings.is_empty(), "\n  {}\n", findings.join("\n  "));
}

#[test]
fn every_arrow_is_listed_and_every_listed_arrow_is_there() {
    none(architecture::arrows(&plan(), &crates()));
}

#[test]
fn arrows_point_to_the_left() {
    none(architecture::rows(&plan(), &crates()));
}

#[test]
fn only_the_transports_name_a_runtime() {
    none(architecture::runtimes(&plan().runtimes, &crates()));
}

#[test]
fn the_tests_of_the_pure_crates_use_test_tools_only() {
    none(architecture::test_tools(&plan().pure, &crates()));
}

#[test]
fn clippy_bans_the_impure_in_the_pure_crates() {
    let rule = plan().pure;
    none(rule.crates.iter().flat_map(|name| {
        let clippy = table(&format!("{name}/clippy.toml"));
        let bans = |key, wanted| architecture::bans(name, &clippy, key, wanted, &rule.why);
        [bans("disallowed-types", &rule.types), bans("disallowed-methods", &rule.methods)].concat()
    }));
}

#[test]
fn clippy_bans_what_blocks_a_thread_in_async_crates() {
    let rule = plan().waiting;
    none(rule.crates.iter().flat_map(|name| {
        let clippy = table(&format!("{name}/clippy.toml"));
        architecture::bans(name, &clippy, "disallowed-methods", &rule.methods, &rule.why)
    }));
}

#[test]
fn the_pure_crates_name_nothing_impure() {
    let rule = plan().pure;
    none(rule.crates.iter().flat_map(|name| {
        let texts = architecture::texts(&root().join(name).join("src")).expect("readable sources");
        assert!(texts.len() > 5, "the sources of {name} were not found");
        let ships =
            |file: &str| !Path::new(file).iter().any(|part| part == "tests" || part == "tests.rs");
        let shipped = texts.iter().filter(|(file, _)| ships(file));
        let sources = shipped.map(|(file, text)| Source::new(format!("{name}/src/{file}"), text));
        sources.flat_map(|source| architecture::impurities(&rule, &source)).collect::<Vec<_>>()
    }));
}

#[test]
fn every_crate_inherits_the_lints_and_no_crate_is_unsafe() {
    let members: Vec<_> = crates()
        .into_iter()
        .map(|one| (table(&format!("{}/Cargo.toml", one.folder)), one.folder))
        .collect();
    let members = members.iter().map(|(manifest, name)| (name.as_str(), manifest));
    none(architecture::inherits_lints(&table("Cargo.toml"), members));
}

#[test]
fn every_package_is_named_like_its_folder_and_says_who_made_it() {
    none(architecture::packaging(&plan().package, &crates()));
}

#[test]
fn no_file_is_too_long() {
    let rule = plan().files;
    let texts = architecture::texts(&root()).expect("readable files");
    none(texts.iter().filter_map(|(name, text)| architecture::length(&rule, name, text)));
}

#[test]
fn nothing_is_left_for_later() {
    let texts = architecture::texts(&root()).expect("readable files");
    none(texts.iter().flat_map(|(name, text)| architecture::leftovers(name, text)));
}
