//! Streams of async-io's as sockets that are read and written through `&self`.

use std::fmt;
use std::io;
use std::io::{IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll};

use async_io::Async;
use hub_async::Socket;

/// A stream of async-io's, TCP or a Unix socket, that carries a connection: for
/// [`Service::serve_stream`](hub_async::server::Service::serve_stream).
///
/// Set `TCP_NODELAY` before; else small messages wait for the acknowledgement of the last one.
pub struct AsyncSocket<S>(pub(crate) Async<S>);

impl<S> From<Async<S>> for AsyncSocket<S> {
    fn from(stream: Async<S>) -> Self {
        Self(stream)
    }
}

impl<S: fmt::Debug> fmt::Debug for AsyncSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncSocket").field(&self.0).finish()
    }
}

macro_rules! socket {
    ($stream:ty) => {
        impl Socket for AsyncSocket<$stream> {
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
    };
}

socket!(TcpStream);
#[cfg(unix)]
socket!(UnixStream);
