//! Runs the simulated world for as long as told, on all cores, and says how fast it was.

use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fs, thread};

use tests::world::{Failure, Report, Sequences, check};

use crate::results::machine;

pub(crate) const USAGE: &str = "bench -- world [--minutes N] [--sequences N] [--seed N] [--record]";

/// How much is run.
#[derive(Clone, Copy, Debug)]
struct Plan {
    time: Duration,
    /// How many sequences, on all threads together.
    most: u64,
    seed: u64,
    /// Whether the results become `tests/RESULTS.md`.
    record: bool,
}

/// Runs what the words say. False when a sequence failed, or the words say nothing.
pub(crate) fn run(words: &[&str]) -> bool {
    let Some(plan) = Plan::parse(words) else {
        eprintln!("{USAGE}");
        return false;
    };
    let (report, took, failure) = plan.run();
    let speed = report.sequences as f64 / took.as_secs_f64();
    print!("{report}");
    println!("seed {}: {speed:.0} sequences per second, {:.0} s", plan.seed, took.as_secs_f64());
    if let Some((seed, failure)) = failure {
        eprintln!("a sequence of seed {seed} fails: {failure}");
        return false;
    }
    if plan.record {
        match fs::write(results(), page(&report, took)) {
            Ok(()) => println!("wrote {}", results().display()),
            Err(error) => {
                eprintln!("the results cannot be written: {error}");
                return false;
            }
        }
    }
    true
}

impl Plan {
    fn parse(words: &[&str]) -> Option<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut plan = Self {
            time: Duration::MAX,
            most: u64::MAX,
            seed: u64::from(since.subsec_nanos()) << 32 | since.as_secs() & 0xFFFF_FFFF,
            record: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut number = || words.next()?.parse::<u64>().ok();
            match *word {
                "--minutes" => plan.time = Duration::from_secs(number()?.checked_mul(60)?),
                "--sequences" => plan.most = number()?,
                "--seed" => plan.seed = number()?,
                "--record" => plan.record = true,
                _ => return None,
            }
        }
        (plan.time < Duration::MAX || plan.most < u64::MAX).then_some(plan)
    }

    /// What came of it, how long it took, and the first sequence that failed, with its seed.
    fn run(self) -> (Report, Duration, Option<(u64, Box<Failure>)>) {
        let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
        let (failed, found) = (AtomicBool::new(false), Mutex::new((Report::default(), None)));
        let began = Instant::now();
        thread::scope(|scope| {
            for thread in 0..threads {
                let (failed, found) = (&failed, &found);
                let share = self.most / threads + u64::from(thread < self.most % threads);
                scope.spawn(move || {
                    let seed = self.seed.wrapping_add(thread);
                    let (mut sequences, mut report) = (Sequences::new(seed), Report::default());
                    while report.sequences < share
                        && began.elapsed() < self.time
                        && !failed.load(Ordering::Relaxed)
                    {
                        match sequences.run(check) {
                            Ok(more) => report.add(&more),
                            Err(failure) => {
                                failed.store(true, Ordering::Relaxed);
                                found
                                    .lock()
                                    .expect("nobody panics")
                                    .1
                                    .get_or_insert((seed, failure));
                            }
                        }
                    }
                    found.lock().expect("nobody panics").0.add(&report);
                });
            }
        });
        let (report, failure) = found.into_inner().expect("nobody panics");
        (report, began.elapsed(), failure)
    }
}

fn results() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("tests").join("RESULTS.md")
}

fn page(report: &Report, took: Duration) -> String {
    let speed = report.sequences as f64 / took.as_secs_f64();
    let mut page = format!(
        "# Results of the simulated world\n\nWritten by `cargo run --release -p bench -- world --minutes N --record`. \
         Each sequence of steps runs twice, on servers that are driven in different manners; every client must see \
         what the model says, in order, without loss or duplicate whatever becomes of its links.\n\n{}\n",
        machine("")
    );
    write!(
        page,
        "* Sequences: {}, {speed:.0} a second, none of which failed\n* Steps: {}\n* Links cut or replaced: {}\n\
         * Messages that clients saw: {}\n\nOf a hundred sequences, a step of each kind took effect in\n\n\
         | step | % |\n|---|--:|\n",
        report.sequences, report.steps, report.cuts, report.seen
    )
    .expect("a string takes it");
    for (kind, share) in report.histogram() {
        writeln!(page, "| {kind} | {share:.1} |").expect("a string takes it");
    }
    page
}
