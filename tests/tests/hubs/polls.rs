//! Long polling.

use http::Method;
use hub_async::{Context, HubOptions, SlowConsumer, State};
use tests::http::{Answer, request};
use tokio::sync::watch;

use super::over_http::{HANDSHAKE, call, http, hub, left, open_polled};
use super::*;

fn assert_uncached(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    assert_eq!(answer.header("expires"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
}

#[test]
fn the_first_poll_is_answered_at_once_and_later_ones_by_what_is_sent() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        let first = http.get(&at).await;
        assert_eq!((first.status, &*first.body), (200, ""));
        assert_eq!(first.header("content-type"), Some("application/octet-stream"));
        assert_eq!(first.header("content-length"), Some("0"));
        assert_uncached(&first);
        let post = http.post(&at, HANDSHAKE).await;
        assert_eq!((post.status, &*post.body), (200, ""));
        assert_eq!(post.header("content-type"), Some("text/plain"));
        let second = http.get(&at).await;
        assert_eq!((second.status, &*second.body), (200, "{}\x1e"));
        assert_eq!(second.header("content-type"), Some("application/octet-stream"));
        assert_eq!(second.header("content-length"), Some("3"));
        assert_uncached(&second);
        // A poll that waits gets it when it comes.
        let poll = spawn({
            let (http, at) = (http.clone(), at.clone());
            async move { http.get(&at).await }
        });
        pause(1_000).await;
        assert!(!poll.is_finished());
        http.post(&at, call(1, "Transport", "")).await;
        let answer = poll.await;
        assert_eq!(
            answer.body,
            "{\"type\":3,\"invocationId\":\"1\",\"result\":\"LongPolling\"}\x1e"
        );
    });
}

#[test]
fn several_messages_are_one_body() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = open_polled(&http).await;
        let calls: String = (0..100).map(|id| call(id, "Echo", "\"x\"")).collect();
        http.post(&at, calls).await;
        world().settle().await;
        let answer = http.get(&at).await;
        assert_eq!(answer.body.matches('\x1e').count(), 100);
        assert!(answer.body.ends_with('\x1e'));
    });
}

#[test]
fn a_handshake_may_be_posted_before_the_first_poll() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        assert_eq!(http.post(&at, HANDSHAKE).await.status, 200);
        assert_eq!(http.get(&at).await.body, "", "the first one is empty whatever there is");
        assert_eq!(http.get(&at).await.body, "{}\x1e");
    });
}

#[test]
fn a_large_post_before_the_first_poll_waits_for_it() {
    run(async {
        let options = HubOptions::new().maximum_receive_message_size(1 << 20);
        let service = serve(hub().options(options));
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        let text = "x".repeat(200_000);
        let body = format!("{HANDSHAKE}{}", call(1, "Echo", &format!("\"{text}\"")));
        let post = spawn({
            let (http, at) = (http.clone(), at.clone());
            async move { http.post(&at, body).await.status }
        });
        pause(1_000).await;
        assert!(!post.is_finished());
        http.get(&at).await;
        assert_eq!(post.await, 200);
        let mut body = String::new();
        while !body.contains("result") {
            body += &http.get(&at).await.body;
        }
        assert!(body.contains(&text));
    });
}

#[test]
fn an_early_post_that_waits_is_answered_when_its_negotiation_expires() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        let late = within(Duration::from_secs(31), http.post(&at, "x".repeat(100_000))).await;
        assert_eq!(late.expect("an answer").status, 404);
    });
}

#[test]
fn a_poll_is_answered_by_nothing_after_its_time() {
    run(async {
        let service = serve(hub().options(HubOptions::new().poll_timeout(Duration::from_secs(20))));
        let http = http(&service);
        let at = open_polled(&http).await;
        let start = Moment::now();
        let answer = http.get(&at).await;
        assert_eq!(start.elapsed(), Duration::from_secs(20));
        assert_eq!((answer.status, &*answer.body), (200, ""));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_uncached(&answer);
        http.post(&at, call(1, "Echo", "\"on\"")).await;
        assert!(http.get(&at).await.body.contains("\"on\""), "the connection goes on");
    });
}

