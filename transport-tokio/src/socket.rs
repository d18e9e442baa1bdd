//! Tokio's streams as sockets that are read and written through `&self`.

use std::fmt;
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
#[cfg(unix)]
use tokio::net::UnixStream;

/// A stream of tokio's, TCP or a Unix socket, that carries a connection: for
/// [`Service::serve_stream`](hub_async::server::Service::serve_stream).
///
/// Set `TCP_NODELAY` before; else small messages wait for the acknowledgement of the last one.
pub struct TokioSocket<S>(pub(crate) S);

impl<S> From<S> for TokioSocket<S> {
    fn from(stream: S) -> Self {
        Self(stream)
    }
}

impl<S: fmt::Debug> fmt::Debug for TokioSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokioSocket").field(&self.0).finish()
    }
}

macro_rules! socket {
    ($stream:ty) => {
        impl Socket for TokioSocket<$stream> {
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
            /// own that the other end is done. What nobody sends here, TCP's urgent bytes or a Unix socket's
            /// descriptors, ends a read early: what is behind that waits for the next byte, as in tokio's own reads.
            #[cfg(unix)]
            fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                let room = buffer.len();
                let mut emptied = None;
                let result = self.0.try_io(Interest::READABLE, || {
                    match (&*SockRef::from(&self.0)).read(buffer) {
                        Ok(count) if 0 < count && count < room => {
                            emptied = Some(count);
                            Err(ErrorKind::WouldBlock.into())
                        }
                        other => other,
                    }
                });
                emptied.map_or(result, Ok)
            }

            fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
                // The system call for one is cheaper than that for many.
                match slices {
                    [slice] => self.0.try_write(slice),
                    slices => self.0.try_write_vectored(slices),
                }
            }

            fn shutdown(&self) {
                // A peer that is gone already needs no end.
                let _ = SockRef::from(&self.0).shutdown(Shutdown::Write);
            }
        }
    };
}

socket!(TcpStream);
#[cfg(unix)]
socket!(UnixStream);

#[cfg(all(test, unix))]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;
    use std::mem::MaybeUninit;
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;

    /// A socket, and its other end as a blocking one.
    async fn pair() -> (TokioSocket<TcpStream>, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        peer.set_nodelay(true).unwrap();
        (TokioSocket(listener.accept().await.unwrap().0), peer)
    }

    /// What the next read brings; nothing but the socket's own readiness wakes it.
    async fn read(socket: &TokioSocket<TcpStream>, room: usize) -> io::Result<usize> {
        let mut buffer = vec![0; room];
        let reading = poll_fn(|cx| {
            loop {
                std::task::ready!(socket.poll_readable(cx))?;
                match socket.try_read(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            }
        });
        tokio::time::timeout(Duration::from_secs(5), reading).await.expect("the socket tells")
    }

    /// Until so many bytes are there to be read.
    async fn arrival(socket: &TokioSocket<TcpStream>, bytes: usize) {
        let mut buffer = [MaybeUninit::new(0); 512];
        while SockRef::from(&socket.0).peek(&mut buffer).unwrap_or(0) < bytes {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_end_is_told_behind_a_short_read_however_close() {
        for together in [true, false] {
            let (socket, mut peer) = pair().await;
            peer.write_all(b"last words").unwrap();
            if together {
                peer.shutdown(Shutdown::Write).unwrap();
            }
            arrival(&socket, 10).await;
            assert_eq!(read(&socket, 100).await.unwrap(), 10);
            if !together {
                peer.shutdown(Shutdown::Write).unwrap();
            }
            assert_eq!(read(&socket, 100).await.unwrap(), 0);
            assert_eq!(read(&socket, 100).await.unwrap(), 0, "the end stays");
            assert_eq!(socket.try_write(&[IoSlice::new(b"x")]).unwrap(), 1, "half is open");
        }
    }

    #[tokio::test]
    async fn a_reset_is_told_behind_a_short_read() {
        let (socket, mut peer) = pair().await;
        peer.write_all(b"x").unwrap();
        arrival(&socket, 1).await;
        assert_eq!(read(&socket, 100).await.unwrap(), 1);
        SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        assert_eq!(read(&socket, 100).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn no_byte_is_forgotten_behind_full_and_short_reads() {
        let (socket, mut peer) = pair().await;
        peer.write_all(&[7; 250]).unwrap();
        arrival(&socket, 250).await;
        for expected in [100, 100, 50] {
            assert_eq!(read(&socket, 100).await.unwrap(), expected);
        }
        for _ in 0..1_000 {
            peer.write_all(b"x").unwrap();
            assert_eq!(read(&socket, 100).await.unwrap(), 1);
        }
    }
}
