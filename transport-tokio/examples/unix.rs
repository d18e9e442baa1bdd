//! A hub on a Unix socket, without HTTP: for processes of one machine.
//!
//! `cargo run -p transport-tokio --example unix`, then, in another terminal, with `socat`:
//!
//! ```text
//! (printf '{"protocol":"json","version":1}\036{"type":1,"invocationId":"1","target":"Add","arguments":[1,2]}\036'; sleep 1) |
//!     socat - UNIX-CONNECT:/tmp/hubline.sock
//! ```

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::sync::Arc;

    use hub_async::Hub;
    use tokio::net::UnixListener;
    use transport_tokio::{Server, TokioSocket};

    let path = std::env::temp_dir().join("hubline.sock");
    // What is left of the last run.
    std::fs::remove_file(&path).ok();
    let sums = Hub::builder().method("Add", async |a: i32, b: i32| a + b).build()?;
    let service = Server::new().hub("/sums", sums).into_service()?;
    let listener = UnixListener::bind(&path)?;
    println!("listening at {}", path.display());
    loop {
        let (stream, _) = listener.accept().await?;
        if let Err(status) = service.serve_stream("/sums", Arc::new(TokioSocket::from(stream))) {
            eprintln!("refused: {status}");
        }
    }
}

#[cfg(not(unix))]
fn main() {
    eprintln!("There are no Unix sockets here.");
}
