//! The same steps at servers of different makes.

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use tests::world::sockets::Sockets;
use tests::world::{Agreement, agree, chosen, follow, strategy};

#[test]
fn hubs_show_every_client_what_the_machines_do() {
    // Always the same ones, unless more are asked for.
    let asked = std::env::var("SEQUENCES").ok().map(|count| count.parse().unwrap());
    let cases = asked.unwrap_or(100);
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = match asked {
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        Some(_) => TestRunner::new(config),
    };
    let mut total = Agreement::default();
    let sum = std::cell::RefCell::new(&mut total);
    let result = runner.run(&strategy::steps(), |steps| {
        let agreement = agree(&steps);
        let mut sum = sum.borrow_mut();
        sum.clients += agreement.clients;
        sum.seen += agreement.seen;
        Ok(())
    });
    if let Err(TestError::Fail(reason, steps)) = result {
        panic!("{reason}\n{steps:?}");
    }
    println!("{cases} sequences: {total:?}");
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
        let start = std::time::Instant::now();
        let agreement = follow(&steps, house());
        println!("{name}: {agreement:?} in {:?}", start.elapsed());
    }
}
