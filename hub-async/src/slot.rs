//! A value that one task leaves for another.

use std::task::{Context, Poll};

use crate::sync::{AtomicWaker, Mutex};

/// Filled once, taken once.
pub(crate) struct Slot<T> {
    value: Mutex<Option<T>>,
    waiting: AtomicWaker,
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self { value: Mutex::new(None), waiting: AtomicWaker::new() }
    }

    /// Leaves the value. Not to be called under a lock.
    pub(crate) fn put(&self, value: T) {
        let before = self.value.lock().replace(value);
        drop(before);
        self.waiting.wake();
    }

    /// Takes the value if it is there.
    pub(crate) fn take(&self) -> Option<T> {
        self.value.lock().take()
    }

    /// Takes the value once it is there.
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<T> {
        self.waiting.register(cx.waker());
        self.take().map_or(Poll::Pending, Poll::Ready)
    }
}
