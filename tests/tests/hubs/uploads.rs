//! Streams from the client, as methods read them.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use hub_async::{Cancel, Context, HubError, HubOptions, MethodOptions, State, StreamReader};
use serde::{Deserialize, Deserializer, Serialize};

use super::wire::*;
use super::*;

/// Reads to the end, and says what came.
async fn concat(mut words: StreamReader<String>) -> Result<String, HubError> {
    let mut all = String::new();
    while let Some(word) = words.next().await {
        all += &word?;
    }
    Ok(all)
}

/// The same, and an error is a word.
async fn told<T: ToString>(mut items: StreamReader<T>, notes: Notes) {
    loop {
        match items.next().await {
            Some(Ok(item)) => notes.add(item.to_string()),
            Some(Err(error)) => notes.add(error.to_string()),
            None => return notes.add("end"),
        }
    }
}

fn hub() -> HubBuilder {
    Hub::builder().method("Concat", concat).method("Echo", async |text: String| text).method(
        "First",
        async |mut words: StreamReader<String>| {
            words.next().await.transpose().map_err(HubError::from)
        },
    )
}

/// With a method that notes what comes.
fn telling(notes: &Notes) -> HubBuilder {
    let notes = notes.clone();
    hub().method("Tell", move |items: StreamReader<u32>| told(items, notes.clone()))
}

