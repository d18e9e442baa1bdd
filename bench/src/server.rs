//! The servers that are measured.

use std::process::ExitCode;
use std::time::Duration;

use hub_async::{Context, Hub, HubOptions, SendError};
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use transport_tokio::Server;

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

/// Serves one kind on one thread until it is killed.
pub(crate) fn serve(kind: &str) -> ExitCode {
    process::pin(true);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("an address"));
        match kind {
            "floor-echo" => floors::echo(listener).await,
            "floor-broadcast" => floors::broadcast(listener, client::message_frame()).await,
            "hub" => hub(listener).await,
            _ => return ExitCode::FAILURE,
        }
        ExitCode::SUCCESS
    })
}

async fn hub(listener: TcpListener) {
    let options = HubOptions::new().keep_alive_interval(Duration::from_secs(600));
    let hub =
        Hub::builder().method("Echo", echo).method("Everybody", everybody).options(options).build();
    let server = Server::new().hub("/hub", hub.expect("a hub")).listen(listener);
    server.expect("a listener").serve().await;
}
