//! The sending half of one connection: order, budget and gate of what leaves.

mod batch;
mod delivery;
mod replay;
mod resume;
#[cfg(test)]
mod tests;

use std::fmt;
use std::num::NonZeroU32;

use bytes::Bytes;
use hub_proto::{Frame, Kind};

pub use self::batch::Batch;
pub use self::delivery::{Delivery, Pushed, SlowConsumer};
use self::replay::Replay;
use crate::limits::Limits;
use crate::queue::Queue;
use crate::time::Timestamp;

/// The queue in front of a link; of one link after another, when it is [resumable](Self::resumable).
#[derive(Debug)]
pub struct Outbox {
    /// What may leave, in order.
    queue: Queue<Entry>,
    /// Bytes of the first entry that have left.
    written: usize,
    /// Entries that a batch holds, which may be leaving at this moment.
    lent: u16,
    /// Somebody else wanted to write meanwhile.
    asked: bool,
    /// Bytes that wait and have never left; of a resumable connection those of whole frames.
    bytes: usize,
    gate: Gate,
    /// Whether frames leave as they are on WebSockets.
    framed: bool,
    policy: SlowConsumer,
    soft: u32,
    hard: u32,
    last_write: Timestamp,
    /// Somebody was told to wait for room.
    crowded: bool,
    /// What a resumable connection keeps besides.
    replay: Option<Box<Replay>>,
}

struct Entry {
    bytes: Bytes,
    origin: Origin,
    /// What it is the latest of.
    key: Option<NonZeroU32>,
}

/// Where bytes come from, which decides what may push them out, and whether stateful reconnect counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The connection, about itself.
    Own,
    /// The connection, and it is counted.
    Answer,
    /// The hub, and it is counted; its policy may drop them.
    Hub,
    /// The link; the latest does for all.
    Control,
}

/// What may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// Only the answer to the handshake.
    Shut,
    Open,
    /// Only the link's own close.
    Sealed,
}

impl Outbox {
    /// An empty queue, shut until the handshake is answered.
    pub const fn new(limits: &Limits, policy: SlowConsumer, now: Timestamp) -> Self {
        Self {
            queue: Queue::new(),
            written: 0,
            lent: 0,
            asked: false,
            bytes: 0,
            gate: Gate::Shut,
            framed: true,
            policy,
            soft: saturating(limits.soft_output),
            hard: saturating(limits.hard_output),
            last_write: now,
            crowded: false,
            replay: None,
        }
    }

    /// The queue of a connection without a handshake: it is open from the start.
    #[must_use]
    pub const fn without_handshake(mut self) -> Self {
        self.gate = Gate::Open;
        self
    }

    /// The queue of a link that is no WebSocket: hub messages leave as they are.
    #[must_use]
    pub const fn without_framing(mut self) -> Self {
        self.framed = false;
        self
    }

    pub(crate) const fn set_policy(&mut self, policy: SlowConsumer) {
        self.policy = policy;
    }

    /// Queues a frame. The answer to the handshake opens the gate, a Close seals it behind itself.
    ///
    /// While a resumable connection has no link, only counted messages are queued, and a Close drops all.
    pub fn push(&mut self, frame: &Frame, delivery: Delivery) -> Pushed {
        let kind = frame.kind();
        match (self.gate, kind) {
            (Gate::Sealed, _) => return Pushed::Refused,
            (Gate::Shut, Kind::Handshake) => self.gate = Gate::Open,
            (Gate::Shut, _) => return Pushed::Refused,
            (Gate::Open, Kind::Counted) => {}
            (Gate::Open, Kind::Uncounted | Kind::Handshake) => {
                if self.is_unlinked() {
                    return Pushed::Refused;
                }
            }
            (Gate::Open, Kind::Close) => {
                if !self.stop_replay() {
                    return Pushed::Refused;
                }
                self.gate = Gate::Sealed;
            }
        }
        let bytes = if self.framed { frame.websocket().clone() } else { frame.plain() };
        self.enqueue(bytes, delivery, kind)
    }

    /// Queues a message of a connection without hub protocol, with its WebSocket header if there
    /// [are any](Self::is_framed); never dropped. One without a byte has left at once.
    pub fn push_raw(&mut self, message: Bytes) -> Pushed {
        match self.gate {
            Gate::Open => self.enqueue(message, Delivery::Own, Kind::Uncounted),
            Gate::Shut | Gate::Sealed => Pushed::Refused,
        }
    }

