//! The task of one connection: its turn.

mod calls;
mod life;

use std::future::Future;
use std::io::ErrorKind;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hub_core::link::{Link, LinkEvent};
use hub_core::server::{Connection, End, TransportFacts};
use hub_core::{CloseReason, Deadline, Delivery, PeerFault, Pushed, Timer, Timestamp};
use hub_proto::Frame;
use hyper::rt::Sleep;

use super::endpoint::{Endpoint, Ticket};
use super::io::{self, Arrival};
use super::running::{Running, discard};
use crate::handler::Answer;
use crate::member::Member;
use crate::socket::Socket;

/// How many events and finished calls one turn handles before it lets others have theirs.
const STEPS: usize = 64;

/// One connection, from its upgrade until its last handler is done.
///
/// A turn: read once, settle (inbox, events, the machine's output and handlers alternate until none of
/// them moves), write once, set the timer.
pub(super) struct Session {
    endpoint: Arc<Endpoint>,
    member: Arc<Member>,
    /// Gone once both directions are done.
    socket: Option<Arc<dyn Socket>>,
    link: Link,
    connection: Connection,
    running: Running,
    stage: Stage,
    over: Option<Over>,
    sleep: Option<Pin<Box<dyn Sleep>>>,
    /// When `sleep` ends, while it is set.
    armed: Option<Timestamp>,
    /// Dropped last: others may wait for the last session to go.
    _ticket: Ticket,
}

/// What the hub knows of the connection.
enum Stage {
    /// Nothing: the handshake is not answered yet.
    Unknown,
    /// It is registered, and `on_connected` runs.
    Greeting(Answer),
    /// It is registered and open.
    Open,
    /// It is over for that reason, but `on_connected` runs on; if it succeeds, there is a farewell.
    Interrupted(Answer, CloseReason),
    /// It is over, and `on_disconnected` runs.
    Leaving(Answer),
    /// It is not registered any more.
    Left,
}

/// The connection is over: how long what is left of it may take.
struct Over {
    /// Until then methods and hooks may run on.
    handlers: Timestamp,
    /// Until then what was queued may leave and the peer may answer the close.
    link: Timestamp,
}

impl Session {
    pub(super) fn new(
        member: Arc<Member>,
        ticket: Ticket,
        socket: Arc<dyn Socket>,
        read: &[u8],
        spread: u8,
    ) -> Self {
        let endpoint = Arc::clone(ticket.endpoint());
        let now = endpoint.clock.now();
        let facts = TransportFacts::websocket(spread);
        let mut session = Self {
            connection: Connection::new(Arc::clone(&endpoint.config), facts, now),
            link: Link::websocket(endpoint.options.timeouts),
            endpoint,
            member,
            socket: Some(socket),
            running: Running::default(),
            stage: Stage::Unknown,
            over: None,
            sleep: None,
            armed: None,
            _ticket: ticket,
        };
        session.receive(&mut read.to_vec(), now);
        session
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.member.waker.register(cx.waker());
        let now = self.endpoint.clock.now();
        self.fire_timers(now);
        let reads = self.read(now, cx);
        let settled = self.settle(now, cx);
        let flushed = self.write(now, cx);
        // Input that is wanted only now was not asked for above.
        if !settled || !flushed || (!reads && self.wants_input()) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.is_over() {
            return Poll::Ready(());
        }
        self.arm(cx);
        Poll::Pending
    }

    // Reading.

    fn wants_input(&self) -> bool {
        // Once the hub's side is over, the link still waits for the peer's close.
        let wanted = self.connection.wants_input() || self.connection.is_ending();
        wanted && self.link.wants_input() && self.socket.is_some()
    }

    /// Reads once; false when no input is wanted, of which the socket will not tell then.
    fn read(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let Some(socket) = self.socket.clone().filter(|_| self.wants_input()) else { return false };
        let (link, connection) = (&mut self.link, &mut self.connection);
        let read = io::read(&*socket, cx, |bytes| {
            link.handle_input(bytes, |payload| connection.handle_input(payload, now));
        });
        match read {
            Poll::Pending => {}
            Poll::Ready(Ok(Arrival { count: 0, .. })) => {
                self.link.handle_end(ErrorKind::UnexpectedEof);
            }
            Poll::Ready(Ok(Arrival { more: true, .. })) => cx.waker().wake_by_ref(),
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => self.link.handle_end(error.kind()),
        }
        true
    }

    fn receive(&mut self, bytes: &mut [u8], now: Timestamp) {
        let connection = &mut self.connection;
        self.link.handle_input(bytes, |payload| connection.handle_input(payload, now));
    }

    // Settling.

    /// Handles what happened until nothing moves; false when it stopped for others' sake.
    fn settle(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        for _ in 0..STEPS {
            if !self.step(now, cx) {
                return true;
            }
        }
        false
    }

    /// One thing that happened; false when there is none.
    fn step(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        self.look_into_inbox(now);
        if let Some(event) = self.connection.poll_event() {
            self.on_event(event, now, cx);
        } else if let Some(event) = self.link.poll_event() {
            self.on_link(event, now);
        } else if self.move_output(now) {
            // A last frame that was taken may let the end be reported.
        } else if let Some(done) = self.running.poll(cx) {
            self.finish(done, now);
        } else {
            return self.poll_hook(now, cx);
        }
        true
    }

