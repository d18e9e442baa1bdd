//! Our WebSocket codec against tungstenite: the same messages read, the same frames refused, and the
//! same bytes written.

use std::io::{self, Read, Write};
use std::mem;

use hub_proto::ws::{Config, Decoder, MessageType, Opcode, Piece, Role, Violation, encode};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{CloseFrame, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// The longest frame and message, in bytes.
const LIMIT: usize = 1 << 10;

/// Longer than any frame within the limit.
const PADDING: u64 = LIMIT as u64 + 14;

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The close with which tungstenite reports a code that may not be sent.
const BAD_CODE: (u16, &str) = (1002, "Protocol violation");

/// What a side sent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Waiting,
    Closed,
    /// With the rule that was broken, if it was us who found it.
    Failed(Option<Violation>),
}

/// Takes `input` for what the other side of a connection sends.
pub fn run(input: &[u8]) {
    for role in [Role::Server, Role::Client] {
        let (ours, end) = ours(role, input);
        let padding = if let End::Failed(_) = end { PADDING } else { 0 };
        let (theirs, their_end) = theirs(role, input, padding);
        if let End::Failed(Some(Violation::NonMinimalLength | Violation::OversizedControl)) = end {
            // RFC 6455 §5.2 asks for the minimal number of bytes, so that the longer forms never fit a
            // control frame (§5.5); tungstenite asks how long the payload is.
            assert!(theirs.starts_with(&ours));
        } else {
            let is_failed = matches!(end, End::Failed(_));
            assert_eq!(ours, theirs);
            assert_eq!(is_failed, matches!(their_end, End::Failed(_)), "{end:?}, {their_end:?}");
            assert!(is_failed || end == their_end);
        }
        for one in &ours {
            written(one);
        }
    }
}

fn ours(role: Role, input: &[u8]) -> (Vec<Seen>, End) {
    let limit = LIMIT as u64;
    let config = Config { max_frame: limit, max_message: limit, check_utf8: true };
    let mut decoder = Decoder::new(role, config);
    let (mut seen, mut message, mut bytes) = (Vec::new(), Vec::new(), input.to_vec());
    let mut input = &mut bytes[..];
    loop {
        match decoder.next(&mut input) {
            Ok(Some(Piece::Data { message: kind, payload, fin })) => {
                message.extend_from_slice(payload);
                if fin {
                    let whole = mem::take(&mut message);
                    seen.push(match kind {
                        MessageType::Text => Seen::Text(whole),
                        MessageType::Binary => Seen::Binary(whole),
                    });
                }
            }
            Ok(Some(Piece::Ping(payload))) => seen.push(Seen::Ping(payload.into_owned())),
            Ok(Some(Piece::Pong(payload))) => seen.push(Seen::Pong(payload.into_owned())),
            Ok(Some(Piece::Close(close))) => {
                let close = close.map(|close| (close.code, close.reason));
                let end = close_end(close.as_ref());
                seen.extend((end == End::Closed).then_some(Seen::Close(close)));
                return (seen, end);
            }
            Ok(None) => return (seen, End::Waiting),
            Err(violation) => return (seen, End::Failed(Some(violation))),
        }
    }
}

/// What tungstenite makes of the input, and so many zeros behind it: it judges a frame when all of it
/// is there, we as soon as a rule is broken.
fn theirs(role: Role, input: &[u8], padding: u64) -> (Vec<Seen>, End) {
    let role = match role {
        Role::Server => tungstenite::protocol::Role::Server,
        Role::Client => tungstenite::protocol::Role::Client,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(256)
        .write_buffer_size(0)
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let mut context = WebSocketContext::new(role, Some(config));
    let mut peer = Peer(input.chain(io::repeat(0).take(padding)));
    let mut seen = Vec::new();
    loop {
        seen.push(match context.read(&mut peer) {
            Ok(Message::Text(text)) => Seen::Text(text.as_bytes().to_vec()),
            Ok(Message::Binary(bytes)) => Seen::Binary(bytes.to_vec()),
            Ok(Message::Ping(bytes)) => Seen::Ping(bytes.to_vec()),
            Ok(Message::Pong(bytes)) => Seen::Pong(bytes.to_vec()),
            Ok(Message::Close(close)) => {
                let close = close.map(|close| (close.code.into(), close.reason.to_string()));
                let end = close_end(close.as_ref());
                seen.extend((end == End::Closed).then_some(Seen::Close(close)));
                return (seen, end);
            }
            Ok(Message::Frame(_)) => unreachable!("frames are not read as such"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (seen, End::Waiting);
            }
            Err(_) => return (seen, End::Failed(None)),
        });
    }
}

/// A close with a bad code fails the connection (RFC 6455 §7.4). Tungstenite counts 1014 among those,
/// which IANA's registry defines.
fn close_end(close: Option<&(u16, String)>) -> End {
    match close {
        Some((1014, _)) => End::Failed(None),
        Some((code, reason)) if (*code, &**reason) == BAD_CODE => End::Failed(None),
        _ => End::Closed,
    }
}

/// Somebody who sends and does not listen.
struct Peer<R>(R);

impl<R: Read> Read for Peer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R> Write for Peer<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Both write it in the same bytes, with a key and without, whole and in fragments.
fn written(seen: &Seen) {
    for key in [None, Some(KEY)] {
        match seen {
            Seen::Text(bytes) => data_written(Opcode::Text, Data::Text, bytes, key),
            Seen::Binary(bytes) => data_written(Opcode::Binary, Data::Binary, bytes, key),
            Seen::Ping(bytes) => {
                let theirs = theirs_written(Frame::ping(bytes.clone()), key);
                assert_eq!(*encode::ping(bytes, key), theirs);
            }
            Seen::Pong(bytes) => {
                let theirs = theirs_written(Frame::pong(bytes.clone()), key);
                assert_eq!(*encode::pong(bytes, key), theirs);
            }
            Seen::Close(Some((code, reason))) => {
                let close = CloseFrame { code: (*code).into(), reason: reason.as_str().into() };
                let theirs = theirs_written(Frame::close(Some(close)), key);
                assert_eq!(*encode::close(*code, reason, key), theirs);
            }
            Seen::Close(None) => {
                let mut frame = Vec::new();
                encode::write_frame(&mut frame, true, Opcode::Close, b"", key);
                assert_eq!(frame, theirs_written(Frame::close(None), key));
            }
        }
    }
}

fn data_written(opcode: Opcode, theirs: Data, payload: &[u8], key: Option<[u8; 4]>) {
    for (fin, opcode, theirs) in [
        (true, opcode, theirs),
        (false, opcode, theirs),
        (true, Opcode::Continuation, Data::Continue),
    ] {
        let mut frame = Vec::new();
        encode::write_frame(&mut frame, fin, opcode, payload, key);
        let theirs = Frame::message(payload.to_vec(), OpCode::Data(theirs), fin);
        assert_eq!(frame, theirs_written(theirs, key));
    }
}

fn theirs_written(mut frame: Frame, key: Option<[u8; 4]>) -> Vec<u8> {
    frame.header_mut().mask = key;
    let mut bytes = Vec::new();
    frame.format(&mut bytes).expect("memory takes all");
    bytes
}
