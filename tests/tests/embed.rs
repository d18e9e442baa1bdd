//! The core on blocking sockets and threads, without any runtime, against the JavaScript client.

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use tests::node::{self, Server};

fn main() -> ExitCode {
    let trial = match node::prepare() {
        Ok(()) => Trial::test("embed::the_javascript_client_is_served", smoke),
        Err(reason) => node::missing("embed", reason),
    };
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn smoke() -> Result<(), Failed> {
    let example = node::example("hub-core", "embed")?;
    let mut server = Server::start(Command::new(example).arg("127.0.0.1:0"))?;
    let result = node::run("smoke.mjs", &[server.url()]);
    server.kill();
    result
}
