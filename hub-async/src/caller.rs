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
#[derive(Clone)]
pub struct Caller {
    pub(crate) context: Context,
    pub(crate) reply: Reply,
    /// The method, in the client's spelling.
    pub(crate) target: Id,
    /// The headers of the message, if it has any.
    pub(crate) headers: Option<Arc<Headers<'static>>>,
    /// Whether clients see the details of errors.
    pub(crate) detailed: bool,
    /// Whether the method is a task of its own.
    pub(crate) spawned: bool,
    /// What ends a stream; none if its method sees to that.
    pub(crate) stop: Option<Arc<Signal>>,
    /// Who wants the result before it is encoded: filters.
    pub(crate) outcome: Option<Arc<Slot<Outcome>>>,
}

impl Caller {
    pub(crate) const fn member(&self) -> &Arc<Member> {
        self.context.member()
    }

    /// What becomes of a result.
    pub(crate) fn result<T: Serialize + Send + 'static>(&self, value: T) -> Responded {
        match &self.outcome {
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

    /// The answer of a method that failed.
    pub(crate) fn failure(&self, error: &HubError) -> Option<Frame> {
        match error.fault() {
            Some(Fault::UnknownMethod) => self.failed(&CallFault::UnknownMethod),
            Some(Fault::NoStream) => self.failed(&CallFault::NoStream),
            None => self.failed(&CallFault::Failed(error.detail(self.detailed).as_deref())),
        }
    }

    /// The end of a stream that failed.
    pub(crate) fn stream_failure(&self, error: &HubError) -> Option<Frame> {
        self.failed(&CallFault::StreamFailed(error.detail(self.detailed).as_deref()))
    }

    fn failed(&self, fault: &CallFault<'_>) -> Option<Frame> {
        self.reply.failure(&fault.text(&self.target, self.detailed))
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}
