//! A TLS connection as hyper wants it.

use std::future::Future;
use std::io;
use std::io::{ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hub_async::Socket;
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::time::{Sleep, sleep};

use super::handshakes::Place;
use super::socket::TlsSocket;

/// The time for the whole TLS handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How much of a request is read at once; requests to a hub are small.
const CHUNK: usize = 4 * 1024;

/// A TLS connection that hyper can speak HTTP on. Its first reads are the TLS handshake.
#[derive(Debug)]
pub struct TlsIo {
    socket: TlsSocket,
    /// Until the TLS handshake is over.
    handshake: Option<Handshake>,
}

#[derive(Debug)]
struct Handshake {
    limit: Pin<Box<Sleep>>,
    place: Place,
}

impl TlsIo {
    /// Must be called where tokio's timers run.
    pub(super) fn new(socket: TlsSocket, place: Place) -> Self {
        let limit = Box::pin(sleep(HANDSHAKE_TIME));
        Self { socket, handshake: Some(Handshake { limit, place }) }
    }

    pub(super) fn into_socket(self) -> TlsSocket {
        self.socket
    }

    /// Gives up a handshake that takes too long, or whose place another one has got.
    fn check_handshake(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(handshake) = &mut self.handshake else { return Ok(()) };
        if !self.socket.is_handshaking() {
            self.handshake = None;
            return Ok(());
        }
        if Pin::new(&mut handshake.place).poll(cx).is_ready() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        match handshake.limit.as_mut().poll(cx) {
            Poll::Ready(()) => Err(ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl Read for TlsIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut chunk = [0; CHUNK];
        let room = buffer.remaining().min(CHUNK);
        let chunk = chunk.get_mut(..room).unwrap_or_default();
        loop {
            let readable = self.socket.poll_readable(cx);
            self.check_handshake(cx)?;
            ready!(readable)?;
            match self.socket.try_read(chunk) {
                Ok(count) => {
                    buffer.put_slice(chunk.get(..count).unwrap_or_default());
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Write for TlsIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flushed(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.shutdown();
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.socket.try_write(slices) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.socket.poll_writable(cx))?;
                }
                result => return Poll::Ready(result),
            }
        }
    }
}
