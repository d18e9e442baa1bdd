//! A session that does nothing but what threads may get into the way of.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hub_core::CloseReason;
use hub_core::link::{NORMAL, Timeouts};
use hub_proto::{Encoding, Frame, Message};
use loom::thread::JoinHandle;

use super::NOW;
use crate::deliver::Turn;
use crate::inbox::{NewLink, Note};
use crate::member::Member;
use crate::server::carrier::Carrier;
use crate::socket::Socket;

/// How a peer says that it is done.
const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";

/// What a session has seen when it is over.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) notes: Vec<u64>,
    pub(super) close: Option<CloseReason>,
}

/// Keeps to the order of steps of the real session's `turn`, `read_post`, `attach`, `leave`, `write` and
/// `drop`, and shares what they call.
pub(super) struct Session {
    member: Arc<Member>,
    carrier: Carrier,
    next_link: Option<NewLink>,
    /// The link is lost, and another one may come.
    down: bool,
    seen: Seen,
}

impl Session {
    /// Runs one on a thread of its own until somebody closes it, or its socket breaks.
    pub(super) fn spawn(member: &Arc<Member>, socket: Arc<dyn Socket>) -> JoinHandle<Seen> {
        let carrier = Carrier::websocket(socket, &member.outlet, Timeouts::default());
        let member = Arc::clone(member);
        let session = Self { member, carrier, next_link: None, down: false, seen: Seen::default() };
        loom::thread::spawn(|| loom::future::block_on(session))
    }

    /// Whether there was something.
    fn look_into_inbox(&mut self) -> bool {
        let Some(mut post) = self.member.inbox.take() else { return false };
        for note in post.notes.drain(..) {
            if let Note::Withdraw(ask) = note {
                self.seen.notes.push(ask.0);
            }
        }
        if let Some(link) = post.link.take() {
            self.attach(link);
        }
        if let Some(reason) = post.close.take() {
            self.leave(reason);
        }
        true
    }

    fn attach(&mut self, mut link: NewLink) {
        if !self.member.outlet.lock().is_resumable() {
            return;
        }
        if !self.carrier.unlink(&self.member.outlet) {
            self.next_link = Some(link);
            return;
        }
        self.next_link = None;
        self.down = false;
        let Some(socket) = link.take() else { return };
        self.carrier = Carrier::websocket(socket, &self.member.outlet, Timeouts::default());
        let mut outlet = self.member.outlet.lock();
        let first = Message::Sequence(outlet.sequence() as i64);
        outlet.relink(&Frame::message(Encoding::Json, &first));
        drop(outlet);
        self.member.outlet.tell_room();
        self.member.waker.wake();
    }

    /// False when there is more to do at once.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        if self.down {
            self.member.outlet.unlink();
        }
        let written = self.carrier.write(&self.member.outlet, NOW, cx);
        let Some(kind) = written.lost else { return !written.more };
        if self.member.outlet.lock().is_resumable() {
            self.down = true;
            self.carrier.unlink(&self.member.outlet);
        } else {
            self.leave(CloseReason::Lost(kind));
        }
        false
    }

    fn leave(&mut self, reason: CloseReason) {
        if self.seen.close.is_some() {
            return;
        }
        self.carrier.finish(NORMAL, NOW);
        // The peer closes as well, so that nobody waits for it.
        self.carrier.receive(CLOSE, |_| ());
        if let CloseReason::Lost(_) = reason {
            self.carrier.lose(&self.member.outlet);
        } else {
            self.member.outlet.lock().seal(None);
            self.member.outlet.tell_room();
        }
        self.member.abort_signal().fire();
        self.seen.close = Some(reason);
    }
}

impl Future for Session {
    type Output = Seen;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Seen> {
        let this = &mut *self;
        this.member.waker.register(cx.waker());
        let turn = Turn::begin(&this.member);
        if let Some(link) = this.next_link.take() {
            this.attach(link);
        }
        while this.look_into_inbox() || this.member.inbox.is_waiting() {}
        let flushed = this.write(cx);
        drop(turn);
        if !flushed {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if this.seen.close.is_some() && this.carrier.is_gone() {
            return Poll::Ready(std::mem::take(&mut this.seen));
        }
        Poll::Pending
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.carrier.lose(&self.member.outlet);
        self.member.leave();
        drop(self.member.waker.take());
    }
}
