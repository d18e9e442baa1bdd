//! Clients that read too little.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hub_async::{Context, Encoding, Hub, HubOptions, SendError, Sent, SlowConsumer, State};

use hub_proto::ws::Opcode;
use tests::memory::CAPACITY;

use super::*;

const SOFT: usize = 20_000;

fn hub(policy: SlowConsumer) -> Hub {
    let options =
        HubOptions::new().slow_consumer(policy).soft_send_buffer(SOFT).hard_send_buffer(4 * SOFT);
    Hub::builder().options(options).build().unwrap()
}

/// Sends texts of 10,000 bytes to a client that does not read, then lets it read.
async fn flood(policy: SlowConsumer, texts: &[&str]) -> (Vec<Sent>, Vec<String>) {
    let hub = hub(policy);
    let service = serve_built(&hub);
    let mut client = connect(&service).await;
    let mut sent = Vec::new();
    for mark in texts {
        let text = mark.repeat(10_000);
        let sending = hub.context().clients().all().send("T", (text,));
        sent.push(spawn(sending));
        pause(1).await;
    }
    let mut seen = Vec::new();
    while let Some(next) = within(Duration::from_secs(1), client.next()).await {
        match next {
            Seen::Record(text) => seen.push(text.chars().nth(text.len() / 2).into_iter().collect()),
            Seen::Close(code) => seen.push(format!("{code:?}")),
            Seen::Message(..) | Seen::Binary(_) | Seen::Pong(_) | Seen::End => break,
        }
    }
    let mut results = Vec::new();
    for sending in sent {
        let sent = within(Duration::from_secs(1), sending).await;
        results.push(sent.expect("the wait ends").unwrap());
    }
    (results, seen)
}

fn counts(sent: &[Sent]) -> Vec<(usize, usize)> {
    sent.iter().map(|sent| (sent.queued, sent.dropped)).collect()
}

#[test]
fn each_policy_does_what_it_says() {
    run(async {
        let texts = ["a", "b", "c", "d", "e", "f"];
        let (sent, seen) = flood(SlowConsumer::Wait, &texts).await;
        assert_eq!((counts(&sent), seen.concat().as_str()), (vec![(1, 0); 6], "abcdef"));
        // The pipe takes 16 KiB: the first text and a part of the second.
        let (sent, seen) = flood(SlowConsumer::DropNewest, &texts).await;
        let dropped: usize = sent.iter().map(|sent| sent.dropped).sum();
        assert_eq!((dropped, seen.concat().as_str()), (3, "abc"));
        let (sent, seen) = flood(SlowConsumer::DropOldest, &texts).await;
        assert_eq!((counts(&sent), seen.concat().as_str()), (vec![(1, 0); 6], "abf"));
        let (sent, _) = flood(SlowConsumer::Close, &texts).await;
        assert_eq!(sent.last().map(|sent| sent.queued), Some(0));
    });
}

#[test]
fn a_send_waits_until_there_is_room() {
    run(async {
        let hub = hub(SlowConsumer::Wait);
        let service = serve_built(&hub);
        let mut client = connect(&service).await;
        let text = "x".repeat(60_000);
        let sending = spawn(hub.context().clients().all().send("T", (text,)));
        pause(1_000).await;
        assert!(!sending.is_finished());
        client.next().await;
        pause(1).await;
        assert!(sending.is_finished());
    });
}

#[test]
fn a_send_stops_waiting_when_its_message_was_dropped() {
    run(async {
        let hub = hub(SlowConsumer::DropOldest);
        let service = serve_built(&hub);
        let mut client = connect(&service).await;
        let send = |text: String| spawn(hub.context().clients().all().send("T", (text,)));
        // The first one fills the pipe; of the second nothing has left when the third drops it.
        let first = send("x".repeat(17_000));
        pause(1).await;
        let second = send("y".repeat(30_000));
        pause(1).await;
        let third = send("z".to_owned());
        pause(1).await;
        assert!(first.is_finished() && !second.is_finished() && third.is_finished());
        assert!(client.record().await.contains('x'));
        assert!(client.record().await.contains('z'));
        let done = within(Duration::from_secs(1), second).await;
        assert!(done.is_some(), "its message is gone, and so is the reason to wait");
    });
}

#[test]
fn a_send_stops_waiting_when_the_client_is_gone() {
    run(async {
        let hub = hub(SlowConsumer::Wait);
        let service = serve_built(&hub);
        let client = connect(&service).await;
        let text = "x".repeat(60_000);
        let sending = spawn(hub.context().clients().all().send("T", (text,)));
        pause(1).await;
        drop(client);
        pause(1).await;
        assert!(sending.is_finished());
    });
}

#[test]
fn above_the_hard_budget_the_client_is_closed() {
    run(async {
        let hub = hub(SlowConsumer::Wait);
        let service = serve_built(&hub);
        let mut client = connect(&service).await;
        for _ in 0..20 {
            drop(hub.context().clients().all().send("T", ("x".repeat(10_000),)));
        }
        let seen = client.rest().await;
        let texts =
            seen.iter().filter(|seen| matches!(seen, Seen::Record(text) if text.len() > 9_000));
        assert!((8..=10).contains(&texts.count()));
        assert_eq!(
            seen.get(seen.len() - 2..),
            Some(&[record(CLOSE_ERROR), Seen::Close(Some(1000))][..])
        );
        pause(1).await;
        is_left_alone(&service).await;
    });
}

