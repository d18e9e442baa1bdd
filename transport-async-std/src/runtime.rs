//! Tasks of smol or async-std, and the timers of async-io, which both run on.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hub_async::{Runtime, Socket, Task};
use hyper::rt::{Sleep, Timer};
use hyper::upgrade::Upgraded;

use crate::io::Io;
use crate::socket::TcpSocket;

/// Runs hubs on smol's global executor, or on one of your own.
///
/// The global one runs on threads of its own, as many as `SMOL_THREADS` says, one by default.
#[cfg(feature = "smol")]
#[derive(Clone, Debug, Default)]
pub struct SmolRuntime {
    /// The executor holds its tasks, and they this: it must not hold the executor.
    executor: Option<Weak<smol::Executor<'static>>>,
}

#[cfg(feature = "smol")]
impl SmolRuntime {
    /// Runs hubs on that executor, wherever it is run. Once it is dropped, all connections are.
    ///
    /// ```no_run
    /// use std::sync::{Arc, Weak};
    /// use hub_async::Hub;
    /// use hub_async::server::Server;
    /// use transport_async_std::SmolRuntime;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let executor = Arc::new(smol::Executor::new());
    /// let server = Server::on(SmolRuntime::on(&executor));
    /// let server = server.hub("/hub", Hub::builder().build()?);
    /// // Everything on this one thread.
    /// smol::block_on(executor.run(server.serve("127.0.0.1:5000")))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on(executor: &Arc<smol::Executor<'static>>) -> Self {
        Self { executor: Some(Arc::downgrade(executor)) }
    }
}

#[cfg(feature = "smol")]
impl Runtime for SmolRuntime {
    fn spawn(&self, task: Task) {
        match self.executor.as_ref().map(Weak::upgrade) {
            None => smol::spawn(task).detach(),
            Some(Some(executor)) => executor.spawn(task).detach(),
            Some(None) => drop(task),
        }
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        Arc::new(AsyncIoTimer)
    }

    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded> {
        open(upgraded)
    }
}

/// Runs hubs on async-std's global executor.
#[cfg(feature = "async-std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStdRuntime;

#[cfg(feature = "async-std")]
impl Runtime for AsyncStdRuntime {
    fn spawn(&self, task: Task) {
        // A task of async-std's runs on when its handle is dropped.
        drop(async_std::task::spawn(task));
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        Arc::new(AsyncIoTimer)
    }

    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded> {
        open(upgraded)
    }
}

fn open(upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded> {
    let parts = upgraded.downcast::<Io>()?;
    Ok((Arc::new(TcpSocket(parts.io.0)), parts.read_buf))
}

struct AsyncIoTimer;

impl Timer for AsyncIoTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(AsyncIoSleep(async_io::Timer::after(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(AsyncIoSleep(async_io::Timer::at(deadline)))
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<AsyncIoSleep>() {
            Some(sleep) => sleep.get_mut().0.set_at(new_deadline),
            None => *sleep = self.sleep_until(new_deadline),
        }
    }
}

struct AsyncIoSleep(async_io::Timer);

impl Future for AsyncIoSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

impl Sleep for AsyncIoSleep {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "smol")]
    fn an_executor_that_is_dropped_takes_its_tasks_along() {
        let executor = Arc::new(smol::Executor::new());
        let runtime = SmolRuntime::on(&executor);
        let (held, task_of) = (Arc::new(()), runtime.clone());
        let task = {
            let held = Arc::clone(&held);
            async move {
                let _both = (held, task_of);
                std::future::pending::<()>().await;
            }
        };
        runtime.spawn(Box::pin(task));
        executor.try_tick();
        assert_eq!(Arc::strong_count(&held), 2);
        drop(executor);
        assert_eq!(Arc::strong_count(&held), 1);
        // Too late, but no harm.
        let late = Arc::clone(&held);
        runtime.spawn(Box::pin(async move { drop(late) }));
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn what_async_io_adds_to_an_idle_connection_is_small() {
        assert!(size_of::<AsyncIoSleep>() <= 56, "{}", size_of::<AsyncIoSleep>());
        assert!(size_of::<TcpSocket>() <= 16, "{}", size_of::<TcpSocket>());
    }
}
