//! Both sides against each other, and each rule against the decoder.

mod frames;
mod random;
mod rules;

use super::{Close, Config, Decoder, MessageType, Opcode, Piece, Role, Violation, encode};

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// What came out of a decoder, with adjacent pieces of one message joined.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Data(MessageType, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<Close>),
    Failed(Violation),
}

fn text(payload: &str) -> Seen {
    Seen::Data(MessageType::Text, payload.into(), true)
}

fn feed(decoder: &mut Decoder, chunk: &[u8], seen: &mut Vec<Seen>) {
    let mut chunk = chunk.to_vec();
    let mut input = chunk.as_mut_slice();
    loop {
        let before = input.len();
        let piece = decoder.next(&mut input);
        assert!(input.len() <= before);
        match piece {
            Ok(None) => {
                assert!(input.is_empty(), "input left over");
                return;
            }
            Ok(Some(Piece::Data { message, payload, fin })) => match seen.last_mut() {
                Some(Seen::Data(last, joined, open @ false)) => {
                    assert_eq!(*last, message);
                    joined.extend_from_slice(payload);
                    *open = fin;
                }
                _ => seen.push(Seen::Data(message, payload.to_vec(), fin)),
            },
            Ok(Some(Piece::Ping(payload))) => seen.push(Seen::Ping(payload.into_owned())),
            Ok(Some(Piece::Pong(payload))) => seen.push(Seen::Pong(payload.into_owned())),
            Ok(Some(Piece::Close(close))) => seen.push(Seen::Close(close)),
            Err(violation) => {
                if seen.last() != Some(&Seen::Failed(violation)) {
                    seen.push(Seen::Failed(violation));
                }
                return;
            }
        }
    }
}

fn decode<'a>(role: Role, config: Config, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut decoder = Decoder::new(role, config);
    let mut seen = Vec::new();
    for chunk in chunks {
        feed(&mut decoder, chunk, &mut seen);
    }
    seen
}

/// Decodes `wire` at once and byte by byte, which must be the same.
fn decode_both_ways(role: Role, config: Config, wire: &[u8]) -> Vec<Seen> {
    let whole = decode(role, config, [wire]);
    assert_eq!(decode(role, config, wire.chunks(1)), whole, "byte by byte");
    whole
}

/// A frame as the peer of `role` sends it.
fn frame(role: Role, fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    encode::write_frame(&mut wire, fin, opcode, payload, key(role));
    wire
}

/// The key that the peer of `role` masks with.
fn key(role: Role) -> Option<[u8; 4]> {
    match role {
        Role::Server => Some(KEY),
        Role::Client => None,
    }
}
