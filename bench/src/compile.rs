//! How long a crate with one hub takes to compile, beside one with one handler of axum.
//!
//! Three crates are made in a temporary folder, with one lock file and one target folder, and all that they use
//! is compiled before anything is measured. Then each is edited and compiled in turn, several times over.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use crate::process::cpu_of_children;
use crate::report::{Row, Unit};

/// What the rows are.
pub(crate) const ABOUT: &str = "How long cargo takes after an edit of a server of one method, when all that it \
     uses was compiled before. \"From nothing\": without what the compiler remembers of the last time, as it \
     always is for a release. The floor is axum's hello world, with the same features of tokio.";

/// A crate with a server of one method.
struct Server {
    name: &'static str,
    dependencies: &'static str,
    /// `TEXT` is what is edited.
    source: &'static str,
}

const SERVERS: [Server; 3] = [
    Server {
        name: "axum-server",
        dependencies: "axum = \"0.8\"\n",
        source: r#"use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

async fn greet() -> &'static str {
    "TEXT"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new().route("/", get(greet));
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
"#,
    },
    Server {
        name: "built-hub",
        dependencies: HUBS,
        source: r#"use hub_async::Hub;
use transport_tokio::Server;

async fn greet() -> &'static str {
    "TEXT"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hub = Hub::builder().method("Greet", greet).build()?;
    Server::new().hub("/", hub).serve("127.0.0.1:5000").await?;
    Ok(())
}
"#,
    },
    Server {
        name: "typed-hub",
        dependencies: HUBS,
        source: r#"use hub_async::hub;
use transport_tokio::Server;

struct Greeter;

#[hub]
impl Greeter {
    async fn greet(&self) -> &'static str {
        "TEXT"
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hub = Greeter.into_builder().build()?;
    Server::new().hub("/", hub).serve("127.0.0.1:5000").await?;
    Ok(())
}
"#,
    },
];

/// `ROOT` is the folder of the workspace.
const HUBS: &str = "hub-async = { path = \"ROOT/hub-async\" }\ntransport-tokio = { path = \"ROOT/transport-tokio\" }\n";

/// What is asked of cargo, and the rows of the three servers.
struct Way {
    command: &'static [&'static str],
    from_nothing: bool,
    names: [&'static str; 3],
}

const WAYS: [Way; 4] = [
    Way {
        command: &["check"],
        from_nothing: false,
        names: ["check, axum", "check, hub by the builder", "check, hub by the attribute"],
    },
    Way {
        command: &["build"],
        from_nothing: false,
        names: ["debug, axum", "debug, hub by the builder", "debug, hub by the attribute"],
    },
    Way {
        command: &["build"],
        from_nothing: true,
        names: [
            "debug from nothing, axum",
            "debug from nothing, hub by the builder",
            "debug from nothing, hub by the attribute",
        ],
    },
    Way {
        command: &["build", "--release"],
        from_nothing: false,
        names: ["release, axum", "release, hub by the builder", "release, hub by the attribute"],
    },
];

/// Compiles each server in each way. Fails when cargo does, as it does when it cannot fetch axum.
pub(crate) fn run(runs: usize) -> Result<Vec<Row>, String> {
    let folder = Folder::new().map_err(|error| format!("the crates cannot be made: {error}"))?;
    for server in &SERVERS {
        folder.edit(server, 0)?;
    }
    for command in [&["check"][..], &["build"], &["build", "--release"]] {
        for server in &SERVERS {
            // The only time that anything is downloaded.
            folder.cargo(server, command, &[])?;
        }
    }
    let mut rows = Vec::new();
    for Way { command, from_nothing, names } in WAYS {
        let mut these = names
            .map(|name| Row::new(name, Unit::Milliseconds, (name != names[0]).then_some(names[0])));
        for run in 1..=runs {
            for (server, row) in SERVERS.iter().zip(&mut these) {
                if from_nothing {
                    folder.forget(server)?;
                }
                folder.edit(server, rows.len() * runs + run)?;
                let before = cpu_of_children();
                let time = folder.cargo(server, command, &["--offline"])?;
                row.runs.push(time.as_secs_f64() * 1e3);
                row.cpu.push((cpu_of_children() - before).as_secs_f64() * 1e3);
            }
        }
        rows.extend(these);
    }
    Ok(rows)
}

/// The folder with the crates; it is removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let folder = Self(env::temp_dir().join(format!("hub-compile-{}", std::process::id())));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bench is in a workspace");
        fs::create_dir_all(&folder.0)?;
        // Both sides use the same versions of what they have in common.
        fs::copy(root.join("Cargo.lock"), folder.0.join("Cargo.lock"))?;
        let members = SERVERS.map(|server| format!("{:?}", server.name)).join(", ");
        let workspace = format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n");
        fs::write(folder.0.join("Cargo.toml"), workspace)?;
        for server in &SERVERS {
            fs::create_dir_all(folder.0.join(server.name).join("src"))?;
            let dependencies = server.dependencies.replace("ROOT", &root.display().to_string());
            let manifest = format!(
                "[package]\nname = {:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
                 {dependencies}tokio = {{ version = \"1\", features = [\"macros\", \"net\", \"rt-multi-thread\"] }}\n",
                server.name
            );
            fs::write(folder.0.join(server.name).join("Cargo.toml"), manifest)?;
        }
        Ok(folder)
    }

    /// Writes the source with another text in it.
    fn edit(&self, server: &Server, time: usize) -> Result<(), String> {
        let source = server.source.replace("TEXT", &format!("Hello, for the {time}th time!"));
        let path = self.0.join(server.name).join("src/main.rs");
        fs::write(&path, source).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Drops what the compiler has kept of a crate to be faster the next time.
    fn forget(&self, server: &Server) -> Result<(), String> {
        let kept = self.0.join("target/debug/incremental");
        let name = format!("{}-", server.name.replace('-', "_"));
        let forget = || -> io::Result<()> {
            for one in fs::read_dir(&kept)? {
                let one = one?;
                if one.file_name().to_string_lossy().starts_with(&name) {
                    fs::remove_dir_all(one.path())?;
                }
            }
            Ok(())
        };
        forget().map_err(|error| format!("{}: {error}", kept.display()))
    }

    /// How long cargo takes.
    fn cargo(&self, server: &Server, command: &[&str], more: &[&str]) -> Result<Duration, String> {
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(program);
        cargo.current_dir(&self.0).args(command).args(["-p", server.name]).args(more);
        cargo.env("CARGO_TARGET_DIR", self.0.join("target"));
        // What is set for this workspace does not hold there.
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_INCREMENTAL"] {
            cargo.env_remove(name);
        }
        let start = Instant::now();
        let output = cargo.output().map_err(|error| format!("cargo does not run: {error}"))?;
        let time = start.elapsed();
        if output.status.success() {
            return Ok(time);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("cargo {} -p {} failed:\n{said}", command.join(" "), server.name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
