//! Streams from the server: their items, their ends, and who waits for whom.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{self, Poll};

use futures_util::{Stream, StreamExt, stream as streams};
use hub_async::{Cancel, Context, HubError, HubOptions, MethodOptions, StreamReader};
use serde::{Serialize, Serializer};

use super::wire::*;
use super::*;

const FAILED: &str = "An error occurred on the server while streaming results.";

async fn count(to: u32) -> impl Stream<Item = u32> + Send {
    streams::iter(0..to)
}

/// Adds a guard that is dropped with the stream.
fn guarded<S: Stream + Send>(stream: S, guard: Guard) -> impl Stream<Item = S::Item> + Send {
    stream.map(move |item| {
        let _ = &guard;
        item
    })
}

/// A stream without an end, which counts how often it is asked.
#[derive(Clone, Default)]
struct Endless(Arc<AtomicUsize>);

impl Endless {
    fn asked(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Stream for Endless {
    type Item = String;

    fn poll_next(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Option<String>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some("x".repeat(1_000)))
    }
}

fn hub() -> HubBuilder {
    Hub::builder()
        .method("Count", count)
        .method("Value", async || 21)
        .method("Try", async |to: u32| Ok::<_, HubError>(streams::iter(0..to)))
        .method("Results", async |to: u32| streams::iter((0..to).map(Ok::<_, HubError>)))
        .method("Never", async || streams::pending::<u32>())
}

#[test]
fn items_come_in_order_then_one_empty_completion() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        for (target, id) in [("Count", "a"), ("Try", "b"), ("Results", "c"), ("cOUNT", "d")] {
            stream(&client, id, target, "[4]").await;
            pause(1).await;
            let seen = ["0", "1", "2", "3"].map(|n| item(id, n));
            assert_eq!(client.so_far(), [&seen[..], &[void(id)]].concat());
        }
        stream(&client, "none", "Count", "[0]").await;
        assert_eq!(client.next().await, void("none"));
    });
}

#[test]
fn items_come_in_messagepack_as_well() {
    run(async {
        let service = serve(hub());
        let mut client = Client::connect_binary(&service, "/hub").await;
        send_binary(&client, b"\x96\x04\x80\xa11\xa5Count\x91\x04\x90").await;
        pause(1).await;
        let mut seen: Vec<_> =
            (0..4).map(|n| Seen::Binary([&b"\x94\x02\x80\xa11"[..], &[n]].concat())).collect();
        seen.push(Seen::Binary(b"\x94\x03\x80\xa11\x02".to_vec()));
        assert_eq!(client.so_far(), seen);
        // And a cancel.
        send_binary(&client, b"\x96\x04\x80\xa12\xa5Never\x90\x90").await;
        send_binary(&client, b"\x93\x05\x80\xa12").await;
        assert_eq!(client.next().await, Seen::Binary(b"\x94\x03\x80\xa12\x02".to_vec()));
    });
}

#[test]
fn a_stream_that_fails_is_told_in_detail_only_where_that_is_on() {
    async fn hidden() -> impl Stream<Item = Result<u32, HubError>> + Send {
        streams::iter([Ok(0), Err("x".parse::<u32>().unwrap_err().into()), Ok(1)])
    }
    async fn shown() -> impl Stream<Item = Result<u32, HubError>> + Send {
        streams::iter([Ok(0), Err(HubError::new("This is for you.")), Ok(1)])
    }
    run(async {
        let detail = format!("{FAILED} ParseIntError: invalid digit found in string");
        for (detailed, hides) in [(false, FAILED), (true, &detail)] {
            let options = HubOptions::new().enable_detailed_errors(detailed);
            let hub = Hub::builder().method("Hidden", hidden).method("Shown", shown);
            let service = serve(hub.options(options));
            let mut client = connect(&service).await;
            stream(&client, "1", "Hidden", "[]").await;
            pause(1).await;
            assert_eq!(client.so_far(), [item("1", "0"), error("1", hides)]);
            stream(&client, "2", "Shown", "[]").await;
            let shows = format!("{FAILED} HubException: This is for you.");
            pause(1).await;
            assert_eq!(client.so_far(), [item("2", "0"), error("2", &shows)]);
        }
    });
}

