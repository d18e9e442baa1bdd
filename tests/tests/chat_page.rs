//! The chat example as people see it: its page in a real browser, for several of them at once.
//!
//! Each case of `interop/chat_page.mjs` is one test. They need Node 20, npm and Chromium. Where
//! `HUB_SCREENSHOTS` names a folder, pictures of the page are left there.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, OnceLock};

use cargo_metadata::Message;
use libtest_mimic::{Arguments, Trial};

use tests::node;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let ready =
        node::prepare().and_then(|()| Ok((node::chromium()?, node::list("chat_page.mjs")?)));
    let trials = match ready {
        Ok((chromium, names)) => trials(&chromium, names),
        Err(reason) => vec![node::missing("chat_page", reason)],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(chromium: &Path, names: Vec<String>) -> Vec<Trial> {
    let example = Arc::new(OnceLock::new());
    let trial = |name: String| {
        let (example, chromium) = (Arc::clone(&example), chromium.to_path_buf());
        Trial::test(format!("chat_page::{name}"), move || {
            let example = example.get_or_init(build).clone()?;
            node::run("chat_page.mjs", &[example.as_os_str(), chromium.as_os_str(), name.as_ref()])
        })
    };
    names.into_iter().map(trial).collect()
}

/// Builds the example like these tests were built, and returns where it is.
fn build() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "transport-tokio", "--example", "chat"]);
    command.arg("--message-format=json-render-diagnostics").current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let built = command.output().map_err(|error| format!("cargo: {error}"))?;
    let example = Message::parse_stream(built.stdout.as_slice()).flatten().find_map(|message| {
        let Message::CompilerArtifact(artifact) = message else { return None };
        (artifact.target.name == "chat").then_some(artifact.executable)?
    });
    let missing = || format!("no example: {}", String::from_utf8_lossy(&built.stderr));
    example.map(Into::into).ok_or_else(missing)
}
