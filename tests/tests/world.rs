//! Random sequences of steps in a simulated world, and those that once went wrong.

use std::env;

use tests::world::{Report, Sequences, check};

/// How many sequences are run, unless `SEQUENCES` says so.
const COUNT: u64 = 1_000;

#[test]
fn whatever_happens_everybody_sees_what_they_should() {
    let number = |name: &str| env::var(name).map(|text| text.parse().expect("a number"));
    let (seed, count) = (number("SEED").unwrap_or(1), number("SEQUENCES").unwrap_or(COUNT));
    let mut sequences = Sequences::new(seed);
    let mut report = Report::default();
    for nth in 0..count {
        match sequences.run(check) {
            Ok(more) => report.add(&more),
            Err(failure) => panic!("sequence {nth} of seed {seed}: {failure}"),
        }
    }
    println!("{report}");
    assert!(report.steps >= 40 * count, "sequences are too short");
    for (kind, share) in report.histogram() {
        assert!(share >= 1.0, "{kind} takes effect in {share} % of the sequences");
    }
}
