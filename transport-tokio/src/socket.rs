//! A TCP stream of tokio's as a socket that is read and written through `&self`.

use std::io;
use std::io::IoSlice;
use std::net::Shutdown;
use std::task::{Context, Poll};

use hub_async::Socket;
use socket2::SockRef;
use tokio::net::TcpStream;

/// An upgraded TCP connection.
pub(crate) struct TcpSocket(pub(crate) TcpStream);

impl Socket for TcpSocket {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(cx)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn shutdown(&self) {
        // A peer that is gone already needs no end.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Write);
    }
}
