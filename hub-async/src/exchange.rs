//! What connects the task of a connection with the HTTP requests that carry it.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hub_core::endpoint::{Answer, Transports};
use hub_core::link::{Exchange as Machine, Generation, Input, LinkEvent, Next, Place, Posted};
use hub_core::{Batch, Timestamp};

use crate::hang_up::HangUp;
use crate::member::Member;
use crate::outlet::Outlet;
use crate::runtime::Clock;
use crate::signal::poll_until;
use crate::sync::{Event, EventListener, Mutex, MutexGuard};

/// An exchange of requests that the session and the requests share. Its lock is taken before the outlet's.
pub(crate) struct Exchange {
    state: Mutex<State>,
    /// Told when a POST may go on.
    room: Event,
}

struct State {
    machine: Machine,
    /// Wakes the request that takes what is sent.
    taker: Option<Waker>,
    /// Ends the HTTP connection of the latest such request.
    hang_up: HangUp,
}

impl Exchange {
    pub(crate) fn new(mut machine: Machine, early: &[u8]) -> Self {
        machine.post_early(early);
        let state = State { machine, taker: None, hang_up: HangUp::default() };
        Self { state: Mutex::new(state), room: Event::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(crate) fn transport(&self) -> Transports {
        self.lock().machine.transport()
    }

    // The session.

    pub(crate) fn is_over(&self) -> bool {
        self.lock().machine.is_over()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().machine.is_closed()
    }

    pub(crate) fn unread(&self) -> usize {
        self.lock().machine.unread()
    }

    /// Takes everything that was posted.
    pub(crate) fn take_input(&self) -> Input {
        let input = self.lock().machine.take_input();
        if input.made_room() {
            self.tell_room();
        }
        input
    }

    pub(crate) fn poll_event(&self) -> Option<LinkEvent> {
        self.lock().machine.poll_event()
    }

    /// Lets a request take what waits, and looks how long that has waited.
    pub(crate) fn flushed(&self, outlet: &Outlet, now: Timestamp) {
        let mut state = self.lock();
        let queue = outlet.lock();
        state.machine.look(&queue, now);
        let waiting = !queue.is_empty();
        drop(queue);
        let taker = if waiting { state.taker.take() } else { None };
        drop(state);
        wake(taker);
    }

    pub(crate) fn finish(&self, now: Timestamp) {
        self.change(|machine| machine.finish(now));
    }

    pub(crate) fn lose(&self) {
        self.change(Machine::lose);
    }

    /// Lets timers run out; true when the connection is given up, whose request is cut off then.
    pub(crate) fn handle_timeout(&self, outlet: &Outlet, now: Timestamp) -> bool {
        let mut state = self.lock();
        let was = state.machine.is_given_up();
        state.machine.handle_timeout(&outlet.lock(), now);
        if was || !state.machine.is_given_up() {
            return false;
        }
        let (taker, hang_up) = (state.taker.take(), mem::take(&mut state.hang_up));
        drop(state);
        wake(taker);
        self.tell_room();
        hang_up.fire();
        true
    }

    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.lock().machine.poll_timeout().map(|deadline| deadline.at)
    }

    // Whoever sends.

    /// Wakes the request that takes what is sent, if there is one.
    pub(crate) fn wake_taker(&self) {
        let taker = self.lock().taker.take();
        wake(taker);
    }

    // Requests.

    /// The client takes its leave. The caller wakes the session.
    pub(crate) fn delete(&self) -> bool {
        self.change(Machine::delete)
    }

    /// Changes something that requests of both kinds want to know.
    fn change<R>(&self, change: impl FnOnce(&mut Machine) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state.machine);
        let taker = state.taker.take();
        drop(state);
        wake(taker);
        self.tell_room();
        result
    }

