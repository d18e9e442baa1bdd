//! Time that passes when everybody waits.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// A clock that stands still until it is advanced. A clone is the same clock.
#[derive(Clone)]
pub(crate) struct VirtualClock(Arc<Mutex<State>>);

struct State {
    now: Instant,
    /// Who waits, in the order of time and then of asking.
    waiting: BTreeMap<(Instant, u64), Waker>,
    next: u64,
}

impl VirtualClock {
    /// The real clock is asked once, for a moment to begin with; nothing depends on which it is.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { now: Instant::now(), waiting: BTreeMap::new(), next: 0 })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Instant {
        self.lock().now
    }

    /// As good as for ever, when it is longer than the clock goes.
    pub(crate) fn sleep(&self, duration: Duration) -> VirtualSleep {
        const LONG: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
        let now = self.now();
        self.sleep_until(now.checked_add(duration).unwrap_or_else(|| now + LONG))
    }

    pub(crate) fn sleep_until(&self, until: Instant) -> VirtualSleep {
        VirtualSleep { clock: self.clone(), until, ticket: None }
    }

    /// Goes to the next moment at which somebody wakes, and wakes them. False when nobody waits.
    pub(crate) fn advance(&self) -> bool {
        let next = self.lock().waiting.first_key_value().map(|((at, _), _)| *at);
        next.is_some_and(|at| self.go_to(at) > 0)
    }

    /// Goes on by that much, and wakes whoever is due.
    pub(crate) fn pass(&self, time: Duration) {
        self.go_to(self.now() + time);
    }

    fn go_to(&self, at: Instant) -> usize {
        let mut state = self.lock();
        state.now = state.now.max(at);
        let now = state.now;
        let mut due = Vec::new();
        while let Some(entry) = state.waiting.first_entry()
            && entry.key().0 <= now
        {
            due.push(entry.remove());
        }
        drop(state);
        let count = due.len();
        due.into_iter().for_each(Waker::wake);
        count
    }
}

impl Timer for VirtualClock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Self::sleep(self, duration))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Self::sleep_until(self, deadline))
    }

    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<VirtualSleep>() {
            Some(sleep) => {
                let sleep = sleep.get_mut();
                sleep.leave();
                sleep.until = new_deadline;
            }
            None => *sleep = Timer::sleep_until(self, new_deadline),
        }
    }
}

/// Ready at a moment of virtual time.
pub(crate) struct VirtualSleep {
    clock: VirtualClock,
    until: Instant,
    /// The place in the queue, while there is one.
    ticket: Option<(Instant, u64)>,
}

impl VirtualSleep {
    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let waker = self.clock.lock().waiting.remove(&ticket);
            drop(waker);
        }
    }
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.leave();
        let (clock, until) = (self.clock.clone(), self.until);
        let mut state = clock.lock();
        if until <= state.now {
            return Poll::Ready(());
        }
        let ticket = (until, state.next);
        state.next += 1;
        state.waiting.insert(ticket, cx.waker().clone());
        drop(state);
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Sleep for VirtualSleep {}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        self.leave();
    }
}
