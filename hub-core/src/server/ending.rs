//! How a connection ends.

use std::mem;

use hub_proto::{Frame, TransferFormat};

use super::phase::Phase;
use super::{Connection, End, Event, HANDSHAKE_CANCELED};
use crate::close::{CloseReason, PeerFault, close_message};

/// An end that keeps its place behind what came before it.
#[derive(Debug)]
pub(super) struct PendingEnd {
    reason: CloseReason,
    behind: Behind,
}

/// What an end waits for, besides the events that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// A fault was read: for parked calls to start, as they would before it on the wire.
    Calls,
    /// The input is over: for what is kept of it to be read, as far as the application takes it.
    Input,
    /// Both, or the client's last word: for nothing.
    Events,
}

impl Connection {
    /// Whether the last word was read: nothing behind it is.
    pub(super) fn is_cut_off(&self) -> bool {
        let pending = self.pending_end.as_ref();
        self.phase.is_ending() || pending.is_some_and(|pending| pending.behind != Behind::Input)
    }

    /// Nothing more comes in.
    pub(super) fn input_over(&mut self, end: End) {
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
            (None, End::Violated(violation)) => {
                (CloseReason::Peer(PeerFault::WebSocket(violation)), Behind::Input)
            }
            (None, End::Lost(kind)) => (CloseReason::Lost(kind), Behind::Input),
        };
        self.pending_end = Some(Box::new(PendingEnd { reason, behind }));
    }

    /// Ends behind everything that has been read: events are polled and parked calls start first.
    pub(super) fn end_after_calls(&mut self, reason: CloseReason) {
        self.end_behind(reason, Behind::Calls);
    }

    /// Ends behind something. An end that is known already came behind this one.
    pub(super) fn end_behind(&mut self, reason: CloseReason, behind: Behind) {
        let behind = match self.pending_end.as_deref() {
            // Read from what a lost link has left, the next of which nobody waits for any more.
            _ if self.is_down() => Behind::Events,
            None | Some(PendingEnd { behind: Behind::Calls, .. }) => behind,
            Some(_) => Behind::Events,
        };
        self.input = None;
        self.pending_end = Some(Box::new(PendingEnd { reason, behind }));
    }

    /// Whether the next event is the end, but for those that wait already.
    pub(super) fn ends_next(&self) -> bool {
        let pending = self.pending_end.as_ref();
        pending.is_some_and(|pending| pending.behind != Behind::Calls || self.calls.waiting() == 0)
    }

    pub(super) fn end_as_pending(&mut self) {
        let Some(end) = self.pending_end.take() else { return };
        let reason = end.reason;
        let cut_short = reason == CloseReason::Ended
            && self.reads()
            && !self.is_blocked()
            && self.input.is_some();
        self.end(if cut_short { CloseReason::Peer(PeerFault::Truncated) } else { reason });
    }

    /// Ends now: the last frame goes out, nothing more is read.
    pub(super) fn end(&mut self, reason: CloseReason) {
        if self.phase.is_ending() {
            return;
        }
        if self.lost || matches!(reason, CloseReason::Lost(_)) {
            self.output.clear();
        } else if self.is_down() {
            // There is no link for a last frame; those before it are the outbox's to drop.
        } else if self.phase.is_connected() {
            let close = close_message(&reason, self.config.detailed_errors);
            self.output.extend(close.map(|close| Frame::close(self.encoding, close)));
        } else if reason != CloseReason::Ended
            && !matches!(reason, CloseReason::Peer(PeerFault::Truncated))
        {
            let format = self.encoding.format();
            self.output.push_back(Frame::handshake(format, Some(HANDSHAKE_CANCELED)));
        }
        self.stop(reason);
    }

    pub(super) fn refuse_with(&mut self, text: String, format: TransferFormat) {
        self.output.push_back(Frame::handshake(format, Some(&text)));
        self.stop(CloseReason::Refused(text));
    }

    fn stop(&mut self, reason: CloseReason) {
        self.phase = Phase::Closing(Box::new(reason));
        self.pending_end = None;
        self.input = None;
        self.events.clear();
        self.calls.clear();
        self.uploads.clear();
        self.asks.clear();
        self.resume = None;
    }

    pub(super) fn poll_closed(&mut self) -> Option<Event> {
        if !self.output.is_empty() {
            return None;
        }
        match mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Closing(reason) => Some(Event::Closed(*reason)),
            _ => None,
        }
    }
}
