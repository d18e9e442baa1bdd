//! Sequences of steps in the simulated world.
//!
//! The input is a list of steps; two clients come before it, so that hardly any input means nothing.

use arbitrary::{Arbitrary, Unstructured};

use crate::world::check;
use crate::world::step::{Arrival, Step};

/// How many steps are taken.
const MOST: usize = 200;

/// Runs the steps in `input`.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let arrival = Arrival { place: 0, binary: false, user: 1, negotiates: true, resumable: true };
    let mut steps =
        vec![Step::Connect(arrival), Step::Connect(Arrival { binary: true, ..arrival })];
    while steps.len() < MOST
        && !input.is_empty()
        && let Ok(step) = Step::arbitrary(&mut input)
    {
        steps.push(step);
    }
    check(&steps);
}
