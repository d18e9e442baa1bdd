//! Where the input of a raw connection waits for its handler.

use std::collections::VecDeque;
use std::mem;
use std::task::{Context, Poll, Waker};

use hub_core::limits::{RAW_CHUNKS, RAW_UNREAD};

use crate::raw::Chunk;
use crate::sync::{Mutex, MutexGuard};

/// Chunks on their way from the session, which puts them in, to the handler, which takes them out.
#[derive(Default)]
pub(crate) struct Inlet(Mutex<State>);

#[derive(Default)]
struct State {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    ended: bool,
    /// Who waits for the next chunk.
    waiting: Option<Waker>,
    /// Whether the session stopped reading because of what is in here.
    full: bool,
    /// Nobody will take anything out any more.
    unwanted: bool,
}

impl Inlet {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Adds chunks; whoever waits for them is to be woken.
    pub(crate) fn extend(&self, chunks: impl Iterator<Item = Chunk>) -> Option<Waker> {
        let mut state = self.lock();
        if state.unwanted {
            return None;
        }
        let before = state.chunks.len();
        for chunk in chunks {
            state.bytes += chunk.bytes.len();
            state.chunks.push_back(chunk);
        }
        if state.chunks.len() > before { state.waiting.take() } else { None }
    }

    /// Nothing comes any more; whoever waits is to be woken.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut state = self.lock();
        state.ended = true;
        state.waiting.take()
    }

    /// Nobody will read: what comes from now on is dropped, so that the end is not missed behind it. True
    /// when the session waits for room.
    pub(crate) fn abandon(&self) -> bool {
        let mut state = self.lock();
        state.unwanted = true;
        state.bytes = 0;
        let (chunks, waits) = (mem::take(&mut state.chunks), mem::take(&mut state.full));
        drop(state);
        drop(chunks);
        waits
    }

    /// Whether there is room for more. Without, the session is to be woken once there is.
    pub(crate) fn has_room(&self) -> bool {
        let mut state = self.lock();
        state.full = state.bytes >= RAW_UNREAD || state.chunks.len() >= RAW_CHUNKS;
        !state.full
    }

    /// The next chunk, none at the end; and whether there is room again for which the session waits.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<(Option<Chunk>, bool)> {
        let mut state = self.lock();
        if let Some(chunk) = state.chunks.pop_front() {
            state.bytes -= chunk.bytes.len();
            if state.chunks.is_empty() {
                // An idle connection keeps none of it.
                state.chunks = VecDeque::new();
            }
            let room = state.full && state.bytes < RAW_UNREAD && state.chunks.len() < RAW_CHUNKS;
            state.full &= !room;
            return Poll::Ready((Some(chunk), room));
        }
        if state.ended {
            return Poll::Ready((None, false));
        }
        if state.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        drop(state);
        // A waker is foreign code, also to clone and to drop it.
        let waker = cx.waker().clone();
        let mut state = self.lock();
        if !state.chunks.is_empty() || state.ended {
            drop(state);
            return self.poll(cx);
        }
        let before = state.waiting.replace(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }
}
