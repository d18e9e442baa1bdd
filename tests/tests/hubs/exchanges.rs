//! What clients, networks and servers do to connections that HTTP requests carry.

use std::convert::Infallible;
use std::future::pending;

use bytes::Bytes;
use futures_util::future::{AbortHandle, abortable};
use futures_util::{StreamExt, stream};
use http::{Method, Request};
use http_body_util::{BodyExt, StreamBody};
use hub_async::server::Routes;
use hub_async::{Context, HubError, HubOptions, MemoryBudget, Runtime, Socket, State, Task};
use hyper::body::Frame;
use hyper::rt::Timer;
use hyper::upgrade::Upgraded;
use tests::http::{Content, Http, request};
use tests::memory::{CAPACITY, read, write};
use tokio::sync::{oneshot, watch};
use transport_memory::pipe;

use super::over_http::{call, http, open_polled};
use super::*;

fn hub() -> HubBuilder {
    Hub::builder()
        .method("Echo", async |text: String| text)
        .method("Hang", async |_: String| pending::<()>().await)
        .method("Panic", panics)
}

async fn panics() {
    panic!("on purpose");
}

/// A POST whose body is these chunks, and no end.
fn endless(
    at: &str,
    chunks: impl IntoIterator<Item = Vec<u8>, IntoIter: Send + 'static>,
) -> Request<Content> {
    let chunks =
        chunks.into_iter().map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::from(chunk))));
    let body = StreamBody::new(stream::iter(chunks).chain(stream::pending())).boxed_unsync();
    request(Method::POST, at, "").map(|_| body)
}

#[test]
fn a_connection_that_is_given_up_cuts_off_nobody_who_came_behind_it() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        // A proxy has one connection for several clients.
        let mut proxy = http.keep().await;
        let gone = open_polled(&http).await;
        http.post(&gone, call(1, "Echo", "\"last\"")).await;
        assert!(proxy.get(&gone).await.is_some());
        let there = open_polled(&http).await;
        let poll = spawn({
            let there = there.clone();
            async move { proxy.get(&there).await }
        });
        pause(16_000).await;
        assert_eq!(http.get(&gone).await.status, 404);
        http.post(&there, call(1, "Echo", "\"here\"")).await;
        assert!(poll.await.expect("an answer").body.contains("\"here\""));
    });
}

#[test]
fn a_drain_waits_no_longer_than_5_s_for_a_client_between_polls() {
    run(async {
        for returns in [true, false] {
            let service = serve(hub());
            let http = http(&service);
            let at = open_polled(&http).await;
            let start = Moment::now();
            let drain = spawn({
                let service = service.clone();
                async move { service.drain(Duration::from_secs(20)).await }
            });
            pause(4_999).await;
            if returns {
                assert_eq!(http.get(&at).await.body, format!("{CLOSE_RECONNECT}\x1e"));
            }
            assert!(drain.await);
            let limit = if returns { 9 } else { 5 };
            assert_eq!(start.elapsed().as_secs(), limit);
        }
    });
}

