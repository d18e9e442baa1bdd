//! Random sequences of steps in a simulated world.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestError, TestRunner};
use tests::world::{Report, check, strategy};

#[test]
fn whatever_happens_everybody_sees_what_they_should() {
    let mut report = std::cell::RefCell::new(Report::default());
    let cases = std::env::var("SEQUENCES").map_or(1_000, |n| n.parse().unwrap());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&strategy::steps(), |steps| {
        report.borrow_mut().add(&check(&steps));
        Ok(())
    });
    if let Err(TestError::Fail(reason, steps)) = result {
        panic!("{reason}\n{steps:?}");
    }
    println!("{:#?}", report.get_mut());
}
