//! The calls of one connection that are bound: those that run, and those that wait for their turn.

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hub_core::server::{AskId, CallId, StreamKey};
use hub_proto::Frame;

use crate::ask::Asked;
use crate::caller::Caller;
use crate::caught::discard;
use crate::error::HubError;
use crate::handler::{Answer, Bound};
use crate::outlet::Outlet;
use crate::reader::{StreamError, Upload};
use crate::signal::Signal;
use crate::sync::EventListener;

/// A call and what its answer needs besides the result.
pub(super) struct CallInfo {
    pub(super) id: CallId,
    pub(super) caller: Caller,
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
    parked: VecDeque<(CallInfo, Box<dyn Bound>)>,
    cancels: Vec<(CallId, Arc<Signal>)>,
    uploads: Vec<(StreamKey, Arc<dyn Upload>)>,
    asks: Vec<(AskId, Arc<dyn Asked>)>,
    /// Answers that wait for room; their calls keep their slots.
    held: VecDeque<(CallId, Frame)>,
    room: Option<EventListener>,
}

impl Drop for Calls {
    /// One by one: two that panic together would end the process.
    fn drop(&mut self) {
        mem::take(&mut self.running).into_iter().for_each(discard);
        mem::take(&mut self.parked).into_iter().for_each(discard);
    }
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
        self.info.as_ref().is_some_and(|info| info.caller.dropped)
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
    pub(super) fn park(&mut self, info: CallInfo, bound: Box<dyn Bound>) {
        self.calls().parked.push_back((info, bound));
    }

    /// Takes a parked call whose turn has come.
    pub(super) fn unpark(&mut self, id: CallId) -> Option<(CallInfo, Box<dyn Bound>)> {
        let calls = self.0.as_mut()?;
        let at = calls.parked.iter().position(|(info, _)| info.id == id)?;
        calls.parked.remove(at)
    }

    /// Remembers how to tell a call that nobody waits for it any more.
    pub(super) fn watch(&mut self, id: CallId, cancel: Arc<Signal>) {
        self.calls().cancels.push((id, cancel));
    }

    /// Remembers where the items of a call's streams go.
    pub(super) fn open(&mut self, uploads: Vec<(StreamKey, Arc<dyn Upload>)>) {
        if !uploads.is_empty() {
            self.calls().uploads.extend(uploads);
        }
    }

    /// Where the items of a stream go.
    pub(super) fn upload(&self, stream: StreamKey) -> Option<Arc<dyn Upload>> {
        let mut uploads = self.0.iter().flat_map(|calls| &calls.uploads);
        uploads.find(|(key, _)| *key == stream).map(|(_, upload)| Arc::clone(upload))
    }

    /// Ends a stream for its reader.
    pub(super) fn end_upload(&mut self, stream: StreamKey, error: Option<StreamError>) {
        if let Some(upload) = self.upload(stream) {
            upload.end(error);
            self.calls().uploads.retain(|(key, _)| *key != stream);
            self.tidy();
        }
    }

    /// Forgets a stream that nobody reads.
    pub(super) fn discard_upload(&mut self, stream: StreamKey) {
        if let Some(calls) = &mut self.0 {
            calls.uploads.retain(|(key, _)| *key != stream);
            self.tidy();
        }
    }

    /// Whether answers wait for room.
    pub(super) fn has_held(&self) -> bool {
        self.0.as_ref().is_some_and(|calls| !calls.held.is_empty())
    }

    /// Keeps an answer until there is room for it.
    pub(super) fn hold(&mut self, call: CallId, answer: Frame) {
        self.calls().held.push_back((call, answer));
    }

    /// The next answer for which there is room now.
    pub(super) fn poll_held(
        &mut self,
        outlet: &Outlet,
        cx: &mut Context<'_>,
    ) -> Option<(CallId, Frame)> {
        let calls = self.0.as_mut().filter(|calls| !calls.held.is_empty())?;
        if outlet.poll_room(&mut calls.room, cx).is_pending() {
            return None;
        }
        let held = calls.held.pop_front();
        self.tidy();
        held
    }

    /// Remembers who waits for an answer.
    pub(super) fn asked(&mut self, ask: AskId, asked: Arc<dyn Asked>) {
        self.calls().asks.push((ask, asked));
    }

    /// Takes whoever waits for an answer.
    pub(super) fn take_asked(&mut self, ask: AskId) -> Option<Arc<dyn Asked>> {
        let calls = self.0.as_mut()?;
        let at = calls.asks.iter().position(|(id, _)| *id == ask)?;
        let (_, asked) = calls.asks.swap_remove(at);
        self.tidy();
        Some(asked)
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
        for (_, upload) in &calls.uploads {
            upload.end(Some(StreamError::Closed));
        }
        // Those who wait for an answer see for themselves that the connection is over.
        mem::take(&mut calls.parked).into_iter().for_each(discard);
        discard((mem::take(&mut calls.asks), mem::take(&mut calls.uploads)));
        (calls.held, calls.room) = (VecDeque::new(), None);
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
        if !calls.uploads.is_empty() {
            // A reader that outlives its method has had everything.
            let over = calls.uploads.extract_if(.., |(stream, _)| stream.call() == id);
            over.for_each(|(_, upload)| upload.end(None));
        }
        self.tidy();
    }

    fn tidy(&mut self) {
        let is_idle = self.0.as_ref().is_some_and(|calls| {
            calls.running.is_empty()
                && calls.parked.is_empty()
                && calls.cancels.is_empty()
                && calls.uploads.is_empty()
                && calls.asks.is_empty()
                && calls.held.is_empty()
        });
        if is_idle {
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
