//! What a turn of a session asks of its socket and its timer: system calls are the cost.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Request;
use hub_async::server::Routes;
use hub_async::{Hub, Runtime, Socket, Task};
use hyper::rt::{Sleep, Timer};
use hyper::upgrade::Upgraded;
use transport_memory::{Pipe, pipe};

use super::*;

/// How often what was asked for.
#[derive(Default)]
struct Counts {
    /// Whether there is something to read was asked.
    looks: AtomicUsize,
    reads: AtomicUsize,
    writes: AtomicUsize,
    /// Timers that were made or set anew.
    set: AtomicUsize,
    /// Whether writing panics.
    bad: AtomicBool,
}

impl Counts {
    /// Reads, writes and timers since the last time.
    fn take(&self) -> [usize; 3] {
        [&self.reads, &self.writes, &self.set].map(|count| count.swap(0, Ordering::Relaxed))
    }
}

struct Counted<T>(T, Arc<Counts>);

impl Socket for Counted<Pipe> {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.1.looks.fetch_add(1, Ordering::Relaxed);
        self.0.poll_readable(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_writable(cx)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1.reads.fetch_add(1, Ordering::Relaxed);
        self.0.try_read(buffer)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.1.writes.fetch_add(1, Ordering::Relaxed);
        assert!(!self.1.bad.load(Ordering::Relaxed), "on purpose");
        self.0.try_write(slices)
    }

    fn shutdown(&self) {
        self.0.shutdown();
    }
}

impl Runtime for Counted<World> {
    fn spawn(&self, task: Task) {
        Runtime::spawn(&self.0, task);
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        Arc::new(Counted(self.0.timer(), Arc::clone(&self.1)))
    }

    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, bytes::Bytes), Upgraded> {
        self.0.open(upgraded)
    }
}

impl Timer for Counted<Arc<dyn Timer + Send + Sync>> {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.0.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.1.set.fetch_add(1, Ordering::Relaxed);
        self.0.sleep_until(deadline)
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        self.1.set.fetch_add(1, Ordering::Relaxed);
        self.0.reset(sleep, new_deadline);
    }
}

/// A hub of which everything is counted, and a client that has shaken hands.
async fn counted(hub: &Hub) -> (Client, Arc<Counts>) {
    let counts = Arc::<Counts>::default();
    let runtime = Arc::new(Counted(world(), Arc::clone(&counts)));
    let service = Routes::new().hub("/hub", hub.clone()).mount(runtime).expect("a service");
    let (ours, theirs) = pipe(64 * 1024);
    let request = Request::get("/hub").body(()).expect("a URI");
    let socket = Arc::new(Counted(theirs, Arc::clone(&counts)));
    service.serve_socket(&request, socket, b"").expect("the hub takes it");
    let mut client = Client::over(ours);
    client.shake_hands().await;
    pause(1).await;
    counts.take();
    (client, counts)
}

fn echo() -> HubBuilder {
    Hub::builder().method("Echo", async |text: String| text).method(
        "Tell",
        async |ctx: hub_async::Context, times: usize, text: String| {
            for _ in 0..times {
                ctx.clients().others().send("Told", (&text,)).await.expect("a text");
            }
        },
    )
}

#[test]
fn whatever_one_read_brings_is_answered_by_one_write() {
    run(async {
        let hub = echo().build().expect("a hub");
        let (mut client, counts) = counted(&hub).await;
        for calls in [1, 16, 40] {
            let call = "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"hi\"]}\x1e";
            client.frame(hub_proto::ws::Opcode::Text, call.repeat(calls).as_bytes()).await;
            pause(1).await;
            assert_eq!(client.so_far().len(), calls);
            assert_eq!(counts.take()[..2], [1, 1], "{calls} calls");
        }
    });
}

#[test]
fn sixteen_frames_are_one_read_and_one_write_too() {
    run(async {
        let hub = echo().build().expect("a hub");
        let (mut client, counts) = counted(&hub).await;
        for id in 0..16 {
            client.call(&id.to_string(), "Echo", "[\"hi\"]").await;
        }
        pause(1).await;
        assert_eq!(client.so_far().len(), 16);
        assert_eq!(counts.take()[..2], [1, 1]);
    });
}

#[test]
fn what_a_hub_sends_is_not_looked_for_in_the_socket() {
    run(async {
        let hub = echo().build().expect("a hub");
        let (mut client, counts) = counted(&hub).await;
        let all = hub.context().clients().all();
        for _ in 0..8 {
            all.send("Message", ("hi",)).await.expect("a text");
        }
        pause(1).await;
        assert_eq!(client.so_far().len(), 8);
        assert_eq!(counts.take()[..2], [0, 1], "a burst is one write, and no read");
    });
}

#[test]
fn more_than_64_frames_take_as_many_writes_as_it_takes() {
    run(async {
        let hub = echo().build().expect("a hub");
        let (mut client, counts) = counted(&hub).await;
        let all = hub.context().clients().all();
        for _ in 0..150 {
            all.send("Message", ("hi",)).await.expect("a text");
        }
        pause(1).await;
        assert_eq!(client.so_far().len(), 150);
        assert_eq!(counts.take()[..2], [0, 3]);
    });
}

