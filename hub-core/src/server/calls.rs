//! The calls of one connection that are not over yet.

use std::collections::VecDeque;

use hub_proto::Id;

use super::event::{Admission, CallId};
use super::{release, take_first};

/// Calls by the order of their arrival, and the slots in which they run.
#[derive(Debug)]
pub(super) struct Calls {
    next: u64,
    running: usize,
    open: VecDeque<Entry>,
    /// Got a slot after they were parked, which nobody knows yet.
    started: VecDeque<CallId>,
}

#[derive(Debug)]
struct Entry {
    id: CallId,
    invocation: Option<Id>,
    state: State,
}

/// What a call holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its arguments are being bound.
    Binding,
    /// It waits for a slot.
    Parked,
    /// It has a slot.
    Running,
}

impl Calls {
    pub(super) const fn new() -> Self {
        Self { next: 0, running: 0, open: VecDeque::new(), started: VecDeque::new() }
    }

    pub(super) fn insert(&mut self, invocation: Option<Id>) -> CallId {
        let id = CallId(self.next);
        self.next += 1;
        self.open.push_back(Entry { id, invocation, state: State::Binding });
        id
    }

    fn find(&mut self, id: CallId) -> Option<(usize, &mut Entry)> {
        let at = self.open.binary_search_by_key(&id, |entry| entry.id).ok()?;
        Some((at, self.open.get_mut(at)?))
    }

    /// Gives a bound call a slot, or parks it behind those that came before.
    pub(super) fn admit(&mut self, id: CallId, slots: usize) -> Admission {
        // A slot that gets free goes to a parked call at once, so a free one passes nobody by.
        let free = self.running < slots;
        let Some((_, entry)) = self.find(id) else { return Admission::Gone };
        if entry.state != State::Binding {
            return Admission::Gone;
        }
        entry.state = if free { State::Running } else { State::Parked };
        self.running += usize::from(free);
        if free { Admission::Started } else { Admission::Parked }
    }

    /// Ends a call; false when it was over before.
    pub(super) fn remove(&mut self, id: CallId) -> bool {
        let Some((at, entry)) = self.find(id) else { return false };
        let ran = entry.state == State::Running;
        self.open.remove(at);
        release(&mut self.open);
        self.running -= usize::from(ran);
        true
    }

    /// Gives a free slot to the call that has been parked the longest.
    pub(super) fn start_next(&mut self, slots: usize) {
        if self.running >= slots {
            return;
        }
        if let Some(entry) = self.open.iter_mut().find(|entry| entry.state == State::Parked) {
            entry.state = State::Running;
            self.running += 1;
            self.started.push_back(entry.id);
        }
    }

    /// The next call that got a slot after it was parked.
    pub(super) fn poll_started(&mut self) -> Option<CallId> {
        take_first(&mut self.started)
    }

    /// The id of the next call.
    pub(super) const fn next_id(&self) -> CallId {
        CallId(self.next)
    }

    /// The open call with that invocation id from `before` on backwards; the latest, should the
    /// client have used it twice.
    pub(super) fn by_invocation(&self, invocation: &str, before: CallId) -> Option<CallId> {
        self.open
            .iter()
            .rfind(|entry| entry.id < before && entry.invocation.as_deref() == Some(invocation))
            .map(|entry| entry.id)
    }

    /// How many wait or may come to wait for a slot.
    pub(super) fn waiting(&self) -> usize {
        self.open.len() - self.running
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.open.capacity()
    }

    /// Drops the calls whose arguments nobody will bind any more.
    pub(super) fn forget_unbound(&mut self) {
        self.open.retain(|entry| entry.state != State::Binding);
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.started.clear();
        self.running = 0;
    }
}
