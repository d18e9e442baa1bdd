//! The TCP listener of async-io.

use std::io;
use std::net::{SocketAddr, TcpListener};

use async_io::Async;
use hub_async::server::Listener;

use crate::io::Io;

/// Where TCP connections come in; made of a listener of async-io's.
#[derive(Debug)]
pub struct AsyncListener(Async<TcpListener>);

impl From<Async<TcpListener>> for AsyncListener {
    fn from(listener: Async<TcpListener>) -> Self {
        Self(listener)
    }
}

impl Listener for AsyncListener {
    type Io = Io;

    async fn accept(&self) -> io::Result<(Io, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        // Without it every small frame would wait for the acknowledgement of the last one.
        stream.get_ref().set_nodelay(true).ok();
        Ok((Io::new(stream), peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }
}
