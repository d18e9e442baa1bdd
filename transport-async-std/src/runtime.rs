//! What smol and async-std have in common: the sockets and timers of async-io.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hub_async::Socket;
use hyper::rt::{Sleep, Timer};
use hyper::upgrade::Upgraded;

use crate::io::Io;
use crate::socket::AsyncSocket;

/// The socket of a connection that is no longer HTTP.
pub(crate) fn open(upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded> {
    let parts = upgraded.downcast::<Io>()?;
    Ok((Arc::new(AsyncSocket(parts.io.0)), parts.read_buf))
}

/// The timers of async-io.
pub(crate) fn timer() -> Arc<dyn Timer + Send + Sync> {
    Arc::new(AsyncIoTimer)
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
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn what_async_io_adds_to_an_idle_connection_is_small() {
        assert!(size_of::<AsyncIoSleep>() <= 56, "{}", size_of::<AsyncIoSleep>());
        assert!(
            size_of::<AsyncSocket<TcpStream>>() <= 16,
            "{}",
            size_of::<AsyncSocket<TcpStream>>()
        );
    }
}
