//! The receiving half of one connection, as a hub on a server sees it.
//!
//! [`Connection`] takes bytes and time and gives [`Event`]s, its own frames (the handshake's
//! answer, completions, pings, Close) and the next [`Deadline`]. What the hub sends to the
//! connection never passes through it: that goes straight to the [`Outbox`](crate::Outbox).

mod asks;
mod calls;
mod config;
mod ending;
mod event;
mod fault;
mod flood;
mod messages;
mod phase;
mod reading;
mod resume;
mod timers;
mod uploads;

use std::sync::Arc;

use hub_proto::{BindError, Encoding, Frame, Id};

use crate::close::{CloseReason, PeerFault};
use crate::queue::Queue;
use crate::time::{Deadline, Timer, Timestamp};

use asks::Asks;
use calls::Calls;
use ending::PendingEnd;
use flood::Flood;
use phase::Phase;
use reading::Kept;
use resume::Resume;
use uploads::Uploads;

pub use asks::{AskError, AskId};
pub use config::{Config, ConfigError, TransportFacts};
pub use event::{Admission, Answer, Call, CallId, End, Event, Raw, StreamKey};
pub use fault::CallFault;

/// The answer to a handshake that took too long, was too large or was cut off.
pub const HANDSHAKE_CANCELED: &str = "Handshake was canceled.";
/// The answer to a handshake that cannot be read or that the application failed to judge.
pub const HANDSHAKE_FAILED: &str = "An unexpected error occurred during connection handshake.";

/// One connection of a hub, from the handshake to its end.
#[derive(Debug)]
pub struct Connection {
    config: Arc<Config>,
    facts: TransportFacts,
    encoding: Encoding,
    phase: Phase,
    /// How it will end once everything before that has had its turn.
    pending_end: Option<Box<PendingEnd>>,
    /// Bytes that are not read yet: an incomplete message, or whatever came while nothing is read.
    input: Option<Box<Kept>>,
    calls: Calls,
    uploads: Uploads,
    asks: Asks,
    /// What stateful reconnect takes, where client and server agreed on it.
    resume: Option<Box<Resume>>,
    flood: Flood,
    events: Queue<Queued>,
    output: Queue<Frame>,
    now: Timestamp,
    last_input: Timestamp,
    last_write: Timestamp,
    /// The client has pinged, so its silence means something.
    pings: bool,
    /// The link is gone: nothing can be sent.
    lost: bool,
}

/// What waits to be polled.
#[derive(Debug)]
enum Queued {
    Event(Event),
    /// Meant for the latest call of that id `before` it; by the time it is polled, that may be over.
    Cancel {
        invocation: Id,
        before: CallId,
    },
    /// The answer to a call that was refused, behind the answers to those before it.
    Refused(Box<Frame>),
}

impl Connection {
    /// A connection whose link has just come up.
    pub fn new(config: Arc<Config>, facts: TransportFacts, now: Timestamp) -> Self {
        let until = now + config.handshake_timeout;
        Self {
            config,
            facts,
            encoding: Encoding::Json,
            phase: Phase::Handshake { until },
            pending_end: None,
            input: None,
            calls: Calls::new(),
            uploads: Uploads::new(),
            asks: Asks::new(),
            resume: None,
            flood: Flood::new(now),
            events: Queue::new(),
            output: Queue::new(),
            now,
            last_input: now,
            last_write: now,
            pings: false,
            lost: false,
        }
    }

    // World to machine.

    /// Takes bytes from the peer, cut anywhere.
    pub fn handle_input(&mut self, bytes: &[u8], now: Timestamp) {
        self.tick(now);
        if self.phase.is_ending() || self.pending_end.is_some() || bytes.is_empty() {
            return;
        }
        if self.handshake_until().is_some_and(|until| self.now >= until) {
            return self.end(CloseReason::Timeout(Timer::Handshake));
        }
        self.last_input = self.now;
        if let Some(resume) = &mut self.resume {
            resume.heard();
        }
        if !self.wants_input() && self.unread() + bytes.len() > self.config.limits.unread {
            return self.end(CloseReason::Overflow);
        }
        self.take(bytes);
    }

