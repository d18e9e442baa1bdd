//! The JSON codec beside a search for the end of the record and a copy.

use std::hint::black_box;
use std::time::Instant;

use hub_proto::{Decoded, Encoding, Frame, Message};

use crate::cases::Scale;
use crate::floors;
use crate::report::{Row, Unit};

const CALL: &[u8] = b"{\"target\":\"SendMessage\",\"arguments\":[\"some user\",\"a text of some length\"],\"invocationId\":\"17\",\"type\":1}\x1e";

/// Nanoseconds per call, the best of a few stretches.
fn time(scale: Scale, mut act: impl FnMut()) -> f64 {
    let rounds = if scale.runs > 1 { 200_000 } else { 100 };
    let start = Instant::now();
    for _ in 0..rounds {
        act();
    }
    start.elapsed().as_nanos() as f64 / f64::from(rounds)
}

/// Decodes and encodes one invocation.
pub(crate) fn run(scale: Scale) -> Vec<Row> {
    let mut floor = Row::new("floor: memchr and copy", Unit::Nanoseconds, None);
    let mut envelope =
        Row::new("decode the envelope", Unit::Nanoseconds, Some("floor: memchr and copy"));
    let mut bound = Row::new(
        "decode and bind (String, String)",
        Unit::Nanoseconds,
        Some("floor: memchr and copy"),
    );
    let mut frame =
        Row::new("encode an invocation", Unit::Nanoseconds, Some("floor: memchr and copy"));
    let mut out = Vec::with_capacity(256);
    for _ in 0..scale.runs {
        floor.runs.push(time(scale, || {
            black_box(floors::find_and_copy(black_box(CALL), &mut out));
        }));
        envelope.runs.push(time(scale, || {
            let record = Encoding::Json.record(black_box(CALL), 0).expect("a record");
            black_box(Encoding::Json.decode(record.body).expect("a message"));
        }));
        bound.runs.push(time(scale, || {
            let record = Encoding::Json.record(black_box(CALL), 0).expect("a record");
            let Ok(Decoded::Message(Message::Invocation(call))) =
                Encoding::Json.decode(record.body)
            else {
                unreachable!("the record is an invocation");
            };
            black_box(call.arguments.bind::<(String, String)>().expect("two texts"));
        }));
        frame.runs.push(time(scale, || {
            let arguments = black_box(&("some user", "a text of some length"));
            black_box(
                Frame::invocation(Encoding::Json, None, "SendMessage", arguments).expect("texts"),
            );
        }));
    }
    vec![floor, envelope, bound, frame]
}
