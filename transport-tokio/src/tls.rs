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

mod handshakes;
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

use crate::runtime::TokioRuntime;
use handshakes::Handshakes;

pub use io::TlsIo;
pub use socket::TlsSocket;

/// How many handshakes may be under way. A further connection ends the oldest of them.
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
    handshakes: Handshakes,
}

impl TlsListener {
    /// Takes connections of a listener of tokio's.
    pub fn new(tcp: TcpListener, config: Arc<ServerConfig>) -> Self {
        Self { tcp, config, handshakes: Handshakes::new(HANDSHAKES) }
    }
}

impl Listener for TlsListener {
    type Io = TlsIo;

    const SCHEME: &'static str = "https";

    /// The handshake is not part of it, but of the first read: a client that is slow there keeps nobody.
    async fn accept(&self) -> Result<(TlsIo, SocketAddr)> {
        let (stream, peer) = self.tcp.accept().await?;
        stream.set_nodelay(true).ok();
        let tls = ServerConnection::new(Arc::clone(&self.config)).map_err(std::io::Error::other)?;
        Ok((TlsIo::new(TlsSocket::new(stream, tls), self.handshakes.begin()), peer))
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use hyper::rt::{Read, ReadBuf};
    use rustls::pki_types::PrivateKeyDer;

    use super::*;

    /// What the first read of a connection comes to.
    async fn read(io: &mut TlsIo) -> Result<()> {
        let mut bytes = [0; 100];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|cx| Pin::new(&mut *io).poll_read(cx, buffer.unfilled())).await
    }

    #[tokio::test]
    async fn who_is_one_too_many_pushes_out_the_oldest_handshake_instead_of_waiting() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut listener = TlsListener::new(tcp, Arc::new(config));
        listener.handshakes = Handshakes::new(2);
        let address = listener.local_addr().unwrap();
        let (mut silent, mut accepted) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            silent.push(std::net::TcpStream::connect(address).unwrap());
            let accepting = tokio::time::timeout(Duration::from_secs(5), listener.accept());
            accepted.push(accepting.await.expect("nobody is kept out").unwrap().0);
        }
        let [oldest, others @ ..] = &mut accepted[..] else { panic!("three") };
        let ended = read(oldest).await.map_err(|error| error.kind());
        assert_eq!(ended, Err(std::io::ErrorKind::ConnectionAborted));
        for io in others {
            let mut reading = std::pin::pin!(read(io));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(reading.as_mut().poll(&mut cx).is_pending());
        }
    }
}
