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
        Ok((chromium, names)) => trials(&chromium, &names),
        Err(reason) => vec![node::missing("chat_page", reason)],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What is a matter of the runtime is shown on smol as well.
const ON_SMOL: [&str; 2] = ["two_people_talk", "an_interrupt_lets_people_come_back"];

fn trials(chromium: &Path, names: &[String]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (package, example) in [("transport-tokio", "chat"), ("transport-async-std", "chat_smol")] {
        let program = Arc::new(OnceLock::new());
        let all = example == "chat";
        let names = names.iter().filter(|name| all || ON_SMOL.contains(&name.as_str())).cloned();
        trials.extend(names.map(|name| {
            let (program, chromium) = (Arc::clone(&program), chromium.to_path_buf());
            Trial::test(format!("chat_page::{example}::{name}"), move || {
                let program = program.get_or_init(|| node::example(package, example)).clone()?;
                let arguments = [program.as_os_str(), chromium.as_os_str(), name.as_ref()];
                node::run("chat_page.mjs", &arguments)
            })
        }));
    }
    trials
}