#[test]
fn a_drain_tells_whoever_polls_and_is_over_with_the_last_poll() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = open_polled(&http).await;
        let poll = spawn({
            let (http, at) = (http.clone(), at.clone());
            async move { http.get(&at).await.body }
        });
        let mut stream = http.events(&http.negotiate("/hub").await).await;
        assert_eq!(stream.next().await.as_deref(), Some(":\r\n"));
        let start = Moment::now();
        let drain = spawn({
            let service = service.clone();
            async move { service.drain(Duration::from_secs(20)).await }
        });
        assert_eq!(poll.await, format!("{CLOSE_RECONNECT}\x1e"));
        let last = stream.next().await.expect("last words");
        assert!(last.contains("Handshake was canceled."), "{last}");
        assert_eq!(stream.next().await, None);
        assert!(!drain.is_finished());
        assert_eq!(http.get(&at).await.status, 204);
        assert!(drain.await);
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_server_that_ends_waits_for_nobody_who_cannot_come_back() {
    run(async {
        let bound = Server::on(world()).hub("/hub", hub().build().unwrap()).bind("127.0.0.1:0");
        let bound = bound.await.unwrap();
        let http = Http::at(world(), bound.local_addr());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = spawn(bound.serve_until(async move {
            let _ = stopped.await;
        }));
        let (polled, _between) = (open_polled(&http).await, open_polled(&http).await);
        let poll = spawn({
            let http = http.clone();
            async move { http.get(&polled).await.body }
        });
        let mut kept = http.keep().await;
        let other = open_polled(&http).await;
        http.post(&other, call(1, "Echo", "\"x\"")).await;
        assert!(kept.get(&other).await.is_some());
        let stream = http.events(&http.negotiate("/hub").await).await;
        world().settle().await;
        let start = Moment::now();
        drop(stop);
        assert_eq!(poll.await, format!("{CLOSE_RECONNECT}\x1e"));
        assert!(stream.whole().await.body.contains("Handshake was canceled."));
        server.await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn an_early_post_that_waits_is_answered_when_nobody_gets_in_any_more() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        let post = spawn({
            let http = http.clone();
            async move { http.post(&at, "x".repeat(100_000)).await.status }
        });
        pause(1_000).await;
        assert!(!post.is_finished());
        let start = Moment::now();
        assert!(service.drain(Duration::from_secs(1)).await);
        assert_eq!(post.await, 503);
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_body_that_makes_a_pause_of_30_s_is_given_up() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = open_polled(&http).await;
        for chunks in [vec![], vec![b"{\"type\":6}".to_vec()], vec![b"x".to_vec(); 3]] {
            let start = Moment::now();
            let post = spawn({
                let (http, at) = (http.clone(), at.clone());
                async move { http.send(endless(&at, chunks)).await.status }
            });
            // Somebody polls, so that the connection is not over meanwhile.
            assert!(within(Duration::from_secs(29), http.get(&at)).await.is_none());
            assert!(!post.is_finished());
            assert_eq!(post.await, 408);
            assert_eq!(start.elapsed(), Duration::from_secs(30));
        }
        http.post(&at, call(1, "Echo", "\"on\"")).await;
        assert!(http.get(&at).await.body.contains("\"on\""), "nothing of them has come");
    });
}

