//! Accepting connections, through thick and thin.

use std::io;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// How long to wait when no descriptor is free: those who connect meanwhile wait in the backlog.
const PAUSE: Duration = Duration::from_millis(50);

/// The next connection. Failures of single connections, and of a full descriptor table, are waited out.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut full = false;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without it every small frame would wait for the acknowledgement of the last one.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                if !full {
                    tracing::warn!(%error, "cannot accept connections for the moment");
                    full = true;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
    )
}