    fn enqueue(&mut self, bytes: Bytes, delivery: Delivery, kind: Kind) -> Pushed {
        let size = bytes.len();
        // Only without headers; to write nothing would look like a pipe that takes nothing.
        if size == 0 {
            return Pushed::Queued;
        }
        if self.is_over_hard_budget() && !self.always_takes(kind) {
            return Pushed::Overflow;
        }
        let replaced = delivery.key().is_some_and(|key| self.replace(key));
        if self.lacks_room_for(size)
            && !replaced
            && delivery != Delivery::Own
            && self.bytes > 0
            && let Some(pushed) = self.hold_to_policy(size)
        {
            return pushed;
        }
        self.bytes += size;
        let origin = match (kind, delivery) {
            (Kind::Counted, Delivery::Own) => Origin::Answer,
            (Kind::Counted, Delivery::Hub | Delivery::Latest(_)) => Origin::Hub,
            (Kind::Uncounted | Kind::Handshake | Kind::Close, _) => Origin::Own,
        };
        let entry = Entry { bytes, origin, key: delivery.key() };
        match &self.replay {
            None => self.queue.push_back(entry),
            Some(_) => self.pass(entry),
        }
        if !self.is_over_budget() {
            return Pushed::Queued;
        }
        self.crowded = true;
        Pushed::Waiting
    }

    /// What has left and is not acked counts as far as it [went past that limit](Self::release_past_limit).
    fn is_over_hard_budget(&self) -> bool {
        let kept = self.replay.as_ref().map_or(0, |replay| replay.kept_past_limit());
        self.bytes + kept > self.hard as usize
    }

    /// What passes whatever waits: a Close, and what a resumable connection's client has to get so that it
    /// acks what waits.
    const fn always_takes(&self, kind: Kind) -> bool {
        match kind {
            Kind::Close => true,
            Kind::Uncounted => self.replay.is_some(),
            Kind::Counted | Kind::Handshake => false,
        }
    }

    /// Does what the policy says about one more message of the hub over the soft budget; gives what becomes
    /// of that, unless it is queued.
    #[cold]
    fn hold_to_policy(&mut self, size: usize) -> Option<Pushed> {
        match self.policy {
            SlowConsumer::Wait => None,
            SlowConsumer::DropNewest => Some(Pushed::Dropped),
            SlowConsumer::DropOldest => {
                self.drop_oldest(size);
                None
            }
            SlowConsumer::Close => Some(Pushed::Overflow),
        }
    }

    /// Puts a control frame of the link in front of every frame of which nothing has left, in the place
    /// of the last one if that still waits: nobody fills the queue with pings.
    pub fn push_control(&mut self, frame: Bytes) {
        if self.is_unlinked() {
            return;
        }
        let at = self.begun();
        self.bytes += frame.len();
        match self.queue.get_mut(at) {
            Some(entry) if entry.origin == Origin::Control => {
                self.bytes -= entry.bytes.len();
                entry.bytes = frame;
            }
            _ => self.queue.insert(at, Entry { bytes: frame, origin: Origin::Control, key: None }),
        }
    }

    /// Ends the queue; `last` (the link's close) is the last thing that leaves.
    pub fn seal(&mut self, last: Option<Bytes>) {
        let linked = self.stop_replay();
        self.gate = Gate::Sealed;
        if let Some(bytes) = last.filter(|_| linked) {
            self.bytes += bytes.len();
            self.queue.push_back(Entry { bytes, origin: Origin::Own, key: None });
        }
    }

    /// Drops everything: the link is gone.
    pub fn abandon(&mut self) {
        self.gate = Gate::Sealed;
        self.queue = Queue::new();
        self.written = 0;
        self.lent = 0;
        self.bytes = 0;
        self.replay = None;
    }

    /// Adds what should be written next to an empty batch. None of it is dropped before the next call
    /// of [`written`](Self::written).
    pub fn next(&mut self, batch: &mut Batch) {
        let mut skip = self.written;
        for entry in self.queue.iter() {
            let chunk = entry.bytes.slice(skip.min(entry.bytes.len())..);
            skip = 0;
            if !batch.push(chunk) {
                break;
            }
        }
        // No batch takes more.
        self.lent = batch.chunks().len() as u16;
    }

    /// The first `count` bytes of the last batch have left; none, if the link took nothing.
    pub fn written(&mut self, count: usize, now: Timestamp) {
        self.lent = 0;
        if count > 0 {
            self.last_write = self.last_write.max(now);
        }
        self.written += count;
        if self.replay.is_some() {
            return self.count_what_left();
        }
        self.bytes = self.bytes.saturating_sub(count);
        while let Some(first) = self.queue.front()
            && self.written >= first.bytes.len()
        {
            self.written -= first.bytes.len();
            self.queue.pop_front();
        }
        if self.queue.is_empty() {
            // It was abandoned while a batch was out.
            self.written = 0;
        }
    }

