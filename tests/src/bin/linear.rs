//! `linear SHAPE SIZE...`: does the work of that shape on inputs of those sizes, each in one call of [`measured`].

use std::process::ExitCode;

use tests::linear::{Shape, shapes};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let Some(shape) = shapes().find(|shape| shape.name == name) else {
        eprintln!("no such shape: {name}");
        return ExitCode::FAILURE;
    };
    let mut inputs: Vec<_> = words.filter_map(|size| size.parse().ok()).map(shape.input).collect();
    for input in &mut inputs {
        measured(&shape, input);
    }
    ExitCode::SUCCESS
}

/// Its name is what the counting starts and ends with.
#[inline(never)]
fn measured(shape: &Shape, input: &mut [u8]) {
    (shape.run)(input);
}
