//! What is measured beside what.

use std::future::Future;
use std::time::Duration;

use tokio::task::LocalSet;

use crate::client::{self, Peer};
use crate::process::{Server, pin};
use crate::report::{Row, Unit};

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) runs: usize,
    pub(crate) time: Duration,
    pub(crate) connections: usize,
    pub(crate) idle: (usize, usize),
}

impl Scale {
    pub(crate) const FULL: Self = Self {
        runs: 7,
        time: Duration::from_millis(1500),
        connections: 1000,
        idle: (5_000, 15_000),
    };
    /// Shows that everything runs; its figures mean nothing.
    pub(crate) const SMOKE: Self =
        Self { runs: 1, time: Duration::from_millis(50), connections: 50, idle: (50, 150) };
}

/// Measures once.
type Measure = Box<dyn FnMut() -> f64>;
/// A row, and how its figures come about.
type Case = (Row, Measure);

fn block_on<F: Future>(future: F) -> F::Output {
    pin(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    LocalSet::new().block_on(&runtime.expect("a runtime"), future)
}

/// Runs every case once, in turn, several times over: a noisy moment hits all of them.
fn interleaved(runs: usize, cases: &mut [Case]) {
    for _ in 0..runs {
        for (row, measure) in cases.iter_mut() {
            row.runs.push(measure());
        }
    }
}

fn rows(cases: Vec<Case>) -> Vec<Row> {
    cases.into_iter().map(|(row, _)| row).collect()
}

/// Echo through the hub and through the floor, one message at a time and 16 in flight.
pub(crate) fn echo(scale: Scale) -> Vec<Row> {
    let case = |name: &'static str, floor, kind: &'static str, peer, window| {
        let server = Server::start(kind);
        // The whole server belongs to the measure, not only its address.
        let measure = move || {
            let server: &Server = &server;
            block_on(client::echo_rate(server.address, peer, 50, window, scale.time))
        };
        (Row::new(name, Unit::PerSecond, floor), Box::new(measure) as Measure)
    };
    let mut cases = vec![
        case("floor, 1 in flight", None, "floor-echo", Peer::Raw, 1),
        case("hub, 1 in flight", Some("floor, 1 in flight"), "hub", Peer::Hub, 1),
        case("floor, smol, 1 in flight", None, "floor-echo-smol", Peer::Raw, 1),
        case("hub, smol, 1 in flight", Some("floor, smol, 1 in flight"), "hub-smol", Peer::Hub, 1),
        case("floor, 16 in flight", None, "floor-echo", Peer::Raw, 16),
        case("hub, 16 in flight", Some("hub, 1 in flight"), "hub", Peer::Hub, 16),
        case("hub, smol, 16 in flight", Some("hub, smol, 1 in flight"), "hub-smol", Peer::Hub, 16),
    ];
    interleaved(scale.runs, &mut cases);
    rows(cases)
}

/// Broadcasts of one message and of bursts of 8.
pub(crate) fn broadcast(scale: Scale) -> Vec<Row> {
    let case = |name: &'static str, floor, kind: &'static str, peer, times| {
        let measure = move || {
            let server = Server::start(kind);
            block_on(client::broadcast_rate(
                server.address,
                peer,
                scale.connections,
                times,
                scale.time,
            ))
        };
        (Row::new(name, Unit::PerSecond, floor), Box::new(measure) as Measure)
    };
    let mut cases = vec![
        case("floor, single", None, "floor-broadcast", Peer::Raw, 1),
        case("hub, single", Some("floor, single"), "hub", Peer::Hub, 1),
        case("floor, burst of 8", None, "floor-broadcast", Peer::Raw, 8),
        case("hub, burst of 8", Some("hub, single"), "hub", Peer::Hub, 8),
    ];
    interleaved(scale.runs, &mut cases);
    rows(cases)
}

/// Resident memory of an idle connection, by the slope between two counts.
pub(crate) fn idle(scale: Scale) -> Vec<Row> {
    let mut cases = [("hub, idle connection", "hub"), ("hub, smol, idle connection", "hub-smol")]
        .map(|(name, kind)| (Row::new(name, Unit::Bytes, None), kind));
    for _ in 0..scale.runs.min(3) {
        for (row, kind) in &mut cases {
            let server = Server::start(kind);
            row.runs.push(block_on(slope(&server, scale.idle)));
        }
    }
    cases.map(|(row, _)| row).into()
}

async fn slope(server: &Server, (few, many): (usize, usize)) -> f64 {
    let (mut streams, mut resident) = (Vec::new(), Vec::new());
    for count in [few, many] {
        while streams.len() < count {
            streams.push(client::connect(server.address, Peer::Hub).await);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        resident.push(server.resident() as f64);
    }
    (resident[1] - resident[0]) / (many - few) as f64
}