#[test]
fn another_poll_replaces_the_one_that_waits_and_gets_what_is_sent() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = open_polled(&http).await;
        let poll = || {
            let (http, at) = (http.clone(), at.clone());
            spawn(async move { http.get(&at).await })
        };
        let first = poll();
        world().settle().await;
        let second = poll();
        let replaced = first.await;
        assert_eq!((replaced.status, &*replaced.body), (204, ""));
        assert_uncached(&replaced);
        http.post(&at, call(1, "Echo", "\"here\"")).await;
        assert!(second.await.body.contains("\"here\""));
    });
}

#[test]
fn a_dropped_poll_loses_nothing() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = open_polled(&http).await;
        for id in 0..50 {
            // It is cut off while it waits; what is sent then finds nobody.
            let poll = http.start(request(Method::GET, &at, ""));
            assert!(within(Duration::from_millis(10), poll).await.is_none());
            http.post(&at, call(id, "Echo", "\"x\"")).await;
            world().settle().await;
            let answer = http.get(&at).await;
            assert_eq!(
                answer.body,
                format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":\"x\"}}\x1e")
            );
        }
    });
}

#[test]
fn a_connection_that_is_not_polled_for_15_s_is_over() {
    run(async {
        let notes = Notes::default();
        let service = serve(hub().state(notes.clone()).on_disconnected(left));
        let http = http(&service);
        let at = open_polled(&http).await;
        pause(14_999).await;
        // The poll is dropped, and 15 s begin again.
        assert!(within(Duration::from_secs(30), http.get(&at)).await.is_none());
        pause(14_999).await;
        assert_eq!(notes.all(), [""; 0]);
        pause(2).await;
        assert_eq!(notes.all(), ["disconnect timeout"]);
        let answer = http.get(&at).await;
        assert_eq!((answer.status, &*answer.body), (404, "No Connection with that ID"));
        assert_uncached(&answer);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_connection_that_is_given_up_does_not_take_another_one_along() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        // Clients keep an HTTP connection and use it for whatever comes next.
        let mut line = http.keep().await;
        let (one, other) = (open_polled(&http).await, open_polled(&http).await);
        http.post(&one, call(1, "Echo", "\"x\"")).await;
        assert!(line.send(request(Method::GET, &one, "")).await.is_some());
        // Nobody polls the one again, and after 15 s it is over.
        let poll = line.send(request(Method::GET, &other, ""));
        let later = async {
            pause(20_000).await;
            assert_eq!(http.get(&one).await.status, 404);
            http.post(&other, call(2, "Echo", "\"y\"")).await;
        };
        let (answer, ()) = futures_util::future::join(poll, later).await;
        let expected = "{\"type\":3,\"invocationId\":\"2\",\"result\":\"y\"}\x1e";
        assert_eq!(answer.map(|answer| answer.body).as_deref(), Some(expected));
    });
}

#[test]
fn last_words_are_taken_before_the_204() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = open_polled(&http).await;
        http.post(&at, call(1, "Abort", "")).await;
        world().settle().await;
        let last = http.get(&at).await;
        assert_eq!((last.status, last.body), (200, format!("{CLOSE}\x1e")));
        let over = http.get(&at).await;
        assert_eq!((over.status, &*over.body), (204, ""));
        assert_eq!(over.header("content-type"), Some("text/plain"));
        assert_uncached(&over);
        world().settle().await;
        assert_eq!(http.get(&at).await.status, 404);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_delete_ends_it_while_it_is_polled_and_between_polls() {
    run(async {
        for polled in [true, false] {
            let notes = Notes::default();
            let service = serve(hub().state(notes.clone()).on_disconnected(left));
            let http = http(&service);
            let at = open_polled(&http).await;
            let poll = polled.then(|| {
                let (http, at) = (http.clone(), at.clone());
                spawn(async move { http.get(&at).await.status })
            });
            world().settle().await;
            let deleted = http.delete(&at).await;
            assert_eq!((deleted.status, &*deleted.body), (202, ""));
            assert_eq!(deleted.header("content-type"), Some("text/plain"));
            if let Some(poll) = poll {
                assert_eq!(poll.await, 204);
            }
            world().settle().await;
            assert_eq!(notes.all(), ["ended by the client"]);
            // What the JavaScript client sends behind it.
            let late = http.post(&at, "{\"type\":7}\x1e").await;
            assert_eq!((late.status, &*late.body), (404, "No Connection with that ID"));
            is_left_alone(&service).await;
        }
    });
}

