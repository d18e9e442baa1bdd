//! Stateful reconnect: a connection that outlives its links.

use std::future::pending;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use hub_async::{Context, DisconnectReason, HubOptions, State, StreamReader};
use hub_proto::ws::Opcode;
use tests::memory::{CAPACITY, read, write};
use transport_memory::{Pipe, pipe};

use super::*;

/// A client with stateful reconnect, which replaces its link by hand.
pub(super) struct Resumed {
    service: Service,
    token: String,
}

impl Resumed {
    /// Serves the hub and negotiates.
    pub(super) async fn negotiate(hub: HubBuilder, options: HubOptions) -> Self {
        let hub = hub.options(options).build().expect("a hub");
        Self::negotiate_built(&hub).await
    }

    /// The same, of a hub that is built.
    pub(super) async fn negotiate_built(hub: &Hub) -> Self {
        let service = serve_built(hub);
        let request = "POST /hub/negotiate?negotiateVersion=1&useStatefulReconnect=true HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n";
        let (_, answer) = ask(&service, request, "}]}").await;
        let token =
            answer.split(r#""connectionToken":""#).nth(1).and_then(|rest| rest.split('"').next());
        let token = token.expect("a token").to_owned();
        Self { service, token }
    }

    /// Where its links go.
    pub(super) fn uri(&self) -> String {
        format!("/hub?id={}", self.token)
    }

    pub(super) const fn service(&self) -> &Service {
        &self.service
    }

    /// The answer to an upgrade, up to its end.
    async fn upgrade(&self) -> (Pipe, String) {
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: h\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.uri()
        );
        ask(&self.service, &request, "\r\n\r\n").await
    }

    /// Opens a link.
    pub(super) async fn link(&self) -> Client {
        let (pipe, answer) = self.upgrade().await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        Client::over(pipe)
    }

