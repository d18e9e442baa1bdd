//! Something that happens once, and can be asked for and awaited.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::sync::{AtomicBool, AtomicUsize, AtomicWaker, Event, EventListener};

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

/// Ends an HTTP connection when nobody waits for the answer to a request any more, which may have been its last
/// one; none where somebody else sees to that.
#[derive(Clone, Default)]
pub(crate) struct HangUp {
    line: Option<Arc<Line>>,
    /// What number the request has.
    request: usize,
}

/// One HTTP connection.
struct Line {
    hung_up: AtomicBool,
    /// Wakes whoever serves it.
    server: AtomicWaker,
    /// How many requests have come.
    requests: AtomicUsize,
}

impl HangUp {
    /// That of another HTTP connection.
    pub(crate) fn new() -> Self {
        let line = Line {
            hung_up: AtomicBool::new(false),
            server: AtomicWaker::new(),
            requests: AtomicUsize::new(0),
        };
        Self { line: Some(Arc::new(line)), request: 0 }
    }

    /// A request has come.
    pub(crate) fn count_request(&self) {
        if let Some(line) = &self.line {
            line.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The same for the request that came last.
    pub(crate) fn for_this_request(&self) -> Self {
        let request = self.line.as_ref().map_or(0, |line| line.requests.load(Ordering::Relaxed));
        Self { line: self.line.clone(), request }
    }

    /// Fires, unless the connection has carried on: it may serve somebody else by now. Not to be called under a
    /// lock.
    pub(crate) fn fire(&self) {
        if let Some(line) = &self.line
            && line.requests.load(Ordering::Relaxed) == self.request
        {
            line.hung_up.store(true, Ordering::Release);
            line.server.wake();
        }
    }

    /// Ready once it has fired.
    pub(crate) async fn fired(&self) {
        let Some(line) = &self.line else { return pending().await };
        poll_fn(|cx| {
            line.server.register(cx.waker());
            if line.hung_up.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
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
