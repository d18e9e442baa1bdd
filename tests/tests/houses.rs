//! The same steps at servers of different makes.

use proptest::test_runner::{Config, TestError, TestRunner};
use tests::world::{Agreement, agree, strategy};

#[test]
fn hubs_show_every_client_what_the_machines_do() {
    let cases = std::env::var("SEQUENCES").map_or(200, |n| n.parse().unwrap());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut total = Agreement::default();
    let sum = std::cell::RefCell::new(&mut total);
    let result = TestRunner::new(config).run(&strategy::steps(), |steps| {
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