#[test]
fn a_body_without_end_takes_no_more_than_there_is_room_for() {
    run(async {
        let budget = MemoryBudget::new(1 << 30);
        let options = HubOptions::new().parked_bytes(1_000);
        let hub = hub().options(options).build().unwrap();
        let service = Server::on(world()).memory_budget(&budget).hub("/hub", hub);
        let service = service.into_service().unwrap();
        let http = http(&service);
        let at = open_polled(&http).await;
        let (seen, mut taken) = watch::channel(0);
        let text = format!("\"{}\"", "x".repeat(10_000));
        let chunks = (0..1_000).map(move |id| {
            seen.send_replace(id);
            call(id, "Hang", &text).into_bytes()
        });
        let post = spawn({
            let (http, at) = (http.clone(), at.clone());
            async move { http.send(endless(&at, chunks)).await.status }
        });
        world().settle().await;
        assert!(*taken.borrow_and_update() < 100, "{}", *taken.borrow());
        let used = budget.used();
        assert!((100_000..600_000).contains(&used), "{used}");
        assert_eq!(http.delete(&at).await.status, 202);
        assert_eq!(post.await, 404);
        world().settle().await;
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn posts_that_wait_in_line_are_counted_and_no_more_than_100() {
    run(async {
        let budget = MemoryBudget::new(1 << 30);
        let hub = hub().options(HubOptions::new().parked_bytes(1_000)).build().unwrap();
        let service = Server::on(world()).memory_budget(&budget).hub("/hub", hub);
        let service = service.into_service().unwrap();
        let http = http(&service);
        let at = open_polled(&http).await;
        let text = format!("\"{}\"", "x".repeat(30_000));
        let body: Bytes = (0..20).map(|id| call(id, "Hang", &text)).collect::<String>().into();
        let mut posts: Vec<_> = (0..120)
            .map(|_| {
                let (http, at, body) = (http.clone(), at.clone(), body.clone());
                spawn(async move { http.post(&at, body).await.status })
            })
            .collect();
        world().settle().await;
        let (refused, waiting): (Vec<_>, Vec<_>) =
            posts.drain(..).partition(|post| post.is_finished());
        assert_eq!((waiting.len(), refused.len()), (100, 20));
        for post in refused {
            assert_eq!(post.await, 503);
        }
        let used = budget.used();
        assert!(used > 99 * 64 * 1024, "{used}");
        assert_eq!(http.delete(&at).await.status, 202);
        for post in waiting {
            assert_eq!(post.await, 404);
        }
        world().settle().await;
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn a_large_post_is_refused_while_the_budget_is_used_up() {
    run(async {
        let budget = MemoryBudget::new(200_000);
        let service =
            Server::on(world()).memory_budget(&budget).hub("/hub", hub().build().unwrap());
        let service = service.into_service().unwrap();
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        // They wait for a transport.
        let posts: Vec<_> = (0..4)
            .map(|_| {
                let (http, at) = (http.clone(), at.clone());
                spawn(async move { http.post(&at, "x".repeat(100_000)).await.status })
            })
            .collect();
        pause(1_000).await;
        let other = open_polled(&http).await;
        assert_eq!(http.post(&other, "x".repeat(10_000)).await.status, 503);
        http.post(&other, call(1, "Echo", "\"small\"")).await;
        assert!(http.get(&other).await.body.contains("small"));
        drop(posts);
    });
}

#[test]
fn no_more_than_100_early_posts_wait_for_their_transports() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let mut posts = Vec::new();
        for _ in 0..120 {
            let (http, at) = (http.clone(), http.negotiate("/hub").await);
            posts.push(spawn(async move { http.post(&at, "x".repeat(100_000)).await.status }));
        }
        world().settle().await;
        let (refused, waiting): (Vec<_>, Vec<_>) =
            posts.drain(..).partition(|post| post.is_finished());
        assert_eq!((waiting.len(), refused.len()), (100, 20));
        for post in refused {
            assert_eq!(post.await, 503);
        }
        open_polled(&http).await;
        assert!(waiting.iter().all(|post| !post.is_finished()));
    });
}

#[test]
fn one_http_connection_carries_many_polls_and_posts() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let mut kept = http.keep().await;
        let at = open_polled(&http).await;
        for id in 0..50 {
            let post = kept.send(request(Method::POST, &at, call(id, "Echo", "\"x\""))).await;
            assert_eq!(post.expect("an answer").status, 200);
            let poll = kept.get(&at).await.expect("an answer");
            assert!(poll.body.contains(&format!("\"{id}\"")), "{}", poll.body);
        }
        assert_eq!(kept.send(request(Method::DELETE, &at, "")).await.expect("one").status, 202);
        assert_eq!(kept.get(&at).await.expect("one").status, 404);
    });
}

#[test]
fn requests_in_a_row_are_answered_in_a_row() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = open_polled(&http).await;
        let (near, far) = pipe(CAPACITY);
        drop(spawn(service.clone().serve_connection(far, pending())));
        let body = call(1, "Echo", "\"x\"");
        let post = format!(
            "POST {at} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let poll = format!("GET {at} HTTP/1.1\r\nhost: h\r\n\r\n");
        let head = format!("HEAD {at} HTTP/1.1\r\nhost: h\r\n\r\n");
        let options = format!("OPTIONS {at} HTTP/1.1\r\nhost: h\r\n\r\n");
        let delete = format!("DELETE {at} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
        write(
            &near,
            [head, options, post.clone(), poll.clone(), post, poll, delete].concat().as_bytes(),
        )
        .await;
        let mut answers = Vec::new();
        while read(&near, &mut answers).await {}
        let answers = String::from_utf8(answers).unwrap();
        let statuses: Vec<_> =
            answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["405", "405", "200", "200", "200", "200", "202"], "{answers}");
        assert_eq!(answers.matches("\"result\":\"x\"").count(), 2);
    });
}

#[test]
fn a_websocket_takes_no_connection_that_requests_carry() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let streaming = http.negotiate("/hub").await;
        let _stream = http.events(&streaming).await;
        for at in [open_polled(&http).await, streaming] {
            let (_near, far) = pipe(CAPACITY);
            let upgrade = Request::get(&at).body(()).unwrap();
            let refused = service.serve_socket(&upgrade, Arc::new(far), b"");
            assert_eq!(refused.map_err(|status| status.as_u16()), Err(400));
        }
    });
}

