//! The unmodified JavaScript client and raw WebSockets against a server in its own process.
//!
//! Each case of `interop/cases` is one test. They need Node 20 and npm; see [`tests::node`].

use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};

use tests::node::{self, Server};

const SERVER: &str = env!("CARGO_BIN_EXE_interop_server");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match node::prepare().and_then(|()| node::list("run.mjs")) {
        Ok(names) => trials(&names),
        Err(reason) => vec![node::missing("interop", reason)],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Every case on tokio and on smol. Nothing but the executor is another on async-std: the calls do.
fn trials(names: &[String]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for runtime in ["tokio", "smol", "async-std"] {
        let shared = Shared { runtime, server: Arc::default() };
        let cases =
            names.iter().filter(|name| runtime != "async-std" || name.starts_with("calls::"));
        trials.extend(cases.cloned().map(|name| {
            let shared = shared.clone();
            Trial::test(format!("interop::{runtime}::{name}"), move || {
                node::run("run.mjs", &[&shared.url()?, "--exact", &name])
            })
        }));
    }
    trials.push(Trial::test("interop::a_thousand_connections", a_thousand_connections));
    trials
}

/// The server of all cases of one runtime, started by the first that runs.
#[derive(Clone)]
struct Shared {
    runtime: &'static str,
    server: Arc<Mutex<Option<Server>>>,
}

impl Shared {
    fn url(&self) -> Result<String, Failed> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_none() {
            *server = Some(Server::start(Command::new(SERVER).arg(self.runtime))?);
        }
        Ok(server.as_ref().map(|server| server.url().to_owned()).unwrap_or_default())
    }
}

/// A thousand clients fit into a process that may open 1,024 files, the usual limit.
fn a_thousand_connections() -> Result<(), Failed> {
    let mut command = if cfg!(unix) {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -S -n 1024; exec \"$0\"", SERVER]);
        shell
    } else {
        Command::new(SERVER)
    };
    let server = Server::start(&mut command)?;
    node::run("thousand.mjs", &[server.url()])
}
