//! HTTPS and secure WebSockets.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use hub_async::server::Server;
//! use transport_tokio::tls::TlsTransport;
//!
//! # async fn serve(config: rustls::ServerConfig, chat: hub_async::Hub) -> std::io::Result<()> {
//! Server::on(TlsTransport::new(Arc::new(config))).hub("/chat", chat).serve("0.0.0.0:443").await
//! # }
//! ```
//!
//! The certificate, its key, and what may be spoken are in the [`ServerConfig`], and so is the choice of
//! the code that encrypts. If it names protocols (ALPN), then `http/1.1`.

mod io;
mod socket;

use std::io::Result;
use std::net::SocketAddr;
use std::sync::Arc;

use hub_async::server::{Listener, Transport};
use hub_async::{Runtime, Socket, Task};
use hyper::rt::Timer;
use hyper::upgrade::Upgraded;
use rustls::{ServerConfig, ServerConnection};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::runtime::TokioRuntime;

pub use io::TlsIo;
pub use socket::TlsSocket;

/// How many handshakes may be under way. Further connections wait in the backlog.
const HANDSHAKES: usize = 1_000;

/// Runs hubs on the tokio runtime in which it is used, and listens for TLS.
#[derive(Clone, Debug)]
pub struct TlsTransport(Arc<ServerConfig>);

impl TlsTransport {
    /// Serves with that certificate and those settings.
    pub const fn new(config: Arc<ServerConfig>) -> Self {
        Self(config)
    }
}

impl Runtime for TlsTransport {
    fn spawn(&self, task: Task) {
        TokioRuntime.spawn(task);
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        TokioRuntime.timer()
    }

    fn open(
        &self,
        upgraded: Upgraded,
    ) -> std::result::Result<(Arc<dyn Socket>, bytes::Bytes), Upgraded> {
        let parts = upgraded.downcast::<TlsIo>()?;
        Ok((Arc::new(parts.io.into_socket()), parts.read_buf))
    }
}

impl Transport for TlsTransport {
    type Listener = TlsListener;

    async fn bind(&self, address: SocketAddr) -> Result<TlsListener> {
        Ok(TlsListener::new(TcpListener::bind(address).await?, Arc::clone(&self.0)))
    }
}

/// Where TLS connections come in.
#[derive(Debug)]
pub struct TlsListener {
    tcp: TcpListener,
    config: Arc<ServerConfig>,
    handshakes: Arc<Semaphore>,
}

impl TlsListener {
    /// Takes connections of a listener of tokio's.
    pub fn new(tcp: TcpListener, config: Arc<ServerConfig>) -> Self {
        Self { tcp, config, handshakes: Arc::new(Semaphore::new(HANDSHAKES)) }
    }
}

impl Listener for TlsListener {
    type Io = TlsIo;

    const SCHEME: &'static str = "https";

    /// The handshake is not part of it, but of the first read: a client that is slow there keeps nobody.
    async fn accept(&self) -> Result<(TlsIo, SocketAddr)> {
        let place = Arc::clone(&self.handshakes).acquire_owned().await;
        let place = place.map_err(std::io::Error::other)?;
        let (stream, peer) = self.tcp.accept().await?;
        stream.set_nodelay(true).ok();
        let tls = ServerConnection::new(Arc::clone(&self.config)).map_err(std::io::Error::other)?;
        Ok((TlsIo::new(TlsSocket::new(stream, tls), place), peer))
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
