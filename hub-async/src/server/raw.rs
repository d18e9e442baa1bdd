//! The task of one raw connection: its turn.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use hub_core::link::{INTERNAL_ERROR, LinkEvent, NORMAL, Run};
use hub_core::{CloseReason, PeerFault, Timer, Timestamp};
use hub_proto::TransferFormat;

use super::alarm::Alarm;
use super::carrier::Carrier;
use super::endpoint::Ticket;
use super::start::Arrived;
use crate::caught::{caught, discard};
use crate::inlet::Inlet;
use crate::member::Member;
use crate::raw::{Chunk, RawConnection, RawHandler};

type Handling = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One raw connection, from its upgrade until its handler is done.
///
/// A turn: read once, let the handler run, write once, set the timer.
pub(super) struct RawSession {
    member: Arc<Member>,
    inlet: Arc<Inlet>,
    carrier: Carrier,
    /// Gone once it is done.
    handler: Option<Handling>,
    /// The peer has closed: until then the handler may still answer.
    closed: Option<Timestamp>,
    /// The connection is over: until then the handler may run on.
    over: Option<Timestamp>,
    alarm: Alarm,
    /// Dropped last: others may wait for the last session to go.
    ticket: Ticket,
}

/// What one read brought, in one allocation.
#[derive(Default)]
struct Arrivals {
    bytes: BytesMut,
    /// Where each chunk ends, and what it is.
    ends: Vec<(usize, TransferFormat, bool)>,
}

impl Arrivals {
    fn take(&mut self, run: Run<'_>) {
        self.bytes.extend_from_slice(run.bytes);
        self.ends.push((self.bytes.len(), run.format, run.fin));
    }

    fn chunks(self) -> impl Iterator<Item = Chunk> {
        let (bytes, mut start) = (self.bytes.freeze(), 0);
        self.ends.into_iter().map(move |(end, format, fin)| {
            let bytes = if start == end { Bytes::new() } else { bytes.slice(start..end) };
            start = end;
            Chunk { bytes, format, fin }
        })
    }
}