#[test]
fn a_delete_while_on_connected_runs_lets_it_end_and_then_says_farewell() {
    run(async {
        let notes = Notes::default();
        let greet = async |notes: State<Notes>| {
            notes.add("come");
            pause(1_000).await;
            notes.add("greeted");
            Ok::<_, HubError>(())
        };
        let leave = async |notes: State<Notes>| notes.add("left");
        let service = serve(hub().state(notes.clone()).on_connected(greet).on_disconnected(leave));
        let http = http(&service);
        let at = open_polled(&http).await;
        assert_eq!(notes.all(), ["come"]);
        assert_eq!(http.delete(&at).await.status, 202);
        pause(999).await;
        assert_eq!(notes.all(), ["come"]);
        pause(2).await;
        assert_eq!(notes.all(), ["come", "greeted", "left"]);
        is_left_alone(&service).await;
    });
}

/// A runtime that can drop its tasks.
#[derive(Clone)]
struct Forgetful(World, Arc<Mutex<Vec<AbortHandle>>>);

impl Runtime for Forgetful {
    fn spawn(&self, task: Task) {
        let (task, handle) = abortable(task);
        self.1.lock().unwrap().push(handle);
        drop(self.0.spawn(async move { task.await.unwrap_or_default() }));
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        self.0.timer()
    }

    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded> {
        self.0.open(upgraded)
    }
}

#[test]
fn whoever_waits_is_answered_when_the_runtime_drops_the_sessions() {
    run(async {
        let runtime = Forgetful(world(), Arc::default());
        let hub = hub().options(HubOptions::new().parked_bytes(1_000)).build().unwrap();
        let service = Routes::new().hub("/hub", hub).mount(Arc::new(runtime.clone())).unwrap();
        let http = http(&service);
        let at = open_polled(&http).await;
        let mut stream = http.events(&http.negotiate("/hub").await).await;
        assert_eq!(stream.next().await.as_deref(), Some(":\r\n"));
        let text = format!("\"{}\"", "x".repeat(30_000));
        let body: String = (0..20).map(|id| call(id, "Hang", &text)).collect();
        let posts = [(); 2].map(|()| {
            let (http, at, body) = (http.clone(), at.clone(), body.clone());
            spawn(async move { http.post(&at, body).await.status })
        });
        let poll = spawn({
            let (http, at) = (http.clone(), at.clone());
            async move { http.get(&at).await.status }
        });
        world().settle().await;
        assert!(!poll.is_finished() && posts.iter().all(|post| !post.is_finished()));
        runtime.1.lock().unwrap().iter().for_each(AbortHandle::abort);
        assert_eq!(poll.await, 204);
        for post in posts {
            assert_eq!(post.await, 404);
        }
        assert_eq!(stream.next().await, None);
        assert_eq!(http.get(&at).await.status, 404);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_method_that_panics_fails_alone() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = open_polled(&http).await;
        let calls = [call(1, "Panic", ""), call(2, "Echo", "\"on\"")].concat();
        http.post(&at, calls).await;
        world().settle().await;
        let body = http.get(&at).await.body;
        assert!(body.contains("\"error\"") && body.contains("\"on\""), "{body}");
    });
}

#[test]
fn requests_of_a_connection_without_a_handshake_are_answered_when_its_time_is_over() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        http.get(&at).await;
        let start = Moment::now();
        let said = http.get(&at).await;
        assert!(said.body.contains("Handshake"), "{}", said.body);
        assert_eq!(start.elapsed(), Duration::from_secs(15));
        assert_eq!(http.get(&at).await.status, 204);
        is_left_alone(&service).await;
    });
}

#[test]
fn what_a_broadcast_sends_to_a_client_that_is_gone_costs_the_budget_no_longer_than_it_is_there() {
    run(async {
        let budget = MemoryBudget::new(1 << 30);
        let hub = hub().method("ToAll", async |ctx: Context, text: String| {
            ctx.clients().all().send("Message", (text,)).await.map(drop)
        });
        let service = Server::on(world()).memory_budget(&budget).hub("/hub", hub.build().unwrap());
        let service = service.into_service().unwrap();
        let http = http(&service);
        let _gone = open_polled(&http).await;
        let client = connect(&service).await;
        client.call("", "ToAll", &format!("[\"{}\"]", "x".repeat(20_000))).await;
        pause(1).await;
        assert!(budget.used() >= 20_000 / 4096 * 4096, "{}", budget.used());
        pause(15_001).await;
        assert_eq!(budget.used(), 0);
    });
}
