//! What others want from a session, besides sending.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hub_core::CloseReason;
use hub_core::server::{AskId, CallId, StreamKey};

use crate::ask::Asked;
use crate::socket::Socket;

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
    /// A new link for a connection with stateful reconnect, and what was read from it.
    Attach { socket: Arc<dyn Socket>, read: Vec<u8> },
}

impl Drop for Post {
    /// What nobody has read any more is told so.
    fn drop(&mut self) {
        for note in self.notes.drain(..) {
            if let Note::Attach { socket, .. } = note {
                socket.shutdown();
            }
        }
    }
}

impl Inbox {
    fn put(&self, put: impl FnOnce(&mut Post)) {
        let mut post = self.post.lock().unwrap_or_else(PoisonError::into_inner);
        put(post.get_or_insert_default());
        drop(post);
        self.waiting.store(true, Ordering::Release);
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
        mem::take(&mut *self.post.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
