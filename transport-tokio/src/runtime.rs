//! Tokio's tasks and timers for hubs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hub_async::{Runtime, Socket, Task};
use hyper::rt::{Sleep, Timer};
use hyper::upgrade::Upgraded;
use pin_project_lite::pin_project;

use crate::io::Io;
use crate::socket::TokioSocket;

/// Runs hubs on the tokio runtime in which it is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioRuntime;

impl Runtime for TokioRuntime {
    fn spawn(&self, task: Task) {
        tokio::spawn(task);
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        Arc::new(TokioTimer)
    }

    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, bytes::Bytes), Upgraded> {
        let parts = upgraded.downcast::<Io>()?;
        Ok((Arc::new(TokioSocket(parts.io.0)), parts.read_buf))
    }
}

/// Tokio's clock, which tests can pause.
struct TokioTimer;

impl Timer for TokioTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(TokioSleep { sleep: tokio::time::sleep(duration) })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(TokioSleep { sleep: tokio::time::sleep_until(deadline.into()) })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<TokioSleep>() {
            Some(sleep) => sleep.project().sleep.reset(new_deadline.into()),
            None => *sleep = self.sleep_until(new_deadline),
        }
    }
}

pin_project! {
    struct TokioSleep {
        #[pin]
        sleep: tokio::time::Sleep,
    }
}

impl Future for TokioSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}

impl Sleep for TokioSleep {}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[test]
    fn what_tokio_adds_to_an_idle_connection_is_small() {
        assert!(size_of::<TokioSleep>() <= 120, "{}", size_of::<TokioSleep>());
        assert!(
            size_of::<TokioSocket<TcpStream>>() <= 40,
            "{}",
            size_of::<TokioSocket<TcpStream>>()
        );
    }
}
