//! Random sequences of steps in a simulated world, and those that once went wrong.

use std::env;

use tests::world::core::{Core, Manner};
use tests::world::step::{Arrival, Cut, Fault, Size, Step, To};
use tests::world::{Report, Sequences, World, check};

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
    let compared = report.compared;
    assert!(compared * 10 >= count * 9, "{compared} of {count} could be compared");
    // Fewer than usual may leave a kind out.
    for (kind, share) in report.histogram().into_iter().filter(|_| count >= COUNT) {
        assert!(share >= 1.0, "{kind} takes effect in {share} % of the sequences");
    }
}

#[test]
fn the_same_steps_give_the_same_bytes() {
    for steps in Sequences::new(7).take(30) {
        let digests = [(); 2].map(|()| {
            let mut world = World::new(Core::new(Manner::default()));
            for step in &steps {
                world.take(*step);
            }
            world.digest
        });
        assert_eq!(digests[0], digests[1], "{steps:?}");
        assert_ne!(digests[0], 0, "nobody got a byte");
    }
}

/// Clients of one hub come in JSON without a user, and may come back.
const ARRIVAL: Arrival =
    Arrival { place: 0, binary: false, user: 0, negotiates: true, resumable: true };

#[test]
fn a_call_right_before_a_broken_frame_is_answered() {
    check(&[
        Step::Connect(ARRIVAL),
        Step::Delay(0, 1),
        Step::Echo(0, Size::Small),
        Step::Break(0, Fault::Frame),
        Step::Wait(1),
    ]);
}

#[test]
fn a_question_is_asked_however_slow_its_client() {
    check(&[
        Step::Connect(Arrival { place: 4, ..ARRIVAL }),
        Step::Cut(0, Cut::Reset),
        Step::Question(0),
        Step::Send(0, To::All, Size::Large),
    ]);
}
