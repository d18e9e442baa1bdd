//! The receiving half of one connection, as a hub on a server sees it.
//!
//! [`Connection`] takes bytes and time and gives [`Event`]s, its own frames (the handshake's
//! answer, completions, pings, Close) and the next [`Deadline`]. What the hub sends to the
//! connection never passes through it: that goes straight to the [`Outbox`](crate::Outbox).

mod calls;
mod config;
mod event;
mod fault;
mod phase;

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use hub_proto::framing::NoRecord;
use hub_proto::handshake::HandshakeRequest;
use hub_proto::{
    BindError, DecodeError, Decoded, Encoding, Frame, Id, Message, Outcome, Payload, Reply,
    TransferFormat,
};

use crate::close::{CloseReason, PeerFault, close_message};
use crate::queue::Queue;
use crate::time::{Deadline, Timer, Timestamp};

use calls::Calls;
use phase::Phase;

pub use config::{Config, ConfigError, TransportFacts};
pub use event::{Admission, Call, CallId, End, Event};
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
    input: BytesMut,
    /// How far `input` has been searched for the end of its first record; zero when that is not
    /// known to be incomplete.
    searched: usize,
    calls: Calls,
    events: Queue<Queued>,
    output: Queue<Frame>,
    now: Timestamp,
    last_input: Timestamp,
    last_write: Timestamp,
    /// How long after the last write a ping is due.
    ping_after: Duration,
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
}

/// An end that keeps its place behind what came before it.
#[derive(Debug)]
struct PendingEnd {
    reason: CloseReason,
    behind: Behind,
}

/// What an end waits for, besides the events that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    /// The last word was read: for parked calls to start, as it would behind them on the wire.
    Calls,
    /// The input is over: for what is kept of it to be read, as far as the application takes it.
    Input,
    /// Both: for nothing.
    Events,
}

impl Connection {
    /// A connection whose link has just come up.
    pub fn new(config: Arc<Config>, facts: TransportFacts, now: Timestamp) -> Self {
        let until = now + config.handshake_timeout;
        let interval = config.keep_alive_interval;
        let early = (interval / 8).saturating_mul(u32::from(facts.spread)) / 255;
        Self {
            config,
            facts,
            encoding: Encoding::Json,
            phase: Phase::Handshake { until },
            pending_end: None,
            input: BytesMut::new(),
            searched: 0,
            calls: Calls::new(),
            events: Queue::new(),
            output: Queue::new(),
            now,
            last_input: now,
            last_write: now,
            ping_after: interval - early,
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
        if !self.wants_input() && self.input.len() + bytes.len() > self.config.limits.parked {
            return self.end(CloseReason::Overflow);
        }
        if self.input.is_empty() {
            let read = self.read(bytes);
            if !self.is_cut_off() {
                self.input.extend_from_slice(bytes.get(read..).unwrap_or_default());
            }
        } else {
            self.input.extend_from_slice(bytes);
            self.read_kept();
        }
    }

    /// Lets every timer that is due at `now` run out.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.tick(now);
        if self.handshake_until().is_some_and(|until| self.now >= until) {
            return self.end(CloseReason::Timeout(Timer::Handshake));
        }
        if self.silence_until().is_some_and(|until| self.now >= until) {
            return self.end(CloseReason::Timeout(Timer::PeerSilence));
        }
        if self.ping_at().is_some_and(|at| self.now >= at) {
            self.output.push_back(Frame::message(self.encoding, &Message::Ping));
            self.last_write = self.now;
        }
    }

    /// The input is over. What came before it is still read, as far as the application takes it at
    /// once: calls that wait for others to end, or for the greeting, are dropped.
    pub fn handle_disconnect(&mut self, end: End, now: Timestamp) {
        self.tick(now);
        self.lost |= matches!(end, End::Lost(_));
        if self.phase.is_ending() {
            if self.lost {
                self.output.clear();
            }
            return;
        }
        let (reason, behind) = match (self.pending_end.take().map(|end| *end), end) {
            // Whatever came first is the better reason.
            (Some(PendingEnd { reason, behind: Behind::Input }), _) => (reason, Behind::Input),
            (Some(before), _) => (before.reason, Behind::Events),
            (None, End::Finished) => (CloseReason::Ended, Behind::Input),
            (None, End::Lost(kind)) => (CloseReason::Lost(kind), Behind::Input),
        };
        self.pending_end = Some(Box::new(PendingEnd { reason, behind }));
    }

    // Application to machine.

