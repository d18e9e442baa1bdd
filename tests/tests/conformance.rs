//! The conformance example, which is what Microsoft's functional tests expect of a server, with their client.
//!
//! Each case of `interop/conformance.mjs` and of `interop/conformance_page.mjs` is one test. They need Node 20 and
//! npm; those of the page need Chromium as well.

use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};

use tests::node::{self, Server};

const SCRIPT: &str = "conformance.mjs";
const PAGE: &str = "conformance_page.mjs";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let server = Shared::default();
    let mut trials = match node::prepare().and_then(|()| node::list(SCRIPT)) {
        Ok(names) => trials(&server, SCRIPT, "conformance", &names, &[]),
        Err(reason) => vec![node::missing("conformance", reason)],
    };
    let browser = node::prepare().and_then(|()| Ok((node::chromium()?, node::list(PAGE)?)));
    trials.extend(match browser {
        Ok((chromium, names)) => {
            let chromium = chromium.to_string_lossy().into_owned();
            trials_of_page(&server, &names, chromium)
        }
        Err(reason) => vec![node::missing("conformance::page", reason)],
    });
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials_of_page(server: &Shared, names: &[String], chromium: String) -> Vec<Trial> {
    trials(server, PAGE, "conformance::page", names, &[chromium])
}

fn trials(
    server: &Shared,
    script: &'static str,
    prefix: &str,
    names: &[String],
    more: &[String],
) -> Vec<Trial> {
    let trial = |name: &String| {
        let (server, name, more) = (server.clone(), name.clone(), more.to_vec());
        Trial::test(format!("{prefix}::{name}"), move || {
            let urls = server.urls()?;
            node::run(script, &[&urls[..], &more, &[name]].concat())
        })
    };
    names.iter().map(trial).collect()
}

/// The server of all cases, started by the first that runs.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Option<Server>>>);

impl Shared {
    /// Where it listens: with TLS, and without.
    fn urls(&self) -> Result<Vec<String>, Failed> {
        let mut server = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_none() {
            let program = node::example_with("transport-tokio", "tls", "conformance")?;
            let mut command = Command::new(program);
            command.arg("--attached").arg("--wwwroot").arg(node::folder());
            let lines = ["Now listening on: "; 2];
            *server = Some(Server::start_with(&mut command, &lines)?);
        }
        Ok(server.as_ref().map(|server| server.urls().to_vec()).unwrap_or_default())
    }
}
