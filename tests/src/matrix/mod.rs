//! Every client that we know against our server, over every transport and encoding it has.
//!
//! The scripts in `interop/matrix` try each feature in each cell and write what came of it; the
//! page `INTEROP.md` is made of that.

mod page;
mod results;

pub use page::{compare, render};
pub use results::{Outcome, Results, Verdict, features};

/// A client, as the scripts and the page name it.
#[derive(Debug)]
pub struct Client {
    /// For the scripts.
    pub id: &'static str,
    /// Whether it is for Node, and not for Python.
    pub node: bool,
    /// What it can do.
    cells: &'static [(&'static str, &'static str)],
    /// What the ordinary tests run of that.
    short: &'static [(&'static str, &'static str)],
}

const WEB_SOCKETS: &str = "WebSockets";
const EVENTS: &str = "ServerSentEvents";
const POLLS: &str = "LongPolling";
const JSON: &str = "JSON";
const PACKED: &str = "MessagePack";

const ALL: &[(&str, &str)] =
    &[(WEB_SOCKETS, JSON), (WEB_SOCKETS, PACKED), (EVENTS, JSON), (POLLS, JSON), (POLLS, PACKED)];

/// The clients, in the order of the page.
pub const CLIENTS: [Client; 7] = [
    Client { id: "js10", node: true, cells: ALL, short: ALL },
    Client { id: "js8", node: true, cells: ALL, short: &[(POLLS, PACKED)] },
    Client { id: "js5", node: true, cells: ALL, short: &[(EVENTS, JSON)] },
    Client { id: "js1", node: true, cells: ALL, short: &[(POLLS, JSON)] },
    Client { id: "signalrcore", node: false, cells: ALL, short: &[(POLLS, JSON)] },
    Client {
        id: "pysignalr",
        node: false,
        cells: &[(WEB_SOCKETS, JSON), (WEB_SOCKETS, PACKED)],
        short: &[(WEB_SOCKETS, PACKED)],
    },
    Client { id: "aiosignalr", node: false, cells: ALL, short: &[(EVENTS, JSON)] },
];

/// Nothing but the executor is another on smol: one client shows that each transport works.
const ON_SMOL: &[(&str, &str)] = &[(WEB_SOCKETS, PACKED), (EVENTS, JSON), (POLLS, JSON)];

/// A client over one transport in one encoding, against the server on one runtime.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Whose.
    pub client: &'static Client,
    /// As negotiate names it.
    pub transport: &'static str,
    /// `JSON` or `MessagePack`.
    pub protocol: &'static str,
    /// `tokio` or `smol`.
    pub runtime: &'static str,
    /// Whether the ordinary tests run it.
    pub short: bool,
}

impl Cell {
    /// Every cell, in the order of the page.
    pub fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for client in &CLIENTS {
            for runtime in ["tokio", "smol"] {
                let pairs = match (runtime, client.id) {
                    ("tokio", _) => client.cells,
                    (_, "js10") => ON_SMOL,
                    _ => &[],
                };
                for pair @ &(transport, protocol) in pairs {
                    let short = runtime == "tokio" && client.short.contains(pair);
                    cells.push(Self { client, transport, protocol, runtime, short });
                }
            }
        }
        cells
    }

    /// What the cell is called among the tests, and its file among the results.
    pub fn name(&self) -> String {
        let Self { client, transport, protocol, runtime, .. } = self;
        format!("{runtime}-{}-{transport}-{protocol}", client.id)
    }

    /// The head of its column.
    fn column(&self) -> String {
        let Self { transport, protocol, runtime, .. } = self;
        let on = if *runtime == "tokio" { String::new() } else { format!(" on {runtime}") };
        format!("{transport} {protocol}{on}")
    }
}
