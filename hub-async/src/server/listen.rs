//! Accepting connections, through thick and thin.

use std::future::Future;
use std::io;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::rt::{Read, Write};

use crate::runtime::Clock;

/// How long to wait when no descriptor is free: those who connect meanwhile wait in the backlog.
const PAUSE: Duration = Duration::from_millis(50);

/// Where connections come in.
pub trait Listener: Send + Sync + 'static {
    /// A connection, as hyper wants it.
    type Io: Read + Write + Unpin + Send + 'static;

    /// How its addresses begin.
    const SCHEME: &'static str = "http";

    /// The next connection, with no delay set, and the address of its other end.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;

    /// The address at which it listens.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// The next connection. Failures of single connections, and of a full descriptor table, are waited out.
pub(super) async fn accept<L: Listener>(listener: &L, clock: &Clock) -> (L::Io, SocketAddr) {
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                if !told {
                    tracing::warn!(%error, "cannot accept connections for the moment");
                    told = true;
                }
                clock.sleep(PAUSE).await;
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::pin::{Pin, pin};
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll, Waker};
    use std::time::Instant;

    use hyper::rt::{ReadBufCursor, Sleep, Timer};

    use super::*;

    /// A connection that says nothing.
    struct Silence;

    impl Read for Silence {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl Write for Silence {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    const HERE: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

    /// Gives these errors, then a connection.
    struct Script(Mutex<VecDeque<io::Error>>);

    impl Listener for Script {
        type Io = Silence;

        async fn accept(&self) -> io::Result<(Silence, SocketAddr)> {
            self.0.lock().unwrap().pop_front().map_or(Ok((Silence, HERE)), Err)
        }

        fn local_addr(&self) -> io::Result<SocketAddr> {
            Ok(HERE)
        }
    }

    /// A timer whose sleeps end when they are polled again, and are written down.
    #[derive(Clone, Default)]
    struct Naps(Arc<Mutex<Vec<Duration>>>);

    #[derive(Default)]
    struct Nap(bool);

    impl Future for Nap {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    impl Sleep for Nap {}

    impl Timer for Naps {
        fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
            self.0.lock().unwrap().push(duration);
            Box::pin(Nap::default())
        }

        fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
            Box::pin(Nap::default())
        }
    }

    /// Accepts after these errors: how often it is polled until then, and how long it slept.
    fn accepted_after(errors: impl IntoIterator<Item = io::Error>) -> (usize, Vec<Duration>) {
        let naps = Naps::default();
        let clock = Clock::new(Arc::new(naps.clone()));
        let listener = Script(Mutex::new(errors.into_iter().collect()));
        let mut accepted = pin!(accept(&listener, &clock));
        let mut cx = Context::from_waker(Waker::noop());
        let mut polls = 1;
        while accepted.as_mut().poll(&mut cx).is_pending() {
            polls += 1;
        }
        let slept = naps.0.lock().unwrap().clone();
        (polls, slept)
    }

    #[test]
    fn a_full_descriptor_table_is_waited_out() {
        const EMFILE: i32 = 24;
        let full = (0..3).map(|_| io::Error::from_raw_os_error(EMFILE));
        assert_eq!(accepted_after(full), (4, vec![PAUSE; 3]));
    }

    #[test]
    fn a_connection_that_failed_is_passed_over() {
        let failed = [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset];
        assert_eq!(accepted_after(failed.map(io::Error::from)), (1, Vec::new()));
    }
}