#[test]
fn a_method_that_fails_before_it_streams_is_answered_once() {
    async fn refuse(how: u32) -> Result<impl Stream<Item = u32> + Send, HubError> {
        match how {
            0 => Err(HubError::new("No.")),
            1 => Err("x".parse::<u32>().unwrap_err().into()),
            2 => panic!("on purpose"),
            _ => Ok(streams::iter(0..how)),
        }
    }
    run(async {
        let service = serve(hub().method("Refuse", refuse));
        let mut client = connect(&service).await;
        let base = "An unexpected error occurred invoking 'Refuse' on the server.";
        let shown = format!("{base} HubException: No.");
        for (how, text) in [("0", &*shown), ("1", base), ("2", base)] {
            stream(&client, how, "Refuse", &format!("[{how}]")).await;
            pause(1).await;
            assert_eq!(client.so_far(), [error(how, text)]);
        }
        client.call("v", "Value", "[]").await;
        assert_eq!(client.next().await, result("v", "21"));
    });
}

struct Bad(u32);

impl Serialize for Bad {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            1 => panic!("on purpose"),
            2 => Err(serde::ser::Error::custom("on purpose")),
            other => serializer.serialize_u32(other),
        }
    }
}

#[test]
fn a_stream_that_panics_or_has_no_form_ends_alone() {
    run(async {
        let notes = Notes::default();
        let (first, second) = (notes.clone(), notes.clone());
        let panicking = move || {
            let guard = Guard(first.clone(), "panicking");
            async move {
                guarded(
                    streams::iter(0..3).map(|n| if n == 1 { panic!("on purpose") } else { n }),
                    guard,
                )
            }
        };
        let bad = move |kind: u32| {
            let guard = Guard(second.clone(), "bad");
            async move { guarded(streams::iter([Bad(0), Bad(kind), Bad(3)]), guard) }
        };
        let service = serve(hub().method("Panic", panicking).method("Bad", bad));
        let mut client = connect(&service).await;
        stream(&client, "1", "Panic", "[]").await;
        stream(&client, "2", "Bad", "[1]").await;
        stream(&client, "3", "Bad", "[2]").await;
        pause(1).await;
        let seen = ["1", "2", "3"].map(|id| [item(id, "0"), error(id, FAILED)]);
        assert_eq!(client.so_far(), seen.concat());
        assert_eq!(notes.all(), ["panicking dropped", "bad dropped", "bad dropped"]);
        client.call("v", "Value", "[]").await;
        assert_eq!(client.next().await, result("v", "21"));
    });
}

