//! The rules of `architecture.toml`, as functions from what is there to what is wrong.

mod crates;
mod files;
mod source;

use serde::Deserialize;

pub use crates::{Crate, arrows, inherits_lints, packaging, rows, runtimes, test_tools};
pub use files::{bans, leftovers, length, texts};
pub use source::{Source, impurities};

/// One thing that is wrong, and what to do about it.
pub type Finding = String;

/// The page that says what is allowed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    /// The crates from left to right.
    pub rows: Vec<Vec<String>>,
    /// The direct dependencies of each crate.
    pub arrows: std::collections::BTreeMap<String, Vec<String>>,
    /// Who may not name an async runtime.
    pub runtimes: Runtimes,
    /// Who does no IO, and what that means.
    pub pure: Pure,
    /// Who lets its thread go while it waits.
    pub waiting: Waiting,
    /// What every package says about itself.
    pub package: Package,
    /// What holds for every file.
    pub files: Files,
}

/// Crates without an async runtime.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtimes {
    /// The reason, shown with each finding.
    pub why: String,
    /// The crates.
    pub crates: Vec<String>,
    /// The runtimes and their parts.
    pub banned: Vec<String>,
}

/// Crates that are functions of their inputs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pure {
    /// The reason, shown with each finding.
    pub why: String,
    /// The crates.
    pub crates: Vec<String>,
    /// Their only dev-dependencies.
    pub test_tools: Vec<String>,
    /// Paths that their sources may not name.
    pub paths: Vec<String>,
    /// Code that their sources may not hold.
    pub words: Vec<String>,
    /// Types that clippy must ban there.
    pub types: Vec<String>,
    /// Methods that clippy must ban there.
    pub methods: Vec<String>,
}

/// Crates whose code may run on a thread with others'.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// The reason, shown with each finding.
    pub why: String,
    /// The crates.
    pub crates: Vec<String>,
    /// Methods that clippy must ban there.
    pub methods: Vec<String>,
}

/// What every package says about itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Package {
    /// The SPDX expression.
    pub license: String,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// The oldest compiler.
    pub rust_version: String,
}

/// What holds for every file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Files {
    /// The reason, shown with each finding.
    pub why: String,
    /// The longest source file.
    pub max_lines: usize,
}
