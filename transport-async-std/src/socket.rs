//! A TCP stream of async-io's as a socket that is read and written through `&self`.

use std::io;
use std::io::{IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::task::{Context, Poll};

use async_io::Async;
use hub_async::Socket;

/// An upgraded TCP connection.
pub(crate) struct TcpSocket(pub(crate) Async<TcpStream>);

impl Socket for TcpSocket {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_readable(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_writable(cx)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.get_ref().read(buffer)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // The system call for one is cheaper than that for many.
        match slices {
            [slice] => self.0.get_ref().write(slice),
            slices => self.0.get_ref().write_vectored(slices),
        }
    }

    fn shutdown(&self) {
        // A peer that is gone already needs no end.
        let _ = self.0.get_ref().shutdown(Shutdown::Write);
    }
}
