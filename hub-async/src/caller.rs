//! Who called a method, and where its answer goes.

use std::fmt;
use std::sync::Arc;

use hub_core::server::CallFault;
use hub_proto::{EncodeError, Frame, Headers, Id, Reply};
use serde::Serialize;

use crate::context::Context;
use crate::error::{Fault, HubError};
use crate::member::Member;
use crate::outcome::Outcome;
use crate::response::Responded;
use crate::signal::Signal;
use crate::slot::Slot;

/// One call as its method sees it, and what it takes to answer it.
// It is moved often: what few calls have is elsewhere.
#[derive(Clone)]
pub struct Caller {
    pub(crate) context: Context,
    pub(crate) reply: Reply,
    /// The method, in the client's spelling.
    pub(crate) target: Id,
    /// Whether clients see the details of errors.
    pub(crate) detailed: bool,
    /// Whether the method is a task of its own.
    pub(crate) spawned: bool,
    /// Whether the method is dropped with its connection.
    pub(crate) dropped: bool,
    pub(crate) rare: Option<Arc<Rare>>,
}

/// What few calls have.
#[derive(Clone, Default)]
pub(crate) struct Rare {
    /// The headers of the message.
    pub(crate) headers: Option<Arc<Headers<'static>>>,
    /// What ends a stream; none if its method sees to that.
    pub(crate) stop: Option<Arc<Signal>>,
    /// Who wants the result before it is encoded: filters.
    pub(crate) outcome: Option<Arc<Slot<Outcome>>>,
}

impl Caller {
    pub(crate) const fn member(&self) -> &Arc<Member> {
        self.context.member()
    }

    pub(crate) fn headers(&self) -> &Headers<'static> {
        static NONE: Headers<'static> = Headers::NONE;
        let headers = self.rare.as_ref().and_then(|rare| rare.headers.as_deref());
        headers.unwrap_or(&NONE)
    }

    pub(crate) fn stop(&self) -> Option<&Arc<Signal>> {
        self.rare.as_ref()?.stop.as_ref()
    }

    pub(crate) fn outcome(&self) -> Option<&Arc<Slot<Outcome>>> {
        self.rare.as_ref()?.outcome.as_ref()
    }

    /// The same with another of what few calls have.
    pub(crate) fn with(self, change: impl FnOnce(&mut Rare)) -> Self {
        let mut rare = self.rare.as_deref().cloned().unwrap_or_default();
        change(&mut rare);
        Self { rare: Some(Arc::new(rare)), ..self }
    }

    /// What becomes of a result.
    pub(crate) fn result<T: Serialize + Send + 'static>(&self, value: T) -> Responded {
        match self.outcome() {
            Some(outcome) => {
                outcome.put(Outcome::new(value));
                Ok(None)
            }
            None => self.encode(&value),
        }
    }

    pub(crate) fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Responded {
        self.reply.result(value).map_err(|error: EncodeError| error.into())
    }

    /// The answer of a method that failed, or the end of a stream that did.
    pub(crate) fn failure(&self, error: &HubError) -> Option<Frame> {
        let detail = error.detail(self.detailed);
        let detail = detail.as_deref();
        let fault = match error.fault() {
            Some(Fault::UnknownMethod) => CallFault::UnknownMethod,
            Some(Fault::NoStream) => CallFault::NoStream,
            Some(Fault::Stream) => CallFault::StreamFailed(detail),
            None => CallFault::Failed(detail),
        };
        self.reply.failure(&fault.text(&self.target, self.detailed))
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}
