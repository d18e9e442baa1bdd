//! Every client against the server: what works is what `INTEROP.md` says.
//!
//! The ordinary tests run some cells; `INTEROP=all` runs all, and compares the whole page. Without
//! Node or Python there is nothing to run.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};

use tests::matrix::{Cell, Results, compare, render};
use tests::node::{self, Server};
use tests::python;

const SERVER: &str = env!("CARGO_BIN_EXE_interop_server");
const TEMPORARY: &str = env!("CARGO_TARGET_TMPDIR");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/INTEROP.md");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let whole = env::var("INTEROP").is_ok_and(|value| value == "all");
    let run = match prepare() {
        Ok(python) => Run::new(python),
        Err(reason) => {
            return libtest_mimic::run(&arguments, vec![node::missing("matrix", reason)])
                .exit_code();
        }
    };
    let cells = Cell::all().into_iter().filter(|cell| whole || cell.short);
    let trials = cells.map(|cell| {
        let run = Arc::clone(&run);
        Trial::test(format!("matrix::{}", cell.name()), move || run.cell(&cell))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    match run.page() {
        Err(difference) if !conclusion.has_failed() => {
            eprintln!("{difference}");
            ExitCode::FAILURE
        }
        _ => conclusion.exit_code(),
    }
}

/// What the scripts need is there. Returns the interpreter.
fn prepare() -> Result<PathBuf, String> {
    node::prepare()?;
    python::prepare(Path::new(TEMPORARY), "clients", "matrix/python/requirements.txt")
}

/// One run of this program.
struct Run {
    python: PathBuf,
    /// Where the scripts leave their results.
    folder: PathBuf,
    servers: Mutex<BTreeMap<&'static str, Servers>>,
    done: Mutex<Vec<(Cell, Results)>>,
}

/// The server on one runtime, and the way to it that sets cookies.
struct Servers {
    server: Server,
    cookies: Server,
}

impl Run {
    fn new(python: PathBuf) -> Arc<Self> {
        let folder = Path::new(TEMPORARY).with_file_name("interop");
        Arc::new(Self { python, folder, servers: Mutex::default(), done: Mutex::default() })
    }

    /// Runs all features of a cell, and compares them with the page.
    fn cell(&self, cell: &Cell) -> Result<(), Failed> {
        fs::create_dir_all(&self.folder)?;
        let file = self.folder.join(format!("{}.json", cell.name()));
        let mut script = if cell.client.node {
            let mut script = Command::new("node");
            script.arg("matrix.mjs");
            script
        } else {
            let mut script = Command::new(&self.python);
            script.arg("matrix/python/matrix.py").env("PYTHONDONTWRITEBYTECODE", "1");
            script
        };
        let (server, cookies) = self.urls(cell.runtime)?;
        script.args([cell.client.id, cell.transport, cell.protocol, &server, &cookies]).arg(file);
        node::finish(script.current_dir(node::folder()))?;

        let results = Results::read(&self.folder, cell)?;
        let findings = compare(&fs::read_to_string(PAGE)?, cell, &results);
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push((*cell, results));
        if findings.is_empty() { Ok(()) } else { Err(findings.join("\n").into()) }
    }

    /// Where the servers on a runtime are, which the first to ask starts.
    fn urls(&self, runtime: &'static str) -> Result<(String, String), Failed> {
        let mut all = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(runtime) {
            let server = Server::start(Command::new(SERVER).arg(runtime))?;
            let mut cookies = Command::new("node");
            cookies.arg("matrix/cookies.mjs").arg(server.url()).current_dir(node::folder());
            all.insert(runtime, Servers { cookies: Server::start(&mut cookies)?, server });
        }
        let urls = all.get(runtime).map(|it| (it.server.url(), it.cookies.url()));
        Ok(urls
            .map(|(server, cookies)| (server.to_owned(), cookies.to_owned()))
            .unwrap_or_default())
    }

    /// Compares the page when every cell was run.
    fn page(&self) -> Result<(), String> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |cell: Cell| done.iter().find(|(it, _)| it.name() == cell.name()).cloned();
        let Some(all) = Cell::all().into_iter().map(find).collect::<Option<Vec<_>>>() else {
            return Ok(());
        };
        let told = fs::read_to_string(PAGE).map_err(|error| format!("{PAGE}: {error}"))?;
        if told == render(&all) {
            return Ok(());
        }
        Err("tests/INTEROP.md is not what the results say: cargo run -p tests --bin interop_page"
            .to_owned())
    }
}
