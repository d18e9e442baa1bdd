//! Our WebSocket codec over real sockets, as server and as client, against `ws` for Node,
//! `websockets` for Python and tungstenite.
//!
//! The other side echoes. Ours sends messages of all sizes in random fragments, with control frames
//! between them and in random writes; it closes with every code; and it sends what nobody may send,
//! after which both sides must have failed the connection. What is random follows from a seed,
//! which is printed; `WEBSOCKETS_SEED` sets another one.

mod bad;
mod closes;
mod messages;
mod peer;
mod random;
mod rust;
mod wire;

use std::path::Path;
use std::process::ExitCode;

use hub_proto::ws::Role;
use libtest_mimic::{Arguments, Failed, Trial};

use peer::{Library, Peer};
use tests::{node, python};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let seed = match std::env::var("WEBSOCKETS_SEED").map(|seed| seed.parse()) {
        Ok(Ok(seed)) => seed,
        Ok(Err(error)) => panic!("WEBSOCKETS_SEED: {error}"),
        Err(_) => 1,
    };
    if !arguments.list {
        println!("seed {seed}");
    }
    let mut all = trials(&Library::Tungstenite, seed);
    match node::prepare() {
        Ok(()) => all.extend(trials(&Library::Ws, seed)),
        Err(reason) => all.push(node::missing("ws", reason)),
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    match python::prepare(folder, "python", "requirements.txt") {
        Ok(python) => all.extend(trials(&Library::Websockets(python), seed)),
        Err(reason) => all.push(node::missing("websockets", reason)),
    }
    libtest_mimic::run(&arguments, all).exit_code()
}

type Scenario = fn(&mut Peer, u32) -> Result<(), Failed>;

const SCENARIOS: [(&str, Scenario); 4] = [
    ("messages", messages::run),
    ("closes", closes::run),
    ("bad_frames", bad::table),
    ("random_frames", bad::random),
];

/// Every scenario, with either side as the server.
fn trials(library: &Library, seed: u32) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (role, ours) in [(Role::Server, "server_for"), (Role::Client, "client_of")] {
        for (name, scenario) in SCENARIOS {
            let library = library.clone();
            trials.push(Trial::test(format!("{ours}_{}::{name}", library.name()), move || {
                let mut peer = Peer::start(&library, role, seed)?;
                scenario(&mut peer, seed).map_err(|failed| {
                    format!("with seed {seed}: {}", failed.message().unwrap_or("no reason"))
                })?;
                peer.end()
            }));
        }
    }
    trials
}
