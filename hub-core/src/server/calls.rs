//! The calls of one connection that are not over yet.

use hub_proto::Id;

use super::event::{Admission, CallId};
use crate::limits::PARKED_OVERHEAD;
use crate::queue::Queue;

/// Calls by the order of their arrival, and the slots in which they run.
#[derive(Debug)]
pub(super) struct Calls {
    next: u64,
    open: Queue<Entry>,
    /// How many hold a slot.
    running: u32,
    /// How many wait for their turn.
    parked: u32,
    /// How many of those there are and of those that nobody has bound.
    waiting: u32,
    /// How many have given their slot back.
    released: u32,
    /// How many are answered with a stream.
    streaming: u32,
    /// How many streams they have had, both ways.
    streams: u32,
    /// How many got their turn after they were parked, which nobody knows yet.
    granted: u32,
    /// Bytes of the arguments of those that nobody has bound or that are parked.
    waiting_bytes: u32,
}

#[derive(Debug)]
struct Entry {
    id: CallId,
    invocation: Option<Id>,
    bytes: u32,
    streams: u16,
    state: State,
    class: Class,
}

/// What a call is to the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It needs a slot.
    Plain,
    /// It has streams from the client, and needs none.
    Upload,
    /// It is answered with a stream, and needs none.
    Stream,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its arguments are being bound.
    Binding,
    /// It waits for its turn.
    Parked,
    /// It may run, which nobody knows yet.
    Granted,
    /// It runs, in a slot if it needs one.
    Running,
    /// It has given its slot back and runs on.
    Released,
}

impl Entry {
    /// Whether it holds a slot.
    fn has_slot(&self) -> bool {
        self.class == Class::Plain && matches!(self.state, State::Granted | State::Running)
    }

    /// Whether its arguments count as waiting.
    const fn waits(&self) -> bool {
        matches!(self.state, State::Binding | State::Parked)
    }
}

impl Calls {
    pub(super) const fn new() -> Self {
        Self {
            next: 0,
            open: Queue::new(),
            running: 0,
            parked: 0,
            waiting: 0,
            released: 0,
            streaming: 0,
            streams: 0,
            granted: 0,
            waiting_bytes: 0,
        }
    }

    /// Takes a call in that takes so many bytes while it waits, with so many streams from the client.
    pub(super) fn insert(
        &mut self,
        invocation: Option<Id>,
        bytes: usize,
        class: Class,
        uploads: usize,
    ) -> CallId {
        let id = self.next_id();
        self.next += 1;
        let bytes = u32::try_from(bytes + PARKED_OVERHEAD).unwrap_or(u32::MAX);
        // No more than the limit, which nobody sets that high.
        let streams = u16::try_from(uploads + usize::from(class == Class::Stream));
        let streams = streams.unwrap_or(u16::MAX);
        self.streams += u32::from(streams);
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
        self.waiting += 1;
        self.streaming += u32::from(class == Class::Stream);
        self.open.push_back(Entry { id, invocation, bytes, streams, state: State::Binding, class });
        id
    }

    fn find(&mut self, id: CallId) -> Option<(usize, &mut Entry)> {
        let at = self.open.binary_search_by_key(&id, |entry| entry.id)?;
        Some((at, self.open.get_mut(at)?))
    }

    /// Lets a bound call run, or parks it behind those that came before, if there is room.
    pub(super) fn admit(&mut self, id: CallId, slots: usize, room: usize) -> Admission {
        let (parked, free) = (self.parked as usize, (self.running as usize) < slots);
        let Some((_, entry)) = self.find(id) else { return Admission::Gone };
        if entry.state != State::Binding {
            return Admission::Gone;
        }
        // Nobody passes a call that came before.
        if parked > 0 || entry.class == Class::Plain && !free {
            if parked >= room {
                return Admission::Full;
            }
            entry.state = State::Parked;
            self.parked += 1;
            return Admission::Parked;
        }
        entry.state = State::Running;
        let (bytes, slot) = (entry.bytes, entry.has_slot());
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
        self.waiting -= 1;
        self.running += u32::from(slot);
        Admission::Started
    }

    /// Ends a call; false when it was over before.
    pub(super) fn remove(&mut self, id: CallId) -> bool {
        let Some((at, entry)) = self.find(id) else { return false };
        let (state, slot, waits) = (entry.state, entry.has_slot(), entry.waits());
        let bytes = if waits { entry.bytes } else { 0 };
        let (streaming, streams) = (entry.class == Class::Stream, entry.streams);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
        self.waiting -= u32::from(waits);
        self.running -= u32::from(slot);
        self.released -= u32::from(state == State::Released);
        self.streaming -= u32::from(streaming);
        self.streams -= u32::from(streams);
        self.parked -= u32::from(state == State::Parked);
        self.granted -= u32::from(state == State::Granted);
        self.open.remove(at);
        true
    }

    /// Takes the slot from a call that runs on without it, if not `most` do already.
    pub(super) fn release(&mut self, id: CallId, most: usize) {
        if self.released as usize >= most {
            return;
        }
        if let Some((_, entry)) = self.find(id)
            && entry.state == State::Running
            && entry.class == Class::Plain
        {
            entry.state = State::Released;
            self.running -= 1;
            self.released += 1;
        }
    }

    /// Gives their turn to those that have been parked the longest.
    pub(super) fn start_next(&mut self, slots: usize) {
        if self.parked == 0 {
            return;
        }
        let parked = self.open.iter_mut().filter(|entry| entry.state == State::Parked);
        for entry in parked {
            let plain = entry.class == Class::Plain;
            if plain && self.running as usize >= slots {
                break;
            }
            entry.state = State::Granted;
            self.running += u32::from(plain);
            self.parked -= 1;
            self.waiting -= 1;
            self.granted += 1;
            self.waiting_bytes = self.waiting_bytes.saturating_sub(entry.bytes);
        }
    }

    /// The next call whose turn came after it was parked.
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

    /// Whether a call with that invocation id is being answered with a stream.
    pub(super) fn streams(&self, invocation: &str) -> bool {
        self.open.iter().any(|entry| {
            entry.class == Class::Stream && entry.invocation.as_deref() == Some(invocation)
        })
    }

    /// How many are answered with a stream.
    pub(super) const fn streaming(&self) -> usize {
        self.streaming as usize
    }

    /// How many streams they have had, both ways: those that are over count until their call is.
    pub(super) const fn streams_held(&self) -> usize {
        self.streams as usize
    }

    /// How many have not been bound, or wait for their turn.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting as usize
    }

    /// The bytes of the arguments of those.
    pub(super) const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes as usize
    }

    /// Whether a call is open and runs.
    pub(super) fn runs(&mut self, id: CallId) -> bool {
        self.find(id).is_some_and(|(_, entry)| !entry.waits())
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
        self.waiting = self.parked;
        let streams = self.open.iter().filter(|entry| entry.class == Class::Stream);
        self.streaming = streams.fold(0, |sum, _| sum + 1);
        let all = self.open.iter();
        self.streams = all.map(|entry| u32::from(entry.streams)).sum();
        let parked = self.open.iter().filter(|entry| entry.state == State::Parked);
        self.waiting_bytes = parked.fold(0, |sum, entry| sum.saturating_add(entry.bytes));
    }

    pub(super) fn clear(&mut self) {
        *self = Self { next: self.next, ..Self::new() };
    }
}
