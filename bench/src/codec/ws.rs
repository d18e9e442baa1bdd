//! WebSocket payloads beside memory copies.

use std::hint::black_box;

use hub_proto::ws::{Config, Decoder, Opcode, Role, encode, mask};

use super::{case, time};
use crate::cases::Scale;
use crate::report::Row;

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Unmasking 16 KB and a short message, and reading a whole frame.
pub(super) fn rows(scale: Scale) -> Vec<Row> {
    let payload = vec![b'x'; 16 * 1024];
    let (mut copy, mut masked) = (payload.clone(), payload.clone());
    let mut frame = Vec::new();
    encode::write_frame(&mut frame, true, Opcode::Text, &payload, Some(KEY));
    let mut scratch = frame.clone();
    let cases = vec![
        case("16 KB: copy", None, || {
            copy.copy_from_slice(black_box(&payload));
            black_box(&copy);
        }),
        case("16 KB: unmask", Some("16 KB: copy"), || {
            black_box(mask::apply(black_box(KEY), black_box(&mut masked)));
        }),
        case("16 KB: copy and read the frame", Some("16 KB: copy"), || {
            scratch.copy_from_slice(black_box(&frame));
            let mut input = scratch.as_mut_slice();
            let mut decoder = Decoder::new(Role::Server, Config::default());
            black_box(decoder.next(&mut input).expect("a whole frame"));
        }),
    ];
    time(scale, cases)
}
