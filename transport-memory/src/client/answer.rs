//! What calls come to.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hub_proto::{CancelInvocation, Headers, Message};
use serde::de::DeserializeOwned;

use super::CallError;
use super::state::{End, Inner};
use crate::value::{null, read};

/// Where a call was made, and what it is called.
pub(super) struct Made {
    pub(super) inner: Arc<Inner>,
    pub(super) id: String,
    pub(super) target: String,
    pub(super) at: &'static Location<'static>,
}

impl Made {
    /// Asks the server to stop.
    pub(super) fn cancel(&self) {
        let headers = Headers::default();
        // When the connection has ended, the stream has too.
        self.inner
            .say(&Message::CancelInvocation(CancelInvocation { id: (&*self.id).into(), headers }))
            .ok();
    }
}

/// The answer to a call that is on its way, from [`Client::invoke`](super::Client::invoke). Dropped, it lets the call
/// run on.
#[must_use = "the call is on its way; its answer comes when this is awaited"]
pub struct Answer<T>(Pin<Box<dyn Future<Output = Result<T, CallError>> + Send>>);

impl<T: DeserializeOwned + Send + 'static> Answer<T> {
    pub(super) fn new(made: Made) -> Self {
        Self(Box::pin(async move {
            let Made { inner, id, target, at } = made;
            let what = format!("the answer to {target}");
            let end = inner
                .wait(at, &what, |state| {
                    state.calls.get_mut(&id)?.end.as_ref()?;
                    state.calls.remove(&id)?.end
                })
                .await;
            let encoding = inner.options.encoding;
            match end {
                End::Void => Ok(read(encoding, &null(encoding), at, what)),
                End::Result(raw) => Ok(read(encoding, &raw, at, what)),
                End::Error(text) => Err(CallError::Error(text)),
                End::Ended(ended) => Err(CallError::Ended(ended)),
            }
        }))
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
