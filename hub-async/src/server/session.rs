//! The task of one connection: its turn.

mod calls;
mod life;
mod links;

use std::future::Future;
use std::io::ErrorKind;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hub_core::link::LinkEvent;
use hub_core::server::{AskError, Connection, End, TransportFacts};
use hub_core::{CloseReason, Delivery, Pushed, Timer, Timestamp};
use hub_proto::Frame;

use super::alarm::Alarm;
use super::carrier::Carrier;
use super::endpoint::Ticket;
use super::running::Running;
use super::start::Arrived;
use crate::builder::HubCore;
use crate::caught::{caught, discard};
use crate::deliver::{Turn, deliver_deferred, is_deferred};
use crate::handler::Answer;
use crate::inbox::{NewLink, Post};
use crate::member::Member;

/// How many events and finished calls one turn handles before it lets others have theirs.
const STEPS: usize = 64;
/// How long what was sent may wait in a turn for more to be written with it.
const LATE: Duration = Duration::from_millis(1);

/// One connection, from its upgrade until its last handler is done.
///
/// A turn: read once, settle (inbox, events, the machine's output and handlers alternate until none of
/// them moves), write once, set the timer.
pub(super) struct Session {
    hub: Arc<HubCore>,
    member: Arc<Member>,
    carrier: Carrier,
    connection: Connection,
    running: Running,
    stage: Stage,
    /// How much of the common budget its input has.
    counted_input: u32,
    /// Another link, for which the last write to the old one has to be over.
    next_link: Option<Box<NewLink>>,
    /// The connection is over: until then methods and hooks may run on.
    over: Option<Timestamp>,
    alarm: Alarm,
    /// Dropped last: others may wait for the last session to go.
    ticket: Ticket,
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
    Interrupted(Answer, Box<CloseReason>),
    /// It is over, and `on_disconnected` runs.
    Leaving(Answer),
    /// It is not registered any more.
    Left,
}

