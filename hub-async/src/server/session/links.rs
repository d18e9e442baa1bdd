//! Links that break, and those that replace them.

use std::io::ErrorKind;

use hub_core::Timestamp;
use hub_core::server::End;
use hub_proto::{Frame, Message};

use super::Session;
use crate::inbox::NewLink;
use crate::server::carrier::Carrier;

impl Session {
    /// The link is gone: so is the connection, or it waits for the next one.
    pub(super) fn lose_link(&mut self, kind: ErrorKind, now: Timestamp) {
        self.connection.handle_disconnect(End::Lost(kind), now);
        if self.connection.is_down() {
            tracing::debug!(connection = &*self.member.id, "the link is lost, another may come");
            self.carrier.unlink(&self.member.outlet);
        } else {
            self.carrier.lose(&self.member.outlet);
        }
    }

    /// A new link has come.
    pub(super) fn attach(&mut self, mut link: NewLink, now: Timestamp) {
        // One that is to end says so on the link that it has.
        if !self.member.outlet.lock().is_resumable() || !self.connection.may_resume() {
            return;
        }
        if !self.carrier.unlink(&self.member.outlet) {
            // The last write to the old link is not over.
            self.next_link = Some(Box::new(link));
            return;
        }
        self.next_link = None;
        if !self.connection.relink(now) {
            return;
        }
        let Some(socket) = link.take() else { return };
        tracing::debug!(connection = &*self.member.id, "another link carries the connection");
        let timeouts = self.ticket.endpoint().options.timeouts;
        self.carrier = Carrier::websocket(socket, &self.member.outlet, timeouts);
        let mut outlet = self.member.outlet.lock();
        let first = Message::Sequence(i64::try_from(outlet.sequence()).unwrap_or(i64::MAX));
        outlet.relink(&Frame::message(self.connection.encoding(), &first));
        drop(outlet);
        // Streams may go on.
        self.member.outlet.tell_room();
        // This turn has asked the old link for input, and so there is another one for the new link.
        self.member.waker.wake();
        let connection = &mut self.connection;
        self.carrier.receive(&link.read, |run| connection.handle_input(run.bytes, now));
    }

    /// Lets the outlet know what has arrived; false when that is no news.
    pub(super) fn pass_acks(&mut self) -> bool {
        let Some(number) = self.connection.poll_acked() else { return false };
        let mut outlet = self.member.outlet.lock();
        outlet.spoke();
        outlet.acked(number);
        drop(outlet);
        // Streams wait for that as well.
        self.member.outlet.tell_room();
        true
    }
}
