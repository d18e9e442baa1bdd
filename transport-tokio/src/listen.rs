//! Tokio's TCP listener.

use std::io;
use std::net::SocketAddr;

use hub_async::server::{Listener, Transport};
use tokio::net::TcpListener;

use crate::io::Io;
use crate::runtime::TokioRuntime;

/// Where TCP connections come in; made of tokio's own.
#[derive(Debug)]
pub struct TokioListener(TcpListener);

impl From<TcpListener> for TokioListener {
    fn from(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Listener for TokioListener {
    type Io = Io;

    async fn accept(&self) -> io::Result<(Io, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        // Without it every small frame would wait for the acknowledgement of the last one.
        stream.set_nodelay(true).ok();
        Ok((Io::new(stream), peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Transport for TokioRuntime {
    type Listener = TokioListener;

    async fn bind(&self, address: SocketAddr) -> io::Result<TokioListener> {
        TcpListener::bind(address).await.map(TokioListener)
    }
}
