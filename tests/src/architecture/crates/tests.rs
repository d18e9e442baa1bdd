//! Each rule against a small workspace that keeps it, and against one that does not.

use super::*;

fn plan() -> Plan {
    let plan = toml::toml! {
        rows = [["left"], ["right"]]
        arrows = { left = ["bytes"], right = ["left", "tokio"] }
        runtimes = { why = "x", crates = ["left"], banned = ["tokio"] }
        pure = { why = "x", crates = ["left"], test-tools = ["proptest"], paths = [], words = [], types = [], methods = [] }
        waiting = { why = "x", crates = ["right"], methods = [] }
        package = { license = "MIT", authors = ["us"], rust-version = "1.95" }
        files = { why = "x", max-lines = 800 }
    };
    plan.try_into().expect("a plan")
}

fn one(name: &str, uses: &[&str], uses_in_tests: &[&str]) -> Crate {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Crate {
        name: name.into(),
        folder: name.into(),
        uses: set(uses),
        uses_in_tests: set(uses_in_tests),
        license: Some("MIT".into()),
        authors: vec!["us".into()],
        rust_version: Some("1.95".into()),
    }
}

fn good() -> Vec<Crate> {
    vec![one("left", &["bytes"], &["proptest"]), one("right", &["left", "tokio"], &[])]
}

/// The only finding, which names what is wrong.
#[track_caller]
fn finds(findings: &[Finding], words: &str) {
    assert!(matches!(findings, [one] if one.contains(words)), "{findings:?}");
}

#[test]
fn a_workspace_that_keeps_the_rules_has_no_findings() {
    let (plan, crates) = (plan(), good());
    assert!(arrows(&plan, &crates).is_empty());
    assert!(rows(&plan, &crates).is_empty());
    assert!(runtimes(&plan.runtimes, &crates).is_empty());
    assert!(test_tools(&plan.pure, &crates).is_empty());
    assert!(packaging(&plan.package, &crates).is_empty());
}

#[test]
fn new_and_stale_arrows_and_crates_are_found() {
    let with = |crates: &[Crate]| arrows(&plan(), crates);
    let [left, right] = good().try_into().expect("two crates");
    finds(&with(&[one("left", &["bytes", "http"], &[]), right.clone()]), "left uses http");
    finds(&with(&[one("left", &[], &[]), right.clone()]), "left does not use bytes");
    finds(&with(&[left.clone(), right, one("new", &[], &[])]), "new is new");
    finds(&with(&[left]), "no crate right");
}

#[test]
fn arrows_to_the_right_are_found_in_tests_too() {
    let with = |left| rows(&plan(), &[left, one("right", &[], &[])]);
    finds(&with(one("left", &["right"], &[])), "left uses right");
    finds(&with(one("left", &[], &["right"])), "left uses right");
    finds(&with(one("other", &[], &[])), "other is in none");
}

#[test]
fn a_runtime_and_a_foreign_test_tool_are_found() {
    let left = [one("left", &["tokio"], &["tokio"])];
    finds(&runtimes(&plan().runtimes, &left), "left names tokio");
    finds(&test_tools(&plan().pure, &left), "the tests of left use tokio");
}

#[test]
fn each_missing_fact_about_a_package_is_found() {
    let with = |change: fn(&mut Crate)| {
        let mut left = one("left", &[], &[]);
        change(&mut left);
        packaging(&plan().package, &[left])
    };
    finds(&with(|left| left.folder = "links".into()), "the folder links");
    finds(&with(|left| left.license = None), "another license");
    finds(&with(|left| left.authors.clear()), "another authors");
    finds(&with(|left| left.rust_version = Some("1.90".into())), "another rust-version");
    assert!(with(|left| left.rust_version = Some("1.95.0".into())).is_empty());
}

#[test]
fn own_lints_and_unsafe_code_are_found() {
    let forbids = toml::toml! { workspace = { lints = { rust = { unsafe_code = "forbid" } } } };
    let allows = toml::toml! { workspace = { lints = { rust = { unsafe_code = "warn" } } } };
    let inherits = toml::toml! { lints = { workspace = true } };
    let own = toml::toml! { lints = { rust = { unsafe_code = "allow" } } };
    assert!(inherits_lints(&forbids, [("left", &inherits)]).is_empty());
    finds(&inherits_lints(&forbids, [("left", &own)]), "left has its own lints");
    finds(&inherits_lints(&allows, [("left", &inherits)]), "allows unsafe code");
}
