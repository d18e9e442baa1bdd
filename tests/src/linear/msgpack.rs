//! Records and payloads of MessagePack.

use std::hint::black_box;

use hub_proto::{
    BindError, DecodeError, Decoded, Encoding, FromArguments, Payload, framing, msgpack,
};
use serde_json::Value;

use super::Shape;

/// An invocation of `t` up to its arguments.
const CALL: &[u8] = b"\x96\x01\x80\xc0\xa1t";

/// A map of the usual kind.
const MAP: &[u8] = b"\x84\xa2id\x11\xa4name\xa9some name\xa4tags\x92\xa1a\xa1b\xa2at\x82\xa1x\xcb\x3f\xf8\0\0\0\0\0\0\xa1y\xc0";

/// Short values of every kind that has a length.
const BYTES_AND_EXTENSIONS: &[u8] = b"\x94\xc4\0\xd4\x05\xff\xc7\0\x05\xc4\x01\xff";

const DEPTH: usize = 62;

pub(super) const SHAPES: [Shape; 30] = [
    Shape { name: "msgpack envelope: maps", input: |size| call(&list(MAP, size)), run: envelope },
    Shape {
        name: "msgpack envelope: depth at the limit",
        input: |size| call(&list(&deep(), size)),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: breadth",
        input: |size| call(&list(b"\x90", size)),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: numbers of one byte",
        input: |size| call(&list(b"\x01", size)),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: short strings",
        input: |size| call(&list(b"\xa1a", size)),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: bytes and extensions",
        input: |size| call(&list(BYTES_AND_EXTENSIONS, size)),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: one long string",
        input: |size| call(&[b"\x91".to_vec(), long(0xDB, &vec![b'a'; size], size)].concat()),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: a target that is no text",
        input: |size| {
            let target = long(0xDB, &vec![0xFF; size + 1], size + 1);
            record(&[&CALL[..4], &target, b"\x90\x90"].concat())
        },
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: headers",
        input: |size| {
            // Names that differ, in no order.
            let pair = |n: usize| format!("\u{4}{:04x}\u{1}v", n * 40_503 % 65_536).into_bytes();
            let mut pairs: Vec<u8> = (0..size / 7).flat_map(pair).collect();
            pairs.chunks_mut(7).for_each(|pair| {
                pair[0] |= 0xA0;
                pair[5] |= 0xA0;
            });
            record(&[b"\x93\x05", &long(0xDF, &pairs, size / 7)[..], b"\xa1i"].concat())
        },
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: stream ids",
        input: |size| record(&[CALL, b"\x90", &list(b"\xa1i", size)].concat()),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: unknown elements",
        input: |size| record(&long(0xDD, &vec![6; size + 1], size + 1)),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: arguments that are not there",
        input: |size| record(&[CALL, &long(0xDD, &vec![1; size], size + 1)].concat()),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: nothing but heads",
        input: |size| record(&[CALL, &list(b"\x9f", size + 1)].concat()),
        run: envelope,
    },
    Shape {
        name: "msgpack envelope: headers that are not there",
        input: |size| record(&[b"\x93\x05", &long(0xDF, &vec![0xA0; size], size)[..]].concat()),
        run: |input| assert!(decoded(input).is_err()),
    },
    Shape {
        name: "msgpack envelope: stream ids that are not there",
        input: |size| {
            let ids = long(0xDD, &b"\xa1i".repeat(size / 2), size / 2 + 1);
            record(&[CALL, b"\x90", &ids].concat())
        },
        run: |input| {
            let field = DecodeError::Field { name: "streamIds", wanted: "String" };
            let length = DecodeError::Length { name: "streamIds", wanted: "array" };
            assert!([field, length].map(Err).contains(&decoded(input)));
        },
    },
    Shape {
        name: "msgpack framing: records of one byte",
        input: |size| vec![0; size],
        run: |input| records(input, |_| {}),
    },
    Shape {
        name: "msgpack framing: pings",
        input: |size| b"\x02\x91\x06".repeat(size / 3),
        run: |input| {
            records(input, |ping| {
                black_box(Encoding::MessagePack.decode(ping).expect("a ping"));
            });
        },
    },
    Shape {
        name: "msgpack framing: a record byte by byte",
        input: |size| {
            // The length takes five bytes, however short it is.
            let length = [0, 7, 14, 21, 28].map(|shift| (size >> shift) as u8 | 0x80);
            [&length[..4], &[length[4] & 0x7F], &vec![1; size]].concat()
        },
        run: |input| {
            for end in 1..=input.len() {
                black_box(framing::binary(&input[..end]).ok());
            }
        },
    },
    Shape {
        name: "msgpack bind: maps",
        input: |size| [b"\x91".to_vec(), list(MAP, size)].concat(),
        run: |raw| drop(bound::<(Value,)>(raw).expect("a list of maps")),
    },
    Shape {
        name: "msgpack bind: surplus arguments",
        input: |size| list(b"\x91\x02", size),
        run: |raw| assert!(matches!(bound::<(i32, i32)>(raw), Err(BindError::Count { .. }))),
    },
    Shape {
        name: "msgpack bind: a wrong type at the end",
        input: |size| [b"\x91", &long(0xDD, &vec![1; size], size + 1)[..], b"\x90"].concat(),
        run: |raw| assert_eq!(bound::<(Vec<i32>,)>(raw), Err(BindError::Shape)),
    },
    Shape {
        name: "msgpack bind: elements that are not there",
        input: |size| [b"\x91", &long(0xDD, &vec![0x91; size], size)[..]].concat(),
        run: |raw| assert!(bound::<(Vec<Vec<i32>>,)>(raw).is_err() || raw.len() < 10),
    },
    Shape {
        name: "msgpack bind: bytes as a list of numbers",
        input: |size| [b"\x91".to_vec(), long(0xC6, &vec![1; size], size)].concat(),
        run: |raw| drop(bound::<(Vec<u8>,)>(raw).expect("numbers")),
    },
    Shape {
        name: "msgpack bind: a long text",
        input: |size| [b"\x91".to_vec(), long(0xDB, &vec![b'a'; size], size)].concat(),
        run: |raw| _ = black_box(bound::<(&str,)>(raw).expect("a text")),
    },
    Shape { name: "msgpack check: maps", input: |size| list(MAP, size), run: check },
    Shape {
        name: "msgpack check: depth at the limit",
        input: |size| list(&deep(), size),
        run: check,
    },
    Shape { name: "msgpack check: breadth", input: |size| list(b"\x90", size), run: check },
    Shape {
        name: "msgpack check: bytes and extensions",
        input: |size| list(BYTES_AND_EXTENSIONS, size),
        run: check,
    },
    Shape {
        name: "msgpack check: nothing but heads",
        input: |size| vec![0x9F; size + 1],
        run: |raw| {
            let checked = Payload::new(Encoding::MessagePack, raw).check();
            assert_eq!(checked, Err(BindError::Syntax));
        },
    },
    Shape {
        name: "msgpack write: an argument of one value after the other",
        input: |size| vec![1; size],
        run: |values| {
            let mut out = Vec::new();
            msgpack::write_invocation(None, "t", &(&*values,), &mut out).expect("numbers");
            black_box(out);
        },
    },
];

