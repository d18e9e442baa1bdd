//! What the compiler says of definitions that do not fit: the files of `ui`, and beside each what is said.
//!
//! With `BLESS` set, what is said is written down instead of compared.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use serde_json::Value;

/// The crate as it was built last with its attributes: others build it without.
fn hub_async() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let folder = env::current_exe().expect("a test");
        let folder = folder.parent().expect("a folder");
        let files = fs::read_dir(folder).expect("what was built");
        let built = files.filter_map(|file| {
            let path = file.ok()?.path();
            let name = path.file_name()?.to_str()?;
            let fits = name.starts_with("libhub_async-") && name.ends_with(".rlib");
            let changed = path.metadata().and_then(|file| file.modified());
            fits.then(|| (changed.unwrap_or(SystemTime::UNIX_EPOCH), path))
        });
        let mut built: Vec<_> = built.collect();
        built.sort();
        let mut newest_first = built.into_iter().rev().map(|(_, path)| path);
        let attributes = |path: &PathBuf| compile_with(path, "built.rs", "2024", "hub_async").0;
        newest_first.find(attributes).expect("hub-async was built with its attributes")
    })
}

/// Compiles a file: whether that succeeds, and what is said in JSON.
fn compile(file: &str) -> (bool, String) {
    compile_as(file, "2024", "hub_async")
}

/// Compiles a file of that edition, which knows the crate by that name.
fn compile_as(file: &str, edition: &str, name: &str) -> (bool, String) {
    compile_with(hub_async(), file, edition, name)
}

fn compile_with(library: &Path, file: &str, edition: &str, name: &str) -> (bool, String) {
    let rustc = PathBuf::from(env::var_os("CARGO").unwrap_or_default()).with_file_name("rustc");
    let mut compile = Command::new(if rustc.exists() { rustc } else { "rustc".into() });
    compile.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/typed/ui"));
    compile.args([
        "--edition",
        edition,
        "--error-format=json",
        "--emit=metadata",
        "-Awarnings",
        file,
    ]);
    compile.args(["-o", &format!("{}/{file}{edition}.rmeta", env!("CARGO_TARGET_TMPDIR"))]);
    compile.arg("--extern").arg(format!("{name}={}", library.display()));
    compile.arg("-L").arg(format!("dependency={}", library.parent().expect("a folder").display()));
    let output = compile.output().expect("the compiler runs");
    (output.status.success(), String::from_utf8(output.stderr).expect("text"))
}

/// What the compiler says of a file that does not fit: each message at its line, with its notes.
fn said(file: &str) -> String {
    let (compiles, lines) = compile(file);
    assert!(!compiles, "{file} compiles");
    let messages = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    messages.filter_map(|message| shown(&message)).collect()
}

/// A message with all that is said about it at places of the file, and its notes.
fn shown(message: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let spans = message["spans"].as_array()?;
    let mut shown = format!("{}\n", text(&message["message"]));
    if spans.is_empty() {
        return None;
    }
    let mut places: Vec<_> = spans
        .iter()
        .map(|span| {
            let at = (span["line_start"].as_u64(), span["column_start"].as_u64());
            let source = text(&span["text"][0]["text"]);
            let source = source.trim().to_owned();
            (at, format!("{} | {source}\n", at.0.unwrap_or(0)), text(&span["label"]))
        })
        .collect();
    places.sort();
    for (_, place, label) in places {
        shown.push_str("    ");
        shown.push_str(&place);
        if !label.is_empty() {
            shown.push_str(&format!("        {label}\n"));
        }
    }
    for child in message["children"].as_array()? {
        if child["spans"].as_array()?.is_empty() && child["level"] == "note" {
            shown.push_str(&format!("    note: {}\n", text(&child["message"])));
        }
    }
    shown.push('\n');
    Some(shown)
}

#[track_caller]
fn check(name: &str) {
    let said = said(&format!("{name}.rs"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/typed/ui/{name}.txt"));
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &said).expect("the file can be written");
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert!(said == wanted, "{name}.rs; BLESS=1 writes it down\n{said}");
}

#[test]
fn a_block_that_is_no_hub_is_told_where() {
    check("block");
}

#[test]
fn two_methods_of_one_name_are_told_at_the_second() {
    check("names");
}

#[test]
fn a_method_that_cannot_be_called_is_told_where() {
    check("receivers");
}

#[test]
fn an_argument_or_a_result_that_cannot_be_is_told_where() {
    check("arguments");
}

#[test]
fn an_attribute_that_means_nothing_is_told_where() {
    check("attributes");
}

#[test]
fn results_are_there_for_single_clients_only() {
    check("results");
}

#[test]
fn a_type_that_cannot_go_over_the_wire_is_told_where() {
    check("types");
}

#[test]
fn what_borrows_from_the_hub_is_told_where() {
    check("borrows");
}

#[test]
fn what_stays_on_its_thread_is_told_where() {
    check("threads");
}

#[test]
fn what_is_no_method_is_told_what_one_is() {
    check("handlers");
}

#[test]
fn what_is_no_filter_is_told_why() {
    check("filters");
}

#[test]
fn documentation_and_attributes_stay_and_nothing_is_warned_of() {
    let (compiles, said) = compile("documented.rs");
    assert!(compiles, "{said}");
}

#[test]
fn the_crate_may_have_another_name_in_any_edition() {
    for edition in ["2018", "2021", "2024"] {
        let (compiles, said) = compile_as("renamed.rs", edition, "signalr");
        assert!(compiles, "{edition}: {said}");
    }
}
