//! A socket whose peer is in the hands of a model.

use std::future::poll_fn;
use std::io;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use crate::socket::Socket;
use crate::sync::{AtomicBool, Mutex};

/// A pipe that takes as many bytes as the peer makes room for.
pub(super) struct Pipe {
    state: Mutex<State>,
    /// Somebody is in the middle of a write.
    busy: AtomicBool,
}

struct State {
    bytes: Vec<u8>,
    room: usize,
    broken: bool,
    shutdowns: usize,
    overlapped: bool,
    /// Who waits for room.
    writer: Option<Waker>,
    /// The peer, who waits for bytes.
    reader: Option<Waker>,
}

impl Pipe {
    pub(super) fn new(room: usize) -> Arc<Self> {
        let state = State {
            bytes: Vec::new(),
            room,
            broken: false,
            shutdowns: 0,
            overlapped: false,
            writer: None,
            reader: None,
        };
        Arc::new(Self { state: Mutex::new(state), busy: AtomicBool::new(false) })
    }

    /// Waits, as the peer, until so many bytes have come.
    pub(super) fn wait_for(&self, count: usize) {
        loom::future::block_on(poll_fn(|cx| {
            let mut state = self.state.lock();
            if state.bytes.len() >= count {
                return Poll::Ready(());
            }
            state.reader = Some(cx.waker().clone());
            Poll::Pending
        }));
    }

    /// Takes so many more bytes, as the peer.
    pub(super) fn make_room(&self, count: usize) {
        let mut state = self.state.lock();
        state.room += count;
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
    }

    /// Takes nothing any more.
    pub(super) fn break_off(&self) {
        let mut state = self.state.lock();
        state.broken = true;
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
    }

    /// What has come, provided that no write ran into another.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let state = self.state.lock();
        assert!(!state.overlapped, "two writes at once");
        state.bytes.clone()
    }

    pub(super) fn shutdowns(&self) -> usize {
        self.state.lock().shutdowns
    }
}

impl Socket for Pipe {
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state.lock();
        if state.room > 0 || state.broken {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn try_read(&self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let overlapped = self.busy.swap(true, Ordering::Relaxed);
        let mut state = self.state.lock();
        state.overlapped |= overlapped;
        let before = state.bytes.len();
        for slice in slices {
            let count = slice.len().min(state.room);
            state.bytes.extend_from_slice(&slice[..count]);
            state.room -= count;
        }
        let count = state.bytes.len() - before;
        let (broken, reader) = (state.broken, state.reader.take());
        drop(state);
        self.busy.store(false, Ordering::Relaxed);
        reader.into_iter().for_each(Waker::wake);
        match count {
            _ if broken => Err(ErrorKind::BrokenPipe.into()),
            0 => Err(ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    fn shutdown(&self) {
        self.state.lock().shutdowns += 1;
    }
}
