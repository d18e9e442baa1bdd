//! A TCP stream of tokio's as a socket that is read and written through `&self`.

use std::io;
use std::io::IoSlice;
#[cfg(unix)]
use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::task::{Context, Poll};

use hub_async::Socket;
use socket2::SockRef;
#[cfg(unix)]
use tokio::io::Interest;
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

    #[cfg(not(unix))]
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }

    /// A read that does not fill the buffer has emptied the socket, and the next byte will be told of:
    /// tokio learns that here, instead of by another read that finds nothing. It keeps in mind on its
    /// own that the other end is done.
    #[cfg(unix)]
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        let mut emptied = None;
        let result =
            self.0.try_io(Interest::READABLE, || match (&*SockRef::from(&self.0)).read(buffer) {
                Ok(count) if 0 < count && count < room => {
                    emptied = Some(count);
                    Err(ErrorKind::WouldBlock.into())
                }
                other => other,
            });
        emptied.map_or(result, Ok)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn shutdown(&self) {
        // A peer that is gone already needs no end.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Write);
    }
}
