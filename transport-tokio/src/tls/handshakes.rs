//! The handshakes that are under way.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot::{Receiver, Sender, channel};

/// So many at most: one more ends the oldest, for whoever says nothing must not keep others out.
#[derive(Debug)]
pub(super) struct Handshakes {
    limit: usize,
    /// From the oldest to the newest, some of which are over.
    under_way: Mutex<VecDeque<Sender<()>>>,
}

/// The place of one, which is over when this is dropped. Ready when it is to end.
pub(super) type Place = Receiver<()>;

impl Handshakes {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, under_way: Mutex::new(VecDeque::new()) }
    }

    pub(super) fn begin(&self) -> Place {
        let (sender, place) = channel();
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.len() >= self.limit {
            under_way.retain(|sender| !sender.is_closed());
        }
        let oldest = if under_way.len() >= self.limit { under_way.pop_front() } else { None };
        under_way.push_back(sender);
        drop(under_way);
        // Which wakes it.
        drop(oldest);
        place
    }
}