impl Session {
    pub(super) fn new(
        member: Arc<Member>,
        ticket: Ticket,
        hub: Arc<HubCore>,
        mut carrier: Carrier,
        arrived: Arrived<'_>,
        facts: TransportFacts,
    ) -> Self {
        let endpoint = ticket.endpoint();
        let now = endpoint.clock.now();
        let mut connection = Connection::new(Arc::clone(&endpoint.config), facts, now);
        connection.handle_input(arrived.early, now);
        carrier.receive(arrived.read, |run| connection.handle_input(run.bytes, now));
        Self {
            hub,
            member,
            carrier,
            connection,
            running: Running::default(),
            stage: Stage::Unknown,
            counted_input: 0,
            next_link: None,
            over: None,
            alarm: Alarm::default(),
            ticket,
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.member.waker.register(cx.waker());
        let now = self.ticket.endpoint().clock.now();
        let turn = Turn::begin(&self.member);
        self.fire_timers(now);
        let reads = self.read(now, cx);
        if let Some(link) = self.next_link.take() {
            self.attach(*link, now);
        }
        let settled = self.settle(now, cx);
        self.count_input();
        let flushed = self.write(now, cx);
        let endpoint = self.ticket.endpoint();
        deliver_deferred(&endpoint.clock, &endpoint.runtime);
        drop(turn);
        // Input that is wanted only now was not asked for above.
        if !settled || !flushed || (!reads && self.wants_input()) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.is_over() {
            return Poll::Ready(());
        }
        self.set_alarm(cx);
        Poll::Pending
    }

    // Reading.

    fn wants_input(&self) -> bool {
        // Once the hub's side is over, the link still waits for the peer's close.
        let wanted = self.connection.wants_input() || self.connection.is_ending();
        let kept = self.counted_input > 0 && self.member.outlet.budget().is_used_up();
        wanted && !kept && self.carrier.wants_input()
    }

    /// Reads once; false when no input is wanted, of which the socket will not tell then.
    fn read(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let wanted = self.wants_input();
        if wanted {
            let Self { carrier, connection, member, ticket, .. } = self;
            let usual = ticket.endpoint().options.client_result_timeout;
            let (mut looked, mut post, mut asked) = (false, None, Vec::new());
            carrier.read(cx, |run| {
                // What is answered here was asked before it was read.
                if !mem::replace(&mut looked, true) {
                    post = member.inbox.take();
                    let questions = post.iter().flat_map(|post| post.questions());
                    asked.extend(questions.map(|(ask, timeout)| {
                        connection.ask(ask, Some(now + timeout.unwrap_or(usual)), now)
                    }));
                }
                connection.handle_input(run.bytes, now);
            });
            self.read_post(post, asked, now);
        }
        wanted
    }

    /// Counts what is kept of the input.
    fn count_input(&mut self) {
        let connection = &self.connection;
        let kept = connection.unread()
            + connection.parked()
            + connection.in_front_of_readers()
            + self.carrier.unread();
        self.member.outlet.budget().count(kept, &mut self.counted_input);
    }

    // Settling.

    /// Handles what happened until nothing moves; false when it stopped for others' sake.
    fn settle(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        for _ in 0..STEPS {
            if !self.step(now, cx) {
                return true;
            }
            // Handlers that compute do not hold up what others have sent.
            let endpoint = self.ticket.endpoint();
            if is_deferred() && endpoint.clock.now() - now > LATE {
                deliver_deferred(&endpoint.clock, &endpoint.runtime);
            }
        }
        // However many events there are, methods have their turn as well.
        if let Some(done) = self.running.poll(cx) {
            self.finish(done, now);
        }
        false
    }

    /// One thing that happened; false when there is none.
    fn step(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        self.look_into_inbox(now);
        self.pass_acks();
        // An answer is queued before the next call can send.
        let moved = self.move_output(now);
        if let Some(event) = self.connection.poll_event() {
            self.on_event(event, now, cx);
        } else if let Some(event) = self.carrier.poll_event() {
            self.on_link(event, now);
        } else if let Some((call, answer)) = self.running.poll_held(&self.member.outlet, cx) {
            self.connection.complete(call, Some(answer), now);
        } else if let Some(done) = self.running.poll(cx) {
            self.finish(done, now);
        } else {
            // An end that only now took effect has left its last frame, and those who did not come to theirs
            // may have left notes.
            return self.poll_hook(now, cx)
                || self.move_output(now)
                || moved
                || self.pass_acks()
                || self.member.inbox.is_waiting();
        }
        true
    }

    fn look_into_inbox(&mut self, now: Timestamp) {
        let post = self.member.inbox.take();
        self.read_post(post, Vec::new(), now);
    }

    /// Does what others want; the first of their questions have been put in already, with that success.
    fn read_post(
        &mut self,
        post: Option<Box<Post>>,
        asked: Vec<Result<(), AskError>>,
        now: Timestamp,
    ) {
        let Some(mut post) = post else { return };
        let mut asked = asked.into_iter();
        for note in mem::take(&mut post.notes) {
            self.read_note(note, &mut asked, now);
        }
        if let Some(link) = post.link.take() {
            self.attach(link, now);
        }
        if let Some(reason) = post.close.take() {
            self.connection.close(reason, now);
        }
    }

    fn on_link(&mut self, event: LinkEvent, now: Timestamp) {
        match event {
            LinkEvent::Finished => self.connection.handle_disconnect(End::Finished, now),
            LinkEvent::Violated(violation) => {
                self.connection.handle_disconnect(End::Violated(violation), now);
            }
            LinkEvent::Lost(kind) => self.lose_link(kind, now),
            // It is the link that is stuck, and another one may not be.
            LinkEvent::Stuck if self.connection.is_resumable() => {
                self.lose_link(ErrorKind::TimedOut, now);
            }
            LinkEvent::Stuck => self.connection.close(CloseReason::Timeout(Timer::Send), now),
            LinkEvent::Absent => {
                self.connection.close(CloseReason::Timeout(Timer::Disconnect), now);
            }
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

    /// Writes once; false when there is more to do at once.
    fn write(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        if self.connection.is_down() {
            // Perhaps somebody was writing when the link was lost.
            self.member.outlet.unlink();
        }
        if self.connection.leaves_acks_unread() {
            self.member.outlet.lock().release_past_limit();
        }
        let written = self.carrier.write(&self.member.outlet, now, cx);
        if written.progress {
            self.connection.wrote(now);
        }
        if let Some(kind) = written.lost {
            self.lose_link(kind, now);
            return false;
        }
        !written.more
    }

    // Timers.

    fn fire_timers(&mut self, now: Timestamp) {
        if self.connection.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            // Others may have written meanwhile.
            self.connection.wrote(self.member.outlet.lock().idle_since());
        }
        self.connection.handle_timeout(now);
        self.carrier.handle_timeout(&self.member.outlet, now);
        if self.over.is_some_and(|until| now >= until) && self.is_busy() {
            self.cut_handlers();
        }
    }

    fn set_alarm(&mut self, cx: &mut Context<'_>) {
        let over = self.over.filter(|_| self.is_busy());
        let (connection, carrier) = (&self.connection, &self.carrier);
        let next = || {
            let connection = connection.poll_timeout().map(|deadline| deadline.at);
            [connection, carrier.poll_timeout(), over].into_iter().flatten().min()
        };
        self.alarm.set(&self.ticket.endpoint().clock, next, cx);
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
        self.member.outlet.budget().count(0, &mut self.counted_input);
        self.carrier.lose(&self.member.outlet);
        self.member.leave();
        self.running.cancel_all();
        discard(mem::take(&mut self.running));
        // Contexts may live on, but not with the memory of this task.
        drop(self.member.waker.take());
    }
}

impl Future for Session {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // A socket that panics is its own connection's end, and nobody else's.
        caught(|| self.turn(cx)).unwrap_or_else(|| {
            tracing::error!(connection = &*self.member.id, "the session panicked");
            Poll::Ready(())
        })
    }
}
