//! Writing what was sent to others, past their sessions.
//!
//! A session that has nothing to do but to write a frame costs more than the write. So what a session
//! sends to others waits until the end of its turn, when everything that it sends has been queued, and
//! is then written from here, to as many sockets as fit between two yields; tasks of their own see to
//! the rest. A session is woken only when its socket does not take it all.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::member::Member;
use crate::runtime::{Clock, Runtime};
use crate::server::io::write_through;
use crate::sync::thread_local;

/// How many sockets are written to between two yields.
const STRETCH: usize = 64;
/// How many sockets one task sees to.
const TASK: usize = 512;

thread_local! {
    /// Whom the session whose turn it is on this thread has sent to; none outside of turns.
    static DEFERRED: RefCell<Option<Vec<Arc<Member>>>> = const { RefCell::new(None) };
    /// Whose turn it is; only ever compared.
    static WHOSE: Cell<*const Member> = const { Cell::new(ptr::null()) };
}

/// The turn of a session, in which what is sent waits for [`deliver_deferred`].
pub(crate) struct Turn {
    /// What another turn has gathered, in which this one happens.
    outer: Option<Vec<Arc<Member>>>,
    /// Whose turn that is.
    whose: *const Member,
}

impl Turn {
    pub(crate) fn begin(member: &Arc<Member>) -> Self {
        Self {
            outer: DEFERRED.replace(Some(Vec::new())),
            whose: WHOSE.replace(Arc::as_ptr(member)),
        }
    }
}

impl Drop for Turn {
    /// What was not delivered is left to the sessions.
    fn drop(&mut self) {
        WHOSE.set(self.whose);
        DEFERRED.replace(self.outer.take()).iter().flatten().for_each(wake);
    }
}

/// Whether this thread is in the turn of that session, which looks into its inbox before it rests.
pub(crate) fn is_turn_of(member: &Member) -> bool {
    ptr::eq(WHOSE.get(), member)
}

/// Whether something was sent in this turn that is not delivered yet.
pub(crate) fn is_deferred() -> bool {
    DEFERRED.with_borrow(|sent| sent.as_ref().is_some_and(|sent| !sent.is_empty()))
}

/// Delivers what was sent in this turn so far.
pub(crate) fn deliver_deferred(clock: &Clock, runtime: &Arc<dyn Runtime>) {
    let sent = DEFERRED.with_borrow_mut(|sent| sent.as_mut().map(mem::take));
    let mut members = sent.unwrap_or_default();
    if members.is_empty() {
        return;
    }
    let deliveries = |members| Deliveries { members, clock: clock.clone() };
    let mut later = members.split_off(members.len().min(STRETCH)).into_iter().peekable();
    while later.peek().is_some() {
        runtime.spawn(Box::pin(deliveries(later.by_ref().take(TASK).collect())));
    }
    deliveries(members).stretch();
}

/// Has what was queued for them written: at the end of the turn, or by the sessions themselves.
/// Not to be called under a lock.
pub(crate) fn deliver(members: &mut Vec<Arc<Member>>) {
    let deferred =
        DEFERRED.with_borrow_mut(|sent| sent.as_mut().map(|sent| sent.append(members)).is_some());
    if !deferred {
        members.drain(..).for_each(|member| wake(&member));
    }
}

fn wake(member: &Arc<Member>) {
    member.wake_writer();
}

/// Connections to whose sockets is still to be written; as a task, of a large audience that a turn has no
/// time for.
struct Deliveries {
    members: Vec<Arc<Member>>,
    clock: Clock,
}

impl Deliveries {
    /// Writes to as many as fit between two yields.
    fn stretch(&mut self) {
        let now = self.clock.now();
        for _ in 0..STRETCH {
            let Some(member) = self.members.pop() else { return };
            if member.inbox.is_waiting() || !write_through(&member.outlet, now) {
                wake(&member);
            }
        }
    }
}

impl Future for Deliveries {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.stretch();
        if self.members.is_empty() {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Deliveries {
    /// Those that are left are left to their sessions: a runtime may drop a task at any time.
    fn drop(&mut self) {
        self.members.iter().for_each(wake);
    }
}
