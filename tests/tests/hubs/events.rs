//! Server-Sent Events.

use hub_async::{HubOptions, SlowConsumer};
use tests::http::{Coming, Http};

use super::over_http::{HANDSHAKE, call, http, hub, left};
use super::*;

/// A connection whose handshake is answered: where it is, and its stream.
async fn open(http: &Http) -> (String, Coming) {
    let at = http.negotiate("/hub").await;
    let mut stream = http.events(&at).await;
    assert_eq!(stream.next().await.as_deref(), Some(":\r\n"));
    assert_eq!(http.post(&at, HANDSHAKE).await.status, 200);
    assert_eq!(stream.next().await.as_deref(), Some("data: {}\x1e\r\n\r\n"));
    (at, stream)
}

#[test]
fn a_stream_begins_with_a_comment_and_nothing_may_change_or_keep_it() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        let mut stream = http.events(&at).await;
        assert_eq!(stream.status, 200);
        let expected = [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache,no-store"),
            ("pragma", "no-cache"),
            ("content-encoding", "identity"),
            ("x-accel-buffering", "no"),
        ];
        for (name, value) in expected {
            assert_eq!(stream.headers[name], value, "{name}");
        }
        assert_eq!(stream.next().await.as_deref(), Some(":\r\n"));
        assert!(within(Duration::from_secs(1), stream.next()).await.is_none());
    });
}

#[test]
fn what_is_sent_at_once_is_one_event() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let (at, mut stream) = open(&http).await;
        http.post(&at, [call(1, "Echo", "\"one\""), call(2, "Transport", "")].concat()).await;
        assert_eq!(
            stream.next().await.as_deref(),
            Some(concat!(
                "data: {\"type\":3,\"invocationId\":\"1\",\"result\":\"one\"}\x1e",
                "{\"type\":3,\"invocationId\":\"2\",\"result\":\"ServerSentEvents\"}\x1e\r\n\r\n"
            ))
        );
    });
}

#[test]
fn a_handshake_may_be_posted_before_the_stream_is_there() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        assert_eq!(http.post(&at, HANDSHAKE).await.status, 200);
        let mut stream = http.events(&at).await;
        assert_eq!(stream.next().await.as_deref(), Some(":\r\n"));
        assert_eq!(stream.next().await.as_deref(), Some("data: {}\x1e\r\n\r\n"));
    });
}

#[test]
fn another_stream_is_refused_and_the_first_goes_on() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let (at, mut stream) = open(&http).await;
        let second = http.events(&at).await.whole().await;
        assert_eq!((second.status, &*second.body), (409, ""));
        assert_eq!(second.header("content-type"), Some("text/plain"));
        assert_eq!(second.header("cache-control"), None);
        let poll = http.get(&at).await;
        assert_eq!((poll.status, &*poll.body), (400, "Cannot change transports mid-connection"));
        http.post(&at, call(1, "Echo", "\"on\"")).await;
        assert!(stream.next().await.is_some_and(|event| event.contains("\"on\"")));
    });
}

#[test]
fn the_end_of_the_stream_is_that_of_the_connection() {
    run(async {
        let notes = Notes::default();
        let service = serve(hub().state(notes.clone()).on_disconnected(left));
        let http = http(&service);
        let (at, stream) = open(&http).await;
        drop(stream);
        world().settle().await;
        assert_eq!(notes.all(), ["ended by the client"]);
        // What the JavaScript client sends behind it.
        assert_eq!(http.post(&at, "{\"type\":7}\x1e").await.status, 404);
        assert_eq!(http.events(&at).await.whole().await.body, "No Connection with that ID");
        is_left_alone(&service).await;
    });
}

#[test]
fn last_words_leave_before_the_stream_ends() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let (at, stream) = open(&http).await;
        http.post(&at, call(1, "Abort", "")).await;
        let last = format!("data: {CLOSE}\x1e\r\n\r\n");
        assert_eq!(stream.whole().await.body, last);
        world().settle().await;
        is_left_alone(&service).await;
    });
}

