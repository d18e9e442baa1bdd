//! The servers that are measured.

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hub_async::server::{Server, Transport};
use hub_async::{Context, Hub, HubOptions, RawConnection, SendError};
use smol::Async;
use tokio::task::LocalSet;
use transport_async_std::SmolRuntime;

use crate::{client, floors, process, registry};

async fn echo(text: String) -> String {
    text
}

async fn everybody(ctx: Context, times: u8) -> Result<(), SendError> {
    for _ in 0..times {
        ctx.clients().all().send("Message", (client::TEXT,)).await?;
    }
    Ok(())
}

async fn echo_raw(mut connection: RawConnection) {
    while let Some(chunk) = connection.receive().await {
        if connection.send(chunk.format, &chunk.bytes).await.is_err() {
            return;
        }
    }
}

/// Serves one kind on one core, on one thread, until it is killed.
pub(crate) fn serve(kind: &str) -> ExitCode {
    process::pin(true);
    let listen = || TcpListener::bind("127.0.0.1:0").expect("a free port");
    let announce = |listener: &TcpListener| {
        println!("{}", listener.local_addr().expect("an address"));
    };
    match kind.split_once(' ').unwrap_or((kind, "")) {
        ("hub", "tokio") => on_tokio(hub(transport_tokio::Server::new())),
        ("hub", "smol") => {
            let executor = Arc::new(smol::Executor::new());
            let server = Server::on(SmolRuntime::on(&executor));
            smol::block_on(executor.run(hub(server)));
        }
        ("echo" | "echo-when-ready", "tokio") => on_tokio(async {
            let listener = listen();
            announce(&listener);
            listener.set_nonblocking(true).expect("it does not block");
            let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
            match kind {
                "echo tokio" => floors::echo(listener).await,
                _ => floors::echo_when_ready(listener).await,
            }
        }),
        ("echo" | "echo-when-ready", "smol") => smol::block_on(async {
            let listener = listen();
            announce(&listener);
            let listener = Async::new(listener).expect("it does not block");
            match kind {
                "echo smol" => floors::echo_on_async_io(listener).await,
                _ => floors::echo_on_async_io_when_ready(listener).await,
            }
        }),
        ("broadcast", connections) => {
            let listener = listen();
            announce(&listener);
            let connections = connections.parse().expect("how many connections");
            floors::broadcast(&listener, connections, &client::message_frame());
        }
        // Answers at once and ends: only a fresh process can tell what it has taken.
        ("registered", what) => println!("{}", registry::memory::taken(what)),
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

fn on_tokio(server: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    LocalSet::new().block_on(&runtime.expect("a runtime"), server);
}

async fn hub<T: Transport>(server: Server<T>) {
    let options = HubOptions::new().keep_alive_interval(Duration::from_secs(600));
    let hub = Hub::builder().method("Echo", echo).method("Everybody", everybody).options(options);
    let server = server.hub("/hub", hub.build().expect("a hub")).raw("/raw", echo_raw);
    let server = server.bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", server.local_addr());
    server.serve().await;
}
