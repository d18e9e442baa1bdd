//! The only place where output waits, and the only place from which bytes leave.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hub_core::{Delivery, Outbox, Pushed};
use hub_proto::{Frame, Kind};

use crate::budget::{MemoryBudget, STEP};
use crate::signal::poll_until;
use crate::socket::Socket;
use crate::sync::{Event, EventListener, Mutex, MutexGuard};

/// An [`Outbox`] that everybody may push to, and that its session writes out, or whoever pushed to it.
/// A push never waits.
pub(crate) struct Outlet {
    queue: Mutex<Queue>,
    /// Told when the queue is below its budget again, or sealed.
    room: Event,
    /// What all connections may keep waiting.
    budget: MemoryBudget,
}

/// What waits, and who may write it.
pub(crate) struct Queue {
    outbox: Outbox,
    /// Lent by the session, for as long as it has it.
    pub(crate) socket: Option<Arc<dyn Socket>>,
    /// How much of the common budget it has.
    counted: u32,
}

/// The queue, locked. Given back, it is counted anew.
pub(crate) struct Held<'a> {
    queue: MutexGuard<'a, Queue>,
    budget: &'a MemoryBudget,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let bytes = self.queue.footprint();
        self.budget.count(bytes, &mut self.queue.counted);
    }
}

impl Deref for Held<'_> {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.queue
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Queue {
        &mut self.queue
    }
}

impl Deref for Queue {
    type Target = Outbox;

    fn deref(&self) -> &Outbox {
        &self.outbox
    }
}

impl DerefMut for Queue {
    fn deref_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}

/// What a push did, and whether the session has to be woken for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Push {
    pub(crate) pushed: Pushed,
    pub(crate) wake: bool,
}

impl Outlet {
    pub(crate) fn new(outbox: Outbox, budget: MemoryBudget) -> Self {
        let queue = Queue { outbox, socket: None, counted: 0 };
        Self { queue: Mutex::new(queue), room: Event::new(), budget }
    }

    /// Queues a frame. A queue that was not empty has a session that is awake or waits for its socket.
    pub(crate) fn push(&self, frame: &Frame, delivery: Delivery) -> Push {
        self.pushed(frame.kind() == Kind::Counted, |outbox| outbox.push(frame, delivery))
    }

    /// Queues a message of a raw connection, with its header.
    pub(crate) fn push_raw(&self, message: Bytes) -> Push {
        self.pushed(true, |outbox| outbox.push_raw(message))
    }

    /// Pushes something; what `counts` only as long as there is a budget for it.
    fn pushed(&self, counts: bool, push: impl FnOnce(&mut Outbox) -> Pushed) -> Push {
        let mut outbox = self.lock();
        let (was_empty, waited) = (outbox.is_empty(), outbox.waits_for_acks());
        let pushed = if counts && outbox.footprint() >= STEP && self.budget.is_used_up() {
            Pushed::Overflow
        } else {
            push(&mut outbox)
        };
        // For Acks only so long: the session takes the time.
        let waits = !waited && outbox.waits_for_acks();
        let wake = was_empty && !outbox.is_empty() || waits || pushed == Pushed::Overflow;
        Push { pushed, wake }
    }

    /// What all connections may keep.
    pub(crate) const fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// Lets others write to the socket when the session has nothing to do.
    pub(crate) fn lend(&self, socket: Arc<dyn Socket>) {
        self.lock().socket = Some(socket);
    }

    /// Takes the socket back; nobody writes to it any more, but for whoever is at it.
    pub(crate) fn take_back(&self) {
        let socket = self.lock().socket.take();
        drop(socket);
    }

    /// What waits, waits for the next link; false when somebody is writing at this moment, who will wake
    /// the session.
    pub(crate) fn unlink(&self) -> bool {
        let mut outlet = self.lock();
        let unlinked = outlet.is_unlinked() || outlet.unlink();
        let room = outlet.takes_more_again();
        drop(outlet);
        if room {
            self.tell_room();
        }
        unlinked
    }

    /// The queue itself, for whoever writes. Nothing foreign may run while it is held.
    pub(crate) fn lock(&self) -> Held<'_> {
        Held { queue: self.queue.lock(), budget: &self.budget }
    }

    /// Tells those who wait for room. Not to be called while the queue is held.
    pub(crate) fn tell_room(&self) {
        self.room.notify(usize::MAX);
    }

    fn has_room(&self) -> bool {
        let mut outbox = self.lock();
        outbox.has_room() || outbox.is_sealed()
    }

    /// Ready once another item of a stream is worth the while, or nobody will read it any more.
    pub(crate) fn poll_demand(
        &self,
        listener: &mut Option<EventListener>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        poll_until(&self.room, || self.wants_items(), listener, cx)
    }

    fn wants_items(&self) -> bool {
        let mut outbox = self.lock();
        outbox.wants_items() || outbox.is_sealed()
    }

    /// Ready once the queue is below its soft budget, or nobody will read it any more.
    pub(crate) fn poll_room(
        &self,
        listener: &mut Option<EventListener>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        poll_until(&self.room, || self.has_room(), listener, cx)
    }
}

impl Drop for Outlet {
    /// A queue that was never abandoned has its part of the budget no more.
    fn drop(&mut self) {
        let queue = self.queue.get_mut();
        self.budget.count(0, &mut queue.counted);
    }
}

#[cfg(test)]
mod tests {
    use hub_core::{Limits, SlowConsumer, Timestamp};

    use super::*;

    #[test]
    fn what_waits_in_a_queue_that_goes_is_nobodys_budget() {
        let budget = MemoryBudget::new(1 << 20);
        let outbox = Outbox::new(&Limits::default(), SlowConsumer::Wait, Timestamp::ZERO);
        let outlet = Outlet::new(outbox.without_handshake(), budget.clone());
        outlet.push_raw(Bytes::from_static(&[0; 2 * STEP]));
        assert_eq!(budget.used(), 2 * STEP);
        drop(outlet);
        assert_eq!(budget.used(), 0);
    }
}
