//! What Microsoft's functional tests of their JavaScript client expect of a server.
//!
//! `cargo run --release --features tls --example conformance -- [--http PORT] [--https PORT] [--wwwroot DIR] [--attached]`
//!
//! Prints where it listens, with TLS by a certificate that it has just made, and without. Ports are free ones
//! unless they are given. It serves the files below DIR, and ends with its standard input if it is attached to
//! who started it.

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::{io, thread};

use futures_util::future::join;
use hub_async::server::{Server, Transport};
use tokio::sync::watch;
use transport_tokio::TokioRuntime;
use transport_tokio::tls::TlsTransport;

mod answer;
mod certificate;
mod cors;
mod detours;
mod echo;
mod hub;
mod options;
mod pages;
mod token;
mod values;

use detours::Detours;
use options::Options;
use token::Keys;

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
    let options = Options::read(std::env::args().skip(1))?;
    let hubs = hub::Hubs::new()?;
    let (keys, detours) = (Keys::new()?, Detours::new());
    let add =
        |secure| Added { options: &options, hubs: &hubs, keys: &keys, detours: &detours, secure };
    let transport = TlsTransport::new(certificate::self_signed()?);
    let secure = add(true).to(Server::on(transport)).bind(("127.0.0.1", options.https)).await?;
    let plain = add(false).to(Server::on(TokioRuntime)).bind(("127.0.0.1", options.http)).await?;
    println!("Now listening on: https://{}", secure.local_addr());
    println!("Now listening on: http://{}", plain.local_addr());

    let (stop, stopping) = watch::channel(());
    let stopped = || {
        let mut stopping = stopping.clone();
        async move { drop(stopping.changed().await) }
    };
    let both = join(secure.serve_until(stopped()), plain.serve_until(stopped()));
    join(both, async {
        end(options.attached).await;
        drop(stop);
    })
    .await;
    Ok(())
}

/// What both servers have.
struct Added<'a> {
    options: &'a Options,
    hubs: &'a hub::Hubs,
    keys: &'a Keys,
    detours: &'a Detours,
    secure: bool,
}

impl Added<'_> {
    /// The code around requests is in the order in which it sees them.
    fn to<T: Transport>(self, server: Server<T>) -> Server<T> {
        let (detours, keys) = (self.detours.clone(), self.keys.clone());
        let pages = pages::Pages::new(self.options.wwwroot.clone(), self.keys, self.hubs);
        let secure = self.secure;
        let server = server
            .middleware(cors::cors)
            .middleware(move |request, next| detours.clone().around(request, next, secure))
            .middleware(move |request, next| keys.clone().around(request, next))
            .raw("/echo", echo::echo)
            .fallback(move |request| pages.clone().serve(request));
        self.hubs.add_to(server)
    }
}

/// Ends with Ctrl-C, or with standard input.
async fn end(attached: bool) {
    if !attached {
        tokio::signal::ctrl_c().await.ok();
        return;
    }
    let (ended, mut end) = watch::channel(());
    thread::spawn(|| {
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        drop(ended);
    });
    end.changed().await.ok();
}
