//! Measures what the server costs beside what the machine must pay anyway.
//!
//! `cargo run --release -p bench -- codec|registry|echo|broadcast|idle|compile|smoke [--json]` prints a table;
//! `... -- results` measures everything and writes `bench/RESULTS.md`; `... -- world --minutes N` runs the
//! simulated world of the tests.
//!
//! Server and load generator are two processes, on two cores where there are two. Each case is run
//! beside its floor, in turn and several times; what counts is the ratio of the medians. Absolute
//! figures only tell about the machine.

mod cases;
mod client;
mod codec;
mod compile;
mod floors;
mod process;
mod registry;
mod report;
mod requests;
mod results;
mod server;
mod world;

use std::process::ExitCode;

use cases::Scale;
use report::Row;

const USAGE: &str = "bench -- codec|registry|echo|broadcast|idle|compile|smoke [--json]\nbench -- results\n\n\
     smoke is each of them, quickly, but for compile: that fetches axum from the registry and takes minutes.\n";

/// A part: its name, what its rows are, and what measures them.
type Section = (&'static str, &'static str, fn(Scale) -> Vec<Row>);

/// Everything that is measured, but for [`compile`], which can fail.
const SECTIONS: [Section; 5] = [
    (
        "echo",
        "50 connections get texts of 27 bytes echoed. The floor is raw TCP with the same bytes on the same \
         runtime, the best of its variants. \"Plain WebSocket\" is a raw connection of the same server, without \
         the hub protocol; \"hub\" is a call with a result. All on one thread.",
        cases::echo,
    ),
    (
        "broadcast",
        "1,000 connections get a message by one call; messages count when they arrive. The floor writes the \
         finished bytes to one socket after the other, without any runtime. As events, all but the caller have a \
         stream of Server-Sent Events.",
        cases::broadcast,
    ),
    (
        "idle",
        "Resident memory of an idle connection, by the slope between 5,000 and 15,000 of them. Those that are no \
         WebSockets hold an HTTP connection with a request at hand.",
        cases::idle,
    ),
    (
        "registry",
        "100,000 connections, 10 of each user and each in 10 of 10,000 groups. The floor is a `Vec` of the same \
         outlets, or std `HashMap`s of the same names that do the same job, as sets or as lists, the best of them. \
         Cold: what the caches held was evicted just before.",
        registry::run,
    ),
    ("codec", "Encoding and decoding on one thread, without any IO.", codec::run),
];

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let json = words.iter().any(|word| word == "--json");
    words.retain(|word| word != "--json");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let rows = match words[..] {
        // What the load generator starts for itself.
        ["serve", kind] => return server::serve(kind),
        ["world", ref words @ ..] => {
            return if world::run(words) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        ["smoke"] => SECTIONS.iter().flat_map(|(_, _, run)| run(Scale::SMOKE)).collect(),
        ["results"] => {
            // First, for the others keep to one core.
            let compiled = match compile::run(Scale::FULL.runs) {
                Ok(rows) => ("compile", compile::ABOUT, rows),
                Err(error) => return failed(&error),
            };
            let sections = SECTIONS.map(|(name, about, run)| (name, about, run(Scale::FULL)));
            let sections: Vec<_> = sections.into_iter().chain([compiled]).collect();
            return match results::write(&sections) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&format!("the results cannot be written: {error}")),
            };
        }
        ["compile"] => match compile::run(Scale::FULL.runs) {
            Ok(rows) => rows,
            Err(error) => return failed(&error),
        },
        [word] if let Some((_, _, run)) = SECTIONS.iter().find(|(name, ..)| *name == word) => {
            run(Scale::FULL)
        }
        _ => {
            eprintln!("{USAGE}\n{}", world::USAGE);
            return ExitCode::FAILURE;
        }
    };
    if json {
        println!("{}", report::json(&rows));
    } else {
        print!("{}", report::table(&rows));
    }
    ExitCode::SUCCESS
}

fn failed(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}
