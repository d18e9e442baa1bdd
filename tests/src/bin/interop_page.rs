//! Writes `tests/INTEROP.md` from the results of `INTEROP=all cargo test -p tests --test matrix`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

use tests::matrix::{Cell, Results, render};

fn main() -> Result<(), Box<dyn Error>> {
    // The results are beside the folder of this program, in target/.
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("not in a target folder")?;
    let mut all = Vec::new();
    for cell in Cell::all() {
        all.push((cell, Results::read(&target.join("interop"), &cell)?));
    }
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("INTEROP.md"), render(&all))?;
    Ok(())
}
