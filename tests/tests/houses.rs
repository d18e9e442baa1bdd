//! The same steps at the pure machines and at hubs: in memory, and over TCP on two runtimes.

use std::env;

use tests::world::sockets::Sockets;
use tests::world::{Report, Sequences, agree, chosen, follow};

/// How many sequences are run, unless `SEQUENCES` says so.
const COUNT: u64 = 100;

#[test]
fn hubs_show_every_client_what_the_machines_do() {
    let number = |name: &str| env::var(name).map(|text| text.parse().expect("a number"));
    let (seed, count) = (number("SEED").unwrap_or(1), number("SEQUENCES").unwrap_or(COUNT));
    let mut sequences = Sequences::new(seed);
    let mut report = Report::default();
    for nth in 0..count {
        match sequences.run(agree) {
            Ok(more) => report.add(&more),
            Err(failure) => panic!("sequence {nth} of seed {seed}: {failure}"),
        }
    }
    let Report { compared, steps, cuts, seen, .. } = report;
    println!(
        "{count} sequences of {steps} steps and {cuts} cuts, {compared} compared: {seen} seen"
    );
    assert!(compared * 10 >= count * 9, "{compared} of {count} could be compared");
}

#[test]
fn over_tcp_on_tokio_everybody_sees_the_same() {
    each_chosen_sequence(Sockets::tokio);
}

#[test]
fn over_tcp_on_smol_everybody_sees_the_same() {
    each_chosen_sequence(Sockets::smol);
}

fn each_chosen_sequence(house: fn() -> Sockets) {
    for (name, steps) in chosen::sequences() {
        let report = follow(&steps, house());
        println!("{name}: {} steps, {} seen", report.steps, report.seen);
        assert_eq!(report.compared, 1, "{name}");
    }
}