    /// Opens the first link, shakes hands and counts from there.
    pub(super) async fn connect(&self) -> Client {
        let mut client = self.link().await;
        client.send(r#"{"protocol":"json","version":2}"#).await;
        assert_eq!(client.next().await, record("{}"));
        client.send(PING).await;
        client
    }
}

async fn ask(service: &Service, request: &str, enough: &str) -> (Pipe, String) {
    let (pipe, theirs) = pipe(CAPACITY);
    drop(spawn(service.clone().serve_connection(theirs, pending())));
    write(&pipe, request.as_bytes()).await;
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(enough) {
        assert!(read(&pipe, &mut answer).await, "{}", String::from_utf8_lossy(&answer));
    }
    (pipe, String::from_utf8_lossy(&answer).into_owned())
}

pub(super) const PING: &str = r#"{"type":6}"#;

pub(super) fn resumable() -> HubOptions {
    HubOptions::new().allow_stateful_reconnects(true)
}

pub(super) fn sequence(number: u64) -> Seen {
    record(&format!(r#"{{"type":9,"sequenceId":{number}}}"#))
}

fn told(number: u32) -> Seen {
    record(&format!(r#"{{"type":1,"target":"Told","arguments":[{number}]}}"#))
}

pub(super) fn result(id: &str, result: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}","result":{result}}}"#))
}

fn is_news(seen: &Seen) -> bool {
    !matches!(seen, Seen::Record(text) if text == PING || text.starts_with(r#"{"type":8,"#))
}

/// What comes next, but for pings and Acks.
pub(super) async fn next(client: &mut Client) -> Seen {
    loop {
        let seen = client.next().await;
        if is_news(&seen) {
            return seen;
        }
    }
}

/// Everything but pings.
fn news(client: &mut Client) -> Vec<Seen> {
    client.so_far().into_iter().filter(|seen| *seen != record(PING)).collect()
}

pub(super) fn hub(notes: &Notes) -> HubBuilder {
    Hub::builder()
        .state(notes.clone())
        .on_connected(async |notes: State<Notes>| notes.add("came"))
        .on_disconnected(async |notes: State<Notes>, reason: DisconnectReason| {
            notes.add(reason.kind())
        })
        .method("Join", async |ctx: Context| ctx.groups().add(ctx.connection_id(), "g").await)
        .method("Echo", async |value: u32| value)
        .method("Sleep", async |value: u32| {
            pause(value.into()).await;
            value
        })
        .method("Tell", async |ctx: Context, number: u32| {
            ctx.clients().group("g").send("Told", (number,)).await.expect("a number can be sent");
        })
        .method("Sum", async |mut numbers: StreamReader<u32>| {
            let mut sum = 0;
            while let Some(Ok(number)) = numbers.next().await {
                sum += number;
            }
            sum
        })
}

#[test]
fn what_was_sent_while_the_link_was_down_comes_behind_the_sequence() {
    run(async {
        let notes = Notes::default();
        let resumed = Resumed::negotiate(hub(&notes), resumable()).await;
        let mut client = resumed.connect().await;
        client.call("1", "Join", "[]").await;
        client.call("2", "Sleep", "[500]").await;
        assert_eq!(next(&mut client).await, result("1", "null"));
        drop(client);
        pause(1_000).await;

        let mut client = resumed.link().await;
        // The answer to the first call was never acknowledged.
        assert_eq!(next(&mut client).await, sequence(1));
        assert_eq!(next(&mut client).await, result("1", "null"));
        assert_eq!(next(&mut client).await, result("2", "500"));
        client.send(r#"{"type":9,"sequenceId":3}"#).await;
        client.call("3", "Tell", "[7]").await;
        assert_eq!(next(&mut client).await, told(7));
        assert_eq!(next(&mut client).await, result("3", "null"));
        client.send(r#"{"type":8,"sequenceId":4}"#).await;
        pause(1_000).await;
        drop(client);
        pause(1).await;
        let mut client = resumed.link().await;
        assert_eq!(next(&mut client).await, sequence(5), "all of it was acknowledged");
        assert_eq!(notes.all(), ["came"]);
    });
}

#[test]
fn what_has_come_is_acknowledged_a_second_later() {
    run(async {
        let resumed = Resumed::negotiate(hub(&Notes::default()), resumable()).await;
        let mut client = resumed.connect().await;
        client.call("", "Echo", "[1]").await;
        client.call("", "Echo", "[2]").await;
        pause(999).await;
        assert_eq!(client.so_far(), []);
        pause(2).await;
        assert_eq!(client.so_far(), [record(r#"{"type":8,"sequenceId":2}"#)]);
        pause(10_000).await;
        assert_eq!(client.so_far(), [], "once");
    });
}

#[test]
fn what_the_client_sends_again_is_not_done_again() {
    run(async {
        let notes = Notes::default();
        let resumed = Resumed::negotiate(hub(&notes), resumable()).await;
        let mut client = resumed.connect().await;
        client.call("1", "Echo", "[1]").await;
        assert_eq!(next(&mut client).await, result("1", "1"));
        drop(client);
        let mut client = resumed.link().await;
        assert_eq!(
            [next(&mut client).await, next(&mut client).await],
            [sequence(1), result("1", "1")]
        );
        client.send(r#"{"type":9,"sequenceId":1}"#).await;
        client.call("1", "Echo", "[1]").await;
        client.call("2", "Echo", "[2]").await;
        assert_eq!(next(&mut client).await, result("2", "2"));
    });
}

#[test]
fn half_a_message_of_the_last_link_does_not_spoil_the_next() {
    run(async {
        let resumed = Resumed::negotiate(hub(&Notes::default()), resumable()).await;
        let client = resumed.connect().await;
        client.frame(Opcode::Text, br#"{"type":1,"invocationId":"1","target":"Ec"#).await;
        pause(1).await;
        drop(client);
        let mut client = resumed.link().await;
        assert_eq!(next(&mut client).await, sequence(1));
        client.send(r#"{"type":9,"sequenceId":1}"#).await;
        client.call("1", "Echo", "[1]").await;
        assert_eq!(next(&mut client).await, result("1", "1"));
    });
}

#[test]
fn a_second_link_replaces_one_that_seems_fine() {
    run(async {
        let notes = Notes::default();
        let resumed = Resumed::negotiate(hub(&notes), resumable()).await;
        let mut first = resumed.connect().await;
        first.call("1", "Echo", "[1]").await;
        assert_eq!(next(&mut first).await, result("1", "1"));
        let mut second = resumed.link().await;
        assert_eq!(
            [next(&mut second).await, next(&mut second).await],
            [sequence(1), result("1", "1")]
        );
        let before = Moment::now();
        assert_eq!(first.rest().await, [], "the first is cut off");
        assert_eq!(before.elapsed(), Duration::ZERO);
        second.call("2", "Echo", "[2]").await;
        assert_eq!(next(&mut second).await, result("2", "2"));
        assert_eq!(notes.all(), ["came"]);
    });
}

#[test]
fn an_upload_and_a_stream_go_on_over_another_link() {
    run(async {
        let endless = async || {
            futures_util::stream::unfold(0_u32, async |n| {
                pause(100).await;
                Some((n, n + 1))
            })
        };
        let hub = hub(&Notes::default()).method("Count", endless);
        let resumed = Resumed::negotiate(hub, resumable()).await;
        let mut client = resumed.connect().await;
        client
            .send(
                r#"{"type":1,"invocationId":"1","target":"Sum","arguments":[],"streamIds":["u"]}"#,
            )
            .await;
        client.send(r#"{"type":2,"invocationId":"u","item":20}"#).await;
        client.send(r#"{"type":4,"invocationId":"s","target":"Count","arguments":[]}"#).await;
        let item = |n: u32| record(&format!(r#"{{"type":2,"invocationId":"s","item":{n}}}"#));
        assert_eq!([next(&mut client).await, next(&mut client).await], [item(0), item(1)]);
        drop(client);
        pause(1_000).await;
        let mut client = resumed.link().await;
        assert_eq!(next(&mut client).await, sequence(1));
        // It is not asked for more than has a link to leave by, but for one that was on its way.
        for n in 0..4 {
            assert_eq!(next(&mut client).await, item(n));
        }
        client.send(r#"{"type":9,"sequenceId":4}"#).await;
        client.send(r#"{"type":2,"invocationId":"u","item":22}"#).await;
        client.send(r#"{"type":3,"invocationId":"u"}"#).await;
        client.send(r#"{"type":5,"invocationId":"s"}"#).await;
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let next = next(&mut client).await;
            if !format!("{next:?}").contains(r#"\"type\":2"#) {
                seen.push(next);
            }
        }
        assert!(seen.contains(&result("1", "42")), "{seen:?}");
        assert!(seen.contains(&record(r#"{"type":3,"invocationId":"s"}"#)), "{seen:?}");
    });
}

#[test]
fn without_another_link_in_15_s_the_connection_is_over() {
    run(async {
        let notes = Notes::default();
        let resumed = Resumed::negotiate(hub(&notes), resumable()).await;
        drop(resumed.connect().await);
        pause(14_900).await;
        assert_eq!(notes.all(), ["came"]);
        pause(200).await;
        assert_eq!(notes.all(), ["came", "connection lost"]);
        let (_, answer) = resumed.upgrade().await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    });
}

#[test]
fn a_close_of_either_side_is_final() {
    run(async {
        for (end, reason) in [
            (r#"{"type":7}"#, "closed by the client"),
            (r#"{"type":1,"target":"Abort","arguments":[]}"#, "aborted"),
            ("nonsense", "bad JSON"),
            ("", "ended by the client"),
        ] {
            let notes = Notes::default();
            let hub = hub(&notes).method("Abort", async |ctx: Context| ctx.abort());
            let resumed = Resumed::negotiate(hub, resumable()).await;
            let mut client = resumed.connect().await;
            if end.is_empty() {
                client.close(1000).await;
            } else {
                client.send(end).await;
            }
            let seen = next(&mut client).await;
            assert!(format!("{seen:?}").contains(r#"{\"type\":7"#), "{end}: {seen:?}");
            let over = notes.all();
            let [_, told] = &over[..] else { panic!("{end}: {over:?}") };
            assert!(told == reason || end == "nonsense", "{end}: {told}");
            pause(1).await;
            let (_, answer) = resumed.upgrade().await;
            assert!(!answer.starts_with("HTTP/1.1 101 "), "{end}: {answer}");
        }
    });
}

#[test]
fn a_close_while_the_link_is_down_is_final_at_once() {
    run(async {
        let notes = Notes::default();
        let abort = async |ctx: Context| {
            pause(100).await;
            ctx.abort();
        };
        let resumed = Resumed::negotiate(hub(&notes).method("Abort", abort), resumable()).await;
        let client = resumed.connect().await;
        client.call("1", "Abort", "[]").await;
        pause(10).await;
        drop(client);
        pause(200).await;
        assert_eq!(notes.all(), ["came", "aborted"]);
    });
}

#[test]
fn it_takes_the_server_the_client_and_version_2() {
    run(async {
        let echo = || hub(&Notes::default());
        // The server does not allow it.
        let resumed = Resumed::negotiate(echo(), HubOptions::new()).await;
        let _client = resumed.connect().await;
        let (_, answer) = resumed.upgrade().await;
        assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
        // The client speaks version 1, to which Acks and Sequences mean nothing.
        let resumed = Resumed::negotiate(echo(), resumable()).await;
        let mut client = resumed.link().await;
        client.shake_hands().await;
        client.send(r#"{"type":9,"sequenceId":10}"#).await;
        client.send(r#"{"type":8,"sequenceId":234}"#).await;
        client.call("1", "Echo", "[1]").await;
        assert_eq!(next(&mut client).await, result("1", "1"));
        let (_, answer) = resumed.upgrade().await;
        assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
        pause(2_000).await;
        assert_eq!(client.so_far(), [], "no Ack");
    });
}

#[test]
fn before_its_client_counts_a_connection_gets_nothing_that_counts() {
    run(async {
        let greet = async |ctx: Context| {
            ctx.clients().caller().send("Told", (1,)).await.expect("a number can be sent");
        };
        let resumed = Resumed::negotiate(Hub::builder().on_connected(greet), resumable()).await;
        let mut client = resumed.link().await;
        client.send(r#"{"protocol":"json","version":2}"#).await;
        pause(900).await;
        assert_eq!(client.so_far(), [record("{}")]);
        pause(200).await;
        assert_eq!(client.so_far(), [told(1)], "a silent client gets it after a second");

        let resumed = Resumed::negotiate(Hub::builder().on_connected(greet), resumable()).await;
        let mut client = resumed.connect().await;
        assert_eq!(next(&mut client).await, told(1), "a ping is enough");
    });
}

#[test]
fn a_full_replay_buffer_holds_messages_back_and_no_close() {
    run(async {
        let notes = Notes::default();
        let text = async |ctx: Context, count: u32| {
            for _ in 0..count {
                let text = "x".repeat(600);
                drop(ctx.clients().caller().send("Text", (text,)));
            }
        };
        let options = resumable().stateful_reconnect_buffer_size(1_000);
        let hub =
            hub(&notes).method("Text", text).method("Abort", async |ctx: Context| ctx.abort());
        let resumed = Resumed::negotiate(hub, options).await;
        let mut client = resumed.connect().await;
        client.call("", "Text", "[5]").await;
        pause(10).await;
        assert_eq!(news(&mut client).len(), 2, "the second crosses the limit");
        client.send(r#"{"type":8,"sequenceId":1}"#).await;
        pause(10).await;
        assert_eq!(news(&mut client).len(), 1);
        client.call("", "Abort", "[]").await;
        pause(10).await;
        let seen = news(&mut client);
        assert_eq!(
            seen.len(),
            4,
            "what was held, the Close and the end of the WebSocket: {seen:?}"
        );
        assert_eq!(seen[2], record(CLOSE));
        assert_eq!(notes.all(), ["came", "aborted"]);
    });
}

#[test]
fn a_sequence_from_the_future_is_a_fault() {
    run(async {
        let notes = Notes::default();
        let options = resumable().enable_detailed_errors(true);
        let resumed = Resumed::negotiate(hub(&notes), options).await;
        drop(resumed.connect().await);
        let mut client = resumed.link().await;
        assert_eq!(next(&mut client).await, sequence(1));
        client.send(r#"{"type":9,"sequenceId":2}"#).await;
        let text = r#"{"type":7,"error":"Connection closed with an error. InvalidOperationException: Sequence ID greater than amount of messages we've received.","allowReconnect":true}"#;
        assert_eq!(next(&mut client).await, record(text));
    });
}

#[test]
fn a_stuck_link_may_be_replaced() {
    run(async {
        let notes = Notes::default();
        let fill =
            async |ctx: Context| drop(ctx.clients().caller().send("Text", ("x".repeat(50_000),)));
        let resumed = Resumed::negotiate(hub(&notes).method("Fill", fill), resumable()).await;
        let stuck = resumed.connect().await;
        stuck.call("", "Fill", "[]").await;
        pause(11_000).await;
        let mut client = resumed.link().await;
        assert_eq!(next(&mut client).await, sequence(1));
        let Seen::Record(text) = next(&mut client).await else { panic!("no record") };
        assert!(text.len() > 50_000);
        assert_eq!(notes.all(), ["came"]);
        drop(stuck);
    });
}

#[test]
fn sends_to_a_connection_without_a_link_do_not_wait() {
    run(async {
        let notes = Notes::default();
        let built = hub(&notes);
        let resumed = Resumed::negotiate(
            built.method("Flood", async |ctx: Context| {
                pause(100).await;
                for _ in 0..10 {
                    let text = "x".repeat(50_000);
                    let sent = ctx.clients().caller().send("Text", (text,)).await;
                    assert_eq!(sent.expect("a text").queued, 1);
                }
                ErrorKind::Other.to_string()
            }),
            resumable(),
        )
        .await;
        let client = resumed.connect().await;
        client.call("1", "Flood", "[]").await;
        pause(10).await;
        drop(client);
        pause(1_000).await;
        let mut client = resumed.link().await;
        assert_eq!(next(&mut client).await, sequence(1));
        let mut texts = 0;
        while let Seen::Record(text) = next(&mut client).await {
            if text.len() < 50_000 {
                break;
            }
            texts += 1;
            client.send(&format!(r#"{{"type":8,"sequenceId":{texts}}}"#)).await;
        }
        assert_eq!(texts, 10);
    });
}

#[test]
fn items_that_nobody_reads_are_counted_as_the_client_counts_them() {
    run(async {
        let resumed = Resumed::negotiate(hub(&Notes::default()), resumable()).await;
        let mut client = resumed.connect().await;
        client.send(r#"{"type":2,"invocationId":"over","item":1}"#).await;
        client.call("1", "Echo", "[1]").await;
        assert_eq!(next(&mut client).await, result("1", "1"));
        pause(1_001).await;
        assert_eq!(client.so_far(), [record(r#"{"type":8,"sequenceId":2}"#)]);
        drop(client);
        let mut client = resumed.link().await;
        assert_eq!(
            [next(&mut client).await, next(&mut client).await],
            [sequence(1), result("1", "1")]
        );
        // All was acknowledged, and so the next message is new.
        client.send(r#"{"type":9,"sequenceId":3}"#).await;
        client.call("2", "Echo", "[2]").await;
        assert_eq!(next(&mut client).await, result("2", "2"));
    });
}

#[test]
fn a_question_outlives_a_link_however_it_broke() {
    run(async {
        let hub = Hub::builder().method("Ask", async |ctx: Context, n: u32| {
            ctx.clients().caller().invoke::<u32>("Q", (n,)).await
        });
        let resumed = Resumed::negotiate(hub, resumable()).await;
        let mut client = resumed.connect().await;
        client.call("1", "Ask", "[1]").await;
        let asked = |id: &str, n: u32| {
            record(&format!(r#"{{"type":1,"invocationId":"{id}","target":"Q","arguments":[{n}]}}"#))
        };
        assert_eq!(next(&mut client).await, asked("s1", 1));
        drop(client);
        pause(1_000).await;
        // The call is 1 of the client's; the question was never acknowledged and comes again.
        let mut client = resumed.link().await;
        client.send(r#"{"type":9,"sequenceId":2}"#).await;
        assert_eq!(next(&mut client).await, sequence(1));
        assert_eq!(next(&mut client).await, asked("s1", 1));
        client.send(r#"{"type":3,"invocationId":"s1","result":5}"#).await;
        assert_eq!(next(&mut client).await, result("1", "5"));
        // One that is asked while there is no link.
        client.call("2", "Ask", "[2]").await;
        drop(client);
        pause(1_000).await;
        let mut client = resumed.link().await;
        client.send(r#"{"type":9,"sequenceId":4}"#).await;
        client.send(r#"{"type":8,"sequenceId":2}"#).await;
        let mut seen = Vec::new();
        while !seen.contains(&asked("s2", 2)) {
            seen.push(next(&mut client).await);
        }
        client.send(r#"{"type":3,"invocationId":"s2","result":6}"#).await;
        assert_eq!(next(&mut client).await, result("2", "6"));
    });
}

#[test]
fn an_endless_stream_is_not_asked_while_its_client_has_no_link() {
    run(async {
        let asked = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&asked);
        let notes = Notes::default();
        let guard = notes.clone();
        let hub = Hub::builder().method("Endless", move || {
            let counted = Arc::clone(&counted);
            let guard = Guard(guard.clone(), "stream");
            async move {
                futures_util::stream::iter(0_usize..).map(move |n| {
                    let _ = &guard;
                    counted.fetch_add(1, Ordering::Relaxed);
                    format!("{n} {}", "x".repeat(1_000))
                })
            }
        });
        let resumed = Resumed::negotiate(hub, resumable()).await;
        let mut client = resumed.connect().await;
        client.send(r#"{"type":4,"invocationId":"1","target":"Endless","arguments":[]}"#).await;
        for _ in 0..10 {
            next(&mut client).await;
        }
        drop(client);
        pause(1).await;
        let before = asked.load(Ordering::Relaxed);
        pause(5_000).await;
        assert_eq!(asked.load(Ordering::Relaxed), before);
        let mut client = resumed.link().await;
        client.send(r#"{"type":9,"sequenceId":2}"#).await;
        assert_eq!(next(&mut client).await, sequence(1));
        for n in 0..2_000 {
            let item =
                format!(r#"{{"type":2,"invocationId":"1","item":"{n} {}"}}"#, "x".repeat(1_000));
            assert_eq!(next(&mut client).await, record(&item));
            if n % 20 == 0 {
                client.send(&format!(r#"{{"type":8,"sequenceId":{}}}"#, n + 1)).await;
            }
        }
        drop(client);
        assert_eq!(notes.all().len(), 0);
        pause(20_000).await;
        assert_eq!(notes.all(), ["stream dropped"]);
    });
}

#[test]
fn an_ack_behind_an_item_is_passed_on_at_once() {
    run(async {
        let notes = Notes::default();
        let text = async |ctx: Context, count: u32| {
            for _ in 0..count {
                drop(ctx.clients().caller().send("Text", ("x".repeat(600),)));
            }
        };
        let hold = async |numbers: StreamReader<u32>| {
            pause(1_000_000).await;
            drop(numbers);
        };
        let options = resumable().stateful_reconnect_buffer_size(1_000);
        let hub = hub(&notes).method("Text", text).method("Hold", hold);
        let resumed = Resumed::negotiate(hub, options).await;
        let mut client = resumed.connect().await;
        client.send(r#"{"type":1,"target":"Hold","arguments":[],"streamIds":["a"]}"#).await;
        client.call("", "Text", "[5]").await;
        pause(10).await;
        assert_eq!(news(&mut client).len(), 2, "the second crosses the limit");
        let both =
            "{\"type\":2,\"invocationId\":\"a\",\"item\":1}\x1e{\"type\":8,\"sequenceId\":2}\x1e";
        client.frame(Opcode::Text, both.as_bytes()).await;
        pause(10).await;
        assert_eq!(news(&mut client).len(), 2);
    });
}