    /// Lets every timer that is due at `now` run out.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.tick(now);
        self.run_out();
    }

    /// The input is over. What came before it is still read, as far as the application takes it at
    /// once: calls that wait for others to end, or for the greeting, are dropped.
    ///
    /// A connection with stateful reconnect that has lost its link [waits](Self::is_down) for the next one
    /// instead; of what it has not read it keeps the whole messages.
    pub fn handle_disconnect(&mut self, end: End, now: Timestamp) {
        self.tick(now);
        if let End::Lost(kind) = end
            && self.may_resume()
        {
            return self.go_down(kind);
        }
        self.input_over(end);
    }

    // Application to machine.

    /// Accepts the handshake: the answer is the next frame. The application greets, then [accepts](Self::accept).
    pub fn welcome(&mut self, now: Timestamp) {
        self.tick(now);
        if let Phase::Deciding { .. } = self.phase {
            self.output.push_back(Frame::handshake(self.encoding.format(), None));
            self.phase = Phase::Greeting;
            if let Some(resume) = &mut self.resume {
                resume.greet(self.now);
            }
        }
    }

    /// Refuses the handshake because the application failed to judge it; `detail` is for detailed errors.
    pub fn refuse(&mut self, detail: &str, now: Timestamp) {
        self.tick(now);
        if let Phase::Deciding { .. } = self.phase {
            let text = self.handshake_failure(detail);
            self.refuse_with(text, self.encoding.format());
        }
    }

    /// The application has greeted: messages are read from now on.
    pub fn accept(&mut self, now: Timestamp) {
        self.tick(now);
        if let Phase::Greeting = self.phase {
            self.phase = Phase::Open;
            self.reads_on();
        }
    }

    /// Asks to run a call whose arguments are bound.
    pub fn admit(&mut self, call: CallId) -> Admission {
        if self.phase.is_ending() {
            return Admission::Gone;
        }
        let limits = &self.config.limits;
        let (slots, room) = (limits.parallel_calls, limits.parked_calls);
        self.changing(|this| this.calls.admit(call, slots, room))
    }

    /// Sends one item of a call that is answered with a stream, if it still runs.
    pub fn item(&mut self, call: CallId, item: Frame, now: Timestamp) -> bool {
        self.tick(now);
        let runs = !self.phase.is_ending() && self.calls.runs(call);
        if runs {
            self.output.push_back(item);
        }
        runs
    }

    /// Ends a call, with its answer if it wants one. Its streams are over, too. False when it was over before.
    pub fn complete(&mut self, call: CallId, answer: Option<Frame>, now: Timestamp) -> bool {
        self.tick(now);
        if self.phase.is_ending() {
            return false;
        }
        self.changing(|this| {
            if !this.calls.remove(call) {
                return false;
            }
            this.uploads.close_all_of(call);
            this.output.extend(answer);
            this.calls.start_next(this.config.limits.parallel_calls);
            true
        })
    }

    /// Ends a call that cannot be served: with the error for its client or, when its arguments are not even
    /// well-formed, together with the connection.
    pub fn fail(&mut self, call: &Call, fault: &CallFault<'_>, now: Timestamp) {
        if let CallFault::Arguments(BindError::Syntax) = fault {
            return self.malformed(PeerFault::Message(self.encoding.malformed()), now);
        }
        self.tick(now);
        if !matches!(fault, CallFault::Failed(_) | CallFault::StreamFailed(_)) {
            self.charge();
        }
        let text = fault.text(&call.target, self.config.detailed_errors);
        self.complete(call.id, call.reply.failure(&text), now);
    }

    /// A call that ran was for nobody: that counts as one that [fails](Self::fail) before it runs.
    pub fn was_for_nobody(&mut self, now: Timestamp) {
        self.tick(now);
        self.charge();
    }

    /// Gives the slot of a running call to others, while it waits for its client. It is never taken back.
    pub fn release(&mut self, call: CallId, now: Timestamp) {
        self.tick(now);
        let limits = &self.config.limits;
        let (slots, most) = (limits.parallel_calls, limits.parked_calls);
        self.changing(|this| {
            this.calls.release(call, most);
            this.calls.start_next(slots);
        });
    }

    /// The reader of a stream has taken `count` items.
    pub fn consumed(&mut self, stream: StreamKey, count: usize, now: Timestamp) {
        self.tick(now);
        self.changing(|this| {
            let (events, limits) = (&mut this.events, &this.config.limits);
            this.uploads.consumed(stream, count, limits, |event| {
                events.push_back(Queued::Event(event));
            });
        });
    }

    /// Nobody reads a stream any more: what still comes of it is ignored.
    pub fn discard(&mut self, stream: StreamKey, now: Timestamp) {
        self.tick(now);
        self.changing(|this| this.uploads.close(stream));
    }

    /// Nobody reads the streams of a call any more, though it is not over.
    pub fn discard_streams_of(&mut self, call: CallId, now: Timestamp) {
        self.tick(now);
        self.changing(|this| this.uploads.close_all_of(call));
    }

    /// Waits for the client's answer to an invocation with the id `ask`, which the caller is about to send,
    /// at most until then. [`Event::Answered`] tells of it, unless the connection ends first; at once, when
    /// so much is parked that the answer cannot be read.
    pub fn ask(
        &mut self,
        ask: AskId,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), AskError> {
        self.tick(now);
        if self.phase.is_ending() {
            return Err(AskError::Gone);
        }
        if self.asks.len() >= self.config.limits.asks {
            return Err(AskError::TooMany);
        }
        if self.asks.contains(ask) {
            return Err(AskError::InUse);
        }
        self.asks.insert(ask, until);
        Ok(())
    }

    /// Nobody waits for that answer any more. False when it is there already.
    pub fn withdraw(&mut self, ask: AskId) -> bool {
        self.asks.remove(ask)
    }

    /// A payload turned out to be malformed while it was bound: everything behind it is void.
    pub fn malformed(&mut self, fault: PeerFault, now: Timestamp) {
        self.tick(now);
        if !self.phase.is_ending() {
            self.events.clear();
            self.calls.forget_unbound();
            self.end_after_calls(CloseReason::Peer(fault));
        }
    }

    /// Ends the connection now.
    pub fn close(&mut self, reason: CloseReason, now: Timestamp) {
        self.tick(now);
        self.end(reason);
    }

    /// A new link carries the connection, whether the last one is [known to be gone](Self::is_down) or not.
    /// False when no link can be replaced.
    pub fn relink(&mut self, now: Timestamp) -> bool {
        self.tick(now);
        if !self.may_resume() {
            return false;
        }
        self.forget_half_a_message();
        if let Some(resume) = &mut self.resume {
            resume.come_up();
        }
        self.reads_on();
        true
    }

    /// Something was written to the peer at `at`, which puts off the next ping.
    pub fn wrote(&mut self, at: Timestamp) {
        self.last_write = self.last_write.max(at);
    }

    // Machine to world.

    /// The next frame of the connection's own, for the outbox.
    pub fn poll_transmit(&mut self) -> Option<Frame> {
        self.output.pop_front()
    }

    /// How many of the messages sent have arrived, for an outbox that can be
    /// [resumed](Self::is_resumable), whenever the client has said so. Its first word behind the handshake
    /// says zero.
    pub fn poll_acked(&mut self) -> Option<u64> {
        self.resume.as_mut()?.poll_acked()
    }

    /// The next event. [`Event::Closed`] comes last, after the last frame was taken.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(id) = self.calls.poll_started() {
                return Some(Event::Started(id));
            }
            match self.pop_event() {
                Some(Queued::Event(event)) => return Some(event),
                Some(Queued::Cancel { invocation, before }) => {
                    if let Some(id) = self.calls.by_invocation(&invocation, before) {
                        return Some(Event::Cancelled(id));
                    }
                    continue;
                }
                Some(Queued::Refused(answer)) => {
                    self.output.push_back(*answer);
                    continue;
                }
                None => {}
            }
            if self.phase.is_ending() {
                return self.poll_closed();
            }
            if self.input.is_some() && self.reads() {
                if self.cannot_be_answered() {
                    self.give_questions_up();
                    continue;
                }
                self.read_kept();
                if !self.events.is_empty() || self.phase.is_ending() {
                    continue;
                }
            }
            if !self.ends_next() {
                return None;
            }
            self.end_as_pending();
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.next_deadline()
    }

    // Questions.

    /// Whether more input may be handed in. When it is not wanted, it is kept up to [`Limits::unread`](crate::Limits::unread).
    pub fn wants_input(&self) -> bool {
        !self.phase.is_ending()
            && (self.unread() < self.config.limits.read_ahead || self.waits_for_the_rest())
    }

    /// How messages are written.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Whether the end has begun.
    pub const fn is_ending(&self) -> bool {
        self.phase.is_ending()
    }

    /// Whether client and server have agreed on stateful reconnect, so that the outbox has to be able to
    /// send everything again.
    pub const fn is_resumable(&self) -> bool {
        self.resume.is_some()
    }

    /// Whether the link is gone and another one may come.
    pub fn is_down(&self) -> bool {
        self.resume.as_ref().is_some_and(|resume| resume.down_until().is_some())
    }

    /// Bytes held for input that is not read yet.
    pub fn unread(&self) -> usize {
        self.input.as_ref().map_or(0, |kept| kept.len())
    }

    /// Bytes of the items that readers have in front of them, which they have not [taken](Self::consumed).
    pub fn in_front_of_readers(&self) -> usize {
        self.uploads.given_bytes()
    }

    /// Bytes of calls and items that were read and wait, 64 more for each.
    pub fn parked(&self) -> usize {
        self.calls.waiting_bytes() + self.uploads.parked_bytes()
    }

    /// Calls that are not over.
    pub fn open_calls(&self) -> usize {
        self.calls.len()
    }

    /// Streams that are not over, both ways.
    pub fn open_streams(&self) -> usize {
        self.calls.streaming() + self.uploads.len()
    }

    /// Questions that wait for an answer.
    pub fn open_asks(&self) -> usize {
        self.asks.len()
    }

    // What all of them share.

    /// The time that counts: it never runs back.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }

    fn charge(&mut self) {
        self.flood.charge(&self.config.limits, self.now);
    }

    /// Their answers may be behind something that waits for those who ask.
    fn give_questions_up(&mut self) {
        while let Some(ask) = self.asks.take_first() {
            let answer = Answer::Crowded;
            self.events.push_back(Queued::Event(Event::Answered { ask, answer }));
        }
    }

    fn pop_event(&mut self) -> Option<Queued> {
        if self.events.len() < self.config.limits.events {
            return self.events.pop_front();
        }
        self.changing(|this| this.events.pop_front())
    }

    /// Does something that may let reading go on; time in which nothing was read does not count.
    fn changing<R>(&mut self, act: impl FnOnce(&mut Self) -> R) -> R {
        let stopped = self.is_stopped();
        let result = act(self);
        if stopped && !self.is_stopped() {
            self.reads_on();
        }
        result
    }
}

#[cfg(test)]
mod tests;
