//! The sending half of one connection: order, budget and gate of what leaves.

use bytes::{Buf, Bytes};
use hub_proto::{Frame, Kind};

use crate::limits::Limits;
use crate::queue::Queue;
use crate::time::Timestamp;

/// What happens to a hub's message for a connection that is over its soft budget.
///
/// Whatever the policy, a connection over its hard budget is ended as a slow consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowConsumer {
    /// It is queued, and whoever awaits the send waits until the queue is below the budget.
    #[default]
    Wait,
    /// It is dropped.
    DropNewest,
    /// It is queued, and the oldest of the hub's messages that nothing of has left are dropped.
    DropOldest,
    /// The connection is ended.
    Close,
}

/// Whose frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The connection's own: an answer, a ping, a Close. Never dropped.
    Own,
    /// An invocation by the hub, which the policy may drop.
    Hub,
}

/// What became of a pushed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It will leave.
    Queued,
    /// It will leave, but the queue is over its soft budget: whoever can wait should.
    Waiting,
    /// The policy dropped it.
    Dropped,
    /// Nothing leaves any more, or not yet.
    Refused,
    /// The queue is full: the connection is to be ended as a slow consumer.
    Overflow,
}

/// The queue in front of one link.
#[derive(Debug)]
pub struct Outbox {
    queue: Queue<Entry>,
    /// Bytes of the first entry that have left.
    written: usize,
    /// Entries that a batch holds, which may be leaving at this moment.
    lent: u8,
    /// Somebody else wanted to write meanwhile.
    asked: bool,
    /// Bytes in the queue that have not left.
    bytes: usize,
    gate: Gate,
    policy: SlowConsumer,
    soft: usize,
    hard: usize,
    last_write: Timestamp,
    /// Somebody was told to wait for room.
    crowded: bool,
}

#[derive(Debug)]
struct Entry {
    bytes: Bytes,
    origin: Origin,
}

/// Where bytes come from, which decides what may push them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The connection.
    Own,
    /// The hub; its policy may drop them.
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

/// Bytes to be written at once, in order.
#[derive(Debug, Default)]
pub struct Batch {
    chunks: Vec<Bytes>,
    bytes: usize,
}

impl Batch {
    /// At most this many chunks go into one batch.
    pub const MAX_CHUNKS: usize = 64;
    /// No chunk is added to a batch of this many bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// An empty one.
    pub const fn new() -> Self {
        Self { chunks: Vec::new(), bytes: 0 }
    }

