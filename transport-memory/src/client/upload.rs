//! Streams of the client.

use std::fmt;
use std::sync::Arc;

use hub_proto::{Headers, Message, Outcome, Payload, StreamItem};
use serde::Serialize;

use super::say::{complete, say, write};
use super::state::Inner;

/// A stream from the client, and the call that takes it, whose answer is an `A`: from
/// [`Client::upload`](super::Client::upload) and [`Client::duplex`](super::Client::duplex).
#[must_use = "the server waits for the stream to end"]
pub struct Upload<A> {
    inner: Arc<Inner>,
    stream: String,
    answer: A,
}

impl<A> Upload<A> {
    pub(super) const fn new(inner: Arc<Inner>, stream: String, answer: A) -> Self {
        Self { inner, stream, answer }
    }

    /// Sends an item. The server takes no notice when the call has ended.
    ///
    /// # Panics
    ///
    /// When the connection has ended, or the item cannot be written.
    #[track_caller]
    pub fn send(&self, item: impl Serialize) {
        let raw = write(&self.inner, &item, "an item");
        let item = Payload::new(self.inner.options.encoding, &raw);
        let headers = Headers::default();
        say(
            &self.inner,
            &Message::StreamItem(StreamItem { id: (&*self.stream).into(), item, headers }),
        );
    }

    /// Ends the stream.
    ///
    /// # Panics
    ///
    /// When the connection has ended.
    #[track_caller]
    #[must_use = "the answer comes when it is awaited"]
    pub fn finish(self) -> A {
        complete(&self.inner, &self.stream, Outcome::Void);
        self.answer
    }

    /// Ends the stream with an error.
    ///
    /// # Panics
    ///
    /// When the connection has ended.
    #[track_caller]
    #[must_use = "the answer comes when it is awaited"]
    pub fn fail(self, error: &str) -> A {
        complete(&self.inner, &self.stream, Outcome::Error(error.into()));
        self.answer
    }

    /// The answer, while the stream goes on.
    pub const fn answer(&mut self) -> &mut A {
        &mut self.answer
    }
}

impl<A> fmt::Debug for Upload<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").finish_non_exhaustive()
    }
}
