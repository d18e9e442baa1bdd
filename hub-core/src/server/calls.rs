//! The calls of one connection that are not over yet.

use hub_proto::Id;

use super::event::{Admission, CallId};
use crate::queue::Queue;

/// Calls by the order of their arrival, and the slots in which they run.
#[derive(Debug)]
pub(super) struct Calls {
    next: u64,
    running: usize,
    /// Bytes of the arguments of those that do not run.
    waiting_bytes: usize,
    open: Queue<Entry>,
    /// How many got a slot after they were parked, which nobody knows yet.
    granted: usize,
}

#[derive(Debug)]
struct Entry {
    id: CallId,
    invocation: Option<Id>,
    bytes: usize,
    state: State,
}

/// What a call holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its arguments are being bound.
    Binding,
    /// It waits for a slot.
    Parked,
    /// It has a slot, which nobody knows yet.
    Granted,
    /// It has a slot.
    Running,
}

impl Calls {
    pub(super) const fn new() -> Self {
        Self { next: 0, running: 0, waiting_bytes: 0, open: Queue::new(), granted: 0 }
    }

    /// Takes a call in, whose arguments have that many bytes.
    pub(super) fn insert(&mut self, invocation: Option<Id>, bytes: usize) -> CallId {
        let id = CallId(self.next);
        self.next += 1;
        self.waiting_bytes += bytes;
        self.open.push_back(Entry { id, invocation, bytes, state: State::Binding });
        id
    }

    fn find(&mut self, id: CallId) -> Option<(usize, &mut Entry)> {
        let at = self.open.binary_search_by_key(&id, |entry| entry.id)?;
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
        if !free {
            entry.state = State::Parked;
            return Admission::Parked;
        }
        entry.state = State::Running;
        let bytes = entry.bytes;
        self.waiting_bytes -= bytes;
        self.running += 1;
        Admission::Started
    }

    /// Ends a call; false when it was over before.
    pub(super) fn remove(&mut self, id: CallId) -> bool {
        let Some((at, entry)) = self.find(id) else { return false };
        match entry.state {
            State::Running => self.running -= 1,
            State::Granted => {
                self.running -= 1;
                self.granted -= 1;
            }
            State::Binding | State::Parked => {
                let bytes = entry.bytes;
                self.waiting_bytes -= bytes;
            }
        }
        self.open.remove(at);
        true
    }

    /// Gives a free slot to the call that has been parked the longest.
    pub(super) fn start_next(&mut self, slots: usize) {
        if self.running >= slots {
            return;
        }
        if let Some(entry) = self.open.iter_mut().find(|entry| entry.state == State::Parked) {
            entry.state = State::Granted;
            self.granted += 1;
            self.running += 1;
            self.waiting_bytes -= entry.bytes;
        }
    }

    /// The next call that got a slot after it was parked.
    pub(super) fn poll_started(&mut self) -> Option<CallId> {
        if self.granted == 0 {
            return None;
        }
        let entry = self.open.iter_mut().find(|entry| entry.state == State::Granted)?;
        entry.state = State::Running;
        self.granted -= 1;
        Some(entry.id)
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
            .rev()
            .find(|entry| entry.id < before && entry.invocation.as_deref() == Some(invocation))
            .map(|entry| entry.id)
    }

    /// How many wait or may come to wait for a slot.
    pub(super) fn waiting(&self) -> usize {
        self.open.len() - self.running
    }

    /// The bytes of their arguments.
    pub(super) const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
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
        let parked = self.open.iter().filter(|entry| entry.state == State::Parked);
        self.waiting_bytes = parked.map(|entry| entry.bytes).sum();
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.granted = 0;
        self.running = 0;
        self.waiting_bytes = 0;
    }
}
