//! A TCP stream of async-io's as hyper wants it.

use std::io;
use std::io::{ErrorKind, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_io::Async;
use hyper::rt::{Read, ReadBufCursor, Write};

/// A TCP connection that hyper can speak HTTP on.
#[derive(Debug)]
pub struct Io(pub(crate) Async<TcpStream>);

impl Io {
    /// Wraps a connected stream.
    pub const fn new(stream: Async<TcpStream>) -> Self {
        Self(stream)
    }
}

/// How much of a request is read at once; requests to a hub are small.
const CHUNK: usize = 4 * 1024;

/// Which way to wait.
type Ready = fn(&Async<TcpStream>, &mut Context<'_>) -> Poll<io::Result<()>>;

/// Tries until it works or has to wait.
fn attempt<R>(
    stream: &Async<TcpStream>,
    cx: &mut Context<'_>,
    ready: Ready,
    mut act: impl FnMut(&TcpStream) -> io::Result<R>,
) -> Poll<io::Result<R>> {
    loop {
        match act(stream.get_ref()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => ready!(ready(stream, cx))?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return Poll::Ready(done),
        }
    }
}

impl Read for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut chunk = [0; CHUNK];
        let room = buffer.remaining().min(CHUNK);
        let chunk = chunk.get_mut(..room).unwrap_or_default();
        let count =
            ready!(attempt(&self.0, cx, Async::poll_readable, |mut stream| io::Read::read(
                &mut stream,
                chunk
            )))?;
        buffer.put_slice(chunk.get(..count).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl Write for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        attempt(&self.0, cx, Async::poll_writable, |mut stream| {
            io::Write::write(&mut stream, bytes)
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.get_ref().shutdown(Shutdown::Write))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        attempt(&self.0, cx, Async::poll_writable, |mut stream| {
            io::Write::write_vectored(&mut stream, slices)
        })
    }
}