#[test]
fn a_delete_does_not_wait_for_a_method_that_hangs() {
    run(async {
        let service =
            serve(Hub::builder().method("Hang", async || std::future::pending::<()>().await));
        let http = http(&service);
        let at = open_polled(&http).await;
        http.post(&at, call(1, "Hang", "")).await;
        let poll = spawn({
            let (http, at) = (http.clone(), at.clone());
            async move { http.get(&at).await.status }
        });
        world().settle().await;
        assert_eq!(http.delete(&at).await.status, 202);
        assert_eq!(poll.await, 204);
        // It is still known, and takes nothing.
        let answers = [http.get(&at).await, http.post(&at, "x").await, http.delete(&at).await];
        assert_eq!(
            answers.map(|answer| (answer.status, answer.body)),
            [(); 3].map(|()| (404, String::new()))
        );
    });
}

#[test]
fn what_cannot_be_deleted_says_so() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let pending = http.negotiate("/hub").await;
        let streaming = http.negotiate("/hub").await;
        let _stream = http.events(&streaming).await;
        for at in [pending, streaming] {
            let answer = http.delete(&at).await;
            assert_eq!(
                (answer.status, &*answer.body),
                (400, "Cannot terminate this connection using the DELETE endpoint.")
            );
        }
    });
}

#[test]
fn polls_need_no_pings() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = open_polled(&http).await;
        let start = Moment::now();
        assert_eq!(http.get(&at).await.body, "", "no ping in 90 s");
        assert_eq!(start.elapsed(), Duration::from_secs(90));
    });
}

async fn work(ctx: Context, notes: State<Notes>, gone: State<watch::Receiver<bool>>, text: String) {
    notes.add(text.len().to_string());
    ctx.clients().caller().send("Working", ()).await.ok();
    watch::Receiver::clone(&gone).wait_for(|go| *go).await.ok();
}

#[test]
fn a_post_that_finds_no_room_does_not_hold_up_a_poll() {
    run(async {
        let options = HubOptions::new().parked_bytes(1_000).maximum_receive_message_size(1 << 20);
        let notes = Notes::default();
        let (go, gone) = watch::channel(false);
        let hub = Hub::builder().options(options).state(notes.clone()).state(gone);
        let service = serve(hub.method("Work", work));
        let http = http(&service);
        let at = open_polled(&http).await;
        let text = "x".repeat(10_000);
        let body: String = (0..50).map(|id| call(id, "Work", &format!("\"{text}\""))).collect();
        let post = spawn({
            let (http, at) = (http.clone(), at.clone());
            async move { http.post(&at, body).await.status }
        });
        world().settle().await;
        assert!(!post.is_finished(), "there is no room");
        assert!(http.get(&at).await.body.contains("Working"));
        // Nor does it hold up the end.
        go.send(true).unwrap();
        let mut seen = 1;
        while seen < 50 {
            seen += http.get(&at).await.body.matches("Working").count();
        }
        assert_eq!(post.await, 200);
        assert_eq!(notes.all().len(), 50);
    });
}

