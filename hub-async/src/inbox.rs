//! What others want from a session, besides sending.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hub_core::CloseReason;
use hub_core::server::{AskId, CallId, StreamKey};

use crate::ask::Asked;
use crate::socket::Socket;
use crate::sync::{AtomicBool, Mutex};

/// Control messages for a session; never dropped by a policy. The first wish to close is kept.
#[derive(Default)]
pub(crate) struct Inbox {
    waiting: AtomicBool,
    post: Mutex<Option<Box<Post>>>,
}

/// What waits in an inbox.
#[derive(Default)]
pub(crate) struct Post {
    pub(crate) close: Option<CloseReason>,
    /// In the order in which they came.
    pub(crate) notes: Vec<Note>,
    /// The latest one that was offered.
    pub(crate) link: Option<NewLink>,
}

/// A new link for a connection with stateful reconnect. Dropped, it is shut down.
pub(crate) struct NewLink {
    socket: Option<Arc<dyn Socket>>,
    /// What was read from it.
    pub(crate) read: Vec<u8>,
}

impl NewLink {
    pub(crate) const fn new(socket: Arc<dyn Socket>, read: Vec<u8>) -> Self {
        Self { socket: Some(socket), read }
    }

    /// The socket, once.
    pub(crate) const fn take(&mut self) -> Option<Arc<dyn Socket>> {
        self.socket.take()
    }
}

impl Drop for NewLink {
    fn drop(&mut self) {
        if let Some(socket) = self.take() {
            socket.shutdown();
        }
    }
}

impl Post {
    /// The questions in it, and how long each may wait.
    pub(crate) fn questions(&self) -> impl Iterator<Item = (AskId, Option<Duration>)> {
        self.notes.iter().filter_map(|note| match note {
            Note::Ask { ask, timeout, .. } => Some((*ask, *timeout)),
            _ => None,
        })
    }
}

/// A control message. What it is about may be over when it is read.
pub(crate) enum Note {
    /// The reader of a stream has taken items.
    Consumed { stream: StreamKey, count: usize },
    /// Nobody reads a stream any more.
    Discard(StreamKey),
    /// A question is on its way to the client.
    Ask { ask: AskId, timeout: Option<Duration>, asked: Arc<dyn Asked> },
    /// Nobody waits for an answer any more.
    Withdraw(AskId),
    /// A call waits for its client.
    Release(CallId),
}

impl Inbox {
    fn put<R>(&self, put: impl FnOnce(&mut Post) -> R) -> R {
        let mut post = self.post.lock();
        let result = put(post.get_or_insert_default());
        drop(post);
        self.waiting.store(true, Ordering::Release);
        result
    }

    /// Asks the session to end. The caller wakes it.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.put(|post| {
            post.close.get_or_insert(reason);
        });
    }

    /// Leaves a note. The caller wakes the session.
    pub(crate) fn note(&self, note: Note) {
        self.put(|post| post.notes.push(note));
    }

    /// Offers a link, in the place of one that was not taken yet. The caller wakes the session.
    pub(crate) fn offer(&self, link: NewLink) {
        let before = self.put(|post| post.link.replace(link));
        drop(before);
    }

    /// Shuts a link down that nobody has taken, and leaves everything else.
    pub(crate) fn refuse(&self) {
        let link = self.post.lock().as_mut().and_then(|post| post.link.take());
        drop(link);
    }

    /// Whether something is asked for.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// What is asked for, once. Costs one load when nothing is.
    pub(crate) fn take(&self) -> Option<Box<Post>> {
        if !self.is_waiting() {
            return None;
        }
        self.waiting.store(false, Ordering::Release);
        self.take_last()
    }

    /// What is asked for, for whoever looks for the last time: what is put later is put by somebody who sees
    /// what was done before, as the flag alone would not promise.
    pub(crate) fn take_last(&self) -> Option<Box<Post>> {
        mem::take(&mut *self.post.lock())
    }
}