    /// Accepts the handshake: the answer is the next frame. The application greets, then [accepts](Self::accept).
    pub fn welcome(&mut self, now: Timestamp) {
        self.tick(now);
        if let Phase::Deciding { encoding, .. } = self.phase {
            self.encoding = encoding;
            self.output.push_back(Frame::handshake(encoding.format(), None));
            self.phase = Phase::Greeting;
        }
    }

    /// Refuses the handshake because the application failed to judge it; `detail` is for detailed errors.
    pub fn refuse(&mut self, detail: &str, now: Timestamp) {
        self.tick(now);
        if let Phase::Deciding { encoding, .. } = self.phase {
            let text = self.handshake_failure(detail);
            self.refuse_with(text, encoding.format());
        }
    }

    /// The application has greeted: messages are read from now on.
    pub fn accept(&mut self, now: Timestamp) {
        self.tick(now);
        if let Phase::Greeting = self.phase {
            self.phase = Phase::Open;
            self.last_input = self.now;
        }
    }

    /// Asks to run a call whose arguments are bound.
    pub fn admit(&mut self, call: CallId) -> Admission {
        if self.phase.is_ending() {
            return Admission::Gone;
        }
        self.calls.admit(call, self.config.limits.parallel_calls)
    }

    /// Ends a call, with its answer if it wants one. False when it was over before.
    pub fn complete(&mut self, call: CallId, answer: Option<Frame>, now: Timestamp) -> bool {
        self.tick(now);
        let stopped = self.is_blocked();
        if self.phase.is_ending() || !self.calls.remove(call) {
            return false;
        }
        self.output.extend(answer);
        self.calls.start_next(self.config.limits.parallel_calls);
        if stopped && !self.is_blocked() {
            self.last_input = self.now;
        }
        true
    }

    /// Ends a call that cannot be served: with the error for its client or, when its arguments are not even
    /// well-formed, together with the connection.
    pub fn fail(&mut self, call: &Call, fault: &CallFault<'_>, now: Timestamp) {
        if let CallFault::Arguments(BindError::Syntax) = fault {
            return self.malformed(PeerFault::Message(self.encoding.malformed()), now);
        }
        let text = fault.text(&call.target, self.config.detailed_errors);
        self.complete(call.id, call.reply.failure(&text), now);
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

    /// Something was written to the peer at `at`, which puts off the next ping.
    pub fn wrote(&mut self, at: Timestamp) {
        self.last_write = self.last_write.max(at);
    }

    // Machine to world.

    /// The next frame of the connection's own, for the outbox.
    pub fn poll_transmit(&mut self) -> Option<Frame> {
        self.output.pop_front()
    }

    /// The next event. [`Event::Closed`] comes last, after the last frame was taken.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(id) = self.calls.poll_started() {
                return Some(Event::Started(id));
            }
            match self.events.pop_front() {
                Some(Queued::Event(event)) => return Some(event),
                Some(Queued::Cancel { invocation, before }) => {
                    if let Some(id) = self.calls.by_invocation(&invocation, before) {
                        return Some(Event::Cancelled(id));
                    }
                    continue;
                }
                None => {}
            }
            if self.phase.is_ending() {
                return self.poll_closed();
            }
            if !self.input.is_empty() && self.reads() {
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
        let timers = [
            (self.handshake_until(), Timer::Handshake),
            (self.ping_at(), Timer::KeepAlive),
            (self.silence_until(), Timer::PeerSilence),
        ];
        timers.into_iter().filter_map(|(at, why)| Some(Deadline { at: at?, why })).min()
    }

    // Questions.

    /// Whether more input may be handed in. When it is not wanted, it is kept up to [`Limits::parked`](crate::Limits::parked).
    pub fn wants_input(&self) -> bool {
        !self.phase.is_ending()
            && (self.input.len() < self.config.limits.read_ahead
                || (self.searched > 0 && self.reads() && !self.is_blocked()))
    }

    /// How messages are written.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Whether the end has begun.
    pub const fn is_ending(&self) -> bool {
        self.phase.is_ending()
    }

    /// Bytes held for input that is not read yet.
    pub fn unread(&self) -> usize {
        self.input.len()
    }

    /// Calls that are not over.
    pub fn open_calls(&self) -> usize {
        self.calls.len()
    }

    // Reading.

