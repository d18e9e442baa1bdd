//! Coming and going: the hub's hooks, and who is registered when.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use hub_core::link::NORMAL;
use hub_core::{CloseReason, Timer, Timestamp};
use hub_proto::Encoding;

use super::{Session, Stage};
use crate::caught::discard;
use crate::server::hooks;

impl Session {
    /// The handshake asks for a protocol: finds the user, answers, registers, greets.
    pub(super) fn greet(&mut self, encoding: Encoding, now: Timestamp) {
        let hub = Arc::clone(&self.hub);
        let identity = match hooks::identify(&hub, &self.member) {
            Ok(identity) => identity,
            Err(error) => return self.connection.refuse(&error.to_string(), now),
        };
        // It is one of those that the hub supports.
        let protocols = self.ticket.endpoint().config.protocols;
        let Some(encoding) = protocols.iter().find(|known| **known == encoding) else { return };
        self.member.introduce(identity, encoding);
        self.connection.welcome(now);
        if self.connection.is_resumable() {
            self.member.outlet.lock().resumable(&self.ticket.endpoint().config.limits);
        }
        // The answer is queued before anybody can send to the connection.
        self.move_output(now);
        hub.shards.insert(Arc::clone(&self.member));
        tracing::debug!(
            connection = &*self.member.id,
            hub = self.ticket.endpoint().path,
            "connected"
        );
        match hooks::on_connected(&hub, &self.member, &self.ticket.endpoint().filters) {
            Some(answer) => self.stage = Stage::Greeting(answer),
            None => self.open(now),
        }
    }

    fn open(&mut self, now: Timestamp) {
        self.stage = Stage::Open;
        self.connection.accept(now);
    }

    /// Lets `on_connected` or `on_disconnected` go on; false when it did not end.
    pub(super) fn poll_hook(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let (Stage::Greeting(answer) | Stage::Interrupted(answer, _) | Stage::Leaving(answer)) =
            &mut self.stage
        else {
            return false;
        };
        let Poll::Ready(result) = answer.as_mut().poll(cx) else { return false };
        if let Err(error) = &result {
            tracing::warn!(
                connection = &*self.member.id,
                error = error.name(),
                "on_connected or on_disconnected failed"
            );
        }
        match (mem::replace(&mut self.stage, Stage::Left), result) {
            (Stage::Greeting(_), Ok(_)) => self.open(now),
            (Stage::Greeting(_), Err(error)) => {
                self.unregister();
                let detail = error.detail(self.ticket.endpoint().config.detailed_errors);
                self.connection.close(CloseReason::Rejected(detail), now);
            }
            (Stage::Interrupted(_, reason), Ok(_)) => self.say_farewell(&reason),
            _ => self.unregister(),
        }
        true
    }

    /// The connection is over: tells handlers and the hub.
    pub(super) fn leave(&mut self, reason: CloseReason, now: Timestamp) {
        match &reason {
            CloseReason::Peer(fault) => {
                tracing::warn!(
                    connection = &*self.member.id,
                    fault = fault.kind(),
                    "the client broke the protocol"
                );
            }
            _ => tracing::debug!(
                connection = &*self.member.id,
                reason = reason.kind(),
                "disconnected"
            ),
        }
        self.over = Some(now + self.ticket.endpoint().options.linger);
        self.carrier.finish(NORMAL, now);
        if matches!(reason, CloseReason::Lost(_) | CloseReason::Timeout(Timer::Send)) {
            self.carrier.lose(&self.member.outlet);
        } else {
            self.member.outlet.lock().seal(None);
            self.member.outlet.tell_room();
        }
        self.member.abort_signal().fire();
        self.running.cancel_all();
        match mem::replace(&mut self.stage, Stage::Left) {
            Stage::Greeting(answer) => self.stage = Stage::Interrupted(answer, Box::new(reason)),
            Stage::Open => self.say_farewell(&reason),
            _ => self.unregister(),
        }
    }

    fn say_farewell(&mut self, reason: &CloseReason) {
        let filters = &self.ticket.endpoint().filters;
        match hooks::on_disconnected(&self.hub, &self.member, filters, reason) {
            Some(answer) => self.stage = Stage::Leaving(answer),
            None => self.unregister(),
        }
    }

    pub(super) fn unregister(&mut self) {
        self.hub.shards.remove(&self.member.id);
        self.stage = Stage::Left;
    }

    /// Whether some of the hub's own code is still at work.
    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty() || !matches!(self.stage, Stage::Left)
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_some() && self.carrier.is_gone() && !self.is_busy()
    }

    /// Drops methods and hooks that have run on for too long.
    pub(super) fn cut_handlers(&mut self) {
        tracing::warn!(
            connection = &*self.member.id,
            "handlers outlived their connection for too long"
        );
        let stage = mem::replace(&mut self.stage, Stage::Left);
        discard((mem::take(&mut self.running), stage));
        self.unregister();
    }
}
