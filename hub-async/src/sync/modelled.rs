//! What the models run on: loom sees every step that is taken here.
//!
//! Loom knows neither `Event` nor the `AtomicWaker` of futures, whose own orders are models of their
//! crates. These here keep their contracts and no more, with one lock each: a waker that is registered
//! before `wake` is woken, one that is registered after it sees what was written before it; and so for
//! listeners and `notify`. So what a model finds is an order of ours.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize};
pub(crate) use loom::sync::{Mutex, MutexGuard};

use super::Mutex as Lock;

/// One waker.
pub(crate) struct AtomicWaker(Lock<Option<Waker>>);

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self(Lock::new(None))
    }

    pub(crate) fn register(&self, waker: &Waker) {
        let before = self.0.lock().replace(waker.clone());
        drop(before);
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }

    pub(crate) fn take(&self) -> Option<Waker> {
        self.0.lock().take()
    }
}

/// Wakes everybody who listens.
#[derive(Default)]
pub(crate) struct Event(Arc<Lock<Told>>);

#[derive(Default)]
struct Told {
    times: usize,
    waiting: Vec<Waker>,
}

pub(crate) struct EventListener {
    event: Arc<Lock<Told>>,
    since: usize,
}

impl Event {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn listen(&self) -> EventListener {
        EventListener { event: Arc::clone(&self.0), since: self.0.lock().times }
    }

    pub(crate) fn notify(&self, listeners: usize) {
        assert_eq!(listeners, usize::MAX, "only all of them");
        let mut told = self.0.lock();
        told.times += 1;
        let waiting = mem::take(&mut told.waiting);
        drop(told);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Future for EventListener {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut told = self.event.lock();
        if told.times > self.since {
            return Poll::Ready(());
        }
        told.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

/// A static of each of the model's threads, which are one thread of the system.
pub(crate) struct Local<T: 'static>(pub(crate) &'static loom::thread::LocalKey<T>);

impl<T> Local<RefCell<T>> {
    pub(crate) fn with_borrow<R>(&self, act: impl FnOnce(&T) -> R) -> R {
        self.0.with(|cell| act(&cell.borrow()))
    }

    pub(crate) fn with_borrow_mut<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        self.0.with(|cell| act(&mut cell.borrow_mut()))
    }

    pub(crate) fn replace(&self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }
}

impl<T> Local<Cell<T>> {
    pub(crate) fn get(&self) -> T
    where
        T: Copy,
    {
        self.0.with(Cell::get)
    }

    pub(crate) fn set(&self, value: T) {
        self.0.with(|cell| cell.set(value));
    }

    pub(crate) fn replace(&self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }
}

macro_rules! locals {
    ($($(#[$about:meta])* static $name:ident: $type:ty = const { $value:expr };)*) => {
        $(
            $(#[$about])*
            static $name: $crate::sync::Local<$type> = {
                loom::thread_local! { static OWN: $type = $value; }
                $crate::sync::Local(&OWN)
            };
        )*
    };
}

pub(crate) use locals as thread_local;
