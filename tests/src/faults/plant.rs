//! The copy of the workspace, in which each fault can be switched on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Fault;

/// What the copy of `hub-proto` has besides: the environment says which fault there is.
const PLANTED: &str = r#"//! Which fault is planted.

use std::sync::LazyLock;

static PLANTED: LazyLock<Option<usize>> =
    LazyLock::new(|| std::env::var("PLANTED").ok().and_then(|number| number.parse().ok()));

/// Whether it is this one.
#[inline]
pub fn is(fault: usize) -> bool {
    *PLANTED == Some(fault)
}
"#;

/// How the copy is built: soon, and with every check that tests have.
const PROFILE: &str = "
lto = false
debug = false
opt-level = 1
codegen-units = 16
debug-assertions = true
overflow-checks = true
";

/// What is no source.
const MADE: [&str; 2] = ["node_modules", "target"];

/// Copies what the workspace is built from, with the faults planted. Files that stay the same are left alone,
/// so that they need not be built again.
pub fn copy(root: &Path, to: &Path, faults: &[Fault]) -> io::Result<()> {
    let mut files = BTreeMap::new();
    let manifest: Table = read(&root.join("Cargo.toml"))?.parse().map_err(io::Error::other)?;
    let members = manifest.get("workspace").and_then(|it| it.get("members"));
    let members = members.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for member in members {
        collect(root, &root.join(member), &mut files)?;
    }
    for file in ["Cargo.lock", "README.md"] {
        files.insert(file.into(), fs::read(root.join(file))?);
    }
    files.insert("Cargo.toml".into(), profiled(manifest).into_bytes());
    let faulty: BTreeSet<_> = faults.iter().map(|fault| fault.file.as_str()).collect();
    for file in faulty {
        let text = planted(file, &read(&root.join(file))?, faults);
        files.insert(file.into(), text.into_bytes());
    }
    files.insert("hub-proto/src/planted.rs".into(), PLANTED.into());
    if let Some(crate_root) = files.get_mut(Path::new("hub-proto/src/lib.rs")) {
        crate_root.extend_from_slice(b"\npub mod planted;\n");
    }
    write(to, &files)
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// All files below a folder, by their paths from the root.
fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let name = name.to_string_lossy();
        if name.starts_with('.') || MADE.contains(&&*name) {
            continue;
        }
        if entry.is_dir() {
            collect(root, &entry, files)?;
        } else {
            let short = entry.strip_prefix(root).unwrap_or(&entry).to_path_buf();
            files.insert(short, fs::read(&entry)?);
        }
    }
    Ok(())
}

fn profiled(mut manifest: Table) -> String {
    let profile: Table = PROFILE.parse().expect("a profile");
    let profiles = Table::from_iter([("release".to_owned(), Value::Table(profile))]);
    manifest.insert("profile".to_owned(), Value::Table(profiles));
    manifest.to_string()
}

/// A source with those faults that are in it; their numbers are their places in the list.
fn planted(file: &str, text: &str, faults: &[Fault]) -> String {
    let path = if file.starts_with("hub-proto/") { "crate" } else { "hub_proto" };
    let mut text = text.to_owned();
    for (number, fault) in faults.iter().enumerate().filter(|(_, fault)| fault.file == file) {
        let Fault { right, wrong, .. } = fault;
        let either = format!("if {path}::planted::is({number}) {{ {wrong} }} else {{ {right} }}");
        let either = if right.ends_with(';') { either } else { format!("({either})") };
        text = text.replacen(right, &either, 1);
    }
    text
}

fn write(to: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> io::Result<()> {
    let mut there = BTreeMap::new();
    if to.exists() {
        collect(to, to, &mut there)?;
    }
    for gone in there.keys().filter(|file| !files.contains_key(*file)) {
        fs::remove_file(to.join(gone))?;
    }
    for (file, bytes) in files.iter().filter(|(file, bytes)| there.get(*file) != Some(*bytes)) {
        let path = to.join(file);
        fs::create_dir_all(path.parent().unwrap_or(to))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(file: &str, right: &str, wrong: &str) -> Fault {
        let [name, file, right, wrong] = ["a fault", file, right, wrong].map(str::to_owned);
        Fault { name, file, right, wrong, test: None }
    }

    #[test]
    fn expressions_and_statements_are_switched() {
        let faults = [
            fault("a.rs", "1", "2"),
            fault("hub-proto/a.rs", "b", "c"),
            fault("a.rs", "act();", ""),
        ];
        assert_eq!(
            planted("a.rs", "let a = 1; act();", &faults),
            "let a = (if hub_proto::planted::is(0) { 2 } else { 1 }); \
             if hub_proto::planted::is(2) {  } else { act(); }"
        );
        let proto = planted("hub-proto/a.rs", "b", &faults);
        assert_eq!(proto, "(if crate::planted::is(1) { c } else { b })");
    }

    #[test]
    fn a_copy_is_built_without_waiting_for_the_linker_to_optimize() {
        let manifest = "[workspace]\nmembers = []\n[profile.release]\nlto = \"thin\"\n";
        let manifest: Table = profiled(manifest.parse().unwrap()).parse().unwrap();
        assert_eq!(manifest["profile"]["release"]["lto"].as_bool(), Some(false));
    }
}
