//! Rules about packages and the arrows between them.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata};

use super::{Finding, Package, Plan, Pure, Runtimes};

/// What the rules need to know of one crate of the workspace.
#[derive(Clone, Debug, Default)]
pub struct Crate {
    /// The name of the package.
    pub name: String,
    /// The name of its folder.
    pub folder: String,
    /// The names of its direct dependencies, optional and platform-specific ones too.
    pub uses: BTreeSet<String>,
    /// The names of its direct dev- and build-dependencies.
    pub uses_in_tests: BTreeSet<String>,
    /// The SPDX expression.
    pub license: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// The oldest compiler, as `cargo metadata` writes it.
    pub rust_version: Option<String>,
}

impl Crate {
    /// The members of the workspace.
    pub fn all(metadata: &Metadata) -> Vec<Self> {
        let uses = |package: &cargo_metadata::Package, normal: bool| {
            let of_kind = package
                .dependencies
                .iter()
                .filter(|one| (one.kind == DependencyKind::Normal) == normal);
            of_kind.map(|one| one.name.clone()).collect()
        };
        let packages = metadata.workspace_packages().into_iter();
        let crates = packages.map(|package| Self {
            name: package.name.to_string(),
            folder: package
                .manifest_path
                .parent()
                .and_then(|folder| folder.file_name())
                .unwrap_or_default()
                .to_owned(),
            uses: uses(package, true),
            uses_in_tests: uses(package, false),
            license: package.license.clone(),
            authors: package.authors.clone(),
            rust_version: package.rust_version.as_ref().map(ToString::to_string),
        });
        crates.collect()
    }
}

/// Every dependency is a listed arrow, and every listed arrow is a dependency.
pub fn arrows(plan: &Plan, crates: &[Crate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in crates {
        let name = &one.name;
        let Some(listed) = plan.arrows.get(name) else {
            findings.push(format!("{name} is new: list what it uses under [arrows]"));
            continue;
        };
        let listed: BTreeSet<_> = listed.iter().cloned().collect();
        let new = one.uses.difference(&listed);
        findings.extend(new.map(|used| {
            format!("{name} uses {used}: remove it, or list it under [arrows] if it replaces more code than it brings")
        }));
        let stale = listed.difference(&one.uses);
        findings.extend(
            stale.map(|used| {
                format!("{name} does not use {used} any more: remove it from [arrows]")
            }),
        );
    }
    let gone = plan.arrows.keys().filter(|name| crates.iter().all(|one| one.name != **name));
    findings.extend(gone.map(|name| format!("there is no crate {name}: remove it from [arrows]")));
    findings
}

/// Within the workspace, arrows point to earlier rows, those of tests too.
pub fn rows(plan: &Plan, crates: &[Crate]) -> Vec<Finding> {
    let row = |name: &str| plan.rows.iter().position(|row| row.iter().any(|one| one == name));
    let mut findings = Vec::new();
    for one in crates {
        let name = &one.name;
        let Some(own) = row(name) else {
            findings.push(format!("{name} is in none of the rows: add it to one"));
            continue;
        };
        for used in one.uses.union(&one.uses_in_tests) {
            if row(used).is_some_and(|used| used >= own) {
                findings.push(format!(
                    "{name} uses {used}, which is no earlier row: arrows point left only, so move the code instead"
                ));
            }
        }
    }
    findings
}

/// Who runs on any runtime names none.
pub fn runtimes(rule: &Runtimes, crates: &[Crate]) -> Vec<Finding> {
    let bound = crates.iter().filter(|one| rule.crates.contains(&one.name));
    let named = bound.flat_map(|one| {
        let banned = one.uses.iter().filter(|used| rule.banned.contains(used));
        banned.map(|used| {
            format!("{} names {used}: move that to a transport, for {}", one.name, rule.why)
        })
    });
    named.collect()
}

/// The tests of the pure crates add nothing but test tools.
pub fn test_tools(rule: &Pure, crates: &[Crate]) -> Vec<Finding> {
    let pure = crates.iter().filter(|one| rule.crates.contains(&one.name));
    let others = pure.flat_map(|one| {
        let others = one.uses_in_tests.iter().filter(|used| !rule.test_tools.contains(used));
        others.map(|used| {
            format!("the tests of {} use {used}: move those tests to the tests crate", one.name)
        })
    });
    others.collect()
}

/// A package is named like its folder and says who made it, under which licence, for which compiler.
pub fn packaging(rule: &Package, crates: &[Crate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in crates {
        let name = &one.name;
        if one.folder != *name {
            findings.push(format!("{name} is in the folder {}: name them alike", one.folder));
        }
        let mut inherit = |key: &str, right: bool| {
            if !right {
                findings.push(format!("{name} has another {key}: write `{key}.workspace = true`"));
            }
        };
        inherit("license", one.license.as_ref() == Some(&rule.license));
        inherit("authors", one.authors == rule.authors);
        // Metadata writes 1.95 as 1.95.0 or 1.95.
        let version = one.rust_version.as_deref().unwrap_or_default();
        let plain = version.strip_suffix(".0").filter(|plain| plain.contains('.'));
        inherit("rust-version", plain.unwrap_or(version) == rule.rust_version);
    }
    findings
}

/// The workspace forbids unsafe code, and every member takes over its lints.
pub fn inherits_lints<'a>(
    workspace: &toml::Table,
    members: impl IntoIterator<Item = (&'a str, &'a toml::Table)>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lint = workspace
        .get("workspace")
        .and_then(|table| table.get("lints")?.get("rust")?.get("unsafe_code")?.as_str());
    if lint != Some("forbid") {
        findings.push("the workspace allows unsafe code: write `unsafe_code = \"forbid\"`".into());
    }
    for (name, manifest) in members {
        let inherited = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
        if inherited != Some(true) {
            findings
                .push(format!("{name} has its own lints: write `workspace = true` under [lints]"));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