    fn tell_room(&self) {
        self.room.notify(usize::MAX);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A request that takes what is sent to a connection. Dropped, it is gone, and has lost nothing.
pub(crate) struct Taking {
    member: Arc<Member>,
    request: Generation,
    clock: Clock,
}

/// What a request has to do.
pub(crate) enum Taken {
    /// It sends this, and [says so](Taking::sent).
    Batch(Batch),
    /// It is done, without a body by that status.
    Done(u16),
}

impl Taking {
    /// Lets a request take what is sent to the connection, in the place of another poll. Refused like that.
    pub(crate) fn new(member: Arc<Member>, clock: Clock, hang_up: HangUp) -> Result<Self, Answer> {
        let Some(exchange) = member.exchange() else { return Err(Answer::already_attached()) };
        let now = clock.now();
        let mut state = exchange.lock();
        let request = state.machine.attach(now)?;
        let taker = state.taker.take();
        let before = mem::replace(&mut state.hang_up, hang_up);
        drop(state);
        drop(before);
        wake(taker);
        Ok(Self { member, request, clock })
    }

    /// What to do next. Pending, it is also worth another look at the time that `until` is set to.
    pub(crate) fn poll(&self, until: &mut Timestamp, cx: &Context<'_>) -> Poll<Taken> {
        let Some(exchange) = self.member.exchange() else { return Poll::Ready(Taken::Done(204)) };
        // A waker is foreign code, also to clone and to drop it.
        let mut waker = None;
        loop {
            let now = self.clock.now();
            let mut state = exchange.lock();
            let mut queue = self.member.outlet.lock();
            match state.machine.next(self.request, &queue, now) {
                Next::Take => {
                    let mut batch = Batch::whole();
                    queue.next(&mut batch);
                    return Poll::Ready(Taken::Batch(batch));
                }
                Next::Done { status } => {
                    drop((queue, state));
                    // Perhaps that was what it waited for.
                    self.member.waker.wake();
                    return Poll::Ready(Taken::Done(status));
                }
                Next::Wait { until: next } => *until = next,
            }
            drop(queue);
            if state.taker.as_ref().is_some_and(|taker| taker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            if let Some(waker) = waker.take() {
                let before = state.taker.replace(waker);
                drop(state);
                drop(before);
                return Poll::Pending;
            }
            drop(state);
            waker = Some(cx.waker().clone());
        }
    }

    /// So many bytes of what was taken have left; none if they are not wanted any more, and then the next request
    /// takes them.
    pub(crate) fn sent(&self, bytes: usize) {
        let now = self.clock.now();
        let mut queue = self.member.outlet.lock();
        queue.written(bytes, now);
        let room = queue.takes_more_again();
        drop(queue);
        if bytes > 0
            && let Some(exchange) = self.member.exchange()
        {
            exchange.lock().machine.took();
        }
        if room {
            self.member.outlet.tell_room();
        }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        let Some(exchange) = self.member.exchange() else { return };
        let now = self.clock.now();
        let mut state = exchange.lock();
        state.machine.detach(self.request, now);
        // The end is not far then.
        let over = state.machine.is_closed();
        // A later one may have waited for this one to be done.
        let taker = state.taker.take();
        drop(state);
        wake(taker);
        if over {
            self.member.waker.wake();
        }
    }
}

/// A POST to a connection that is carried by requests. Dropped, it is over.
pub(crate) struct Post {
    member: Arc<Member>,
    place: Place,
    listener: Option<EventListener>,
}

impl Post {
    /// Lines up behind the POSTs that came before. Refused like that.
    pub(crate) fn new(member: Arc<Member>) -> Result<Self, Answer> {
        let exchange = member.exchange().ok_or_else(Answer::gone)?;
        let place = exchange.lock().machine.line_up().ok_or_else(Answer::unavailable)?;
        Ok(Self { member, place, listener: None })
    }

    /// Ready once the bytes are taken; false when nobody wants them any more.
    pub(crate) fn poll(&mut self, chunk: &mut Bytes, cx: &mut Context<'_>) -> Poll<bool> {
        let Some(exchange) = self.member.exchange() else { return Poll::Ready(false) };
        let (place, mut posted) = (self.place, Posted::Waits);
        let put = || {
            posted = exchange.lock().machine.post(place, chunk);
            posted != Posted::Waits
        };
        std::task::ready!(poll_until(&exchange.room, put, &mut self.listener, cx));
        if posted == Posted::Taken {
            self.member.waker.wake();
        }
        Poll::Ready(posted == Posted::Taken)
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let Some(exchange) = self.member.exchange() else { return };
        if exchange.lock().machine.leave(self.place) {
            exchange.tell_room();
        }
    }
}