    fn look_into_inbox(&mut self, now: Timestamp) {
        if let Some(reason) = self.member.inbox.take() {
            self.connection.close(reason, now);
        }
    }

    fn on_link(&mut self, event: LinkEvent, now: Timestamp) {
        match event {
            LinkEvent::Finished => self.connection.handle_disconnect(End::Finished, now),
            LinkEvent::Violated(violation) => {
                self.connection.malformed(PeerFault::WebSocket(violation), now);
                // Nothing comes any more for which the end could wait.
                self.connection.handle_disconnect(End::Finished, now);
            }
            LinkEvent::Lost(kind) => self.connection.handle_disconnect(End::Lost(kind), now),
            LinkEvent::Stuck if self.over.is_some() => self.lose_socket(),
            LinkEvent::Stuck => self.connection.close(CloseReason::Timeout(Timer::Send), now),
        }
    }

    // Writing.

    /// Moves the machine's own frames to the outlet; false when there were none.
    fn move_output(&mut self, now: Timestamp) -> bool {
        let mut moved = false;
        while let Some(frame) = self.connection.poll_transmit() {
            moved = true;
            if self.push(&frame) == Pushed::Overflow {
                self.connection.close(CloseReason::SlowConsumer, now);
            }
        }
        moved
    }

    fn push(&self, frame: &Frame) -> Pushed {
        self.member.outlet.push(frame, Delivery::Own).pushed
    }

    /// Writes once; false when more could be written at once.
    fn write(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let Some(socket) = self.socket.clone() else { return true };
        if let Some(pong) = self.link.poll_transmit() {
            self.member.outlet.lock().push_control(pong);
        }
        match io::flush(&*socket, &self.member.outlet, now, cx) {
            Ok(flush) => {
                self.link.flushed(!flush.empty, flush.written > 0, now);
                if flush.written > 0 {
                    self.connection.wrote(now);
                }
                if flush.empty { self.close_link(now) } else { !flush.more }
            }
            Err(error) => {
                self.link.handle_end(error.kind());
                self.connection.handle_disconnect(End::Lost(error.kind()), now);
                self.lose_socket();
                false
            }
        }
    }

    /// Everything has left: if the hub's side is over, the link's close is next, and then the socket.
    fn close_link(&mut self, now: Timestamp) -> bool {
        if self.over.is_none() {
            return true;
        }
        if let Some(close) = self.link.close(now) {
            self.member.outlet.lock().seal(Some(close));
            return false;
        }
        if self.link.is_done() {
            self.drop_socket();
        }
        true
    }

    /// Nothing can be written any more.
    fn lose_socket(&mut self) {
        self.member.outlet.lock().abandon();
        self.member.outlet.tell_room();
        self.drop_socket();
    }

    fn drop_socket(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.shutdown();
        }
    }

    // Timers.

    fn fire_timers(&mut self, now: Timestamp) {
        self.connection.handle_timeout(now);
        self.link.handle_timeout(now);
        let Some(Over { handlers, link }) = self.over else { return };
        if now >= handlers && self.is_busy() {
            self.cut_handlers();
        }
        if now >= link && self.socket.is_some() {
            self.lose_socket();
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        let connection = self.connection.poll_timeout();
        let link = self.link.poll_timeout().filter(|_| self.socket.is_some());
        let over = self.over.as_ref();
        let deadlines = [
            Deadline::earliest(connection, link).map(|deadline| deadline.at),
            over.filter(|_| self.is_busy()).map(|over| over.handlers),
            over.filter(|_| self.socket.is_some()).map(|over| over.link),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Sets the timer if it is not set or set too late; a deadline that has moved away is found out
    /// when the timer fires.
    fn arm(&mut self, cx: &mut Context<'_>) {
        while let Some(at) = self.next_deadline() {
            if self.armed.is_none_or(|armed| at < armed) {
                self.endpoint.clock.arm(&mut self.sleep, at);
                self.armed = Some(at);
            }
            let Some(sleep) = &mut self.sleep else { return };
            if sleep.as_mut().poll(cx).is_pending() {
                return;
            }
            self.armed = None;
            if at <= self.endpoint.clock.now() {
                return cx.waker().wake_by_ref();
            }
        }
        self.armed = None;
    }
}

impl Drop for Session {
    /// Usually everything is over by now. But a runtime may drop a session at any time, and then, too,
    /// nobody must wait for it or find it among the connected.
    fn drop(&mut self) {
        if !matches!(self.stage, Stage::Left) {
            discard(mem::replace(&mut self.stage, Stage::Left));
            self.unregister();
        }
        self.lose_socket();
        self.member.abort_signal().fire();
        self.running.cancel_all();
        discard(mem::take(&mut self.running));
        // Contexts may live on, but not with the memory of this task.
        drop(self.member.waker.take());
    }
}

impl Future for Session {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.turn(cx)
    }
}
