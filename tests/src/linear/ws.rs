//! Frames of WebSockets.

use std::hint::black_box;

use hub_proto::ws::{Config, Decoder, Opcode, Role, encode};

use super::Shape;

const KEY: Option<[u8; 4]> = Some([0x37, 0xFA, 0x21, 0x3D]);

pub(super) const SHAPES: [Shape; 6] = [
    Shape {
        name: "ws: one long text",
        input: |size| frame(true, Opcode::Text, &vec![b'a'; size]),
        run: decode,
    },
    Shape {
        name: "ws: a text of long characters",
        input: |size| frame(true, Opcode::Text, "\u{1F600}".repeat(size / 4).as_bytes()),
        run: decode,
    },
    Shape {
        name: "ws: many small frames",
        input: |size| frame(true, Opcode::Binary, b"a").repeat(size / 7),
        run: decode,
    },
    Shape {
        name: "ws: many pings",
        input: |size| frame(true, Opcode::Ping, b"a").repeat(size / 7),
        run: decode,
    },
    Shape {
        name: "ws: many empty fragments",
        input: |size| {
            let first = frame(false, Opcode::Text, b"");
            [first, frame(false, Opcode::Continuation, b"").repeat(size / 6)].concat()
        },
        run: decode,
    },
    Shape {
        name: "ws: byte by byte",
        input: |size| frame(true, Opcode::Text, &vec![b'a'; size]),
        run: |input| {
            let mut decoder = Decoder::new(Role::Server, Config::default());
            input.chunks_mut(1).for_each(|byte| take(&mut decoder, byte));
        },
    },
];

fn frame(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    encode::write_frame(&mut wire, fin, opcode, payload, KEY);
    wire
}

fn decode(input: &mut [u8]) {
    take(&mut Decoder::new(Role::Server, Config::default()), input);
}

fn take(decoder: &mut Decoder, mut input: &mut [u8]) {
    while let Some(piece) = decoder.next(&mut input).expect("frames") {
        black_box(piece);
    }
}
