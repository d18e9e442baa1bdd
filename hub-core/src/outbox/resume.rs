//! An outbox that survives its link.

use std::mem;

use hub_proto::Frame;

use super::replay::Replay;
use super::{Entry, Gate, Origin, Outbox};
use crate::limits::Limits;
use crate::queue::Queue;

impl Outbox {
    /// From now on counted messages are kept until the client acks them, and may leave once more on
    /// another link. To be called when the handshake is answered, before anything is pushed behind it.
    ///
    /// Counted messages wait until the client [has spoken](Self::spoke), and while more than
    /// [`Limits::unacked`] bytes are not acked; what is not counted goes past them.
    pub fn resumable(&mut self, limits: &Limits) {
        if self.replay.is_some() || self.gate == Gate::Sealed {
            return;
        }
        let mut replay = Box::new(Replay::new(limits.unacked));
        self.queue.iter().for_each(|entry| replay.enters(entry));
        self.replay = Some(replay);
        self.bytes = waiting(&self.queue);
    }

    /// The client has sent something behind its handshake, or has had the time to: it counts what it gets
    /// from now on. Before, it may take a message for a part of the answer to its handshake.
    pub fn spoke(&mut self) {
        if let Some(replay) = &mut self.replay {
            replay.spoke();
            self.release();
        }
    }

    /// The client has processed everything up to that number. Numbers that it has said before, or that no
    /// message has had, change nothing.
    pub fn acked(&mut self, number: u64) {
        if let Some(replay) = &mut self.replay {
            let lent = self.queue.iter().take(usize::from(self.lent));
            replay.acked(number, lent.filter(|entry| entry.is_counted()).count() as u64);
            self.release();
        }
    }

    /// Lets what is held leave although too much is not acked, because the client's Acks
    /// [may not be read](crate::server::Connection::leaves_acks_unread) before more has left.
    ///
    /// At a time no more than half of what is between the soft and the hard budget. It counts to the latter
    /// until it is acked.
    pub fn release_past_limit(&mut self) {
        let most = (self.hard.saturating_sub(self.soft) / 2) as usize;
        while let Some(entry) =
            self.replay.as_mut().and_then(|replay| replay.release_past_limit(most))
        {
            self.queue.push_back(entry);
        }
    }

    /// The link is gone and may be back: nothing leaves until [`relink`](Self::relink), and nobody has to
    /// wait for that, which those who do wait are [told](Self::takes_more_again). What is not counted and
    /// has not left is dropped.
    ///
    /// Does nothing and says so when the outbox is not resumable, or while a batch is out, which may
    /// still leave: [`must_wait`](Self::must_wait) tells when that is over.
    #[must_use]
    pub fn unlink(&mut self) -> bool {
        if !self.is_resumable() || self.must_wait() {
            return false;
        }
        self.lose_link();
        true
    }

    /// The same although a batch may be out, of which nobody will say any more what has left: all of it may
    /// have, so its messages have got their numbers, and no policy drops them.
    pub(crate) fn lose_link(&mut self) {
        let lent = usize::from(mem::take(&mut self.lent));
        if let Some(replay) = &mut self.replay {
            self.written = 0;
            self.bytes -= replay.unlinked(mem::replace(&mut self.queue, Queue::new()), lent);
        }
    }

    /// There is a new link in the place of the old one. On it leaves `sequence` first, a Sequence with the
    /// [number](Self::sequence) that was just asked for, then everything that is not acked, then
    /// what waited.
    ///
    /// Does nothing and says so where [`unlink`](Self::unlink) would.
    pub fn relink(&mut self, sequence: &Frame) -> bool {
        if !self.unlink() {
            return false;
        }
        let Some(replay) = &mut self.replay else { return false };
        let first = Entry { bytes: sequence.websocket().clone(), origin: Origin::Own, key: None };
        self.bytes += first.bytes.len();
        self.queue = replay.relinked(first);
        self.release();
        true
    }

    /// The number for a Sequence on a new link: of the first message behind it, or of the next one there is.
    pub fn sequence(&self) -> u64 {
        self.replay.as_ref().map_or(1, |replay| replay.first())
    }

