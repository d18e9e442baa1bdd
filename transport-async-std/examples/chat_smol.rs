//! The chat on smol: the same hub, the same page, another runtime.
//!
//! `cargo run --release --example chat_smol [ADDRESS]`, then open the printed address in two windows.

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::{env, io};

use async_signal::{Signal, Signals};
use smol::stream::StreamExt;
use transport_async_std::SmolServer;

#[path = "../../transport-tokio/examples/chat/page.rs"]
mod page;
#[path = "../../transport-tokio/examples/chat/people.rs"]
mod people;

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init();
    match smol::block_on(serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5000".to_owned());
    let server = SmolServer::new().hub("/chat", people::hub()?).fallback(page::serve);
    let server = server.bind(address).await?;
    page::install_client();
    println!("Listening on http://{}", server.local_addr());
    let mut signals = Signals::new([Signal::Int, Signal::Term])?;
    server.serve_until(async { drop(signals.next().await) }).await;
    Ok(())
}
