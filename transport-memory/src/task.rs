//! A task that somebody waits for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What a task that was [spawned](crate::World::spawn) comes to. Dropped, it lets the task run on.
pub struct Spawned<T>(Arc<Slot<T>>);

pub(crate) struct Slot<T>(Mutex<State<T>>);

struct State<T> {
    output: Option<T>,
    done: bool,
    waiting: Option<Waker>,
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fill(&self, output: T) {
        let mut state = self.lock();
        state.output = Some(output);
        state.done = true;
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

impl<T> Spawned<T> {
    pub(crate) fn new() -> (Self, Arc<Slot<T>>) {
        let state = State { output: None, done: false, waiting: None };
        let slot = Arc::new(Slot(Mutex::new(state)));
        (Self(Arc::clone(&slot)), slot)
    }

    /// Whether the task is done.
    pub fn is_finished(&self) -> bool {
        self.0.lock().done
    }
}

impl<T> Future for Spawned<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.lock();
        if let Some(output) = state.output.take() {
            return Poll::Ready(output);
        }
        let before = state.waiting.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl<T> fmt::Debug for Spawned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawned").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}
