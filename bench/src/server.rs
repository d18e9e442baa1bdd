//! The servers that are measured.

use std::process::ExitCode;
use std::time::Duration;

use hub_async::server::{Server, Transport};
use hub_async::{Context, Hub, HubOptions, SendError};
use smol::Async;
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use transport_async_std::SmolServer;

use crate::{client, floors, process};

async fn echo(text: String) -> String {
    text
}

async fn everybody(ctx: Context, times: u8) -> Result<(), SendError> {
    for _ in 0..times {
        ctx.clients().all().send("Message", (client::TEXT,)).await?;
    }
    Ok(())
}

/// Serves one kind on one core until it is killed.
pub(crate) fn serve(kind: &str) -> ExitCode {
    process::pin(true);
    match kind {
        "hub-smol" => smol::block_on(hub(SmolServer::new())),
        "floor-echo-smol" => smol::block_on(async {
            let listener = Async::<std::net::TcpListener>::bind(([127, 0, 0, 1], 0));
            let listener = listener.expect("a free port");
            println!("{}", listener.get_ref().local_addr().expect("an address"));
            floors::echo_on_async_io(listener).await;
        }),
        _ => return serve_on_tokio(kind),
    }
    ExitCode::SUCCESS
}

fn serve_on_tokio(kind: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    LocalSet::new().block_on(&runtime, async {
        if kind == "hub" {
            hub(transport_tokio::Server::new()).await;
            return ExitCode::SUCCESS;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("an address"));
        match kind {
            "floor-echo" => floors::echo(listener).await,
            "floor-broadcast" => floors::broadcast(listener, client::message_frame()).await,
            _ => return ExitCode::FAILURE,
        }
        ExitCode::SUCCESS
    })
}

async fn hub<T: Transport>(server: Server<T>) {
    let options = HubOptions::new().keep_alive_interval(Duration::from_secs(600));
    let hub = Hub::builder().method("Echo", echo).method("Everybody", everybody).options(options);
    let server = server.hub("/hub", hub.build().expect("a hub")).bind("127.0.0.1:0").await;
    let server = server.expect("a free port");
    println!("{}", server.local_addr());
    server.serve().await;
}
