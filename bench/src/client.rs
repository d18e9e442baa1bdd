//! The load generator: many connections on one thread, with frames made beforehand.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hub_proto::{Encoding, Frame, Message, Payload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The payload of every message.
pub(crate) const TEXT: &str = "a text of twenty-seven byte";

/// What to talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Bytes as they are.
    Raw,
    /// A hub at `/hub`.
    Hub,
}

/// Opens a connection and brings it to where messages flow.
pub(crate) async fn connect(address: SocketAddr, peer: Peer) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    if peer == Peer::Hub {
        let upgrade = "GET /hub HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(upgrade.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.expect("an answer"));
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        stream
            .write_all(&masked(b"{\"protocol\":\"json\",\"version\":1}\x1e"))
            .await
            .expect("written");
        let mut welcome = [0; 5];
        stream.read_exact(&mut welcome).await.expect("an answer to the handshake");
        assert_eq!(&welcome, b"\x81\x03{}\x1e");
    }
    stream
}

/// A client's frame. The key is zero, so that the bytes stay as they are; the server unmasks all the same.
fn masked(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    hub_proto::ws::encode::write_frame(
        &mut frame,
        true,
        hub_proto::ws::Opcode::Text,
        payload,
        Some([0; 4]),
    );
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
pub(crate) fn echo_call(peer: Peer) -> (Vec<u8>, usize) {
    let call = invocation("Echo", format!("[\"{TEXT}\"]").as_bytes());
    let answer = match peer {
        Peer::Raw => call.len(),
        Peer::Hub => Frame::result(Encoding::Json, "1", TEXT).expect("a text").websocket().len(),
    };
    (call, answer)
}

/// What a broadcast sends to each connection.
pub(crate) fn message_frame() -> Vec<u8> {
    let frame = Frame::invocation(Encoding::Json, None, "Message", &(TEXT,)).expect("a text");
    frame.websocket().to_vec()
}

/// Asks for a broadcast of `times` messages, and how many bytes the caller gets besides.
pub(crate) fn trigger(peer: Peer, times: u8) -> (Vec<u8>, usize) {
    match peer {
        Peer::Raw => (vec![times], 0),
        Peer::Hub => {
            let answer = Frame::result(Encoding::Json, "1", &()).expect("null");
            (invocation("Everybody", format!("[{times}]").as_bytes()), answer.websocket().len())
        }
    }
}

/// Messages per second that `connections` get echoed, each with `window` of them in flight.
pub(crate) async fn echo_rate(
    address: SocketAddr,
    peer: Peer,
    connections: usize,
    window: usize,
    time: Duration,
) -> f64 {
    let (call, answer) = echo_call(peer);
    let request = call.repeat(window);
    let mut tasks = Vec::new();
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(connect(address, peer).await);
    }
    let start = Instant::now();
    for mut stream in streams {
        let request = request.clone();
        tasks.push(tokio::task::spawn_local(async move {
            let mut buffer = vec![0; 64 * 1024];
            let mut rounds = 0_u64;
            while start.elapsed() < time {
                stream.write_all(&request).await.expect("written");
                let mut missing = answer * window;
                while missing > 0 {
                    let room = missing.min(buffer.len());
                    let count = stream.read(&mut buffer[..room]).await.expect("an answer");
                    assert!(count > 0, "the server hung up");
                    missing -= count;
                }
                rounds += 1;
            }
            rounds * window as u64
        }));
    }
    let mut messages = 0;
    for task in tasks {
        messages += task.await.expect("a client");
    }
    messages as f64 / start.elapsed().as_secs_f64()
}

/// Messages per second that arrive at `connections` from broadcasts of `times` messages, one after the other.
pub(crate) async fn broadcast_rate(
    address: SocketAddr,
    peer: Peer,
    connections: usize,
    times: u8,
    time: Duration,
) -> f64 {
    let (request, own) = trigger(peer, times);
    let message = message_frame().len() * usize::from(times);
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(connect(address, peer).await);
    }
    let mut buffer = vec![0; 64 * 1024];
    let start = Instant::now();
    let mut rounds = 0_u64;
    while start.elapsed() < time {
        streams[0].write_all(&request).await.expect("written");
        for (n, stream) in streams.iter_mut().enumerate() {
            let mut missing = message + if n == 0 { own } else { 0 };
            while missing > 0 {
                let room = missing.min(buffer.len());
                let count = stream.read(&mut buffer[..room]).await.expect("a message");
                assert!(count > 0, "the server hung up");
                missing -= count;
            }
        }
        rounds += 1;
    }
    (rounds * u64::from(times)) as f64 * connections as f64 / start.elapsed().as_secs_f64()
}