    /// Whether the link may be replaced: not before the handshake is answered, nor behind the end.
    pub fn is_resumable(&self) -> bool {
        self.replay.is_some() && self.gate == Gate::Open
    }

    /// Whether the link is gone and may be back.
    pub const fn is_unlinked(&self) -> bool {
        matches!(&self.replay, Some(replay) if !replay.linked)
    }

    /// Whether a stream may be asked for more: there is room, and no message is held back. One that may not
    /// is [told of](Self::takes_more_again), but for a new link.
    pub fn wants_items(&mut self) -> bool {
        let room = self.has_room();
        match &mut self.replay {
            None => room,
            Some(replay) => {
                replay.streams_wait |= !replay.held.is_empty();
                room && replay.linked && replay.held.is_empty()
            }
        }
    }

    /// Whether streams that wait until nothing is held may go on.
    #[cold]
    pub(super) fn takes_items_again(&mut self) -> bool {
        self.replay.as_mut().is_some_and(|replay| {
            let again = replay.streams_wait && replay.linked && replay.held.is_empty();
            replay.streams_wait &= !again;
            again
        })
    }

    /// Whether messages wait for the client to ack others.
    pub fn waits_for_acks(&self) -> bool {
        self.replay.as_ref().is_some_and(|replay| replay.waits_for_acks())
    }

    /// Whether what waits has got further since the last time that this was asked, the last attempt to
    /// write included, by which something left or not.
    ///
    /// For messages that wait for Acks it is Acks that are progress: a client may get pings, and Acks of its
    /// own messages, without end.
    pub fn made_progress(&mut self, wrote: bool) -> bool {
        let Some(replay) = &mut self.replay else { return wrote };
        let only_acks = replay.waits_for_acks() && !self.queue.iter().any(Entry::is_counted);
        mem::take(&mut replay.moved) || wrote && !only_acks
    }

    /// Queues an entry, or holds it.
    #[cold]
    pub(super) fn pass(&mut self, entry: Entry) {
        if let Some(replay) = &mut self.replay {
            self.queue.extend(replay.pass(entry));
        }
    }

    /// Takes what has left off the queue, numbers and keeps it.
    #[cold]
    pub(super) fn count_what_left(&mut self) {
        while let Some(first) = self.queue.front()
            && self.written >= first.bytes.len()
        {
            self.written -= first.bytes.len();
            if let (Some(entry), Some(replay)) = (self.queue.pop_front(), &mut self.replay) {
                self.bytes -= replay.left(entry);
            }
        }
        if let Some(replay) = &mut self.replay {
            replay.reported();
        }
        self.release();
    }

    /// Ends the resumption: everything that was held waits in the queue, whatever the limit, for whoever
    /// is told goodbye acks no more. Without a link nothing can leave ever: false, and all is dropped.
    #[cold]
    pub(super) fn stop_replay(&mut self) -> bool {
        if self.is_unlinked() {
            self.abandon();
            return false;
        }
        if let Some(mut replay) = self.replay.take() {
            while let Some(entry) = replay.held.pop_front() {
                self.queue.push_back(entry);
            }
            self.bytes = waiting(&self.queue).saturating_sub(self.written);
        }
        true
    }

    /// Goes on with [`drop_oldest`](Self::drop_oldest) among those that are held.
    pub(super) fn drop_oldest_held(&mut self, size: usize) {
        let mut at = 0;
        while self.lacks_room_for(size)
            && let Some(replay) = &mut self.replay
            && let Some(entry) = replay.held.get(at)
        {
            if entry.origin == Origin::Hub {
                self.bytes -= entry.bytes.len();
                replay.held.remove(at);
            } else {
                at += 1;
            }
        }
        self.release();
    }

    /// Lets what is held enter the queue, as far as it may.
    pub(super) fn release(&mut self) {
        while let Some(entry) = self.replay.as_mut().and_then(|replay| replay.release()) {
            self.queue.push_back(entry);
        }
    }
}

/// The bytes of whole frames in a queue.
fn waiting(queue: &Queue<Entry>) -> usize {
    queue.iter().map(|entry| entry.bytes.len()).sum()
}
