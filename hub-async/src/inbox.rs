//! What others want from a session, besides sending.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use hub_core::CloseReason;

/// Control messages for a session; never dropped by a policy. The first wish to close is kept.
#[derive(Default)]
pub(crate) struct Inbox {
    waiting: AtomicBool,
    close: Mutex<Option<Box<CloseReason>>>,
}

impl Inbox {
    /// Asks the session to end. The caller wakes it.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.close
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| Box::new(reason));
        self.waiting.store(true, Ordering::Release);
    }

    /// Whether something is asked for.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// What is asked for, once. Costs one load when nothing is.
    pub(crate) fn take(&self) -> Option<CloseReason> {
        if !self.is_waiting() {
            return None;
        }
        self.waiting.store(false, Ordering::Release);
        self.close.lock().unwrap_or_else(PoisonError::into_inner).take().map(|reason| *reason)
    }
}
