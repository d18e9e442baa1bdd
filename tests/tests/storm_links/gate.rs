//! A link that is lost at the very moment when somebody else writes to it.

use std::io;
use std::io::IoSlice;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use hub_async::Socket;
use tests::memory::Client;
use transport_memory::{Pipe, pipe};
use transport_tokio::Server;

use super::hub;
use super::link::Storm;

/// A socket that holds a write up while it is told to.
struct Gate {
    pipe: Pipe,
    /// Taken by the next write: it says that it has begun, and waits.
    holds: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
}

impl Socket for Gate {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_readable(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_writable(cx)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pipe.try_read(buffer)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let holds = self.holds.lock().unwrap().take();
        if let Some((begun, go_on)) = holds {
            begun.send(()).unwrap();
            go_on.recv().unwrap();
        }
        self.pipe.try_write(slices)
    }

    fn shutdown(&self) {
        self.pipe.shutdown();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_link_that_is_lost_while_somebody_writes_to_it_holds_nobody_up() {
    let hub = hub(100_000, 1_000);
    let service = Server::new().hub("/hub", hub.clone()).into_service().unwrap();
    let storm = Storm { service: service.clone(), counts: Arc::default() };
    let teller = Client::connect(&service, "/hub").await;
    let (ours, theirs) = pipe(64 * 1024);
    let gate = Arc::new(Gate { pipe: theirs, holds: Mutex::default() });
    let request = http::Request::get(storm.negotiate().await).body(()).unwrap();
    service.serve_socket(&request, Arc::clone(&gate) as _, b"").unwrap();
    let mut lost = Client::over(ours);
    lost.send(r#"{"protocol":"json","version":2}"#).await;
    assert_eq!(lost.record().await, "{}");
    lost.send(r#"{"type":6}"#).await;
    lost.call("1", "Echo", "[1]").await;
    lost.record().await;
    let (begun, begins) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    *gate.holds.lock().unwrap() = Some((begun, goes_on));
    let text = "x".repeat(5_000);
    teller.call("1", "Tell", &format!("[0,0,\"{text}\"]")).await;
    tokio::task::block_in_place(|| begins.recv().unwrap());
    drop(lost);
    // For the session to find out.
    tokio::time::sleep(Duration::from_millis(100)).await;
    go_on.send(()).unwrap();
    let sent = async { hub.context().clients().all().send("Told", (0, 1, text)).await.unwrap() };
    let sent = tokio::time::timeout(Duration::from_secs(1), sent).await;
    assert_eq!(sent.expect("nobody waits for a link that is lost").queued, 2);
}
