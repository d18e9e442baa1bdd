//! What the rest of the server knows of one connection.

use std::sync::{Arc, OnceLock};

use hub_core::endpoint::Transports;
use hub_core::{CloseReason, Delivery, Pushed};
use hub_proto::{Encoding, Frame};

use crate::deliver::is_turn_of;
use crate::exchange::Exchange;
use crate::facts::RequestFacts;
use crate::inbox::{Inbox, NewLink, Note};
use crate::items::Items;
use crate::outlet::{Outlet, Push};
use crate::signal::Signal;
use crate::sync::AtomicWaker;
use crate::user::{Claims, Identity};

/// One connection, as senders, contexts and groups hold it. The session task holds the other end.
pub(crate) struct Member {
    pub(crate) id: Arc<str>,
    pub(crate) facts: RequestFacts,
    pub(crate) items: Items,
    pub(crate) outlet: Outlet,
    pub(crate) inbox: Inbox,
    /// Wakes the session task.
    pub(crate) waker: AtomicWaker,
    aborted: Signal,
    introduced: OnceLock<Introduced>,
    /// Where no socket carries it.
    exchange: Option<Box<Exchange>>,
}

/// What the handshake found out.
struct Introduced {
    user: Option<Arc<str>>,
    encoding: &'static Encoding,
}

impl Member {
    pub(crate) fn new(id: Arc<str>, facts: RequestFacts, outlet: Outlet) -> Self {
        Self {
            id,
            exchange: None,
            facts,
            items: Items::default(),
            outlet,
            inbox: Inbox::default(),
            waker: AtomicWaker::new(),
            aborted: Signal::default(),
            introduced: OnceLock::new(),
        }
    }

    /// The same, carried by HTTP requests.
    pub(crate) fn with_exchange(self, exchange: Exchange) -> Self {
        Self { exchange: Some(Box::new(exchange)), ..self }
    }

    /// The requests that carry it, if no socket does.
    pub(crate) fn exchange(&self) -> Option<&Exchange> {
        self.exchange.as_deref()
    }

    /// What carries it; none of them is a stream.
    pub(crate) fn transport(&self) -> Transports {
        match &self.exchange {
            Some(exchange) => exchange.transport(),
            None if self.outlet.lock().is_framed() => Transports::WEB_SOCKETS,
            None => Transports::NONE,
        }
    }

    /// Wakes whoever writes what was queued. Not to be called under a lock.
    pub(crate) fn wake_writer(&self) {
        match &self.exchange {
            Some(exchange) if !self.inbox.is_waiting() => exchange.wake_taker(),
            _ => self.waker.wake(),
        }
    }

    /// What the handshake found out.
    pub(crate) fn introduce(&self, identity: Identity, encoding: &'static Encoding) {
        let Identity { user_id, claims } = identity;
        // Most users have none, and then there is no room for them either.
        if !claims.is_empty() {
            self.items.insert(Claims(claims));
        }
        self.introduced.get_or_init(|| Introduced { user: user_id.map(Into::into), encoding });
    }

    pub(crate) fn user(&self) -> Option<&Arc<str>> {
        self.introduced.get()?.user.as_ref()
    }

    /// How its messages are written; JSON before the handshake has said so, when nothing is sent.
    pub(crate) fn encoding(&self) -> Encoding {
        self.introduced.get().map_or(Encoding::Json, |introduced| *introduced.encoding)
    }

    /// Queues a frame of the hub's. The caller wakes the session if that is asked for.
    pub(crate) fn send(&self, frame: &Frame, delivery: Delivery) -> Push {
        // Aborted, it gets nothing but the Close any more.
        if self.aborted.has_fired() {
            return Push { pushed: Pushed::Refused, wake: false };
        }
        let push = self.outlet.push(frame, delivery);
        if push.pushed == Pushed::Overflow {
            self.inbox.close(CloseReason::SlowConsumer);
        }
        push
    }

    /// Leaves a note for the session, and wakes it unless it is its turn. Not to be called under a lock.
    pub(crate) fn note(&self, note: Note) {
        self.inbox.note(note);
        if !is_turn_of(self) {
            self.waker.wake();
        }
    }

    /// Offers the connection another link, which is shut down when that is over. Not to be called under a lock.
    pub(crate) fn offer(&self, link: NewLink) {
        self.inbox.offer(link);
        self.waker.wake();
        if self.aborted.has_fired() {
            // Perhaps nobody looks into the inbox any more.
            self.inbox.refuse();
        }
    }

    /// Asks the session to end. Not to be called under a lock.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.inbox.close(reason);
        self.waker.wake();
    }

    /// Nobody will look into the inbox any more. Not to be called under a lock.
    pub(crate) fn leave(&self) {
        self.aborted.fire();
        // Whoever comes now sees that it is too late.
        drop(self.inbox.take_last());
    }

    /// What `aborted` is about. Not to be fired under a lock.
    pub(crate) fn abort_signal(&self) -> &Signal {
        &self.aborted
    }
}

impl AsRef<Signal> for Member {
    fn as_ref(&self) -> &Signal {
        &self.aborted
    }
}
