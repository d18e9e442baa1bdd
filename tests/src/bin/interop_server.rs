//! The server of the interoperation cases. It prints `Listening on URL` and ends when its standard
//! input does.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{env, io, thread};

use hub_async::server::{Server, Transport};
use hub_async::values::DOT_NET;
use hub_async::{BuildError, Hub, HubOptions};
use tests::hub::Pause;
use tokio::sync::oneshot;

/// `interop_server [RUNTIME [ADDRESS]]`: the same hubs on tokio, smol or async-std.
fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    match env::args().nth(1).as_deref() {
        None | Some("tokio") => {
            tokio::runtime::Runtime::new()?.block_on(serve(transport_tokio::Server::new()))
        }
        Some("smol") => smol::block_on(serve(transport_async_std::SmolServer::new())),
        Some("async-std") => {
            async_std::task::block_on(serve(transport_async_std::AsyncStdServer::new()))
        }
        Some(other) => Err(format!("no runtime called {other}").into()),
    }
}

async fn serve<T: Transport>(server: Server<T>) -> Result<(), Box<dyn Error>> {
    let options = HubOptions::new();
    let short = HubOptions::new()
        .keep_alive_interval(Duration::from_millis(200))
        .client_timeout_interval(Duration::from_secs(1))
        .handshake_timeout(Duration::from_millis(500));
    let lively = HubOptions::new().keep_alive_interval(Duration::from_millis(200));
    let resumable = HubOptions::new().allow_stateful_reconnects(true);
    let forgetful = resumable.clone().disconnect_timeout(Duration::from_millis(500));
    let server = server
        .hub("/hub", hub(options.clone())?)
        .hub("/counted", hub(options.clone())?)
        .hub("/detailed", hub(options.clone().enable_detailed_errors(true))?)
        .hub("/parallel", hub(options.clone().maximum_parallel_invocations_per_client(4))?)
        .hub("/dotnet", hub(options.clone().supported_protocols(&DOT_NET))?)
        .hub("/short", hub(short)?)
        .hub("/lively", hub(lively)?)
        .hub("/resumable", hub(resumable)?)
        .hub("/forgetful", hub(forgetful)?)
        .hub("/large", hub(options.clone().maximum_receive_message_size(2 << 20))?)
        .hub("/small", hub(options.maximum_receive_message_size(1024))?)
        .bind(env::args().nth(2).unwrap_or_else(|| "127.0.0.1:0".to_owned()))
        .await?;
    println!("Listening on http://{}", server.local_addr());
    server.serve_until(input_ends()).await;
    Ok(())
}

/// Ends with whoever started this process.
async fn input_ends() {
    let (ended, end) = oneshot::channel();
    thread::spawn(|| {
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        ended.send(()).ok();
    });
    end.await.ok();
}

fn hub(options: HubOptions) -> Result<Hub, BuildError> {
    // On any runtime.
    let pause = |time| -> tests::hub::Pausing {
        Box::pin(async move {
            async_io::Timer::after(time).await;
        })
    };
    tests::hub::hub(options, Pause(Arc::new(pause)))
}
