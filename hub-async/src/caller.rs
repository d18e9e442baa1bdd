//! Who called a method, and where its answer goes.

use std::fmt;
use std::sync::Arc;

use hub_core::server::CallFault;
use hub_proto::{Frame, Id, Reply};

use crate::error::HubError;
use crate::member::Member;
use crate::signal::Signal;

/// What it takes to answer a call.
#[derive(Clone)]
pub struct Caller {
    pub(crate) member: Arc<Member>,
    pub(crate) reply: Reply,
    /// The method, in the client's spelling.
    pub(crate) target: Id,
    /// Whether clients see the details of errors.
    pub(crate) detailed: bool,
    /// Whether the method is a task of its own.
    pub(crate) spawned: bool,
    /// What ends a stream; none if its method sees to that.
    pub(crate) stop: Option<Arc<Signal>>,
}

impl Caller {
    /// The answer of a method that failed.
    pub(crate) fn failure(&self, error: &HubError) -> Option<Frame> {
        self.failed(&CallFault::Failed(error.detail(self.detailed).as_deref()))
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