impl RawSession {
    pub(super) fn new(
        member: Arc<Member>,
        ticket: Ticket,
        handler: &RawHandler,
        mut carrier: Carrier,
        before: Arrived<'_>,
    ) -> Self {
        let endpoint = ticket.endpoint();
        let inlet = Arc::<Inlet>::default();
        let mut arrived = Arrivals::default();
        if !before.early.is_empty() {
            arrived.take(Run { bytes: before.early, format: TransferFormat::Text, fin: true });
        }
        carrier.receive(before.read, |run| arrived.take(run));
        inlet.extend(arrived.chunks());
        let connection =
            RawConnection::new(Arc::clone(&member), Arc::clone(&inlet), carrier.is_framed());
        tracing::debug!(connection = &*member.id, endpoint = endpoint.path, "connected");
        let handler = caught(|| handler(connection));
        Self {
            member,
            inlet,
            carrier,
            handler,
            closed: None,
            over: None,
            alarm: Alarm::default(),
            ticket,
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.member.waker.register(cx.waker());
        let now = self.ticket.endpoint().clock.now();
        self.fire_timers(now);
        self.read(cx);
        self.look_around(now);
        self.run(now, cx);
        let written = self.carrier.write(&self.member.outlet, now, cx);
        if let Some(kind) = written.lost {
            self.leave(&CloseReason::Lost(kind), now);
        }
        if self.over.is_some() && self.carrier.is_gone() && self.handler.is_none() {
            return Poll::Ready(());
        }
        if written.more {
            cx.waker().wake_by_ref();
        }
        self.set_alarm(cx);
        Poll::Pending
    }

    /// Reads once, if there is room. Where there is none, whoever makes it wakes the session.
    fn read(&mut self, cx: &mut Context<'_>) {
        if !self.carrier.wants_input() || self.over.is_none() && !self.inlet.has_room() {
            return;
        }
        let mut arrived = Arrivals::default();
        self.carrier.read(cx, |run| arrived.take(run));
        if self.over.is_none() && !arrived.ends.is_empty() {
            let waiting = self.inlet.extend(arrived.chunks());
            // This very task runs the handler next anyway.
            wake(waiting.filter(|waker| !waker.will_wake(cx.waker())));
        }
    }

    /// What others want, and what bearrived_before of the link.
    fn look_around(&mut self, now: Timestamp) {
        if let Some(reason) = self.member.inbox.take().and_then(|mut post| post.close.take()) {
            self.leave(&reason, now);
        }
        match self.carrier.poll_event() {
            // What was read before can still be answered.
            Some(LinkEvent::Finished) => {
                self.closed = Some(now + self.ticket.endpoint().options.timeouts.close);
                wake(self.inlet.end());
            }
            Some(LinkEvent::Violated(violation)) => {
                self.leave(&CloseReason::Peer(PeerFault::WebSocket(violation)), now);
            }
            Some(LinkEvent::Lost(kind)) => self.leave(&CloseReason::Lost(kind), now),
            Some(LinkEvent::Stuck) => {
                self.leave(&CloseReason::Timeout(Timer::Send), now);
            }
            Some(LinkEvent::Absent) => self.leave(&CloseReason::Timeout(Timer::Disconnect), now),
            None => {}
        }
    }

    /// Lets the handler go on; its end is the connection's.
    fn run(&mut self, now: Timestamp, cx: &mut Context<'_>) {
        if self.handler.is_none() && self.over.is_some() {
            return;
        }
        // Without a handler it panicked when it was called.
        let handler = self.handler.as_mut();
        let code = match handler.and_then(|handler| caught(|| handler.as_mut().poll(cx))) {
            Some(Poll::Pending) => return,
            Some(Poll::Ready(())) => NORMAL,
            None => {
                tracing::warn!(connection = &*self.member.id, "the handler panicked");
                INTERNAL_ERROR
            }
        };
        discard(self.handler.take());
        self.end("handler done", code, now);
    }

    /// The connection is over, for a reason that is not the handler's end.
    fn leave(&mut self, reason: &CloseReason, now: Timestamp) {
        if let CloseReason::Peer(fault) = reason {
            tracing::warn!(
                connection = &*self.member.id,
                fault = fault.kind(),
                "the client broke the protocol"
            );
        }
        if let CloseReason::Lost(_) | CloseReason::Timeout(_) = reason {
            self.carrier.lose(&self.member.outlet);
        }
        self.end(reason.kind(), NORMAL, now);
    }

    /// Nothing is read or queued any more; what is queued leaves, and the close behind it.
    fn end(&mut self, reason: &str, code: u16, now: Timestamp) {
        if self.over.is_some() {
            return;
        }
        tracing::debug!(connection = &*self.member.id, reason, "disconnected");
        self.over = Some(now + self.ticket.endpoint().options.linger);
        self.carrier.finish(code, now);
        self.member.outlet.lock().seal(None);
        self.member.outlet.tell_room();
        wake(self.inlet.end());
        self.member.abort_signal().fire();
    }

    fn fire_timers(&mut self, now: Timestamp) {
        self.carrier.handle_timeout(&self.member.outlet, now);
        if self.closed.is_some_and(|until| now >= until) {
            self.leave(&CloseReason::Ended, now);
        }
        if self.over.is_some_and(|until| now >= until) && self.handler.is_some() {
            tracing::warn!(
                connection = &*self.member.id,
                "the handler outlived its connection for too long"
            );
            discard(self.handler.take());
        }
    }

    fn set_alarm(&mut self, cx: &mut Context<'_>) {
        let over = self.over.filter(|_| self.handler.is_some());
        let closed = self.closed.filter(|_| self.over.is_none());
        let carrier = &self.carrier;
        let next = || [carrier.poll_timeout(), closed, over].into_iter().flatten().min();
        self.alarm.set(&self.ticket.endpoint().clock, next, cx);
    }
}

fn wake(waiting: Option<Waker>) {
    if let Some(waker) = waiting {
        waker.wake();
    }
}

impl Future for RawSession {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        caught(|| self.turn(cx)).unwrap_or_else(|| {
            tracing::error!(connection = &*self.member.id, "the session panicked");
            Poll::Ready(())
        })
    }
}

impl Drop for RawSession {
    /// A runtime may drop a session at any time; then, too, nobody must wait for it.
    fn drop(&mut self) {
        self.carrier.lose(&self.member.outlet);
        wake(self.inlet.end());
        self.member.abort_signal().fire();
        discard(mem::take(&mut self.handler));
        drop(self.member.waker.take());
    }
}
