//! `faults [WORD]`: whether every fault of `tests/faults.toml`, or each whose name has that word, is found.
//!
//! `faults seek COUNT` is for the copy of itself that it makes: it plays so many random sequences.

use std::process::ExitCode;
use std::time::Instant;

use tests::faults::hunt::{self, Copy};
use tests::faults::{LIST, findings, plant, read, root, table};

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["seek", count] => seek(count.parse().unwrap_or(hunt::SEQUENCES)),
        [] => hunt(""),
        [word] => hunt(word),
        _ => {
            eprintln!("scripts/faults [WORD]");
            ExitCode::from(2)
        }
    }
}

fn seek(count: u32) -> ExitCode {
    if let Some((after, why)) = hunt::seek(count) {
        println!("{after}\t{why}");
    }
    ExitCode::SUCCESS
}

fn hunt(word: &str) -> ExitCode {
    let start = Instant::now();
    match hunt_for(word) {
        Ok(count) => {
            println!("{count} faults, all of them found, in {} s", start.elapsed().as_secs());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn hunt_for(word: &str) -> Result<usize, String> {
    let root = root();
    let mut faults = read(&root)?;
    let wrong = findings(&root, &faults);
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    faults.retain(|fault| fault.name.contains(word));
    if faults.is_empty() {
        return Err(format!("no fault of {LIST} has {word:?} in its name"));
    }
    let folder = hunt::folder(&root);
    plant::copy(&root, &folder, &faults).map_err(|error| format!("the copy: {error}"))?;
    println!("building a copy with {} faults in {}", faults.len(), folder.display());
    let copy = Copy::build(folder, &faults).ok_or("the copy cannot be built")?;
    let rows = copy.hunt(&faults);
    print!("{}", table(&rows));
    let bad = rows.iter().filter(|row| !row.good).count();
    if bad > 0 { Err(format!("{bad} of the rows are wrong")) } else { Ok(faults.len()) }
}
