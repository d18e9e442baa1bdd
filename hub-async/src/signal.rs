//! Something that happens once, and can be asked for and awaited.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::sync::{AtomicBool, Event, EventListener};

/// Fires once. Costs one word until somebody waits.
#[derive(Default)]
pub(crate) struct Signal {
    fired: AtomicBool,
    event: Event,
}

impl Signal {
    /// Fires; waiters are woken. Not to be called under a lock.
    pub(crate) fn fire(&self) {
        if !self.fired.swap(true, Ordering::AcqRel) {
            self.event.notify(usize::MAX);
        }
    }

    pub(crate) fn has_fired(&self) -> bool {
        self.fired.load(Ordering::Acquire)
    }

    /// Ready once it has fired. `listener` holds the place in the queue between polls.
    pub(crate) fn poll(
        &self,
        listener: &mut Option<EventListener>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        poll_until(&self.event, || self.has_fired(), listener, cx)
    }
}

/// Ready once `done` is true, which is worth another look whenever `event` is told.
pub(crate) fn poll_until(
    event: &Event,
    mut done: impl FnMut() -> bool,
    listener: &mut Option<EventListener>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    loop {
        if done() {
            *listener = None;
            return Poll::Ready(());
        }
        // First in the queue, then another look: nothing is missed in between.
        match listener {
            None => *listener = Some(event.listen()),
            Some(waiting) => {
                std::task::ready!(Pin::new(waiting).poll(cx));
                *listener = None;
            }
        }
    }
}

/// Ready once a connection has been aborted or is over.
pub struct Aborted {
    signal: Arc<dyn AsRef<Signal> + Send + Sync>,
    listener: Option<EventListener>,
}

impl Aborted {
    pub(crate) fn new(signal: Arc<dyn AsRef<Signal> + Send + Sync>) -> Self {
        Self { signal, listener: None }
    }
}

impl Future for Aborted {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        (*this.signal).as_ref().poll(&mut this.listener, cx)
    }
}

impl fmt::Debug for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aborted").field("fired", &(*self.signal).as_ref().has_fired()).finish()
    }
}
