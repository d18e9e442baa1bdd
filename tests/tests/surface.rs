//! The public items of each library are those listed in `tests/surface`, so that none changes unseen.
//!
//! With `BLESS` set, the lists are written instead of compared.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use cargo_metadata::{MetadataCommand, TargetKind};

use tests::surface;

const BLESS: &str = "BLESS=1 cargo test -p tests --test surface";

/// A library of the workspace: its name in code, that of its package, and its root.
struct Library {
    name: String,
    package: String,
    root: PathBuf,
}

/// All that have users; the tests are a library only to themselves.
fn libraries() -> Vec<Library> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec();
    let mut libraries = Vec::new();
    for package in metadata.expect("cargo metadata runs").workspace_packages() {
        let is_library =
            |kind: &TargetKind| [TargetKind::Lib, TargetKind::ProcMacro].contains(kind);
        let library = package.targets.iter().find(|target| target.kind.iter().any(is_library));
        if let Some(library) = library.filter(|_| package.name.as_str() != "tests") {
            libraries.push(Library {
                name: library.name.clone(),
                package: package.name.to_string(),
                root: library.src_path.clone().into(),
            });
        }
    }
    libraries
}

fn lists() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("surface")
}

#[test]
fn every_public_item_is_listed_and_every_listed_one_is_there() {
    let bless = env::var_os("BLESS").is_some();
    let (mut found, mut names) = (String::new(), BTreeSet::new());
    for library in libraries() {
        let read = |file: &Path| fs::read_to_string(file).ok();
        let is = surface::lines(&library.name, &library.root, &read)
            .unwrap_or_else(|error| panic!("{}: {error}", library.package));
        assert!(!is.is_empty(), "the sources of {} were not found", library.package);
        let name = format!("{}.txt", library.package);
        let path = lists().join(&name);
        if bless {
            let text: String = is.iter().map(|line| format!("{line}\n")).collect();
            fs::create_dir_all(lists()).expect("the folder can be made");
            fs::write(&path, text).expect("the list can be written");
        }
        let listed = fs::read_to_string(&path).unwrap_or_default();
        let changes = surface::changes(&listed.lines().map(str::to_owned).collect(), &is);
        if !changes.is_empty() {
            found += &format!("\n{name}:\n  {}\n", changes.join("\n  "));
        }
        names.insert(name);
    }
    for file in fs::read_dir(lists()).expect("the lists are there") {
        let file = file.expect("a file");
        if !names.contains(&*file.file_name().to_string_lossy()) {
            if bless {
                fs::remove_file(file.path()).expect("the list can be removed");
            } else {
                found += &format!("\n{:?} is the list of no library\n", file.file_name());
            }
        }
    }
    assert!(found.is_empty(), "{found}\nIf that is meant, this writes it down:\n  {BLESS}\n");
}
