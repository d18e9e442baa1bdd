//! Looking for faults in the copy of the workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::{Fault, Row};
use crate::world::{Sequences, check, quietly};

/// The seed of the sequences.
const SEED: u64 = 1;

/// How many random sequences of the world a fault may take.
pub const SEQUENCES: u32 = 20_000;
/// How many must pass without any: more than any fault takes.
const CLEAN: u32 = 5_000;

/// The hunt for one fault is over then, found or not.
const PATIENCE: Duration = Duration::from_secs(600);
/// The whole hunt fails then: a test with a fault may hang.
const ALL: Duration = Duration::from_secs(1_800);

/// Plays so many random sequences, the same ones each time. Gives the number of the first one that goes
/// wrong, from 1 on, and what is wrong with it.
pub fn seek(sequences: u32) -> Option<(u32, String)> {
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        println!("it takes too long");
        std::process::exit(2);
    });
    (1..=sequences)
        .zip(Sequences::new(SEED))
        .find_map(|(number, steps)| quietly(|| check(&steps)).err().map(|why| (number, why)))
}

/// A copy that is built.
pub struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Builds the copy in a folder, with all the tests that are named. What goes wrong is printed.
    pub fn build(folder: PathBuf, faults: &[Fault]) -> Option<Self> {
        let copy = Self { folder };
        let program = ["build", "-p", "tests", "--bin", "faults"];
        let mut targets: Vec<_> =
            faults.iter().filter_map(|fault| split(fault.test.as_deref()?)).collect();
        targets.sort_unstable();
        targets.dedup();
        let tests = targets.iter().map(|(target, _)| {
            ["test", "--no-run"].into_iter().chain(target.split(' ')).collect::<Vec<_>>()
        });
        let mut builds = std::iter::once(program.to_vec()).chain(tests);
        let built =
            builds.all(|words| copy.cargo(&words).status().is_ok_and(|status| status.success()));
        built.then_some(copy)
    }

    /// Cargo in the copy, which needs what is locked for the workspace.
    fn cargo(&self, words: &[&str]) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.folder).args(words);
        cargo.args(["--release", "--quiet", "--locked", "--target-dir"]).arg(self.target());
        cargo.env_remove("PLANTED").env("RUSTFLAGS", "--cap-lints=allow");
        cargo
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Looks for all faults, and for none, as many at once as there are processors.
    pub fn hunt(&self, faults: &[Fault]) -> Vec<Row> {
        thread::spawn(|| {
            thread::sleep(ALL);
            eprintln!("the hunt has not ended after {} s", ALL.as_secs());
            std::process::exit(2);
        });
        // What takes the longest comes first.
        let mut jobs: Vec<_> = faults.iter().enumerate().rev().map(Some).collect();
        jobs.push(None);
        let (jobs, rows) = (Mutex::new(jobs), Mutex::new(Vec::new()));
        let next = || jobs.lock().expect("nobody panics").pop();
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some(job) = next() {
                        let row = (job.map(|(number, _)| number), self.row(job));
                        rows.lock().expect("nobody panics").push(row);
                    }
                });
            }
        });
        let mut rows = rows.into_inner().expect("nobody panics");
        rows.sort_by_key(|(number, _)| number.unwrap_or(usize::MAX));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn row(&self, job: Option<(usize, &Fault)>) -> Row {
        let Some((number, fault)) = job else {
            let found = self.seek(None);
            let (after, message) =
                found.map_or_else(|why| (String::new(), why), |it| it.unwrap_or_default());
            let good = after.is_empty() && message.is_empty();
            return Row {
                fault: "none".into(),
                file: String::new(),
                by: "the world".into(),
                after,
                message,
                good,
            };
        };
        let (by, result) = match &fault.test {
            None => ("the world".to_owned(), self.seek(Some(number))),
            Some(test) => {
                (test.rsplit(' ').next().unwrap_or_default().to_owned(), self.test(number, test))
            }
        };
        let (good, (after, message)) = match result {
            Ok(Some(found)) => (true, found),
            Ok(None) => (false, (String::new(), "NOT FOUND".to_owned())),
            Err(why) => (false, (String::new(), why)),
        };
        Row { fault: fault.name.clone(), file: fault.file.clone(), by, after, message, good }
    }

    /// Plays sequences with a fault or without: after how many of them, and by which message it was found.
    fn seek(&self, fault: Option<usize>) -> Result<Option<(String, String)>, String> {
        let mut program = Command::new(self.target().join("release/faults"));
        let count = if fault.is_some() { SEQUENCES } else { CLEAN };
        program.args(["seek", &count.to_string()]).env_remove("PLANTED");
        let Output { status, stdout, .. } = output(planted(&mut program, fault))?;
        let said = String::from_utf8_lossy(&stdout);
        match (status.code(), said.split_once('\t')) {
            (Some(0), None) => Ok(None),
            (Some(0), Some((after, message))) => Ok(Some((after.to_owned(), message.to_owned()))),
            _ => Err(format!("{status}: {said}")),
        }
    }

    /// Runs a test with a fault and without: by which message it was found.
    fn test(&self, fault: usize, test: &str) -> Result<Option<(String, String)>, String> {
        let (target, path) = split(test).ok_or("that is no test")?;
        let words = ["test"].into_iter().chain(target.split(' ')).chain([path]).collect::<Vec<_>>();
        let run = |fault| {
            let mut cargo = self.cargo(&words);
            cargo.args(["--", "--exact"]);
            let Output { status, stdout, .. } = output(planted(&mut cargo, fault))?;
            let said = String::from_utf8_lossy(&stdout).into_owned();
            let ran = said.contains("running 1 test\n");
            if ran { Ok((status.success(), said)) } else { Err(format!("it does not run: {said}")) }
        };
        let (passes, said) = run(None)?;
        if !passes {
            return Err(format!("it fails without the fault: {said}"));
        }
        let (passes, said) = run(Some(fault))?;
        let message = said.split_once("panicked at ").and_then(|(_, rest)| rest.split_once('\n'));
        let message = message.map_or("it fails", |(_, message)| message);
        Ok((!passes).then(|| ("1 run".to_owned(), message.to_owned())))
    }
}

fn planted(program: &mut Command, fault: Option<usize>) -> &mut Command {
    program.envs(fault.map(|number| ("PLANTED", number.to_string())))
}

fn output(program: &mut Command) -> Result<Output, String> {
    program.stderr(Stdio::null()).output().map_err(|error| error.to_string())
}

/// What cargo builds for a test, and the path of the test in it.
fn split(test: &str) -> Option<(&str, &str)> {
    test.rsplit_once(' ')
}

/// Where the copy is.
pub fn folder(root: &Path) -> PathBuf {
    root.join("target/faults")
}
