//! The chat example as people see it: its page in a real browser, for several of them at once.
//!
//! Each case of `interop/chat_page.mjs` is one test. They need Node 20, npm and Chromium. Where
//! `HUB_SCREENSHOTS` names a folder, pictures of the page are left there.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

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
            let example =
                example.get_or_init(|| node::example("transport-tokio", "chat")).clone()?;
            node::run("chat_page.mjs", &[example.as_os_str(), chromium.as_os_str(), name.as_ref()])
        })
    };
    names.into_iter().map(trial).collect()
}