/// That nothing else has come, and that the connection is well.
async fn is_well(client: &mut Client) {
    client.call("well", "Echo", r#"["well"]"#).await;
    pause(1).await;
    assert_eq!(client.so_far(), [result("well", r#""well""#)]);
}

#[test]
fn a_method_collects_objects_and_returns_them() {
    #[derive(Deserialize, Serialize)]
    struct Point {
        x: i32,
        name: Option<String>,
    }
    run(async {
        let collect = async |points: StreamReader<Point>| {
            let points: Vec<_> = points.collect().await;
            points.into_iter().collect::<Result<Vec<_>, _>>().map_err(HubError::from)
        };
        let service = serve(hub().method("Collect", collect));
        let mut client = connect(&service).await;
        upload(&client, "1", "Collect", "[]", r#"["u"]"#).await;
        give(&client, "u", r#"{"x":1,"name":"one"}"#).await;
        give(&client, "u", r#"{"name":null,"x":2}"#).await;
        pause(1).await;
        assert_eq!(client.so_far(), []);
        end(&client, "u").await;
        let points = r#"[{"x":1,"name":"one"},{"x":2,"name":null}]"#;
        assert_eq!(client.next().await, result("1", points));
    });
}

#[test]
fn items_come_in_messagepack_as_well() {
    run(async {
        let service = serve(hub());
        let mut client = Client::connect_binary(&service, "/hub").await;
        send_binary(&client, b"\x96\x01\x80\xa11\xa6Concat\x90\x91\xa1u").await;
        for word in [b"\xa1a", b"\xa1b"] {
            send_binary(&client, &[&b"\x94\x02\x80\xa1u"[..], word].concat()).await;
        }
        send_binary(&client, b"\x94\x03\x80\xa1u\x02").await;
        assert_eq!(client.next().await, Seen::Binary(b"\x95\x03\x80\xa11\x03\xa2ab".to_vec()));
        send_binary(&client, b"\x96\x01\x80\xa12\xa6Concat\x90\x91\xa1v").await;
        send_binary(&client, b"\x95\x03\x80\xa1v\x01\xa2no").await;
        let Seen::Binary(seen) = client.next().await else { panic!("no MessagePack") };
        assert!(String::from_utf8_lossy(&seen).ends_with("HubException: no"));
    });
}

#[test]
fn three_uploads_at_once_do_not_mix_and_end_in_any_order() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        let words = ["zero", "one", "two"];
        for n in ["0", "1", "2"] {
            upload(&client, n, "Concat", "[]", &format!(r#"["s{n}"]"#)).await;
        }
        for at in 0..4 {
            for (n, word) in words.iter().enumerate() {
                let letter: String = word.chars().skip(at).take(1).collect();
                give(&client, &format!("s{n}"), &format!(r#""{letter}""#)).await;
            }
        }
        for n in [0, 2, 1] {
            pause(1).await;
            assert_eq!(client.so_far(), []);
            end(&client, &format!("s{n}")).await;
            let word = format!(r#""{}""#, words[n]);
            assert_eq!(client.next().await, result(&n.to_string(), &word));
        }
    });
}

#[test]
fn an_upload_that_nobody_reads_stops_nothing_behind_it() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let slow = move |items: StreamReader<u32>| {
            let notes = noted.clone();
            async move {
                pause(10_000).await;
                told(items, notes).await;
            }
        };
        let options = HubOptions::new().stream_buffer_capacity(1);
        let service = serve(hub().method("Slow", slow).options(options));
        let mut client = connect(&service).await;
        upload(&client, "1", "Slow", "[]", r#"["u"]"#).await;
        for n in 0..5 {
            give(&client, "u", &n.to_string()).await;
        }
        end(&client, "u").await;
        is_well(&mut client).await;
        assert_eq!(client.next().await, result("1", "null"));
        assert_eq!(notes.all(), ["0", "1", "2", "3", "4", "end"]);
    });
}

#[test]
fn an_upload_takes_no_slot() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        upload(&client, "1", "Concat", "[]", r#"["u"]"#).await;
        is_well(&mut client).await;
        give(&client, "u", r#""late""#).await;
        is_well(&mut client).await;
        end(&client, "u").await;
        assert_eq!(client.next().await, result("1", r#""late""#));
    });
}

#[test]
fn an_item_of_another_type_is_the_end_of_its_stream_only() {
    run(async {
        for (detailed, kind) in [(false, "7"), (true, "{}")] {
            let notes = Notes::default();
            let hub = telling(&notes).options(HubOptions::new().enable_detailed_errors(detailed));
            let service = serve(hub);
            let mut client = connect(&service).await;
            upload(&client, "1", "Tell", "[]", r#"["u"]"#).await;
            give(&client, "u", "1").await;
            give(&client, "u", r#""2""#).await;
            give(&client, "u", "3").await;
            end(&client, "u").await;
            assert_eq!(client.next().await, result("1", "null"));
            assert_eq!(notes.all(), ["1", "Failed to bind Stream message.", "end"]);
            // Numbers are no strings, and by `?` it is an error of the method's.
            upload(&client, "2", "Concat", "[]", r#"["v"]"#).await;
            give(&client, "v", kind).await;
            let text = "An unexpected error occurred invoking 'Concat' on the server. HubException: Failed to bind Stream message.";
            assert_eq!(client.next().await, error("2", text));
            is_well(&mut client).await;
        }
    });
}

#[test]
fn a_malformed_item_ends_the_connection() {
    run(async {
        let notes = Notes::default();
        let service = serve(telling(&notes));
        for bad in ["{1:2}", "[1,]", "tru", r#""\q""#] {
            let mut client = connect(&service).await;
            upload(&client, "1", "Tell", "[]", r#"["u"]"#).await;
            give(&client, "u", "1").await;
            give(&client, "u", bad).await;
            let seen = client.rest().await;
            assert_eq!(seen, [record(CLOSE_ERROR), Seen::Close(Some(1000))], "{bad}");
            drop(client);
            pause(1).await;
        }
        let closed = ["1", "The underlying connection was closed.", "end"];
        assert_eq!(notes.all(), closed.repeat(4));
        is_left_alone(&service).await;
    });
}

#[test]
fn an_error_of_the_client_ends_its_stream_with_its_text() {
    run(async {
        let notes = Notes::default();
        let service = serve(telling(&notes));
        let mut client = connect(&service).await;
        upload(&client, "1", "Concat", "[]", r#"["u"]"#).await;
        give(&client, "u", r#""a""#).await;
        fail(&client, "u", "It broke.").await;
        let text =
            "An unexpected error occurred invoking 'Concat' on the server. HubException: It broke.";
        assert_eq!(client.next().await, error("1", text));
        upload(&client, "2", "Tell", "[]", r#"["u"]"#).await;
        give(&client, "u", "1").await;
        fail(&client, "u", "It broke.").await;
        assert_eq!(client.next().await, result("2", "null"));
        assert_eq!(notes.all(), ["1", "It broke.", "end"]);
        // What a stream comes to besides is nobody's business.
        upload(&client, "3", "Concat", "[]", r#"["u"]"#).await;
        answer(&client, "u", r#"{"a":[1]}"#).await;
        assert_eq!(client.next().await, result("3", r#""""#));
    });
}

#[test]
fn what_comes_after_the_method_has_returned_is_ignored() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        upload(&client, "1", "First", "[]", r#"["u"]"#).await;
        give(&client, "u", r#""first""#).await;
        assert_eq!(client.next().await, result("1", r#""first""#));
        for item in [r#""second""#, "3", "{}"] {
            give(&client, "u", item).await;
        }
        is_well(&mut client).await;
        end(&client, "u").await;
        is_well(&mut client).await;
        // The id is free again, whether or not the client has ended it.
        upload(&client, "2", "Concat", "[]", r#"["u"]"#).await;
        give(&client, "u", r#""new""#).await;
        end(&client, "u").await;
        assert_eq!(client.next().await, result("2", r#""new""#));
    });
}

#[test]
fn a_reader_that_is_dropped_early_stops_nothing() {
    run(async {
        let options = HubOptions::new().stream_buffer_capacity(2).parked_bytes(2_000);
        let hub = hub().options(options).method("Drop", async |items: StreamReader<String>| {
            drop(items);
            pause(5_000).await;
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        upload(&client, "1", "Drop", "[]", r#"["u"]"#).await;
        for _ in 0..100 {
            give(&client, "u", &format!(r#""{}""#, "x".repeat(1_000))).await;
        }
        is_well(&mut client).await;
        end(&client, "u").await;
        assert_eq!(client.next().await, result("1", "null"));
    });
}

#[test]
fn a_full_park_is_given_up_with_its_reader_or_with_its_method() {
    run(async {
        let options = HubOptions::new().stream_buffer_capacity(1).parked_bytes(2_000);
        let hub = hub()
            .options(options)
            .method("Drop", async |items: StreamReader<String>| {
                pause(1_000).await;
                drop(items);
                pause(1_000).await;
            })
            .method("Return", async |_items: StreamReader<String>| pause(1_000).await);
        let service = serve(hub);
        for (target, time) in [("Drop", 2_000), ("Return", 1_000)] {
            let mut client = connect(&service).await;
            upload(&client, "1", target, "[]", r#"["u"]"#).await;
            for _ in 0..5 {
                give(&client, "u", &format!(r#""{}""#, "x".repeat(1_000))).await;
            }
            client.call("2", "Echo", r#"["hi"]"#).await;
            pause(900).await;
            // The park is full, and nothing is read.
            assert_eq!(client.so_far(), []);
            pause(110).await;
            let mut seen = client.so_far();
            assert!(seen.contains(&result("2", r#""hi""#)), "{seen:?}");
            pause(time - 1_000).await;
            seen.extend(client.so_far());
            assert!(seen.contains(&result("1", "null")) && seen.len() == 2, "{seen:?}");
        }
    });
}

#[test]
fn a_client_that_leaves_behind_a_full_park_is_noticed() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let options = HubOptions::new().stream_buffer_capacity(1).parked_bytes(2_000);
        let hub = hub().options(options).method(
            "Wait",
            move |cancel: Cancel, items: StreamReader<String>| {
                let notes = noted.clone();
                async move {
                    cancel.cancelled().await;
                    let length = |item: Result<String, _>| item.map(|item| item.len().to_string());
                    for item in items.map(length).collect::<Vec<_>>().await {
                        notes.add(
                            item.unwrap_or_else(|error: hub_async::StreamError| error.to_string()),
                        );
                    }
                }
            },
        );
        let service = serve(hub);
        let client = connect(&service).await;
        upload(&client, "1", "Wait", "[]", r#"["u"]"#).await;
        for _ in 0..5 {
            give(&client, "u", &format!(r#""{}""#, "x".repeat(1_000))).await;
        }
        pause(1).await;
        drop(client);
        // At the latest when it is pinged.
        pause(16_000).await;
        assert_eq!(notes.all(), ["1000", "The underlying connection was closed."]);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_reader_may_outlive_its_method_and_ends_with_it() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let hand_over = move |items: StreamReader<u32>| {
            let notes = noted.clone();
            async move {
                spawn(told(items, notes));
                pause(10).await;
            }
        };
        let service = serve(hub().method("HandOver", hand_over));
        let mut client = connect(&service).await;
        upload(&client, "1", "HandOver", "[]", r#"["u"]"#).await;
        give(&client, "u", "1").await;
        give(&client, "u", "2").await;
        assert_eq!(client.next().await, result("1", "null"));
        give(&client, "u", "3").await;
        is_well(&mut client).await;
        assert_eq!(notes.all(), ["1", "2", "end"]);
    });
}

#[test]
fn the_reader_of_a_client_that_leaves_is_told() {
    run(async {
        let notes = Notes::default();
        let service = serve(telling(&notes));
        let client = connect(&service).await;
        upload(&client, "1", "Tell", "[]", r#"["u"]"#).await;
        give(&client, "u", "1").await;
        pause(1).await;
        drop(client);
        pause(1).await;
        assert_eq!(notes.all(), ["1", "The underlying connection was closed.", "end"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn the_numbers_of_streams_must_fit() {
    run(async {
        let two = async |a: StreamReader<u8>, b: StreamReader<u8>| a.chain(b).count().await;
        let service = serve(hub().method("Two", two));
        let mut client = connect(&service).await;
        let calls = [
            ("Concat", r#"["a","b"]"#, 2, 1),
            ("Concat", "[]", 0, 1),
            ("Two", r#"["a"]"#, 1, 2),
            ("Two", r#"["a","b","c"]"#, 3, 2),
            ("Echo", r#"["a"]"#, 1, 0),
        ];
        for (target, streams, sent, expected) in calls {
            let arguments = if target == "Echo" { r#"["hi"]"# } else { "[]" };
            upload(&client, "1", target, arguments, streams).await;
            let text = format!(
                "An unexpected error occurred invoking '{target}' on the server. HubException: Client sent {sent} stream(s), Hub method expects {expected}."
            );
            assert_eq!(client.next().await, error("1", &text));
            // Nothing of it is left open.
            give(&client, "a", "1").await;
            end(&client, "a").await;
        }
        client.call("1", "Concat", "[]").await;
        assert!(
            matches!(client.next().await, Seen::Record(text) if text.contains("Client sent 0 stream(s)"))
        );
        upload(&client, "2", "Two", "[]", r#"["a","b"]"#).await;
        end(&client, "b").await;
        give(&client, "a", "1").await;
        end(&client, "a").await;
        assert_eq!(client.next().await, result("2", "1"));
    });
}

#[test]
fn an_upload_without_an_id_is_never_answered() {
    run(async {
        let notes = Notes::default();
        let service = serve(telling(&notes));
        let mut client = connect(&service).await;
        upload(&client, "", "Tell", "[]", r#"["u"]"#).await;
        give(&client, "u", "1").await;
        end(&client, "u").await;
        upload(&client, "", "Concat", "[]", r#"["u"]"#).await;
        fail(&client, "u", "no").await;
        upload(&client, "", "Concat", "[]", r#"["u","v"]"#).await;
        is_well(&mut client).await;
        assert_eq!(notes.all(), ["1", "end"]);
    });
}

#[test]
fn a_hundred_kilobytes_of_tiny_items_are_all_read_by_a_slow_reader() {
    run(async {
        let slow = async |mut items: StreamReader<u8>| {
            let (mut count, mut sum) = (0_u32, 0_u32);
            while let Some(Ok(item)) = items.next().await {
                (count, sum) = (count + 1, sum + u32::from(item));
                if count % 50 == 0 {
                    pause(1).await;
                }
            }
            (count, sum)
        };
        for capacity in [1, 2, 3, 10, 1_000] {
            let options = HubOptions::new().stream_buffer_capacity(capacity).parked_bytes(140_000);
            let service = serve(hub().method("Slow", slow).options(options));
            let mut client = connect(&service).await;
            upload(&client, "1", "Slow", "[]", r#"["u"]"#).await;
            let count = 100 * 1024 / 43;
            for n in 0..count {
                give(&client, "u", &(n % 10).to_string()).await;
            }
            end(&client, "u").await;
            let sum: u32 = (0..count).map(|n| n % 10).sum();
            assert_eq!(client.next().await, result("1", &format!("[{count},{sum}]")));
        }
    });
}

/// Its limit is that of what is kept, not of what a client may send: it has to wait, as with any other.
#[test]
fn a_client_waits_for_a_small_park_as_it_does_for_a_large_one() {
    run(async {
        let options = HubOptions::new().stream_buffer_capacity(1).parked_bytes(1_000);
        let hub = hub().options(options).method("Slow", async |mut items: StreamReader<String>| {
            pause(1_000).await;
            let mut count = 0;
            while let Some(Ok(_)) = items.next().await {
                count += 1;
            }
            count
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        upload(&client, "1", "Slow", "[]", r#"["u"]"#).await;
        let item = "x".repeat(100);
        for _ in 0..1_000 {
            give(&client, "u", &format!(r#""{item}""#)).await;
        }
        end(&client, "u").await;
        assert_eq!(client.next().await, result("1", "1000"));
    });
}

#[test]
fn ten_thousand_items_in_bursts_are_read_in_order() {
    run(async {
        let ordered = async |mut items: StreamReader<u32>| {
            let mut next = 0;
            while let Some(item) = items.next().await {
                if item.ok() != Some(next) {
                    return false;
                }
                next += 1;
            }
            next == 10_000
        };
        for options in [MethodOptions::new(), MethodOptions::new().spawn()] {
            let service = serve(hub().method_with("Ordered", ordered, options));
            let mut client = connect(&service).await;
            upload(&client, "1", "Ordered", "[]", r#"["u"]"#).await;
            let mut sent = 0;
            for burst in (1_usize..).map(|n| n * n % 97 + 1) {
                let burst = burst.min(10_000 - sent);
                let items: Vec<_> = (sent..sent + burst)
                    .map(|n| format!(r#"{{"type":2,"invocationId":"u","item":{n}}}"#))
                    .collect();
                if items.is_empty() {
                    break;
                }
                client.send(&items.join("\u{1e}")).await;
                sent += burst;
                if burst % 3 == 0 {
                    yield_now().await;
                }
            }
            end(&client, "u").await;
            assert_eq!(client.next().await, result("1", "true"));
        }
    });
}

#[test]
fn state_and_arguments_stand_among_uploads() {
    run(async {
        let sum = async |a: i32,
                         first: StreamReader<i32>,
                         base: State<i32>,
                         ctx: Context,
                         b: i32,
                         cancel: Cancel,
                         second: StreamReader<i32>| {
            assert!(!ctx.is_aborted() && !cancel.is_cancelled());
            let total =
                |reader: StreamReader<i32>| reader.fold(0, async |sum, item| sum + item.unwrap());
            a + b + *base + total(first).await * 10 + total(second).await * 100
        };
        let service = serve(hub().state(1_000).method("Sum", sum));
        let mut client = connect(&service).await;
        upload(&client, "1", "Sum", "[1,2]", r#"["a","b"]"#).await;
        for (id, n) in [("b", 3), ("a", 4), ("b", 5)] {
            give(&client, id, &n.to_string()).await;
        }
        end(&client, "b").await;
        end(&client, "a").await;
        assert_eq!(client.next().await, result("1", "1843"));
    });
}

#[test]
fn a_second_upload_of_one_id_is_refused() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        upload(&client, "1", "Concat", "[]", r#"["u"]"#).await;
        upload(&client, "2", "Concat", "[]", r#"["u"]"#).await;
        assert_eq!(client.next().await, error("2", "Invocation ID 'u' is already in use."));
        give(&client, "u", r#""first""#).await;
        end(&client, "u").await;
        assert_eq!(client.next().await, result("1", r#""first""#));
        upload(&client, "3", "Concat", "[]", r#"["u","u"]"#).await;
        assert_eq!(client.next().await, error("3", "Invocation ID 'u' is already in use."));
    });
}

#[test]
fn items_for_a_call_that_waits_for_its_turn_are_kept() {
    run(async {
        let service = serve(hub().method("Sleep", async |millis: u64| pause(millis).await));
        let mut client = connect(&service).await;
        client.call("1", "Sleep", "[100]").await;
        client.call("2", "Sleep", "[100]").await;
        upload(&client, "3", "Concat", "[]", r#"["u"]"#).await;
        for n in 0..30 {
            give(&client, "u", &format!(r#""{}""#, n % 10)).await;
        }
        end(&client, "u").await;
        assert_eq!(client.next().await, result("1", "null"));
        assert_eq!(client.next().await, result("3", &format!(r#""{}""#, "0123456789".repeat(3))));
        assert_eq!(client.next().await, result("2", "null"));
        // And gone with a client that leaves meanwhile.
        client.call("1", "Sleep", "[100]").await;
        client.call("2", "Sleep", "[100]").await;
        upload(&client, "3", "Concat", "[]", r#"["u"]"#).await;
        give(&client, "u", r#""x""#).await;
        pause(1).await;
        drop(client);
        pause(200).await;
        is_left_alone(&service).await;
    });
}

/// A number whose reading panics, or whose drop does.
struct Fragile(u32);

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        assert_ne!(number, 13, "on purpose");
        Ok(Self(number))
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert_ne!(self.0, 14, "on purpose");
    }
}

#[test]
fn an_item_that_panics_ends_its_stream_or_its_method_only() {
    run(async {
        let sum = async |mut items: StreamReader<Fragile>| {
            let mut sum = 0;
            while let Some(item) = items.next().await {
                sum += item?.0;
            }
            Ok::<_, HubError>(sum)
        };
        let idle = async |items: StreamReader<Fragile>| {
            pause(10).await;
            drop(items);
        };
        let early = async |items: StreamReader<Fragile>| {
            drop(items);
            pause(10).await;
        };
        let hub = hub().method("Sum", sum).method("Idle", idle).method("Early", early);
        let service = serve(hub);
        let mut client = connect(&service).await;
        let base =
            |target| format!("An unexpected error occurred invoking '{target}' on the server.");
        upload(&client, "1", "Sum", "[]", r#"["u"]"#).await;
        give(&client, "u", "13").await;
        let text = format!("{} HubException: Failed to bind Stream message.", base("Sum"));
        assert_eq!(client.next().await, error("1", &text));
        upload(&client, "2", "Sum", "[]", r#"["u"]"#).await;
        give(&client, "u", "14").await;
        assert_eq!(client.next().await, error("2", &base("Sum")));
        upload(&client, "3", "Idle", "[]", r#"["u"]"#).await;
        give(&client, "u", "14").await;
        give(&client, "u", "14").await;
        assert!(
            matches!(client.next().await, Seen::Record(text) if text.starts_with(r#"{"type":3"#))
        );
        upload(&client, "4", "Early", "[]", r#"["u"]"#).await;
        give(&client, "u", "14").await;
        assert_eq!(client.next().await, result("4", "null"));
        is_well(&mut client).await;
        // When the connection ends over them as well.
        upload(&client, "5", "Idle", "[]", r#"["u"]"#).await;
        give(&client, "u", "14").await;
        pause(1).await;
        drop(client);
        pause(100).await;
        is_left_alone(&service).await;
    });
}

static SEEN: AtomicUsize = AtomicUsize::new(0);

/// An item that is about the connection while it is read and while it is dropped.
struct Busy(Context);

thread_local! {
    static CALLER: RefCell<Option<Context>> = const { RefCell::new(None) };
}

impl<'de> Deserialize<'de> for Busy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer)?;
        let ctx = CALLER.with_borrow(Clone::clone).expect("there is a caller");
        drop(ctx.clients().caller().send("Read", ()));
        drop(ctx.clients().caller().invoke::<u32>("Withdrawn", ()));
        Ok(Self(ctx))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        SEEN.fetch_add(1, Ordering::Relaxed);
        drop(self.0.clients().caller().send("Dropped", ()));
        drop(self.0.clients().caller().invoke::<u32>("Withdrawn", ()));
    }
}

#[test]
fn an_item_may_send_and_ask_while_it_is_read_and_dropped() {
    run(async {
        let hub = hub().method("Busy", async |ctx: Context, mut items: StreamReader<Busy>| {
            CALLER.set(Some(ctx));
            let first = items.next().await.is_some();
            pause(10).await;
            drop(items);
            first
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        upload(&client, "1", "Busy", "[]", r#"["u"]"#).await;
        for n in 0..20 {
            give(&client, "u", &n.to_string()).await;
        }
        pause(20).await;
        CALLER.set(None);
        let seen = client.so_far();
        let count = |name: &str| {
            let sent = seen
                .iter()
                .filter(|seen| matches!(seen, Seen::Record(text) if text.contains(name)));
            sent.count()
        };
        assert_eq!(count("Read"), count("Dropped"));
        assert_eq!(count("Withdrawn"), 2 * count("Read"));
        assert_eq!(count("Dropped"), SEEN.load(Ordering::Relaxed));
        assert_eq!(seen.last(), Some(&result("1", "true")));
        is_well(&mut client).await;
    });
}

#[test]
fn a_method_that_computes_alone_reads_as_well() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let spawned = MethodOptions::new().spawn();
        let tell = move |items: StreamReader<u32>| told(items, noted.clone());
        let service =
            serve(hub().method_with("Concat2", concat, spawned).method_with("Tell", tell, spawned));
        let mut client = connect(&service).await;
        upload(&client, "1", "Concat2", "[]", r#"["u"]"#).await;
        for _ in 0..50 {
            give(&client, "u", r#""x""#).await;
        }
        end(&client, "u").await;
        assert_eq!(client.next().await, result("1", &format!(r#""{}""#, "x".repeat(50))));
        upload(&client, "2", "Tell", "[]", r#"["u"]"#).await;
        give(&client, "u", "1").await;
        pause(1).await;
        drop(client);
        pause(1).await;
        assert_eq!(notes.all(), ["1", "The underlying connection was closed.", "end"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn an_upload_ends_when_its_call_is_cancelled_only_if_the_method_says_so() {
    run(async {
        let until = async |cancel: Cancel, mut items: StreamReader<u32>| {
            cancel.cancelled().await;
            let mut sum = 0;
            while sum < 3
                && let Some(Ok(item)) = items.next().await
            {
                sum += item;
            }
            sum
        };
        let service = serve(hub().method("Until", until));
        let mut client = connect(&service).await;
        upload(&client, "1", "Until", "[]", r#"["u"]"#).await;
        give(&client, "u", "1").await;
        cancel(&client, "1").await;
        pause(1).await;
        assert_eq!(client.so_far(), []);
        give(&client, "u", "2").await;
        assert_eq!(client.next().await, result("1", "3"));
        upload(&client, "2", "Concat", "[]", r#"["u"]"#).await;
        cancel(&client, "2").await;
        give(&client, "u", r#""on""#).await;
        end(&client, "u").await;
        assert_eq!(client.next().await, result("2", r#""on""#));
    });
}
