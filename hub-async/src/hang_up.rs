//! Ending an HTTP connection from outside.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use crate::sync::{AtomicBool, AtomicUsize, AtomicWaker};

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
