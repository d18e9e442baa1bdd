//! The public items of a library, read from its sources: one line each, so that no change of them goes unseen.
//!
//! A line is the public path of an item and its declaration. What a private module holds is listed where it is
//! re-exported, and what is public in several places at one of them; the others are a `pub use` line. So is what
//! comes from another crate. Methods, fields, variants and the impls of traits have a line each. What depends on a
//! feature says so, and what is only there for tests is left out.
//!
//! It knows what the sources say and no more:
//!
//! * Types are written as they are in the source, whatever their names mean there; of a trait that is
//!   implemented, only the last name is kept, so that it does not matter how it was imported.
//! * Auto traits, values of constants and bodies are not listed, nor are items that have no public path.
//! * Macros are not expanded. What is called among the methods of a type, and what calls a macro of the same crate
//!   that writes impls, is listed as the call itself, and so is the derive of another crate's macro.

mod attributes;
mod declare;
mod impls;
mod names;
mod print;
mod tree;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

/// The lines of one library, sorted: `name` is that of the crate in code, `file` its root, and `read` gives the text
/// of a file, if there is one.
///
/// Fails when a file is missing or is no Rust.
pub fn lines(
    name: &str,
    file: &Path,
    read: &dyn Fn(&Path) -> Option<String>,
) -> Result<BTreeSet<String>, String> {
    Ok(walk::walk(name, &tree::Tree::read(file, read)?))
}

/// What was removed and what was added, as lines with `-` and `+`, path by path; empty when nothing was.
pub fn changes(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Vec<String> {
    let removed = old.difference(new).map(|line| (line, '-'));
    let added = new.difference(old).map(|line| (line, '+'));
    let mut all: Vec<_> = removed.chain(added).collect();
    // What was removed at a path comes before what was added there: the order of the chain.
    all.sort_by_key(|(line, _)| line.split_once(": ").map_or("", |(path, _)| path));
    all.into_iter().map(|(line, sign)| format!("{sign} {line}")).collect()
}