    /// Whether a batch is out: somebody is writing at this moment, and nobody else may.
    pub const fn is_lent(&self) -> bool {
        self.lent > 0
    }

    /// The same, asked by whoever is to be told when that is over.
    pub const fn must_wait(&mut self) -> bool {
        self.asked |= self.is_lent();
        self.is_lent()
    }

    /// Whether somebody had to wait, since the last time that this was asked.
    pub const fn was_waited_for(&mut self) -> bool {
        std::mem::replace(&mut self.asked, false)
    }

    /// Whether what leaves has WebSocket headers.
    pub const fn is_framed(&self) -> bool {
        self.framed
    }

    /// Bytes that wait and have never left.
    pub const fn usage(&self) -> usize {
        self.bytes
    }

    /// No fewer bytes than are held: those that wait, and of a resumable connection also those that are kept
    /// until the client acks them.
    pub fn footprint(&self) -> usize {
        self.bytes + self.replay.as_ref().map_or(0, |replay| replay.kept_bytes())
    }

    /// Whether everything has left that may leave now.
    pub const fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether nothing may be pushed any more.
    pub fn is_sealed(&self) -> bool {
        self.gate == Gate::Sealed
    }

    /// Whether a send has to wait; never for a link that is to come back, which may take long, nor for a
    /// client that replaces its links and acks nothing.
    pub const fn is_over_budget(&self) -> bool {
        let waits = match &self.replay {
            None => true,
            Some(replay) => replay.may_be_waited_for(),
        };
        self.bytes > self.soft as usize && waits
    }

    /// Whether a send may go on. One that may not is [told of](Self::takes_more_again).
    pub const fn has_room(&mut self) -> bool {
        let over = self.is_over_budget();
        self.crowded |= over;
        !over
    }

    /// Whether a send that has to wait may go on, since the last time that this was asked.
    pub fn takes_more_again(&mut self) -> bool {
        let again = self.crowded && !self.is_over_budget();
        self.crowded &= !again;
        again | (self.replay.is_some() && self.takes_items_again())
    }

    /// When something last left.
    pub const fn idle_since(&self) -> Timestamp {
        self.last_write
    }

    /// How many entries have begun to leave, or may have.
    fn begun(&self) -> usize {
        usize::from(self.lent.max(u16::from(self.written > 0)))
    }

    const fn lacks_room_for(&self, size: usize) -> bool {
        self.bytes + size > self.soft as usize
    }

    /// Drops the last message with that key, if it waits and nothing of it has left.
    fn replace(&mut self, key: NonZeroU32) -> bool {
        // Those that are held are behind those in the queue.
        if let Some(held) = self.replay.as_mut().and_then(|replay| replay.take_held(key)) {
            self.bytes -= held.bytes.len();
            return true;
        }
        match self.queue.rposition(|entry| entry.key == Some(key)) {
            Some(at) if at >= self.begun() => {
                self.take_back(at);
                self.release();
                true
            }
            _ => false,
        }
    }

    /// Takes something out of the queue of which nothing has left.
    fn take_back(&mut self, at: usize) {
        let Some(entry) = self.queue.remove(at) else { return };
        self.bytes -= entry.bytes.len();
        if let Some(replay) = &mut self.replay {
            replay.forget(&entry);
        }
    }

    /// Drops the hub's oldest messages until `size` more bytes fit, but nothing that has begun to leave.
    fn drop_oldest(&mut self, size: usize) {
        let mut at = self.begun();
        while self.lacks_room_for(size)
            && let Some(entry) = self.queue.get(at)
        {
            if entry.origin == Origin::Hub {
                self.take_back(at);
            } else {
                at += 1;
            }
        }
        self.drop_oldest_held(size);
    }
}

impl Entry {
    const fn is_counted(&self) -> bool {
        matches!(self.origin, Origin::Answer | Origin::Hub)
    }
}

/// Without the bytes, which are the application's.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("len", &self.bytes.len())
            .field("origin", &self.origin)
            .field("key", &self.key)
            .finish()
    }
}

/// A budget in less room: over 4 GiB there is none.
const fn saturating(size: usize) -> u32 {
    if size > u32::MAX as usize { u32::MAX } else { size as u32 }
}
