//! When something has to happen though nothing comes.

use std::time::Duration;

use hub_proto::{Frame, Message};

use super::phase::Phase;
use super::{Connection, Event, Queued};
use crate::close::CloseReason;
use crate::time::{Deadline, Timer, Timestamp};

// Most of them do not matter once the peer has said its last word, but for the pings that show whether it
// still waits for its calls; and none of those that watch the peer while its link is down.
impl Connection {
    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        let timers = [
            (self.handshake_until(), Timer::Handshake),
            (self.ping_at(), Timer::KeepAlive),
            (self.silence_until(), Timer::PeerSilence),
            (self.message_until(), Timer::Message),
            (self.flooded_until(), Timer::Flood),
            (self.asks.poll_timeout(), Timer::Ask),
        ];
        let earliest =
            timers.into_iter().filter_map(|(at, why)| Some(Deadline { at: at?, why })).min();
        match &self.resume {
            None => earliest,
            Some(resume) => Deadline::earliest(earliest, resume.poll_timeout()),
        }
    }

    pub(super) fn run_out(&mut self) {
        let now = self.now;
        let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        for (at, why) in [
            (self.handshake_until(), Timer::Handshake),
            (self.silence_until(), Timer::PeerSilence),
            (self.message_until(), Timer::Message),
        ] {
            if is_due(at) {
                return self.end(CloseReason::Timeout(why));
            }
        }
        if let Some(kind) = self.resume.as_ref().and_then(|resume| resume.given_up(now)) {
            return self.end(CloseReason::Lost(kind));
        }
        if is_due(self.ping_at()) {
            self.output.push_back(Frame::message(self.encoding, &Message::Ping));
            self.last_write = now;
        }
        if let Some(number) = self.resume.as_mut().and_then(|resume| resume.run_out(now)) {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            self.output.push_back(Frame::message(self.encoding, &Message::Ack(number)));
        }
        if is_due(self.flooded_until()) {
            self.changing(|this| this.flood.handle_timeout(now));
        }
        while let Some((ask, answer)) = self.asks.take_late(now) {
            self.events.push_back(Queued::Event(Event::Answered { ask, answer }));
        }
    }

    pub(super) fn handshake_until(&self) -> Option<Timestamp> {
        self.phase.handshake_until().filter(|_| self.pending_end.is_none())
    }

    fn ping_at(&self) -> Option<Timestamp> {
        let pings = self.facts.keep_alive && self.phase.is_connected() && !self.ends_next();
        (pings && !self.is_down()).then(|| self.last_write + self.ping_after())
    }

    /// How long after the last write a ping is due.
    fn ping_after(&self) -> Duration {
        let interval = self.config.keep_alive_interval;
        let early = (interval / 8).saturating_mul(u32::from(self.facts.spread)) / 255;
        interval - early
    }

    /// Whether the client could say something, and should.
    fn listens(&self) -> bool {
        matches!(self.phase, Phase::Open)
            && self.pending_end.is_none()
            && !self.is_stopped()
            && !self.is_down()
    }

    fn silence_until(&self) -> Option<Timestamp> {
        let listens = self.pings && self.facts.keep_alive && self.listens();
        listens.then(|| self.last_input + self.config.client_timeout_interval)
    }

    fn message_until(&self) -> Option<Timestamp> {
        let since = self.incomplete_since()?;
        self.listens().then(|| since + self.config.message_timeout)
    }

    fn flooded_until(&self) -> Option<Timestamp> {
        self.flood.paused_until().filter(|_| !self.phase.is_ending())
    }
}
