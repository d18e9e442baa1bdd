//! A chat: rooms, who is there, private messages, and how many are connected.
//!
//! `cargo run --release --example chat [ADDRESS]`, then open the printed address in two windows.
//! The page runs Microsoft's JavaScript client as it is published. The hub is in `chat/people.rs`.

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::{env, io};

use transport_tokio::Server;

#[path = "chat/page.rs"]
mod page;
#[path = "chat/people.rs"]
mod people;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5000".to_owned());
    let server =
        Server::new().hub("/chat", people::hub()?).fallback(page::serve).bind(address).await?;
    page::install_client();
    println!("Listening on http://{}", server.local_addr());
    server.serve_until(interrupted()).await;
    Ok(())
}

/// Ends with Ctrl-C, or SIGTERM where there is one. Every page is then told to come back.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    tokio::signal::ctrl_c().await.ok();
}
