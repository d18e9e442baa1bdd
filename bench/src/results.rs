//! The page of results.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use crate::report::{Row, table};

/// Writes `RESULTS.md` beside the sources of this program.
pub(crate) fn write(sections: &[(&str, &str, Vec<Row>)]) -> io::Result<()> {
    let mut page = format!(
        "# Results\n\nWritten by `cargo run --release -p bench -- results`. What counts are the ratios, of medians \
         within one run; the figures themselves tell about the machine.\n\n{}\n",
        machine(", the server on the first, the load on the last")
    );
    for (title, about, rows) in sections {
        write!(page, "\n## {title}\n\n{about}\n\n{}", table(rows)).expect("a string takes it");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
    fs::write(&path, page)?;
    println!("wrote {}", path.display());
    Ok(())
}

/// What it was measured on, and what its cores were used for.
pub(crate) fn machine(cores_for: &str) -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    // Not those that this process may use: it keeps to one.
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let facts = [
        ("Processor", model.map(|(_, name)| name.to_owned())),
        ("Cores", Some(format!("{cores}{cores_for}"))),
        ("Kernel", said("uname", &["-sr"])),
        ("Compiler", said("rustc", &["--version"])),
        ("Load when it was over", load.split(' ').next().map(str::to_owned)),
        ("Day", said("date", &["-u", "+%Y-%m-%d"])),
    ];
    let line = |(name, fact): (&str, Option<String>)| {
        format!("* {name}: {}\n", fact.unwrap_or_else(|| "not known".to_owned()))
    };
    facts.map(line).concat()
}