#[test]
fn a_client_that_takes_nothing_for_10_s_is_given_up() {
    run(async {
        let hub = hub(SlowConsumer::Wait);
        let service = serve_built(&hub);
        let _client = connect(&service).await;
        drop(hub.context().clients().all().send("T", ("x".repeat(50_000),)));
        pause(9_000).await;
        assert_eq!(hub.context().connection_count(hub_async::Scope::Node).await, 1);
        pause(1_100).await;
        assert_eq!(hub.context().connection_count(hub_async::Scope::Node).await, 0);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_value_that_cannot_be_serialized_fails_its_sender_only() {
    run(async {
        struct Broken;
        impl serde::Serialize for Broken {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("on purpose"))
            }
        }
        struct Panics;
        impl serde::Serialize for Panics {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                panic!("on purpose")
            }
        }
        let service = serve(
            Hub::builder()
                .method("Send", async |ctx: Context| {
                    let sent = ctx.clients().all().send("T", (Broken,)).await;
                    matches!(sent, Err(SendError::Serialize(_)))
                })
                .method("Return", async || Broken)
                .method("SendPanic", async |ctx: Context| {
                    ctx.clients().all().send("T", (Panics,)).await.is_ok()
                })
                .method("ReturnPanic", async || Panics),
        );
        let mut client = connect(&service).await;
        client.call("1", "Send", "[]").await;
        assert_eq!(client.record().await, r#"{"type":3,"invocationId":"1","result":true}"#);
        for method in ["Return", "SendPanic", "ReturnPanic"] {
            client.call("2", method, "[]").await;
            let text = format!(
                r#"{{"type":3,"invocationId":"2","error":"An unexpected error occurred invoking '{method}' on the server."}}"#
            );
            assert_eq!(client.record().await, text);
        }
    });
}

/// The queue falls below its budget, and before the method looks, a pong lifts it above it again.
#[test]
fn a_send_is_not_forgotten_when_a_pong_takes_its_room() {
    run(async {
        let options = HubOptions::new().soft_send_buffer(SOFT);
        let hub = Hub::builder().options(options).method("Fill", async |ctx: Context| {
            let shell = hub_proto::Frame::invocation(Encoding::Json, None, "M", &("",)).unwrap();
            // With the pipe full, 52 bytes below the budget are left.
            let size = CAPACITY + SOFT - 52 - shell.websocket().len();
            let mut send = pin!(ctx.clients().caller().send("M", ("x".repeat(size),)));
            assert!(poll_fn(|cx| Poll::Ready(send.as_mut().poll(cx))).await.is_pending());
            pause(1_000).await;
            send.await.is_ok()
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Fill", "[]").await;
        pause(10).await;
        client.frame(Opcode::Ping, &[7; 100]).await;
        pause(2_000).await;
        assert!(client.record().await.contains('x'));
        assert_eq!(client.next().await, Seen::Pong(vec![7; 100]));
        let answer = within(Duration::from_secs(1), client.record()).await;
        assert_eq!(answer.as_deref(), Some(r#"{"type":3,"invocationId":"1","result":true}"#));
    });
}

/// However large the results of calls made at once are together.
#[test]
fn a_client_that_reads_gets_all_that_it_has_asked_for() {
    run(async {
        let options = HubOptions::new().maximum_parallel_invocations_per_client(2);
        let repeat = async |count: usize| "x".repeat(count);
        let began = Notes::default();
        let slowly = async |notes: State<Notes>, count: usize| {
            notes.add(format!("{count}"));
            pause(1).await;
            "x".repeat(count)
        };
        let hub = Hub::builder().options(options).state(began.clone());
        let service = serve(hub.method("Repeat", repeat).method("Slowly", slowly));
        for method in ["Repeat", "Slowly"] {
            let mut client = connect(&service).await;
            for id in 0..8 {
                client.call(&id.to_string(), method, "[700000]").await;
            }
            pause(100).await;
            // Nobody reads yet: what fills the queue, and one for each slot.
            assert!(began.all().len() <= 4, "{:?}", began.all());
            for id in 0..8 {
                let text = client.record().await;
                assert!(
                    text.len() > 700_000 && text.contains(&format!(r#""invocationId":"{id}""#))
                );
            }
        }
        pause(1).await;
    });
}

#[test]
fn only_invocations_without_an_id_are_dropped() {
    run(async {
        for policy in [SlowConsumer::DropNewest, SlowConsumer::DropOldest] {
            let options = HubOptions::new().slow_consumer(policy).soft_send_buffer(100);
            let me = async |ctx: Context| ctx.connection_id().to_owned();
            let hub = Hub::builder().options(options).method("Me", me);
            let hub = hub.method("Echo", async |text: String| text).build().expect("a hub");
            let service = serve_built(&hub);
            let mut client = connect(&service).await;
            client.call("0", "Me", "[]").await;
            let answer = client.record().await;
            let id = answer.rsplit('"').nth(1).expect("an id").to_owned();
            let stuck = "x".repeat(2 * CAPACITY);
            let clients = hub.context().clients();
            drop(clients.all().send("Fill", (stuck,)));
            pause(1).await;
            drop(clients.all().send("Told", (1,)));
            client.call("1", "Echo", "[\"echoed\"]").await;
            pause(1).await;
            let asked = clients.client(&id).invoke::<u8>("Asked", ());
            drop(clients.all().send("Told", (2,)));
            let mut seen = Vec::new();
            assert!(client.record().await.contains("Fill"));
            while seen.len() < 2 {
                let record = client.record().await;
                if !record.contains("Told") {
                    seen.push(record);
                }
            }
            let echoed = r#"{"type":3,"invocationId":"1","result":"echoed"}"#;
            let asks = r#"{"type":1,"invocationId":"s1","target":"Asked","arguments":[]}"#;
            seen.sort();
            assert_eq!(seen, [asks, echoed], "{policy:?}");
            drop(asked);
        }
    });
}
