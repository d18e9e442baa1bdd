//! The calls of one connection that are bound: those that run, and those that wait for their turn.

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hub_core::server::CallId;
use hub_proto::{Frame, Id, Reply};

use crate::caught::discard;
use crate::error::HubError;
use crate::handler::{Answer, Bound};
use crate::options::MethodOptions;
use crate::signal::Signal;

/// A call and what its answer needs besides the result.
pub(super) struct CallInfo {
    pub(super) id: CallId,
    pub(super) target: Id,
    pub(super) reply: Reply,
    pub(super) options: MethodOptions,
}

/// What a method came to.
pub(super) struct Done {
    pub(super) call: CallInfo,
    pub(super) result: Result<Option<Frame>, HubError>,
}

/// Calls in flight. Empty, it is one word in the session.
#[derive(Default)]
pub(super) struct Running(Option<Box<Calls>>);

#[derive(Default)]
struct Calls {
    running: FuturesUnordered<Call>,
    parked: VecDeque<(CallInfo, Bound)>,
    cancels: Vec<(CallId, Arc<Signal>)>,
}

struct Call {
    info: Option<CallInfo>,
    answer: Answer,
}

impl Future for Call {
    type Output = Option<Done>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.answer.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => Poll::Ready(self.info.take().map(|call| Done { call, result })),
        }
    }
}

impl Call {
    fn is_dropped_with_its_client(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.options.drop_on_disconnect)
    }
}

impl Running {
    /// Starts a method: it is polled at once, and only kept if it is not done by then.
    pub(super) fn start(
        &mut self,
        info: CallInfo,
        mut answer: Answer,
        cx: &mut Context<'_>,
    ) -> Option<Done> {
        match answer.as_mut().poll(cx) {
            Poll::Ready(result) => Some(Done { call: info, result }),
            Poll::Pending => {
                self.calls().running.push(Call { info: Some(info), answer });
                None
            }
        }
    }

    /// Keeps a call until [`unpark`](Self::unpark).
    pub(super) fn park(&mut self, info: CallInfo, bound: Bound) {
        self.calls().parked.push_back((info, bound));
    }

    /// Takes a parked call whose turn has come.
    pub(super) fn unpark(&mut self, id: CallId) -> Option<(CallInfo, Bound)> {
        let calls = self.0.as_mut()?;
        let at = calls.parked.iter().position(|(info, _)| info.id == id)?;
        calls.parked.remove(at)
    }

    /// Remembers how to tell a call that nobody waits for it any more.
    pub(super) fn watch(&mut self, id: CallId, cancel: Arc<Signal>) {
        self.calls().cancels.push((id, cancel));
    }

    /// Tells one call that nobody waits for it any more.
    pub(super) fn cancel(&self, id: CallId) {
        let cancels = self.0.iter().flat_map(|calls| &calls.cancels);
        cancels.filter(|(call, _)| *call == id).for_each(|(_, cancel)| cancel.fire());
    }

    /// Tells all of them; the parked ones are dropped, and those that asked for it.
    pub(super) fn cancel_all(&mut self) {
        let Some(calls) = &mut self.0 else { return };
        for (_, cancel) in &calls.cancels {
            cancel.fire();
        }
        discard(mem::take(&mut calls.parked));
        if calls.running.iter().any(Call::is_dropped_with_its_client) {
            let all = mem::take(&mut calls.running).into_iter();
            let (dropped, kept): (Vec<_>, Vec<_>) = all.partition(Call::is_dropped_with_its_client);
            calls.running.extend(kept);
            dropped.into_iter().for_each(discard);
        }
    }

    /// The next call that is done.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Option<Done> {
        let calls = self.0.as_mut()?;
        if let Poll::Ready(Some(done)) = calls.running.poll_next_unpin(cx) {
            return done;
        }
        None
    }

    /// Forgets what belongs to a call that is over.
    pub(super) fn forget(&mut self, id: CallId) {
        let Some(calls) = &mut self.0 else { return };
        calls.cancels.retain(|(call, _)| *call != id);
        if calls.running.is_empty() && calls.parked.is_empty() && calls.cancels.is_empty() {
            self.0 = None;
        }
    }

    /// Whether no method runs.
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|calls| calls.running.is_empty())
    }

    fn calls(&mut self) -> &mut Calls {
        self.0.get_or_insert_default()
    }
}
