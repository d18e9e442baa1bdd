//! What is measured beside what.

use std::thread;
use std::time::Duration;

use crate::client::{self, Load, Peer};
use crate::process::{Server, pin};
use crate::report::{Row, Unit};

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) runs: usize,
    pub(crate) time: Duration,
    pub(crate) connections: usize,
    pub(crate) idle: (usize, usize),
    /// How many are registered, where a few are, and where many are.
    pub(crate) registered: (usize, usize),
}

impl Scale {
    pub(crate) const FULL: Self = Self {
        runs: 7,
        time: Duration::from_millis(1000),
        connections: 1000,
        idle: (5_000, 15_000),
        registered: (1_000, 100_000),
    };
    /// Shows that everything runs; its figures mean nothing.
    pub(crate) const SMOKE: Self = Self {
        runs: 1,
        time: Duration::from_millis(50),
        connections: 50,
        idle: (50, 150),
        registered: (100, 1_000),
    };
}

/// How many connections echo.
const ECHOING: usize = 50;

/// A row, the server that it measures, and the load.
struct Case {
    row: Row,
    server: String,
    load: Box<dyn Fn(&Server) -> Load>,
}

/// Runs every case once, in turn, several times over: a noisy moment hits all of them.
fn interleaved(runs: usize, mut cases: Vec<Case>) -> Vec<Row> {
    pin(false);
    for _ in 0..runs {
        for Case { row, server, load } in &mut cases {
            let server = Server::start(server);
            let Load { messages, time, cpu } = load(&server);
            row.runs.push(messages as f64 / time.as_secs_f64());
            row.cpu.push(cpu.as_secs_f64() * 1e6 / messages as f64);
        }
    }
    cases.into_iter().map(|case| case.row).collect()
}

/// Echo through the hub, through raw connections of the same server, and through the floor: one message
/// at a time, and 16 in flight.
pub(crate) fn echo(scale: Scale) -> Vec<Row> {
    let case = |name: &'static str, beside, server: &str, peer, window| Case {
        row: Row::new(name, Unit::PerSecond, beside),
        server: server.to_owned(),
        load: Box::new(move |server| client::echo(server, peer, ECHOING, window, scale.time)),
    };
    let cases = vec![
        case("tokio, 1 in flight, floor: read, write", None, "echo tokio", Peer::Bytes, 1),
        case(
            "tokio, 1 in flight, floor: when ready",
            None,
            "echo-when-ready tokio",
            Peer::Bytes,
            1,
        ),
        case(
            "tokio, 1 in flight, plain WebSocket",
            Some("tokio, 1 in flight, floor"),
            "hub tokio",
            Peer::WebSocket,
            1,
        ),
        case(
            "tokio, 1 in flight, hub",
            Some("tokio, 1 in flight, plain"),
            "hub tokio",
            Peer::Hub,
            1,
        ),
        case("smol, 1 in flight, floor: read, write", None, "echo smol", Peer::Bytes, 1),
        case("smol, 1 in flight, floor: when ready", None, "echo-when-ready smol", Peer::Bytes, 1),
        case(
            "smol, 1 in flight, plain WebSocket",
            Some("smol, 1 in flight, floor"),
            "hub smol",
            Peer::WebSocket,
            1,
        ),
        case("smol, 1 in flight, hub", Some("smol, 1 in flight, plain"), "hub smol", Peer::Hub, 1),
        case("tokio, 16 in flight, floor: read, write", None, "echo tokio", Peer::Bytes, 16),
        case(
            "tokio, 16 in flight, plain WebSocket",
            Some("tokio, 16 in flight, floor"),
            "hub tokio",
            Peer::WebSocket,
            16,
        ),
        case(
            "tokio, 16 in flight, hub",
            Some("tokio, 1 in flight, hub"),
            "hub tokio",
            Peer::Hub,
            16,
        ),
        case("smol, 16 in flight, floor: read, write", None, "echo smol", Peer::Bytes, 16),
        case(
            "smol, 16 in flight, plain WebSocket",
            Some("smol, 16 in flight, floor"),
            "hub smol",
            Peer::WebSocket,
            16,
        ),
        case("smol, 16 in flight, hub", Some("smol, 1 in flight, hub"), "hub smol", Peer::Hub, 16),
    ];
    interleaved(scale.runs, cases)
}

/// Broadcasts of one message and of bursts of 8.
pub(crate) fn broadcast(scale: Scale) -> Vec<Row> {
    let case = |name: &'static str, beside, server: &str, peer, times| Case {
        row: Row::new(name, Unit::PerSecond, beside),
        server: match peer {
            Peer::Bytes => format!("broadcast {}", scale.connections),
            _ => server.to_owned(),
        },
        load: Box::new(move |server| {
            client::broadcast(server, peer, scale.connections, times, scale.time)
        }),
    };
    let cases = vec![
        case("floor, single", None, "", Peer::Bytes, 1),
        case("tokio, single", Some("floor, single"), "hub tokio", Peer::Hub, 1),
        case("smol, single", Some("floor, single"), "hub smol", Peer::Hub, 1),
        case("tokio, single, as events", Some("tokio, single"), "hub tokio", Peer::Events, 1),
        case("smol, single, as events", Some("smol, single"), "hub smol", Peer::Events, 1),
        case("floor, burst of 8", None, "", Peer::Bytes, 8),
        case("tokio, burst of 8", Some("tokio, single"), "hub tokio", Peer::Hub, 8),
        case("smol, burst of 8", Some("smol, single"), "hub smol", Peer::Hub, 8),
    ];
    interleaved(scale.runs, cases)
}

/// Resident memory of an idle connection, by the slope between two counts.
pub(crate) fn idle(scale: Scale) -> Vec<Row> {
    pin(false);
    let mut cases = [
        ("tokio, idle raw connection", "hub tokio", Peer::WebSocket),
        ("tokio, idle connection of a hub", "hub tokio", Peer::Hub),
        ("tokio, idle stream of events", "hub tokio", Peer::Events),
        ("tokio, poll that waits", "hub tokio", Peer::Polls),
        ("smol, idle raw connection", "hub smol", Peer::WebSocket),
        ("smol, idle connection of a hub", "hub smol", Peer::Hub),
        ("smol, idle stream of events", "hub smol", Peer::Events),
        ("smol, poll that waits", "hub smol", Peer::Polls),
    ]
    .map(|(name, server, peer)| (Row::new(name, Unit::Bytes, None), server, peer));
    for _ in 0..scale.runs.min(3) {
        for (row, server, peer) in &mut cases {
            row.runs.push(slope(&Server::start(server), *peer, scale.idle));
        }
    }
    cases.map(|(row, ..)| row).into()
}

fn slope(server: &Server, peer: Peer, (few, many): (usize, usize)) -> f64 {
    let (mut streams, mut resident) = (Vec::new(), Vec::new());
    for count in [few, many] {
        while streams.len() < count {
            streams.push(client::connect(server.address, peer));
        }
        // What the last ones leave behind is freed by then.
        thread::sleep(Duration::from_millis(300));
        resident.push(server.resident() as f64);
    }
    (resident[1] - resident[0]) / (many - few) as f64
}