#[test]
fn binary_protocols_are_refused() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let at = http.negotiate("/hub").await;
        let stream = http.events(&at).await;
        http.post(&at, "{\"protocol\":\"messagepack\",\"version\":1}\x1e").await;
        let said = stream.whole().await.body;
        assert!(said.starts_with(":\r\ndata: {\"error\":\"Cannot use the 'messagepack' protocol on the current transport."), "{said}");
    });
}

#[test]
fn a_stream_is_kept_alive_by_pings() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let (_at, mut stream) = open(&http).await;
        let start = Moment::now();
        assert_eq!(stream.next().await.as_deref(), Some("data: {\"type\":6}\x1e\r\n\r\n"));
        let waited = start.elapsed();
        assert!(
            waited > Duration::from_secs(13) && waited <= Duration::from_secs(15),
            "{waited:?}"
        );
    });
}

#[test]
fn a_broadcast_reaches_streams_in_order_and_whole() {
    run(async {
        let service = serve(hub());
        let http = http(&service);
        let (_first, mut one) = open(&http).await;
        let (_second, mut two) = open(&http).await;
        let mut client = connect(&service).await;
        for number in 0..200 {
            client.call("1", "ToAll", &format!("[\"{number}\"]")).await;
            while !client.record().await.contains("\"type\":3") {}
        }
        for stream in [&mut one, &mut two] {
            let mut seen = String::new();
            while !seen.ends_with("\"199\"]}\x1e\r\n\r\n") {
                seen += &stream.next().await.expect("more");
            }
            let events = seen.split_terminator("\r\n\r\n").map(|event| {
                assert!(event.ends_with('\x1e'), "whole messages in one event: {event}");
                event.strip_prefix("data: ").expect("one line of data")
            });
            let seen: String = events.collect();
            let all: String = (0..200)
                .map(|number| {
                    format!(
                        "{{\"type\":1,\"target\":\"Message\",\"arguments\":[\"{number}\"]}}\x1e"
                    )
                })
                .collect();
            assert_eq!(seen, all);
        }
    });
}

#[test]
fn a_large_message_is_one_event() {
    run(async {
        let service = serve(hub().options(HubOptions::new().maximum_receive_message_size(1 << 20)));
        let http = http(&service);
        let (at, mut stream) = open(&http).await;
        let text = "x".repeat(500_000);
        http.post(&at, call(1, "Echo", &format!("\"{text}\""))).await;
        let mut event = String::new();
        while !event.ends_with("\r\n\r\n") {
            event += &stream.next().await.expect("more");
        }
        assert_eq!(
            event,
            format!(
                "data: {{\"type\":3,\"invocationId\":\"1\",\"result\":\"{text}\"}}\x1e\r\n\r\n"
            )
        );
    });
}

#[test]
fn a_client_that_reads_nothing_is_cut_off_and_holds_up_nobody() {
    run(async {
        let notes = Notes::default();
        let options = HubOptions::new().slow_consumer(SlowConsumer::DropNewest);
        let service = serve(hub().options(options).state(notes.clone()).on_disconnected(left));
        let http = http(&service);
        let (_at, stream) = open(&http).await;
        let mut client = connect(&service).await;
        let text = format!("[\"{}\"]", "x".repeat(20_000));
        let start = Moment::now();
        // More than the pipe, and what HTTP keeps, have room for.
        for _ in 0..10 {
            client.call("1", "ToAll", &text).await;
            while !client.record().await.contains("\"type\":3") {}
        }
        assert_eq!(start.elapsed(), Duration::ZERO, "nobody waits for it");
        while notes.all().is_empty() {
            pause(1_000).await;
            client.send("{\"type\":6}").await;
        }
        assert_eq!(notes.all(), ["send timeout"]);
        // Between its next ping and 10 s later.
        let waited = start.elapsed();
        assert!(
            waited >= Duration::from_secs(10) && waited <= Duration::from_secs(26),
            "{waited:?}"
        );
        // Its HTTP connection is cut off: the end is not a good one.
        let rest = stream.whole().await;
        assert!(!rest.body.ends_with("\"type\":7}\x1e\r\n\r\n"));
        drop(client);
        world().settle().await;
        is_left_alone(&service).await;
    });
}
