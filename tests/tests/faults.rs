//! The list of faults that tests must find, `faults.toml`, is held to the sources.

use tests::faults::{findings, read, root};

#[test]
fn every_fault_of_the_list_can_be_planted_and_is_looked_for() {
    let faults = read(&root()).unwrap_or_else(|error| panic!("{error}"));
    assert!(faults.len() >= 20, "{} faults", faults.len());
    let findings = findings(&root(), &faults);
    assert!(findings.is_empty(), "\n  {}\n", findings.join("\n  "));
}
