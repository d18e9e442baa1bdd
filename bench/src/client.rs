//! The load generator: many connections on one thread, with frames made beforehand.
//!
//! It never sleeps but looks at one socket after the other, so that the server need not wake anybody,
//! as it need not when its clients are on other machines; and it does less than any server.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use hub_proto::{Encoding, Frame, Message, Payload};

use crate::process::Server;
use crate::requests;

/// The payload of every message.
pub(crate) const TEXT: &str = "a text of twenty-seven byte";

/// What to talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Bytes as they are.
    Bytes,
    /// A raw connection at `/raw`.
    WebSocket,
    /// A hub at `/hub`.
    Hub,
    /// The same hub by Server-Sent Events.
    Events,
    /// The same hub by polls.
    Polls,
}

/// What came of a while under load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Messages that arrived here.
    pub(crate) messages: u64,
    pub(crate) time: Duration,
    /// How long the server ran for them; connecting and closing do not count.
    pub(crate) cpu: Duration,
}

/// Opens a connection and brings it to where messages flow.
pub(crate) fn connect(address: SocketAddr, peer: Peer) -> TcpStream {
    let path = match peer {
        Peer::Events => return requests::events(address),
        Peer::Polls => return requests::polled(address),
        Peer::Bytes | Peer::Hub => "/hub",
        Peer::WebSocket => "/raw",
    };
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    if peer == Peer::Bytes {
        return stream;
    }
    let upgrade = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).expect("written");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    if peer == Peer::Hub {
        let handshake = masked(b"{\"protocol\":\"json\",\"version\":1}\x1e");
        stream.write_all(&handshake).expect("written");
        let mut welcome = [0; 5];
        stream.read_exact(&mut welcome).expect("an answer to the handshake");
        assert_eq!(&welcome, b"\x81\x03{}\x1e");
    }
    stream
}

/// As many connections, ready to be looked at in turn.
fn connections(count: usize, address: SocketAddr, peer: Peer) -> Vec<Stream> {
    let connect = |_| {
        let stream = connect(address, peer);
        stream.set_nonblocking(true).expect("a socket that does not block");
        Stream { stream, missing: 0 }
    };
    (0..count).map(connect).collect()
}

/// A connection, and how many bytes it waits for.
struct Stream {
    stream: TcpStream,
    missing: usize,
}

impl Stream {
    /// Asks for an answer of that many bytes.
    fn ask(&mut self, request: &[u8], answer: usize) {
        // Nothing waits in its queue: the request fits.
        self.stream.write_all(request).expect("written");
        self.missing = answer;
    }

    /// Reads what is there; true once nothing is missing.
    fn look(&mut self, buffer: &mut [u8]) -> bool {
        while self.missing > 0 {
            match self.stream.read(buffer) {
                Ok(0) => panic!("the server hung up"),
                Ok(count) => {
                    self.missing =
                        self.missing.checked_sub(count).expect("no more than was asked for");
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("the connection broke: {error}"),
            }
        }
        true
    }
}

/// A client's frame. The key is zero, so that the bytes stay as they are; the server unmasks all the same.
fn masked(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let text = hub_proto::ws::Opcode::Text;
    hub_proto::ws::encode::write_frame(&mut frame, true, text, payload, Some([0; 4]));
    frame
}

fn invocation(target: &str, arguments: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let message = Message::Invocation(hub_proto::Invocation {
        id: Some("1".into()),
        target: target.into(),
        arguments: Payload::new(Encoding::Json, arguments),
        stream_ids: None,
        headers: Default::default(),
    });
    Encoding::Json.encode(&message, &mut out);
    masked(&out)
}

/// A call of `Echo`, and how many bytes its answer has.
fn echo_call(peer: Peer) -> (Vec<u8>, usize) {
    let call = invocation("Echo", format!("[\"{TEXT}\"]").as_bytes());
    let answer = match peer {
        Peer::Bytes => call.len(),
        // The same message, without the key.
        Peer::WebSocket => call.len() - 4,
        _ => Frame::result(Encoding::Json, "1", TEXT).expect("a text").websocket().len(),
    };
    (call, answer)
}

/// What a broadcast sends to each connection.
pub(crate) fn message_frame() -> Vec<u8> {
    let frame = Frame::invocation(Encoding::Json, None, "Message", &(TEXT,)).expect("a text");
    frame.websocket().to_vec()
}

/// Asks for a broadcast of `times` messages, and how many bytes the caller gets besides.
fn trigger(peer: Peer, times: u8) -> (Vec<u8>, usize) {
    match peer {
        Peer::Bytes | Peer::WebSocket => (vec![times], 0),
        _ => {
            let answer = Frame::result(Encoding::Json, "1", &()).expect("null");
            (invocation("Everybody", format!("[{times}]").as_bytes()), answer.websocket().len())
        }
    }
}

/// `count` connections get messages echoed, each with `window` of them in flight.
pub(crate) fn echo(
    server: &Server,
    peer: Peer,
    count: usize,
    window: usize,
    time: Duration,
) -> Load {
    let (call, answer) = echo_call(peer);
    let (request, answer) = (call.repeat(window), answer * window);
    let mut streams = connections(count, server.address, peer);
    let mut buffer = vec![0; 64 * 1024];
    let (ran, start, mut rounds) = (server.cpu(), Instant::now(), 0);
    for stream in &mut streams {
        stream.ask(&request, answer);
    }
    while start.elapsed() < time {
        for stream in &mut streams {
            if stream.look(&mut buffer) {
                rounds += 1;
                stream.ask(&request, answer);
            }
        }
    }
    let (messages, time) = (rounds * window as u64, start.elapsed());
    Load { messages, time, cpu: server.cpu().saturating_sub(ran) }
}

/// Broadcasts of `times` messages to `count` connections, one after the other.
pub(crate) fn broadcast(
    server: &Server,
    peer: Peer,
    count: usize,
    times: u8,
    time: Duration,
) -> Load {
    let (request, own) = trigger(peer, times);
    let message = |peer| match peer {
        Peer::Events => requests::event().len() * usize::from(times),
        _ => message_frame().len() * usize::from(times),
    };
    // Whoever calls needs a WebSocket for that.
    let caller = if peer == Peer::Events { Peer::Hub } else { peer };
    let mut streams = connections(1, server.address, caller);
    streams.extend(connections(count - 1, server.address, peer));
    let mut buffer = vec![0; 64 * 1024];
    let (ran, start, mut rounds) = (server.cpu(), Instant::now(), 0);
    while start.elapsed() < time {
        for stream in &mut streams[1..] {
            stream.missing = message(peer);
        }
        streams[0].ask(&request, message(caller) + own);
        while !streams.iter_mut().fold(true, |all, stream| all & stream.look(&mut buffer)) {}
        rounds += 1;
    }
    let (messages, time) = (rounds * u64::from(times) * count as u64, start.elapsed());
    Load { messages, time, cpu: server.cpu().saturating_sub(ran) }
}