#[test]
fn a_post_that_waits_for_room_is_answered_when_the_connection_ends() {
    run(async {
        let service = serve(
            Hub::builder()
                .options(HubOptions::new().parked_bytes(1_000).linger(Duration::from_secs(1)))
                .method("Hang", async |_: String| std::future::pending::<()>().await),
        );
        let http = http(&service);
        let at = open_polled(&http).await;
        let text = "x".repeat(10_000);
        let body: String = (0..50).map(|id| call(id, "Hang", &format!("\"{text}\""))).collect();
        let post = spawn({
            let (http, at) = (http.clone(), at.clone());
            async move { http.post(&at, body).await }
        });
        world().settle().await;
        assert!(!post.is_finished());
        http.delete(&at).await;
        let answer = post.await;
        assert_eq!((answer.status, &*answer.body), (404, ""));
    });
}

#[test]
fn posts_at_the_same_time_all_arrive_whole() {
    run(async {
        let notes = Notes::default();
        let hub = Hub::builder().state(notes.clone());
        let service =
            serve(hub.method("Note", async |notes: State<Notes>, text: String| notes.add(text)));
        let http = http(&service);
        let at = open_polled(&http).await;
        let posts: Vec<_> = (0..20)
            .map(|number| {
                let (http, at) = (http.clone(), at.clone());
                let text = format!("\"{}\"", number.to_string().repeat(10_000));
                spawn(async move { http.post(&at, call(number, "Note", &text)).await.status })
            })
            .collect();
        for post in posts {
            assert_eq!(post.await, 200);
        }
        world().settle().await;
        let mut all = notes.all();
        all.sort();
        let mut sent: Vec<_> =
            (0..20).map(|number: u32| number.to_string().repeat(10_000)).collect();
        sent.sort();
        assert_eq!(all, sent);
    });
}

#[test]
fn the_request_is_the_first_poll() {
    run(async {
        let service = serve(Hub::builder().method("Header", async |ctx: Context, name: String| {
            ctx.request().header(&name).map(str::to_owned)
        }));
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        let with = |method: Method, body: String, value: &'static str| {
            let mut request = request(method, &at, body);
            request.headers_mut().insert("x-which", http::HeaderValue::from_static(value));
            request
        };
        http.send(with(Method::POST, HANDSHAKE.to_owned(), "early post")).await;
        http.send(with(Method::GET, String::new(), "first poll")).await;
        http.send(with(Method::GET, String::new(), "second poll")).await;
        http.send(with(Method::POST, call(1, "Header", "\"X-Which\""), "post")).await;
        let answer = http.send(with(Method::GET, String::new(), "third poll")).await;
        assert!(answer.body.contains("\"result\":\"first poll\""), "{}", answer.body);
    });
}

#[test]
fn a_broadcast_reaches_those_that_are_polled() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let places = [open_polled(&http).await, open_polled(&http).await, open_polled(&http).await];
        let polls = places.clone().map(|at| {
            let http = http.clone();
            spawn(async move { http.get(&at).await.body })
        });
        world().settle().await;
        let client = connect(&service).await;
        let start = Moment::now();
        client.call("1", "ToAll", "[\"hello\"]").await;
        for poll in polls {
            assert_eq!(
                poll.await,
                "{\"type\":1,\"target\":\"Message\",\"arguments\":[\"hello\"]}\x1e"
            );
        }
        assert_eq!(start.elapsed(), Duration::ZERO, "at once, and not when its time runs out");
    });
}

#[test]
fn a_client_that_never_polls_again_is_a_slow_consumer_within_its_budget() {
    run(async {
        let notes = Notes::default();
        let service = serve(
            hub()
                .options(HubOptions::new().slow_consumer(SlowConsumer::Close))
                .state(notes.clone())
                .on_disconnected(left),
        );
        let http = http(&service);
        let _at = open_polled(&http).await;
        let mut client = connect(&service).await;
        let text = format!("[\"{}\"]", "x".repeat(20_000));
        for _ in 0..60 {
            client.call("1", "ToAll", &text).await;
            while !client.record().await.contains("\"type\":3") {}
        }
        world().settle().await;
        assert_eq!(notes.all(), ["slow consumer"]);
    });
}
