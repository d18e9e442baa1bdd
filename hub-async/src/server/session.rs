//! The task of one connection: its turn, and its end.

use std::future::Future;
use std::io::ErrorKind;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hub_core::link::{Link, LinkEvent};
use hub_core::server::{CallFault, Connection, End, Event, TransportFacts};
use hub_core::{CloseReason, Deadline, Delivery, PeerFault, Pushed, Timer, Timestamp};
use hub_proto::{BindError, DecodeError, Encoding, Frame};
use hyper::rt::Sleep;

use super::endpoint::{Endpoint, Ticket};
use super::running::{CallInfo, Done, Running, discard};
use super::{hooks, io};
use crate::context::Context as HubCallContext;
use crate::error::HubError;
use crate::handler::{Answer, Invoked, Surroundings, failure};
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
            Poll::Ready(Ok(0)) => self.link.handle_end(ErrorKind::UnexpectedEof),
            Poll::Ready(Ok(_)) => cx.waker().wake_by_ref(),
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

    fn on_event(&mut self, event: Event, now: Timestamp, cx: &mut Context<'_>) {
        match event {
            Event::Handshake(encoding) => self.greet(encoding, now),
            Event::Invoked(call) => {
                let info = CallInfo {
                    id: call.id,
                    target: call.target.clone(),
                    reply: call.reply.clone(),
                };
                if let Err(fault) = self.invoke(&call, info, now, cx) {
                    match fault {
                        CallFault::Arguments(BindError::Syntax) => {
                            self.connection.malformed(PeerFault::Message(DecodeError::Syntax), now);
                        }
                        fault => {
                            let text =
                                fault.text(&call.target, self.endpoint.config.detailed_errors);
                            self.connection.complete(call.id, call.reply.failure(&text), now);
                        }
                    }
                }
            }
            Event::Started(id) => {
                if let Some((info, bound)) = self.running.unpark(id) {
                    let answer = bound(info.reply.clone());
                    self.start(info, answer, now, cx);
                }
            }
            Event::Cancelled(id) => self.running.cancel(id),
            Event::Closed(reason) => self.leave(reason, now),
        }
    }

    /// Finds the method, binds its arguments and starts it, or says why not.
    fn invoke(
        &mut self,
        call: &hub_core::server::Call,
        info: CallInfo,
        now: Timestamp,
        cx: &mut Context<'_>,
    ) -> Result<(), CallFault<'static>> {
        let arguments = call.arguments();
        let hub = Arc::clone(&self.endpoint.hub);
        let Some(method) = hub.method(&call.target) else {
            arguments.check().map_err(CallFault::Arguments)?;
            return Err(CallFault::UnknownMethod);
        };
        let misuse = if call.streaming {
            Some(CallFault::NotStreaming)
        } else if call.streams > 0 {
            Some(CallFault::Streams { sent: call.streams, expected: 0 })
        } else {
            None
        };
        let context = HubCallContext::new(Arc::clone(&hub), Arc::clone(&self.member));
        let mut cancel = None;
        let around = Surroundings {
            context: &context,
            states: &hub.states,
            reason: None,
            cancel: &mut cancel,
        };
        let (connection, id) = (&mut self.connection, call.id);
        let mut admit = || match misuse {
            None => connection.admit(id),
            Some(_) => hub_core::server::Admission::Gone,
        };
        // Arguments are the hub's own types: reading them is the hub's own code.
        let invoked = catch_unwind(AssertUnwindSafe(|| {
            method.invoke(around, arguments, &call.reply, &mut admit)
        }));
        let Ok(invoked) = invoked else {
            self.finish(Done { call: info, result: Err(HubError::panicked()) }, now);
            return Ok(());
        };
        let invoked = invoked.map_err(CallFault::Arguments)?;
        if let Some(misuse) = misuse {
            return Err(misuse);
        }
        if let Some(cancel) = cancel {
            self.running.watch(id, cancel);
        }
        match invoked {
            Invoked::Running(answer) => self.start(info, answer, now, cx),
            Invoked::Parked(bound) => self.running.park(info, bound),
            Invoked::Gone => self.running.forget(id),
        }
        Ok(())
    }

    fn start(&mut self, info: CallInfo, answer: Answer, now: Timestamp, cx: &mut Context<'_>) {
        if let Some(done) = self.running.start(info, answer, cx) {
            self.finish(done, now);
        }
    }

    fn finish(&mut self, done: Done, now: Timestamp) {
        let Done { call, result } = done;
        let answer = result.unwrap_or_else(|error| {
            tracing::warn!(
                connection = &*self.member.id,
                method = &*call.target,
                error = error.name(),
                "a hub method failed"
            );
            call.reply.failure(&failure(&error, &call.target, self.endpoint.config.detailed_errors))
        });
        self.running.forget(call.id);
        // A method that has aborted its connection is not answered.
        self.look_into_inbox(now);
        self.connection.complete(call.id, answer, now);
    }

    // Coming and going.

    /// The handshake asks for a protocol: finds the user, answers, registers, greets.
    fn greet(&mut self, encoding: Encoding, now: Timestamp) {
        let hub = Arc::clone(&self.endpoint.hub);
        let user = match hooks::user_id(&hub, &self.member) {
            Ok(user) => user,
            Err(error) => return self.connection.refuse(&error.to_string(), now),
        };
        self.member.introduce(user, encoding);
        self.connection.welcome(now);
        // The answer is queued before anybody can send to the connection.
        self.move_output(now);
        hub.shards.insert(Arc::clone(&self.member));
        tracing::debug!(connection = &*self.member.id, hub = self.endpoint.path, "connected");
        match hooks::on_connected(&hub, &self.member) {
            Some(answer) => self.stage = Stage::Greeting(answer),
            None => self.open(now),
        }
    }

    fn open(&mut self, now: Timestamp) {
        self.stage = Stage::Open;
        self.connection.accept(now);
    }

    /// Lets `on_connected` or `on_disconnected` go on; false when it did not end.
    fn poll_hook(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
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
                let detail = error.detail(self.endpoint.config.detailed_errors);
                self.connection.close(CloseReason::Rejected(detail), now);
            }
            (Stage::Interrupted(_, reason), Ok(_)) => self.say_farewell(&reason),
            _ => self.unregister(),
        }
        true
    }

    /// The connection is over: tells handlers and the hub.
    fn leave(&mut self, reason: CloseReason, now: Timestamp) {
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
        let options = &self.endpoint.options;
        self.over = Some(Over {
            handlers: now + options.linger,
            link: now + options.timeouts.send + options.timeouts.close,
        });
        if matches!(reason, CloseReason::Lost(_) | CloseReason::Timeout(Timer::Send)) {
            self.lose_socket();
        } else {
            self.member.outlet.lock().seal(None);
            self.member.outlet.tell_room();
        }
        self.member.abort_signal().fire();
        self.running.cancel_all();
        match mem::replace(&mut self.stage, Stage::Left) {
            Stage::Greeting(answer) => self.stage = Stage::Interrupted(answer, reason),
            Stage::Open => self.say_farewell(&reason),
            _ => self.unregister(),
        }
    }

    fn say_farewell(&mut self, reason: &CloseReason) {
        match hooks::on_disconnected(&self.endpoint.hub, &self.member, reason) {
            Some(answer) => self.stage = Stage::Leaving(answer),
            None => self.unregister(),
        }
    }

    fn unregister(&mut self) {
        self.endpoint.hub.shards.remove(&self.member.id);
        self.stage = Stage::Left;
    }

    /// Whether some of the hub's own code is still at work.
    fn is_busy(&self) -> bool {
        !self.running.is_empty() || !matches!(self.stage, Stage::Left)
    }

    fn is_over(&self) -> bool {
        self.over.is_some() && self.socket.is_none() && !self.is_busy()
    }

    /// Drops methods and hooks that have run on for too long.
    fn cut_handlers(&mut self) {
        tracing::warn!(
            connection = &*self.member.id,
            "handlers outlived their connection for too long"
        );
        let stage = mem::replace(&mut self.stage, Stage::Left);
        discard((mem::take(&mut self.running), stage));
        self.unregister();
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
