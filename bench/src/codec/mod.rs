//! The codec beside what any codec must do, and beside the libraries that could do it.
//!
//! A floor moves the same bytes and understands nothing; a peer does the same job. Rows of one
//! table are timed in turn, so a noisy moment hits all of them.

mod inputs;
mod json;
mod msgpack;
mod ws;

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::cases::Scale;
use crate::floors;
use crate::report::{Row, Unit};

/// A row, and what is timed for it.
type Case<'a> = (Row, Box<dyn FnMut() + 'a>);

/// Every table of the codec.
pub(crate) fn run(scale: Scale) -> Vec<Row> {
    let json = [json::decode, json::bind, json::check, json::write];
    let msgpack = [msgpack::envelopes, msgpack::bound, msgpack::checked, msgpack::written];
    json.into_iter().chain(msgpack).chain([ws::rows as _]).flat_map(|table| table(scale)).collect()
}

fn case<'a>(name: &'static str, beside: Option<&'static str>, act: impl FnMut() + 'a) -> Case<'a> {
    (Row::new(name, Unit::Nanoseconds, beside), Box::new(act))
}

/// The floor of everything that reads records of text: the end of the first one is found, and it is copied.
fn floor<'a>(name: &'static str, wire: &'a [u8]) -> Case<'a> {
    let mut out = Vec::with_capacity(wire.len());
    case(name, None, move || {
        black_box(floors::find_and_copy(black_box(wire), &mut out));
    })
}

/// Times every case once, in turn, several times over.
fn time(scale: Scale, mut cases: Vec<Case<'_>>) -> Vec<Row> {
    let stretch = if scale.runs > 1 { Duration::from_micros(200) } else { Duration::ZERO };
    let rounds: Vec<_> = cases.iter_mut().map(|(_, act)| rounds(act, stretch)).collect();
    // A stretch is shorter than a time slice, so most are not interrupted, whatever else runs: the median is one of them.
    for _ in 0..scale.runs * scale.runs * 10 {
        for ((row, act), rounds) in cases.iter_mut().zip(&rounds) {
            row.runs.push(elapsed(act, *rounds).as_nanos() as f64 / f64::from(*rounds));
        }
    }
    cases.into_iter().map(|(row, _)| row).collect()
}

/// How many rounds fill a stretch.
fn rounds(act: &mut dyn FnMut(), stretch: Duration) -> u32 {
    let mut rounds = 1;
    while elapsed(act, rounds) < stretch {
        rounds *= 2;
    }
    rounds
}

fn elapsed(act: &mut dyn FnMut(), rounds: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        act();
    }
    start.elapsed()
}
