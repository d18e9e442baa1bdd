//! What the server asks.

use std::fmt;
use std::sync::Arc;

use hub_proto::{Outcome, Payload};
use serde::Serialize;

use super::say::{complete, write};
use super::state::Inner;
use crate::call::Call;

/// What a server asks of a client and waits for, from [`Client::question`](super::Client::question). Dropped, it is
/// never answered.
#[must_use = "the server waits for an answer"]
pub struct Question {
    /// What was called.
    pub call: Call,
    pub(super) inner: Arc<Inner>,
    pub(super) id: String,
}

impl Question {
    /// Answers with a result.
    ///
    /// # Panics
    ///
    /// When the connection has ended, or the result cannot be written.
    #[track_caller]
    pub fn answer(self, result: impl Serialize) {
        let raw = write(&self.inner, &result, "the answer");
        let result = Payload::new(self.inner.options.encoding, &raw);
        complete(&self.inner, &self.id, Outcome::Result(result));
    }

    /// Answers with an error.
    ///
    /// # Panics
    ///
    /// When the connection has ended.
    #[track_caller]
    pub fn refuse(self, error: &str) {
        complete(&self.inner, &self.id, Outcome::Error(error.into()));
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("call", &self.call).finish_non_exhaustive()
    }
}
