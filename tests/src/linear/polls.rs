//! Polls of a connection at which nothing happens: more of them the more it has of something, so that they are
//! linear only where each costs the same whatever there is.

use std::hint::black_box;
use std::sync::Arc;

use hub_core::server::{AskId, Config, Connection, Event, TransportFacts};
use hub_core::{Limits, Timestamp};

use super::Shape;

const NOW: Timestamp = Timestamp::ZERO;
const PING: &[u8] = b"{\"type\":6}\x1e";
const HELLO: &[u8] = b"{\"protocol\":\"json\",\"version\":2}\x1e";
/// So many bytes stand for one of them, and each byte for a poll: those are what counts, not how all of it
/// came to be.
const SIZE: usize = 512;

pub(super) const SHAPES: [Shape; 4] = [
    Shape { name: "polls: beside calls that wait", input: |size| calls(size, ""), run: poll },
    Shape { name: "polls: beside streams", input: |size| calls(size, "s"), run: poll },
    Shape { name: "polls: beside questions", input: |size| vec![b'?'; size], run: poll },
    Shape {
        name: "polls: beside half a message",
        input: |size| [HELLO, &vec![b'{'; size]].concat(),
        run: poll,
    },
];

/// Calls without arguments, each with a stream if there is a name for it.
fn calls(size: usize, stream: &str) -> Vec<u8> {
    let call = |n: usize| match stream {
        "" => {
            format!("{{\"type\":1,\"invocationId\":\"{n}\",\"target\":\"T\",\"arguments\":[]}}\x1e")
        }
        name => format!(
            "{{\"type\":1,\"target\":\"T\",\"arguments\":[],\"streamIds\":[\"{name}{n}\"]}}\x1e"
        ),
    };
    let calls = (0..size / SIZE).map(call).collect::<String>();
    let pings = PING.repeat(size.saturating_sub(HELLO.len() + calls.len()) / PING.len());
    [HELLO, calls.as_bytes(), &pings].concat()
}

fn poll(input: &mut [u8]) {
    let all = usize::MAX / 2;
    let limits = Limits {
        parked_calls: all,
        parked: all,
        streams: all,
        asks: all,
        events: 100_000,
        message: None,
        flood_burst: u32::MAX,
        ..Limits::default()
    };
    let config = Arc::new(Config { limits, ..Config::default() });
    let facts = TransportFacts::websocket(0).resumable();
    let mut connection = Connection::new(config, facts, NOW);
    let asks = if input.first() == Some(&b'?') { input.len() / SIZE } else { 0 };
    connection.handle_input(if asks > 0 { HELLO } else { input }, NOW);
    while let Some(event) = connection.poll_event() {
        match event {
            Event::Handshake(_) => {
                connection.welcome(NOW);
                connection.accept(NOW);
            }
            Event::Invoked(call) => drop(connection.admit(call.id)),
            _ => {}
        }
    }
    for ask in 0..asks {
        connection.ask(AskId(ask as u64), None, NOW).expect("there is room");
    }
    while connection.poll_transmit().is_some() {}
    for _ in 0..input.len() {
        assert!(connection.poll_event().is_none());
        black_box((connection.poll_transmit(), connection.poll_acked()));
        black_box((connection.poll_timeout(), connection.wants_input()));
    }
}
