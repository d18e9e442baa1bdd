//! Accepting connections, through thick and thin.

use std::future::Future;
use std::io;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::rt::{Read, Write};

use crate::runtime::Clock;

/// How long to wait when no descriptor is free: those who connect meanwhile wait in the backlog.
const PAUSE: Duration = Duration::from_millis(50);

/// Where connections come in.
pub trait Listener: Send + Sync + 'static {
    /// A connection, as hyper wants it.
    type Io: Read + Write + Unpin + Send + 'static;

    /// The next connection, with no delay set, and the address of its other end.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;

    /// The address at which it listens.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// The next connection. Failures of single connections, and of a full descriptor table, are waited out.
pub(super) async fn accept<L: Listener>(listener: &L, clock: &Clock) -> (L::Io, SocketAddr) {
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                if !told {
                    tracing::warn!(%error, "cannot accept connections for the moment");
                    told = true;
                }
                clock.sleep(PAUSE).await;
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