    fn tick(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Whether whole records are taken apart now.
    fn reads(&self) -> bool {
        self.phase.reads() && !self.is_cut_off()
    }

    /// Whether the last word was read: nothing behind it is.
    fn is_cut_off(&self) -> bool {
        let pending = self.pending_end.as_ref();
        self.phase.is_ending() || pending.is_some_and(|pending| pending.behind != Behind::Input)
    }

    /// Whether messages wait because the application is busy.
    fn is_blocked(&self) -> bool {
        let limits = &self.config.limits;
        self.events.len() >= limits.events
            || self.calls.waiting() >= limits.parked_calls
            || self.calls.waiting_bytes() >= limits.parked
    }

    fn read_kept(&mut self) {
        let mut input = mem::take(&mut self.input);
        let read = self.read(&input);
        if read < input.len() && !self.is_cut_off() {
            input.advance(read);
            self.input = input;
        }
    }

    /// Reads whole records off the front of `input` as long as that is allowed; says how many bytes they took.
    fn read(&mut self, input: &[u8]) -> usize {
        let mut read = 0;
        while self.reads() && !self.is_blocked() {
            let rest = input.get(read..).unwrap_or_default();
            let limit = self.config.limits.message.unwrap_or(usize::MAX);
            // The handshake is a record of JSON, and so is the encoding until it is answered.
            let record = match self.encoding.record(rest, self.searched) {
                Ok(record) if record.size <= limit => record,
                Err(NoRecord::Incomplete { size }) if size <= limit => {
                    self.searched = rest.len();
                    return read;
                }
                Ok(_) | Err(NoRecord::Incomplete { .. }) => {
                    self.too_large(limit);
                    return read;
                }
                Err(NoRecord::TooLong) => {
                    self.end_after_calls(CloseReason::Peer(DecodeError::TooLong.into()));
                    return read;
                }
            };
            self.searched = 0;
            read += record.size;
            if matches!(self.phase, Phase::Handshake { .. }) {
                self.handshake(record.body);
            } else {
                self.record(record.body);
            }
        }
        self.searched = 0;
        read
    }

    fn too_large(&mut self, limit: usize) {
        match self.phase {
            Phase::Handshake { .. } => {
                self.refuse_with(HANDSHAKE_CANCELED.to_owned(), TransferFormat::Text)
            }
            _ => self.end_after_calls(CloseReason::Peer(PeerFault::TooLarge(limit))),
        }
    }

    fn handshake(&mut self, record: &[u8]) {
        let Phase::Handshake { until } = self.phase else { return };
        let request = match HandshakeRequest::parse(record) {
            Ok(request) => request,
            Err(error) => {
                let text = self.handshake_failure(&format!("{}: {error}", error.exception()));
                return self.refuse_with(text, TransferFormat::Text);
            }
        };
        let name = &request.protocol;
        let Some(encoding) = Encoding::by_name(name, self.config.protocols) else {
            return self.refuse_with(
                format!("The protocol '{name}' is not supported."),
                TransferFormat::Text,
            );
        };
        let format = encoding.format();
        if request.version > Encoding::MAX_VERSION {
            let version = request.version;
            let text =
                format!("The server does not support version {version} of the '{name}' protocol.");
            return self.refuse_with(text, format);
        }
        if !self.facts.carries(format) {
            let text = format!(
                "Cannot use the '{name}' protocol on the current transport. The transport does not support '{format:?}' transfer format."
            );
            return self.refuse_with(text, TransferFormat::Text);
        }
        self.phase = Phase::Deciding { until, encoding };
        self.events.push_back(Queued::Event(Event::Handshake(encoding)));
    }

    fn record(&mut self, record: &[u8]) {
        match self.encoding.decode(record) {
            Ok(Decoded::Message(message)) => self.message(message),
            Ok(Decoded::Skipped(_)) => {}
            Err(error) => self.end_after_calls(CloseReason::Peer(error.into())),
        }
    }

    fn message(&mut self, message: Message<'_>) {
        match message {
            Message::Invocation(call) => {
                let streams = call.stream_ids.map_or(0, |ids| ids.len());
                self.invoked(call.id.as_deref(), &call.target, call.arguments, false, streams);
            }
            Message::StreamInvocation(call) => {
                let streams = call.stream_ids.map_or(0, |ids| ids.len());
                self.invoked(Some(&call.id), &call.target, call.arguments, true, streams);
            }
            Message::CancelInvocation(cancel) => {
                let before = self.calls.next_id();
                if self.calls.by_invocation(&cancel.id, before).is_some() {
                    let invocation = (&*cancel.id).into();
                    self.events.push_back(Queued::Cancel { invocation, before });
                }
            }
            // Nobody reads a stream or waits for a result of that name: late ones are harmless.
            Message::StreamItem(item) => self.check_unread(item.item),
            Message::Completion(completion) => {
                if let Outcome::Result(result) = completion.outcome {
                    self.check_unread(result);
                }
            }
            Message::Ping => self.pings = true,
            Message::Close(close) => {
                self.end_after_calls(CloseReason::PeerClosed(
                    close.error.map(|text| text.into_owned()),
                ));
            }
            // They only mean something to a connection with stateful reconnect.
            Message::Ack(_) | Message::Sequence(_) => {}
        }
    }

    fn invoked(
        &mut self,
        id: Option<&str>,
        target: &str,
        arguments: Payload<'_>,
        streaming: bool,
        streams: usize,
    ) {
        let reply = Reply::new(self.encoding, id);
        let id = self.calls.insert(id.map(Id::from), arguments.raw().len());
        self.events.push_back(Queued::Event(Event::Invoked(Call {
            id,
            target: target.into(),
            reply,
            streaming,
            streams,
            arguments: Bytes::copy_from_slice(arguments.raw()),
        })));
    }

    fn check_unread(&mut self, payload: Payload<'_>) {
        if let Err(BindError::Syntax) = payload.check() {
            self.end_after_calls(CloseReason::Peer(payload.encoding().malformed().into()));
        }
    }

    // Ending.

    /// Ends behind everything that has been read: events are polled and parked calls start first.
    ///
    /// An end that is known already came behind this one.
    fn end_after_calls(&mut self, reason: CloseReason) {
        let behind = match self.pending_end.as_deref() {
            None | Some(PendingEnd { behind: Behind::Calls, .. }) => Behind::Calls,
            Some(_) => Behind::Events,
        };
        self.input = BytesMut::new();
        self.pending_end = Some(Box::new(PendingEnd { reason, behind }));
    }

    /// Whether the next event is the end, but for those that wait already.
    fn ends_next(&self) -> bool {
        let pending = self.pending_end.as_ref();
        pending.is_some_and(|pending| pending.behind != Behind::Calls || self.calls.waiting() == 0)
    }

    fn end_as_pending(&mut self) {
        let Some(end) = self.pending_end.take() else { return };
        let reason = end.reason;
        let cut_short = reason == CloseReason::Ended
            && self.reads()
            && !self.is_blocked()
            && !self.input.is_empty();
        self.end(if cut_short { CloseReason::Peer(PeerFault::Truncated) } else { reason });
    }

    /// Ends now: the last frame goes out, nothing more is read.
    fn end(&mut self, reason: CloseReason) {
        if self.phase.is_ending() {
            return;
        }
        if self.lost || matches!(reason, CloseReason::Lost(_)) {
            self.output.clear();
        } else if self.phase.is_connected() {
            let close = close_message(&reason, self.config.detailed_errors);
            self.output.extend(close.map(|close| Frame::close(self.encoding, close)));
        } else if reason != CloseReason::Ended
            && !matches!(reason, CloseReason::Peer(PeerFault::Truncated))
        {
            let format = match self.phase {
                Phase::Deciding { encoding, .. } => encoding.format(),
                _ => TransferFormat::Text,
            };
            self.output.push_back(Frame::handshake(format, Some(HANDSHAKE_CANCELED)));
        }
        self.stop(reason);
    }

    fn refuse_with(&mut self, text: String, format: TransferFormat) {
        self.output.push_back(Frame::handshake(format, Some(&text)));
        self.stop(CloseReason::Refused(text));
    }

    fn stop(&mut self, reason: CloseReason) {
        self.phase = Phase::Closing(reason);
        self.pending_end = None;
        self.input = BytesMut::new();
        self.events.clear();
        self.calls.clear();
    }

    fn poll_closed(&mut self) -> Option<Event> {
        if !self.output.is_empty() {
            return None;
        }
        match mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Closing(reason) => Some(Event::Closed(reason)),
            _ => None,
        }
    }

    fn handshake_failure(&self, detail: &str) -> String {
        if self.config.detailed_errors {
            format!("{HANDSHAKE_FAILED} {detail}")
        } else {
            HANDSHAKE_FAILED.to_owned()
        }
    }

    // Timers. None of them matters once the peer has said its last word, but for the pings that
    // show whether it still waits for its calls.

    fn handshake_until(&self) -> Option<Timestamp> {
        self.phase.handshake_until().filter(|_| self.pending_end.is_none())
    }

    fn ping_at(&self) -> Option<Timestamp> {
        (self.facts.keep_alive && self.phase.is_connected() && !self.ends_next())
            .then(|| self.last_write + self.ping_after)
    }

    fn silence_until(&self) -> Option<Timestamp> {
        let listens = self.pings
            && self.facts.keep_alive
            && matches!(self.phase, Phase::Open)
            && self.pending_end.is_none()
            && !self.is_blocked();
        listens.then(|| self.last_input + self.config.client_timeout_interval)
    }
}

#[cfg(test)]
mod tests;
