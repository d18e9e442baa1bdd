//! WebSocket frames from any peer, in any pieces.

use hub_proto::ws::encode::{self, MAX_CONTROL_PAYLOAD, MAX_SERVER_HEADER};
use hub_proto::ws::{Close, Config, Decoder, MessageType, Opcode, Piece, Role, Violation};

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

const CONFIGS: [Config; 3] = [
    Config { max_frame: u64::MAX, max_message: u64::MAX, check_utf8: true },
    Config { max_frame: u64::MAX, max_message: u64::MAX, check_utf8: false },
    Config { max_frame: 100, max_message: 150, check_utf8: true },
];

/// What came out of a decoder, with adjacent pieces of one message joined.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Data(MessageType, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<Close>),
    Failed(Violation),
}

/// Takes `input` for what the other side of a connection sends.
pub fn run(input: &[u8]) {
    for role in [Role::Server, Role::Client] {
        for config in CONFIGS {
            let whole = decode(role, config, &[input]);
            for split in super::splits(input) {
                assert_eq!(decode(role, config, &split), whole, "pieces depend on the reads");
            }
            check(role, config, input.len(), whole);
        }
    }
}

fn decode(role: Role, config: Config, chunks: &[&[u8]]) -> Vec<Seen> {
    let mut decoder = Decoder::new(role, config);
    let mut seen = Vec::new();
    for chunk in chunks {
        feed(&mut decoder, &mut chunk.to_vec(), &mut seen);
    }
    if let Some(Seen::Failed(violation)) = seen.last() {
        assert_eq!(decoder.next(&mut &mut [][..]), Err(*violation), "a violation is for ever");
    }
    seen
}

fn feed(decoder: &mut Decoder, chunk: &mut [u8], seen: &mut Vec<Seen>) {
    let mut input = chunk;
    loop {
        let before = input.len();
        let piece = decoder.next(&mut input);
        assert!(input.len() <= before);
        match piece {
            Ok(None) => return assert!(input.is_empty(), "input left over"),
            Ok(Some(Piece::Data { message, payload, fin })) => data(seen, message, payload, fin),
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

/// Joins a piece to the one before it, if they follow each other.
fn data(seen: &mut Vec<Seen>, message: MessageType, payload: &[u8], fin: bool) {
    match seen.last_mut() {
        Some(Seen::Data(last, joined, open @ false)) => {
            assert_eq!(*last, message);
            joined.extend_from_slice(payload);
            *open = fin;
        }
        _ => seen.push(Seen::Data(message, payload.to_vec(), fin)),
    }
}

/// The rules for what comes out, and the same again after it was written.
fn check(role: Role, config: Config, input: usize, mut seen: Vec<Seen>) {
    let (mut wire, mut total, mut open) = (Vec::new(), 0, false);
    let key = (role == Role::Server).then_some(KEY);
    for (n, seen_now) in seen.iter().enumerate() {
        let is_last = n + 1 == seen.len();
        match seen_now {
            Seen::Data(message, payload, fin) => {
                total += payload.len();
                let opcode = if open { Opcode::Continuation } else { (*message).into() };
                encode::write_frame(&mut wire, *fin, opcode, payload, key);
                headed_in_place(*fin, opcode, payload.len());
                open = !fin;
            }
            Seen::Ping(payload) | Seen::Pong(payload) => {
                total += payload.len();
                assert!(payload.len() <= MAX_CONTROL_PAYLOAD);
                let control = match seen_now {
                    Seen::Ping(_) => encode::ping(payload, key),
                    _ => encode::pong(payload, key),
                };
                wire.extend_from_slice(&control);
            }
            Seen::Close(close) => {
                assert!(is_last, "something after a close");
                match close {
                    Some(close) => {
                        wire.extend_from_slice(&encode::close(close.code, &close.reason, key))
                    }
                    None => encode::write_frame(&mut wire, true, Opcode::Close, b"", key),
                }
            }
            Seen::Failed(violation) => {
                assert!(is_last, "something after a violation");
                assert!([1002, 1007, 1009].contains(&violation.close_code()));
            }
        }
    }
    assert!(total <= input, "more bytes out than in");
    // A frame cut off and a violation cannot be written again; what was seen before it can.
    let unlimited = Config { max_frame: u64::MAX, max_message: u64::MAX, ..config };
    if let Some(Seen::Failed(_)) = seen.last() {
        seen.pop();
    }
    assert_eq!(decode(role, unlimited, &[&wire]), seen, "written and read again");
}

/// A header written in front of a payload is the one written before it.
fn headed_in_place(fin: bool, opcode: Opcode, length: usize) {
    let mut space = [0; MAX_SERVER_HEADER];
    let start = encode::write_server_header(&mut space, fin, opcode, length);
    assert_eq!(space[start..], *encode::header(fin, opcode, length, None));
}