#[test]
fn a_stream_whose_drop_panics_is_ended_once() {
    struct Explosive(u32);
    impl Stream for Explosive {
        type Item = u32;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Option<u32>> {
            self.0 += 1;
            Poll::Ready((self.0 < 3).then_some(self.0))
        }
    }
    impl Drop for Explosive {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    run(async {
        let service = serve(hub().method("Explosive", async || Explosive(0)));
        let mut client = connect(&service).await;
        stream(&client, "1", "Explosive", "[]").await;
        pause(1).await;
        let seen = client.so_far();
        assert_eq!(seen[..2], [item("1", "1"), item("1", "2")]);
        assert!(matches!(&seen[2..], [Seen::Record(end)] if end.starts_with(r#"{"type":3,"#)));
        client.call("v", "Value", "[]").await;
        assert_eq!(client.next().await, result("v", "21"));
    });
}

#[test]
fn a_stream_is_asked_for_as_one_and_a_value_as_a_value() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        client.call("1", "Count", "[4]").await;
        let text = "The client attempted to invoke the streaming 'Count' method with a non-streaming invocation.";
        assert_eq!(client.next().await, error("1", text));
        stream(&client, "2", "Value", "[]").await;
        let text = "The client attempted to invoke the non-streaming 'Value' method with a streaming invocation.";
        assert_eq!(client.next().await, error("2", text));
        client.call("", "Count", "[4]").await;
        pause(1).await;
        assert_eq!(client.so_far(), []);
        stream(&client, "3", "Missing", "[]").await;
        let text = "Failed to invoke 'Missing' due to an error on the server. HubException: Method does not exist.";
        assert_eq!(client.next().await, error("3", text));
    });
}

/// Hubs with a stream of two items that waits then, and notes its drop.
fn two_then_silence(notes: &Notes) -> HubBuilder {
    let notes = notes.clone();
    hub().method("Two", move || {
        let guard = Guard(notes.clone(), "stream");
        async move { guarded(streams::iter(0..2).chain(streams::pending()), guard) }
    })
}

#[test]
fn a_cancel_is_one_clean_completion_and_drops_the_stream() {
    run(async {
        let notes = Notes::default();
        let service = serve(two_then_silence(&notes));
        let mut client = connect(&service).await;
        stream(&client, "1", "Never", "[]").await;
        pause(1).await;
        assert_eq!(client.so_far(), []);
        cancel(&client, "1").await;
        pause(1).await;
        assert_eq!(client.so_far(), [void("1")]);
        stream(&client, "2", "Two", "[]").await;
        pause(1).await;
        assert_eq!((client.so_far(), notes.all()), (vec![item("2", "0"), item("2", "1")], vec![]));
        for _ in 0..3 {
            cancel(&client, "2").await;
        }
        cancel(&client, "unknown").await;
        pause(1).await;
        assert_eq!(client.so_far(), [void("2")]);
        assert_eq!(notes.all(), ["stream dropped"]);
    });
}

#[test]
fn a_client_that_leaves_drops_its_streams() {
    run(async {
        let notes = Notes::default();
        let service = serve(two_then_silence(&notes));
        let client = connect(&service).await;
        stream(&client, "1", "Two", "[]").await;
        pause(1).await;
        drop(client);
        pause(1).await;
        assert_eq!(notes.all(), ["stream dropped"]);
        is_left_alone(&service).await;
    });
}

/// Tells what it was called with and goes on when it is cancelled, with one more item.
async fn goes_on(cancel: Cancel, tell: String) -> impl Stream<Item = String> + Send {
    let last = "went on".to_owned();
    let rest = streams::once(async move {
        cancel.cancelled().await;
        last
    });
    streams::iter([tell]).chain(rest)
}

#[test]
fn a_method_that_takes_cancel_sees_it_and_goes_on_wherever_it_stands() {
    run(async {
        let hub = hub()
            .method("Only", async |cancel: Cancel| goes_on(cancel, String::new()).await)
            .method("Last", async |a: i32, b: Option<i32>, cancel: Cancel| {
                goes_on(cancel, format!("{a} {b:?}")).await
            })
            .method("Between", async |a: i32, cancel: Cancel, b: Option<i32>| {
                goes_on(cancel, format!("{a} {b:?}")).await
            });
        let service = serve(hub);
        let mut client = connect(&service).await;
        let calls = [
            ("Only", "[]", r#""""#),
            ("Last", "[5,null]", r#""5 None""#),
            ("Between", "[5,6]", r#""5 Some(6)""#),
        ];
        for (target, arguments, told) in calls {
            stream(&client, target, target, arguments).await;
            assert_eq!(client.next().await, item(target, told));
            cancel(&client, target).await;
            pause(1).await;
            assert_eq!(client.so_far(), [item(target, r#""went on""#), void(target)]);
        }
    });
}

#[test]
fn a_client_that_leaves_fires_the_cancel_of_its_streams() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let service = serve(hub().method("Watch", move |cancel: Cancel| {
            let notes = noted.clone();
            async move {
                streams::once(async move {
                    cancel.cancelled().await;
                    notes.add("cancelled");
                })
            }
        }));
        let client = connect(&service).await;
        stream(&client, "1", "Watch", "[]").await;
        pause(1).await;
        drop(client);
        pause(1).await;
        assert_eq!(notes.all(), ["cancelled"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_cancel_before_the_stream_is_there_lets_none_of_it_be_polled() {
    run(async {
        let endless = Endless::default();
        let taken = endless.clone();
        let service = serve(hub().method("Late", move || {
            let endless = taken.clone();
            async move {
                pause(1_000).await;
                endless
            }
        }));
        let mut client = connect(&service).await;
        stream(&client, "1", "Late", "[]").await;
        cancel(&client, "1").await;
        pause(10).await;
        assert_eq!(client.so_far(), []);
        assert_eq!(client.next().await, void("1"));
        assert_eq!(endless.asked(), 0);
    });
}

#[test]
fn a_stream_without_an_end_takes_no_slot_and_stops_nobody() {
    run(async {
        let notes = Notes::default();
        let service = serve(two_then_silence(&notes));
        let mut client = connect(&service).await;
        stream(&client, "s", "Two", "[]").await;
        client.call("1", "Value", "[]").await;
        pause(1).await;
        assert_eq!(client.so_far(), [item("s", "0"), item("s", "1"), result("1", "21")]);
        cancel(&client, "s").await;
        client.call("2", "Value", "[]").await;
        pause(1).await;
        let mut seen = client.so_far();
        seen.sort_by_key(|seen| format!("{seen:?}"));
        assert_eq!(seen, [result("2", "21"), void("s")]);
    });
}

#[test]
fn a_stream_is_polled_only_while_there_is_room_and_goes_on_once_there_is() {
    run(async {
        let endless = Endless::default();
        let taken = endless.clone();
        let service = serve(hub().method("Endless", move || {
            let endless = taken.clone();
            async move { endless }
        }));
        let mut client = connect(&service).await;
        stream(&client, "1", "Endless", "[]").await;
        pause(1_000).await;
        let asked = endless.asked();
        // 64 KiB in the queue and 16 in the pipe, of a little more than 1,000 bytes each.
        assert!((60..90).contains(&asked), "{asked}");
        pause(5_000).await;
        assert_eq!(endless.asked(), asked, "nobody reads");
        for _ in 0..500 {
            assert!(client.record().await.starts_with(r#"{"type":2,"#));
        }
        pause(1).await;
        let more = endless.asked();
        assert!((500 + 60..500 + 120).contains(&more), "{more}");
        // A cancel does not wait for room, but its answer keeps its place.
        cancel(&client, "1").await;
        pause(1).await;
        let last = endless.asked();
        for _ in 500..last {
            assert!(client.record().await.starts_with(r#"{"type":2,"#));
        }
        assert_eq!(client.next().await, void("1"));
        assert_eq!(endless.asked(), last);
    });
}

#[test]
fn two_endless_streams_share_and_leave_room_for_everything_else() {
    run(async {
        let service = serve(hub().method("Endless", async || Endless::default()));
        let mut client = connect(&service).await;
        stream(&client, "a", "Endless", "[]").await;
        stream(&client, "b", "Endless", "[]").await;
        let (mut a, mut b) = (0_i32, 0_i32);
        for round in 0..20 {
            client.send(r#"{"type":6}"#).await;
            client.call(&round.to_string(), "Value", "[]").await;
            let answer = result(&round.to_string(), "21");
            for n in 0.. {
                match client.next().await {
                    Seen::Record(text) if text.starts_with(r#"{"type":2,"invocationId":"a""#) => {
                        a += 1
                    }
                    Seen::Record(text) if text.starts_with(r#"{"type":2,"invocationId":"b""#) => {
                        b += 1
                    }
                    seen => {
                        assert_eq!(seen, answer);
                        break;
                    }
                }
                assert!(n < 250, "an answer waits behind what is queued and no longer");
            }
        }
        assert!(a > 100 && (a - b).abs() <= 64 + a / 10, "{a} and {b}");
        cancel(&client, "a").await;
        cancel(&client, "b").await;
        let mut ends = 0;
        while ends < 2 {
            ends += usize::from(client.record().await.starts_with(r#"{"type":3,"#));
        }
        pause(1).await;
        assert_eq!(client.so_far(), []);
    });
}

#[test]
fn a_stream_may_be_a_task_of_its_own() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let spawned = MethodOptions::new().spawn();
        let slowly = async |to: u32| {
            streams::iter(0..to).then(async |n| {
                pause(10).await;
                n
            })
        };
        let two = move || {
            let guard = Guard(noted.clone(), "stream");
            async move { guarded(streams::iter(0..2).chain(streams::pending()), guard) }
        };
        let hub = hub()
            .method_with("Spawned", count, spawned)
            .method_with("Slowly", slowly, spawned)
            .method_with("Two", two, spawned)
            .method_with("Endless", async || Endless::default(), spawned);
        let service = serve(hub);
        let mut client = connect(&service).await;
        for target in ["Spawned", "Slowly"] {
            stream(&client, target, target, "[3]").await;
            for n in ["0", "1", "2"] {
                assert_eq!(client.next().await, item(target, n));
            }
            assert_eq!(client.next().await, void(target));
        }
        stream(&client, "1", "Two", "[]").await;
        pause(1).await;
        cancel(&client, "1").await;
        pause(1).await;
        assert_eq!(client.so_far(), [item("1", "0"), item("1", "1"), void("1")]);
        stream(&client, "2", "Endless", "[]").await;
        for _ in 0..300 {
            assert!(client.record().await.starts_with(r#"{"type":2,"#));
        }
        stream(&client, "3", "Two", "[]").await;
        drop(client);
        pause(1).await;
        assert_eq!(notes.all(), ["stream dropped", "stream dropped"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_stream_that_reads_another_one_goes_both_ways() {
    run(async {
        let double = async |numbers: StreamReader<u32>| {
            numbers.map(|number| number.map(|number| number * 2))
        };
        let first = async |mut numbers: StreamReader<u32>| {
            streams::once(async move { numbers.next().await.transpose() })
        };
        let service = serve(hub().method("Double", double).method("First", first));
        let mut client = connect(&service).await;
        client
            .send(r#"{"type":4,"invocationId":"1","target":"Double","arguments":[],"streamIds":["u"]}"#)
            .await;
        for n in 1..=20 {
            give(&client, "u", &n.to_string()).await;
            assert_eq!(client.next().await, item("1", &(2 * n).to_string()));
        }
        fail(&client, "u", "no more").await;
        let text = format!("{FAILED} HubException: no more");
        assert_eq!(client.next().await, error("1", &text));
        // One that ends early ignores the rest.
        client
            .send(r#"{"type":4,"invocationId":"2","target":"First","arguments":[],"streamIds":["v"]}"#)
            .await;
        give(&client, "v", "7").await;
        assert_eq!(client.next().await, item("2", "7"));
        assert_eq!(client.next().await, void("2"));
        give(&client, "v", "8").await;
        end(&client, "v").await;
        client.call("3", "Value", "[]").await;
        pause(1).await;
        assert_eq!(client.so_far(), [result("3", "21")]);
        // A cancel ends both.
        client
            .send(r#"{"type":4,"invocationId":"4","target":"Double","arguments":[],"streamIds":["w"]}"#)
            .await;
        cancel(&client, "4").await;
        give(&client, "w", "8").await;
        pause(1).await;
        assert_eq!(client.so_far(), [void("4")]);
    });
}

#[test]
fn hooks_neither_return_streams_nor_read_them() {
    let refusal = |hub: HubBuilder| hub.build().expect_err("refused").to_string();
    let reads = async |_: StreamReader<u8>| {};
    let streams = async || streams::empty::<u8>();
    assert_eq!(
        refusal(Hub::builder().on_connected(reads)),
        "on_connected takes a StreamReader, which only a method can"
    );
    assert_eq!(
        refusal(Hub::builder().on_disconnected(reads)),
        "on_disconnected takes a StreamReader, which only a method can"
    );
    assert!(refusal(Hub::builder().on_connected(streams)).starts_with("on_connected "));
    assert!(refusal(Hub::builder().on_disconnected(streams)).starts_with("on_disconnected "));
}

#[test]
fn a_second_stream_of_one_id_is_refused_and_the_first_can_still_be_cancelled() {
    run(async {
        let notes = Notes::default();
        let service = serve(two_then_silence(&notes));
        let mut client = connect(&service).await;
        stream(&client, "1", "Two", "[]").await;
        stream(&client, "1", "Count", "[2]").await;
        pause(1).await;
        let refused = error("1", "Invocation ID '1' is already in use.");
        let seen = client.so_far();
        assert_eq!(seen.len(), 3);
        assert!(seen.contains(&refused));
        assert_eq!(notes.all().len(), 0);
        cancel(&client, "1").await;
        assert_eq!(client.next().await, void("1"));
        assert_eq!(notes.all(), ["stream dropped"]);
        // Then the id is free.
        stream(&client, "1", "Count", "[1]").await;
        pause(1).await;
        assert_eq!(client.so_far(), [item("1", "0"), void("1")]);
    });
}

#[test]
fn a_stream_that_is_cancelled_anywhere_is_completed_once() {
    run(async {
        let ready = async |to: usize| streams::iter(0..to);
        let slowly = async |to: usize| {
            streams::iter(0..to).then(async |n| {
                pause(1).await;
                n
            })
        };
        let service = serve(hub().method("Ready", ready).method("Slowly", slowly));
        let mut client = connect(&service).await;
        let call = |target: &str, to: usize| {
            format!(r#"{{"type":4,"invocationId":"1","target":"{target}","arguments":[{to}]}}"#)
        };
        let stop = r#"{"type":5,"invocationId":"1"}"#;
        for to in [0_usize, 1, 2, 31, 32, 33, 63, 64, 65, 200] {
            // In one read, in the next turn, and when its last item comes.
            for gap in [None, Some(0), Some(1), Some(to.saturating_sub(1)), Some(to)] {
                for target in ["Ready", "Slowly"] {
                    match gap {
                        None => client.send(&format!("{}\u{1e}{stop}", call(target, to))).await,
                        Some(gap) => {
                            client.send(&call(target, to)).await;
                            match gap {
                                0 => yield_now().await,
                                gap => pause(gap as u64).await,
                            }
                            client.send(stop).await;
                        }
                    }
                    pause(300).await;
                    let seen = client.so_far();
                    let items = seen.len() - 1;
                    let expected: Vec<_> = (0..items).map(|n| item("1", &n.to_string())).collect();
                    assert!(items <= to);
                    assert_eq!(seen, [expected, vec![void("1")]].concat(), "{target} {to} {gap:?}");
                }
            }
        }
    });
}

#[test]
fn more_streams_than_the_limit_fail_and_leave_the_others_alone() {
    run(async {
        let service = serve(hub().options(HubOptions::new().maximum_streams(2)));
        let mut client = connect(&service).await;
        for id in ["1", "2", "3"] {
            stream(&client, id, "Never", "[]").await;
        }
        let text = "Failed to invoke 'Never' because 2 streams are open, which is the limit.";
        assert_eq!(client.next().await, error("3", text));
        cancel(&client, "1").await;
        assert_eq!(client.next().await, void("1"));
        stream(&client, "4", "Count", "[1]").await;
        pause(1).await;
        assert_eq!(client.so_far(), [item("4", "0"), void("4")]);
    });
}

#[test]
fn a_stream_that_was_cancelled_before_its_turn_came_yields_nothing() {
    run(async {
        let hub = hub().method("Sleep", async |millis: u64| pause(millis).await);
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Sleep", "[100]").await;
        client.call("2", "Sleep", "[100]").await;
        // It waits behind the second call.
        stream(&client, "s", "Count", "[5]").await;
        cancel(&client, "s").await;
        assert_eq!(client.next().await, result("1", "null"));
        assert_eq!(client.next().await, void("s"));
        assert_eq!(client.next().await, result("2", "null"));
    });
}

/// An item that tells its caller while it is serialized.
struct Telling(Context);

impl Serialize for Telling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        drop(self.0.clients().all().send("Told", ()));
        serializer.serialize_u8(1)
    }
}

#[test]
fn an_item_may_send_while_it_is_serialized() {
    run(async {
        for options in [MethodOptions::new(), MethodOptions::new().spawn()] {
            let tells = async |ctx: Context| streams::iter([Telling(ctx.clone()), Telling(ctx)]);
            let service = serve(Hub::builder().method_with("Tell", tells, options));
            let mut client = connect(&service).await;
            stream(&client, "1", "Tell", "[]").await;
            pause(1).await;
            let told = || record(r#"{"type":1,"target":"Told","arguments":[]}"#);
            let seen = [told(), item("1", "1"), told(), item("1", "1"), void("1")];
            assert_eq!(client.so_far(), seen);
        }
    });
}

#[test]
fn an_abort_ends_a_stream_and_nothing_follows_the_close() {
    run(async {
        let notes = Notes::default();
        let hub = two_then_silence(&notes).method("Abort", async |ctx: Context| ctx.abort());
        let service = serve(hub.method("Endless", async || Endless::default()));
        let mut client = connect(&service).await;
        stream(&client, "1", "Two", "[]").await;
        stream(&client, "2", "Endless", "[]").await;
        client.call("3", "Abort", "[]").await;
        let seen = client.rest().await;
        assert_eq!(seen[seen.len() - 2..], [record(CLOSE), Seen::Close(Some(1000))]);
        assert!(
            seen.iter().all(
                |seen| !matches!(seen, Seen::Record(text) if text.starts_with(r#"{"type":3"#))
            )
        );
        assert_eq!(notes.all(), ["stream dropped"]);
        drop(client);
        is_left_alone(&service).await;
    });
}

/// It takes a `Cancel` and does not look at it: then nobody has a use for what it yields.
#[test]
fn a_stream_that_goes_on_for_ever_is_dropped_soon_after_its_client_has_left() {
    run(async {
        let endless = Endless::default();
        let taken = endless.clone();
        let service = serve(hub().method("Endless", move |_: Cancel| {
            let endless = taken.clone();
            async move { endless.take(100_000) }
        }));
        let mut client = connect(&service).await;
        stream(&client, "1", "Endless", "[]").await;
        client.record().await;
        drop(client);
        pause(1).await;
        assert!(endless.asked() < 1_000, "{}", endless.asked());
        is_left_alone(&service).await;
    });
}