#[test]
fn a_deadline_that_moves_away_sets_no_timer() {
    run(async {
        let hub = echo().build().expect("a hub");
        let (mut client, counts) = counted(&hub).await;
        for id in 0..100 {
            client.call(&id.to_string(), "Echo", "[\"hi\"]").await;
            client.record().await;
            pause(10).await;
        }
        assert_eq!(counts.take()[2], 0, "each answer puts the ping off");
        // The old deadline finds the new one, and that finds the ping.
        let start = Moment::now();
        assert_eq!(client.record().await, r#"{"type":6}"#);
        assert!(start.elapsed() > Duration::from_secs(13));
        assert!(counts.take()[2] <= 2);
    });
}

#[test]
fn what_a_method_sends_is_written_past_sessions_that_have_nothing_to_do() {
    run(async {
        let hub = echo().build().expect("a hub");
        let (mut listener, counts) = counted(&hub).await;
        let (mut speaker, _) = counted(&hub).await;
        for times in [1, 8] {
            counts.looks.store(0, Ordering::Relaxed);
            speaker.call("1", "Tell", &format!("[{times},\"hi\"]")).await;
            speaker.record().await;
            pause(1).await;
            assert_eq!(listener.so_far().len(), times);
            assert_eq!(counts.take(), [0, 1, 0], "a burst of {times} is one write");
            assert_eq!(counts.looks.load(Ordering::Relaxed), 0, "its session had no turn");
        }
    });
}

#[test]
fn such_writes_put_the_ping_off() {
    run(async {
        let hub = echo().build().expect("a hub");
        let (mut listener, _) = counted(&hub).await;
        let (speaker, _) = counted(&hub).await;
        for _ in 0..10 {
            pause(10_000).await;
            speaker.call("", "Tell", "[1,\"hi\"]").await;
            assert!(listener.record().await.contains("Told"));
        }
        let start = Moment::now();
        assert_eq!(listener.record().await, r#"{"type":6}"#);
        assert!(start.elapsed() > Duration::from_secs(13));
    });
}

#[test]
fn what_a_socket_does_not_take_is_left_to_its_session_in_order() {
    run(async {
        let hub = echo().build().expect("a hub");
        let (mut listener, _) = counted(&hub).await;
        let (mut speaker, _) = counted(&hub).await;
        let texts = ["a", "b", "c", "d", "e"].map(|text| text.repeat(30_000));
        for text in &texts {
            speaker.call("1", "Tell", &format!("[1,\"{text}\"]")).await;
            // The pipe holds two of them; the others wait for the listener, but not for ever.
            pause(1).await;
        }
        for text in &texts {
            assert!(listener.record().await.contains(text.as_str()));
        }
        for _ in &texts {
            speaker.record().await;
        }
    });
}

#[test]
fn a_large_audience_is_reached_to_the_last() {
    run(async {
        let hub = echo().build().expect("a hub");
        let service = serve_built(&hub);
        let mut listeners = Vec::new();
        for _ in 0..1_200 {
            listeners.push(connect(&service).await);
        }
        let mut speaker = connect(&service).await;
        speaker.call("1", "Tell", "[2,\"hi\"]").await;
        speaker.record().await;
        pause(1).await;
        for listener in &mut listeners {
            assert_eq!(listener.so_far().len(), 2);
        }
    });
}

#[test]
fn a_socket_that_panics_ends_its_own_connection_and_harms_nobody_else() {
    run(async {
        let hub = echo().build().expect("a hub");
        let (mut victim, counts) = counted(&hub).await;
        let (mut speaker, _) = counted(&hub).await;
        let mut listeners = Vec::new();
        let service = serve_built(&hub);
        for _ in 0..200 {
            listeners.push(connect(&service).await);
        }
        counts.bad.store(true, Ordering::Relaxed);
        speaker.call("1", "Tell", "[1,\"secret\"]").await;
        assert!(speaker.record().await.starts_with(r#"{"type":3"#), "nothing of the others'");
        pause(1).await;
        for listener in &mut listeners {
            assert_eq!(listener.so_far().len(), 1);
        }
        assert_eq!(victim.rest().await, []);
        assert_eq!(hub.context().connection_count(hub_async::Scope::Node).await, 201);
    });
}

#[test]
fn what_a_method_sends_does_not_wait_for_the_next_ones_to_compute() {
    run(async {
        let hub = Hub::builder().method("Tell", async |ctx: hub_async::Context| {
            ctx.clients().others().send("Told", ()).await.expect("nothing");
            world().spend(Duration::from_millis(5));
        });
        let hub = hub.build().expect("a hub");
        let (mut listener, counts) = counted(&hub).await;
        let (speaker, _) = counted(&hub).await;
        let call = "{\"type\":1,\"target\":\"Tell\",\"arguments\":[]}\x1e";
        speaker.frame(hub_proto::ws::Opcode::Text, call.repeat(20).as_bytes()).await;
        pause(1).await;
        assert_eq!(listener.so_far().len(), 20);
        assert!(counts.take()[1] >= 19, "they came with one read");
    });
}