    /// The chunks; none of them is empty.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// The sum of their lengths.
    pub const fn len(&self) -> usize {
        self.bytes
    }

    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Empties it; its memory is kept for the next use.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.bytes = 0;
    }

    fn push(&mut self, chunk: Bytes) -> bool {
        self.bytes += chunk.len();
        self.chunks.push(chunk);
        self.chunks.len() < Self::MAX_CHUNKS && self.bytes < Self::MAX_BYTES
    }
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
            policy,
            soft: limits.soft_output,
            hard: limits.hard_output,
            last_write: now,
            crowded: false,
        }
    }

    /// The queue of a connection without a handshake: it is open from the start.
    #[must_use]
    pub const fn without_handshake(mut self) -> Self {
        self.gate = Gate::Open;
        self
    }

    /// Queues a frame. The answer to the handshake opens the gate, a Close seals it behind itself.
    pub fn push(&mut self, frame: &Frame, delivery: Delivery) -> Pushed {
        match (self.gate, frame.kind()) {
            (Gate::Sealed, _) => return Pushed::Refused,
            (Gate::Shut, Kind::Handshake) => self.gate = Gate::Open,
            (Gate::Shut, _) => return Pushed::Refused,
            (Gate::Open, Kind::Close) => self.gate = Gate::Sealed,
            (Gate::Open, Kind::Counted | Kind::Uncounted | Kind::Handshake) => {}
        }
        self.enqueue(frame.websocket().clone(), delivery, frame.kind() == Kind::Close)
    }

    /// Queues a message of a connection without hub protocol, with its WebSocket header; never dropped.
    pub fn push_raw(&mut self, message: Bytes) -> Pushed {
        match self.gate {
            Gate::Open => self.enqueue(message, Delivery::Own, false),
            Gate::Shut | Gate::Sealed => Pushed::Refused,
        }
    }

    fn enqueue(&mut self, bytes: Bytes, delivery: Delivery, is_close: bool) -> Pushed {
        let size = bytes.len();
        if self.bytes > self.hard && !is_close {
            return Pushed::Overflow;
        }
        let over = self.bytes + size > self.soft && !self.queue.is_empty();
        if over && delivery == Delivery::Hub {
            match self.policy {
                SlowConsumer::Wait => {}
                SlowConsumer::DropNewest => return Pushed::Dropped,
                SlowConsumer::DropOldest => self.drop_oldest(size),
                SlowConsumer::Close => return Pushed::Overflow,
            }
        }
        self.bytes += size;
        self.queue.push_back(Entry {
            bytes,
            origin: match delivery {
                Delivery::Own => Origin::Own,
                Delivery::Hub => Origin::Hub,
            },
        });
        if self.bytes <= self.soft {
            return Pushed::Queued;
        }
        self.crowded = true;
        Pushed::Waiting
    }

    /// Puts a control frame of the link in front of every frame of which nothing has left, in the place
    /// of the last one if that still waits: nobody fills the queue with pings.
    pub fn push_control(&mut self, frame: Bytes) {
        let at = self.begun();
        self.bytes += frame.len();
        match self.queue.get_mut(at) {
            Some(entry) if entry.origin == Origin::Control => {
                self.bytes -= entry.bytes.len();
                entry.bytes = frame;
            }
            _ => self.queue.insert(at, Entry { bytes: frame, origin: Origin::Control }),
        }
    }

    /// Ends the queue; `last` (the link's close) is the last thing that leaves.
    pub fn seal(&mut self, last: Option<Bytes>) {
        self.gate = Gate::Sealed;
        if let Some(bytes) = last {
            self.bytes += bytes.len();
            self.queue.push_back(Entry { bytes, origin: Origin::Own });
        }
    }

    /// Drops everything: the link is gone.
    pub fn abandon(&mut self) {
        self.gate = Gate::Sealed;
        self.queue = Queue::new();
        self.written = 0;
        self.lent = 0;
        self.bytes = 0;
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
        // At most `Batch::MAX_CHUNKS`.
        self.lent = batch.chunks().len() as u8;
    }

    /// The first `count` bytes of the last batch have left; none, if the link took nothing.
    pub fn written(&mut self, count: usize, now: Timestamp) {
        self.lent = 0;
        if count > 0 {
            self.last_write = self.last_write.max(now);
        }
        self.bytes = self.bytes.saturating_sub(count);
        self.written += count;
        while let Some(first) = self.queue.front()
            && self.written >= first.bytes.remaining()
        {
            self.written -= first.bytes.remaining();
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

    /// Bytes that have not left.
    pub const fn usage(&self) -> usize {
        self.bytes
    }

    /// Whether everything has left.
    pub const fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether nothing may be pushed any more.
    pub fn is_sealed(&self) -> bool {
        self.gate == Gate::Sealed
    }

    /// Whether a send has to wait.
    pub const fn is_over_budget(&self) -> bool {
        self.bytes > self.soft
    }

    /// Whether a send may go on. One that may not is [told of](Self::takes_more_again).
    pub const fn has_room(&mut self) -> bool {
        let over = self.is_over_budget();
        self.crowded |= over;
        !over
    }

    /// Whether a send that has to wait may go on, since the last time that this was asked.
    pub const fn takes_more_again(&mut self) -> bool {
        let again = self.crowded && !self.is_over_budget();
        self.crowded &= !again;
        again
    }

    /// When something last left.
    pub const fn idle_since(&self) -> Timestamp {
        self.last_write
    }

    /// How many entries have begun to leave, or may have.
    fn begun(&self) -> usize {
        usize::from(self.lent.max(u8::from(self.written > 0)))
    }

    /// Drops the hub's oldest messages until `size` more bytes fit, but nothing that has begun to leave.
    fn drop_oldest(&mut self, size: usize) {
        let mut at = self.begun();
        while self.bytes + size > self.soft
            && let Some(entry) = self.queue.get(at)
        {
            if entry.origin == Origin::Hub {
                self.bytes -= entry.bytes.len();
                self.queue.remove(at);
            } else {
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hub_proto::{Close, Encoding, Message, TransferFormat};

    use super::*;

    const NOW: Timestamp = Timestamp::ZERO;

    fn outbox(policy: SlowConsumer) -> Outbox {
        let limits = Limits { soft_output: 120, hard_output: 240, ..Limits::default() };
        let mut outbox = Outbox::new(&limits, policy, NOW);
        assert_eq!(
            outbox.push(&Frame::handshake(TransferFormat::Text, None), Delivery::Own),
            Pushed::Queued
        );
        drain(&mut outbox);
        outbox
    }

    /// A frame of that size, header included, up to 127 bytes; a little more above.
    fn frame(size: usize, mark: char) -> Frame {
        let shell = Frame::result(Encoding::Json, "1", "").unwrap().websocket().len();
        let text = mark.to_string().repeat(size - shell);
        Frame::result(Encoding::Json, "1", &text).unwrap()
    }

    fn drain(outbox: &mut Outbox) -> Vec<u8> {
        let mut out = Vec::new();
        while !outbox.is_empty() {
            let mut batch = Batch::new();
            outbox.next(&mut batch);
            out.extend(batch.chunks().concat());
            outbox.written(batch.len(), NOW);
        }
        assert_eq!(outbox.usage(), 0);
        out
    }

    fn marks(outbox: &mut Outbox) -> String {
        let text = String::from_utf8_lossy(&drain(outbox)).into_owned();
        let mut marks: Vec<char> = text.chars().filter(|c| "WXYZ".contains(*c)).collect();
        marks.dedup();
        marks.into_iter().collect()
    }

    #[test]
    fn nothing_leaves_before_the_handshake_answer_or_after_close() {
        let mut outbox = Outbox::new(&Limits::default(), SlowConsumer::Wait, NOW);
        let ping = Frame::message(Encoding::Json, &Message::Ping);
        assert_eq!(outbox.push(&ping, Delivery::Own), Pushed::Refused);
        assert_eq!(
            outbox.push(&Frame::handshake(TransferFormat::Text, None), Delivery::Own),
            Pushed::Queued
        );
        assert_eq!(outbox.push(&ping, Delivery::Own), Pushed::Queued);
        assert_eq!(
            outbox.push(&Frame::close(Encoding::Json, Close::default()), Delivery::Own),
            Pushed::Queued
        );
        assert_eq!(outbox.push(&ping, Delivery::Own), Pushed::Refused);
        assert_eq!(
            drain(&mut outbox),
            b"\x81\x03{}\x1e\x81\x0b{\"type\":6}\x1e\x81\x0b{\"type\":7}\x1e"
        );
    }

    #[test]
    fn without_a_handshake_messages_leave_at_once_but_none_behind_the_end() {
        let limits = Limits { soft_output: 4, hard_output: 6, ..Limits::default() };
        let mut outbox = Outbox::new(&limits, SlowConsumer::DropNewest, NOW).without_handshake();
        let push = |outbox: &mut Outbox| outbox.push_raw(Bytes::from_static(b"\x82\x01x"));
        assert_eq!([push(&mut outbox), push(&mut outbox)], [Pushed::Queued, Pushed::Waiting]);
        assert_eq!([push(&mut outbox), push(&mut outbox)], [Pushed::Waiting, Pushed::Overflow]);
        outbox.seal(None);
        assert_eq!(push(&mut outbox), Pushed::Refused);
        assert_eq!(drain(&mut outbox), b"\x82\x01x\x82\x01x\x82\x01x");
        let mut shut = Outbox::new(&limits, SlowConsumer::Wait, NOW);
        assert_eq!(push(&mut shut), Pushed::Refused);
    }

    #[test]
    fn each_policy_holds_from_the_soft_budget_on() {
        let push = |policy, sizes: &[(usize, char)]| {
            let mut outbox = outbox(policy);
            let pushed: Vec<_> = sizes
                .iter()
                .map(|&(size, mark)| outbox.push(&frame(size, mark), Delivery::Hub))
                .collect();
            (pushed, marks(&mut outbox))
        };
        let three = [(60, 'W'), (60, 'X'), (60, 'Y')];
        use Pushed::{Dropped, Overflow, Queued, Waiting};
        assert_eq!(
            push(SlowConsumer::Wait, &three),
            (vec![Queued, Queued, Waiting], "WXY".to_owned())
        );
        assert_eq!(
            push(SlowConsumer::DropNewest, &three),
            (vec![Queued, Queued, Dropped], "WX".to_owned())
        );
        assert_eq!(
            push(SlowConsumer::DropOldest, &three),
            (vec![Queued, Queued, Queued], "XY".to_owned())
        );
        assert_eq!(
            push(SlowConsumer::Close, &three),
            (vec![Queued, Queued, Overflow], "WX".to_owned())
        );
        assert_eq!(push(SlowConsumer::DropNewest, &[(150, 'W')]), (vec![Waiting], "W".to_owned()));
    }

    #[test]
    fn a_message_may_overshoot_the_hard_budget_but_none_is_queued_above_it() {
        let mut outbox = outbox(SlowConsumer::Wait);
        assert_eq!(outbox.push(&frame(500, 'W'), Delivery::Hub), Pushed::Waiting);
        assert_eq!(outbox.push(&frame(60, 'X'), Delivery::Hub), Pushed::Overflow);
        assert_eq!(outbox.push(&frame(60, 'Y'), Delivery::Own), Pushed::Overflow);
        assert_eq!(
            outbox.push(&Frame::close(Encoding::Json, Close::default()), Delivery::Own),
            Pushed::Waiting
        );
    }

    #[test]
    fn the_oldest_is_kept_once_it_has_begun_to_leave_and_answers_are_always_kept() {
        let mut outbox = outbox(SlowConsumer::DropOldest);
        outbox.push(&frame(60, 'W'), Delivery::Hub);
        outbox.push(&frame(60, 'X'), Delivery::Own);
        outbox.written(1, NOW);
        outbox.push(&frame(60, 'Y'), Delivery::Hub);
        outbox.push(&frame(60, 'Z'), Delivery::Hub);
        assert_eq!(marks(&mut outbox), "WXZ");
    }

    #[test]
    fn what_is_being_written_is_not_dropped_meanwhile() {
        let mut outbox = outbox(SlowConsumer::DropOldest);
        outbox.push(&frame(60, 'W'), Delivery::Hub);
        outbox.push(&frame(60, 'X'), Delivery::Hub);
        let mut batch = Batch::new();
        outbox.next(&mut batch);
        outbox.push(&frame(60, 'Y'), Delivery::Hub);
        outbox.written(batch.len(), NOW);
        outbox.push(&frame(60, 'Z'), Delivery::Hub);
        assert_eq!(marks(&mut outbox), "YZ");
    }

    #[test]
    fn whoever_finds_no_room_is_told_of_it_whatever_took_it() {
        let mut outbox = outbox(SlowConsumer::Wait);
        assert_eq!(outbox.push(&frame(125, 'W'), Delivery::Hub), Pushed::Waiting);
        let mut batch = Batch::new();
        outbox.next(&mut batch);
        outbox.written(40, NOW);
        assert!(outbox.takes_more_again());
        // Who waits was told, but a pong is faster.
        outbox.push_control(Bytes::from_static(&[0; 60]));
        assert!(!outbox.has_room());
        batch.clear();
        outbox.next(&mut batch);
        outbox.written(batch.len(), NOW);
        assert!(outbox.takes_more_again());
        assert!(!outbox.takes_more_again() && outbox.has_room());
    }

    #[test]
    fn a_control_frame_goes_between_whole_frames_only_and_replaces_the_last() {
        let mut outbox = outbox(SlowConsumer::Wait);
        let ping = Frame::message(Encoding::Json, &Message::Ping);
        outbox.push(&ping, Delivery::Own);
        outbox.push(&ping, Delivery::Own);
        outbox.push_control(Bytes::from_static(b"1"));
        outbox.written(3, NOW);
        outbox.push_control(Bytes::from_static(b"3"));
        outbox.push_control(Bytes::from_static(b"2"));
        outbox.seal(Some(Bytes::from_static(b"end")));
        let whole = ping.websocket();
        assert_eq!(drain(&mut outbox), [&whole[2..], b"2", whole, b"end"].concat());
    }
}
