//! What an adapter brings: tasks, timers and sockets.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hub_core::Timestamp;
use hyper::rt::{Sleep, Timer};
use hyper::upgrade::Upgraded;

use crate::socket::Socket;

/// A future that a [`Runtime`] runs on its own.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An async runtime, as far as hubs need one.
pub trait Runtime: Send + Sync + 'static {
    /// Runs a task to its end.
    fn spawn(&self, task: Task);

    /// Its timer, whose `now` is also its clock.
    fn timer(&self) -> Arc<dyn Timer + Send + Sync>;

    /// Takes an upgraded HTTP connection apart into its socket and the bytes read too far.
    ///
    /// Gives the connection back when it runs on IO that the runtime does not know.
    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded>;
}

/// As good as never, and within the reach of every platform's clock.
pub(crate) const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The time of one server: a timer, and the moment from which [`Timestamp`]s count.
#[derive(Clone)]
pub struct Clock {
    timer: Arc<dyn Timer + Send + Sync>,
    epoch: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn new(timer: Arc<dyn Timer + Send + Sync>) -> Self {
        let epoch = timer.now();
        Self { timer, epoch }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        let nanos = self.timer.now().saturating_duration_since(self.epoch).as_nanos();
        Timestamp::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The time, as the timer tells it.
    pub(crate) fn instant(&self) -> Instant {
        self.timer.now()
    }

    /// Sets `sleep` to end at `at`.
    pub(crate) fn arm(&self, sleep: &mut Option<Pin<Box<dyn Sleep>>>, at: Timestamp) {
        let span = Duration::from_nanos(at.as_nanos());
        let instant = self.epoch.checked_add(span).unwrap_or_else(|| self.epoch + NEVER);
        match sleep {
            Some(sleep) => self.timer.reset(sleep, instant),
            None => *sleep = Some(self.timer.sleep_until(instant)),
        }
    }

    /// A sleep of that length.
    pub fn sleep(&self, span: Duration) -> Pin<Box<dyn Sleep>> {
        self.timer.sleep(span.min(NEVER))
    }
}

/// The timer as hyper wants it: a value that forwards all four methods.
#[derive(Clone)]
pub(crate) struct SharedTimer(pub(crate) Arc<dyn Timer + Send + Sync>);

impl Timer for SharedTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.0.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.0.sleep_until(deadline)
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        self.0.reset(sleep, new_deadline);
    }
}
