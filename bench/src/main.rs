//! Measures what the server costs beside what the machine must pay anyway.
//!
//! `cargo run --release -p bench -- echo|broadcast|idle|codec|smoke [--json]`
//!
//! Server and load generator are two processes, on two cores where there are two. Each case is run
//! beside its floor, in turn and several times; what counts is the ratio of the medians. Absolute
//! figures only tell about the machine.

mod cases;
mod client;
mod codec;
mod floors;
mod process;
mod report;
mod server;

use std::process::ExitCode;

use cases::Scale;

const USAGE: &str = "bench -- codec|echo|broadcast|idle|smoke [--json]";

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let json = words.iter().any(|word| word == "--json");
    words.retain(|word| word != "--json");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let rows = match words[..] {
        // What the load generator starts for itself.
        ["serve", kind] => return server::serve(kind),
        ["codec"] => codec::run(Scale::FULL),
        ["echo"] => cases::echo(Scale::FULL),
        ["broadcast"] => cases::broadcast(Scale::FULL),
        ["idle"] => cases::idle(Scale::FULL),
        ["smoke"] => [codec::run, cases::echo, cases::broadcast, cases::idle]
            .into_iter()
            .flat_map(|case| case(Scale::SMOKE))
            .collect(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    report::print(&rows, json);
    ExitCode::SUCCESS
}
