//! Two ends, connected: what one writes, the other reads.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::io::{ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use hub_async::Socket;
use hyper::rt::{Read, ReadBufCursor, Write};

/// One end of a [`pipe`]. Dropping it ends both directions.
pub struct Pipe {
    incoming: Arc<Direction>,
    outgoing: Arc<Direction>,
}

/// The two ends of a connection that holds up to `capacity` bytes in each direction.
pub fn pipe(capacity: usize) -> (Pipe, Pipe) {
    let (there, back) = (Direction::new(capacity), Direction::new(capacity));
    let near = Pipe { incoming: Arc::clone(&back), outgoing: Arc::clone(&there) };
    (near, Pipe { incoming: there, outgoing: back })
}

impl Pipe {
    /// Writes all of it; what the other end does not want any more is lost.
    pub async fn write_all(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.try_write(&[IoSlice::new(bytes)]) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll_fn(|cx| self.poll_writable(cx)).await.ok();
                }
                Err(_) => return,
            }
        }
    }

    /// Appends what comes next, at most 4 KiB; false at the end.
    pub async fn read_some(&self, all: &mut Vec<u8>) -> bool {
        poll_fn(|cx| self.poll_readable(cx)).await.ok();
        let mut buffer = [0; 4096];
        let count = self.try_read(&mut buffer).unwrap_or_default();
        all.extend_from_slice(buffer.get(..count).unwrap_or_default());
        count > 0
    }
}

/// An empty pipe keeps room for this many bytes, and gives more back.
const KEPT: usize = 1024;

struct Direction {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    /// The writer is done: what is there can still be read.
    ended: bool,
    /// The reader is gone: what is written is lost.
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Direction {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { capacity, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_readable(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        if !state.bytes.is_empty() || state.ended {
            return Poll::Ready(Ok(()));
        }
        let before = state.reader.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    fn poll_writable(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        if state.bytes.len() < self.capacity || state.broken {
            return Poll::Ready(Ok(()));
        }
        let before = state.writer.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.lock();
        if state.bytes.is_empty() {
            return if state.ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let count = io::Read::read(&mut state.bytes, buffer)?;
        if state.bytes.is_empty() && state.bytes.capacity() > KEPT {
            state.bytes = VecDeque::new();
        }
        let waker = state.writer.take();
        drop(state);
        wake(waker);
        Ok(count)
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.lock();
        if state.broken || state.ended {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let mut room = self.capacity - state.bytes.len();
        if room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let before = state.bytes.len();
        for slice in slices {
            let taken = slice.get(..room.min(slice.len())).unwrap_or_default();
            state.bytes.extend(taken);
            room -= taken.len();
        }
        let count = state.bytes.len() - before;
        let waker = state.reader.take();
        drop(state);
        wake(waker);
        Ok(count)
    }

    /// The writer is done.
    fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let waker = state.reader.take();
        drop(state);
        wake(waker);
    }

    /// The reader is gone.
    fn cut(&self) {
        let mut state = self.lock();
        state.broken = true;
        let waker = state.writer.take();
        drop(state);
        wake(waker);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.outgoing.end();
        self.incoming.cut();
    }
}

impl Socket for Pipe {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.incoming.poll_readable(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.poll_writable(cx)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(buffer)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.outgoing.write(slices)
    }

    fn shutdown(&self) {
        self.outgoing.end();
    }
}

impl Read for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.incoming.poll_readable(cx))?;
        let mut chunk = [0; 4096];
        let room = buffer.remaining().min(chunk.len());
        let count = self.incoming.read(chunk.get_mut(..room).unwrap_or_default())?;
        buffer.put_slice(chunk.get(..count).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl Write for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.outgoing.poll_writable(cx))?;
        Poll::Ready(self.outgoing.write(&[IoSlice::new(bytes)]))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.end();
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe").finish_non_exhaustive()
    }
}