/// A record around a body.
fn record(body: &[u8]) -> Vec<u8> {
    let mut record = Vec::new();
    framing::write_length(body.len(), &mut record);
    record.extend_from_slice(body);
    record
}

fn call(arguments: &[u8]) -> Vec<u8> {
    record(&[CALL, arguments, b"\x90"].concat())
}

/// A body behind a head that tells its length, or a count, in 32 bits.
fn long(head: u8, body: &[u8], count: usize) -> Vec<u8> {
    [&[head], &(count as u32).to_be_bytes()[..], body].concat()
}

/// A list of one element as often as it fits into about `size` bytes.
fn list(element: &[u8], size: usize) -> Vec<u8> {
    let count = size / element.len();
    long(0xDD, &element.repeat(count), count)
}

/// Arrays in arrays.
fn deep() -> Vec<u8> {
    [vec![0x91; DEPTH - 1], vec![0x90]].concat()
}

fn decoded(input: &[u8]) -> Result<Decoded<'_>, DecodeError> {
    Encoding::MessagePack.decode(framing::binary(input).expect("a record").body)
}

fn envelope(input: &mut [u8]) {
    black_box(decoded(input).expect("a message"));
}

fn records(mut input: &[u8], act: fn(&[u8])) {
    while let Ok(record) = framing::binary(input) {
        act(record.body);
        input = &input[record.size..];
    }
}

fn bound<'a, T: FromArguments<'a>>(raw: &'a [u8]) -> Result<T, BindError> {
    Payload::new(Encoding::MessagePack, raw).bind()
}

fn check(raw: &mut [u8]) {
    Payload::new(Encoding::MessagePack, raw).check().expect("MessagePack");
}
