//! Links that come and go at the worst moment.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::select;
use hub_async::{Context, HubOptions, State};
use transport_memory::pipe;

use super::reconnect::*;
use super::*;

#[test]
fn a_link_that_replaces_one_that_seems_fine_is_read_at_once() {
    run(async {
        let resumed = Resumed::negotiate(hub(&Notes::default()), resumable()).await;
        let first = resumed.connect().await;
        pause(10).await;
        let mut second = resumed.link().await;
        assert_eq!(next(&mut second).await, sequence(1));
        let before = Moment::now();
        second.send(r#"{"type":9,"sequenceId":1}"#).await;
        second.call("1", "Echo", "[1]").await;
        assert_eq!(next(&mut second).await, result("1", "1"));
        assert_eq!(before.elapsed(), Duration::ZERO);
        drop(first);
    });
}

#[test]
fn a_link_that_comes_while_the_connection_is_aborted_does_not_keep_it() {
    run(async {
        let notes = Notes::default();
        let kept = Kept::default();
        let keep = async |kept: State<Kept>, ctx: Context| drop(kept.0.set(ctx));
        let hub = hub(&notes).state(kept.clone()).method("Keep", keep);
        let resumed = Resumed::negotiate(hub, resumable()).await;
        let mut client = resumed.connect().await;
        client.call("1", "Keep", "[]").await;
        assert_eq!(next(&mut client).await, result("1", "null"));
        let (near, far) = pipe(1_000);
        let request = http::Request::get(resumed.uri()).body(()).unwrap();
        kept.0.get().expect("a context").abort();
        resumed.service().serve_socket(&request, Arc::new(far), b"").expect("it may be resumed");
        let mut second = Client::over(near);
        assert_eq!(second.next().await, Seen::End);
        assert_eq!(next(&mut client).await, record(CLOSE));
        pause(10).await;
        assert_eq!(notes.all(), ["came", "aborted"]);
    });
}

#[derive(Clone, Default)]
struct Kept(Arc<OnceLock<Context>>);

#[test]
fn a_link_that_comes_behind_a_fault_does_not_hold_up_the_end() {
    run(async {
        let notes = Notes::default();
        let wait = async |ctx: Context| ctx.aborted().await;
        let resumed = Resumed::negotiate(hub(&notes).method("Wait", wait), resumable()).await;
        let client = resumed.connect().await;
        client.call("1", "Wait", "[]").await;
        client.call("2", "Echo", "[2]").await;
        client.send("no JSON").await;
        pause(10).await;
        let second = resumed.link().await;
        pause(10).await;
        drop((client, second));
        pause(60_000).await;
        assert_eq!(notes.all().len(), 2, "{:?}", notes.all());
    });
}

/// Whether a broadcast ends though one client acknowledges nothing, calls, and replaces its link now and then.
async fn is_not_held_up(calls: bool, replaces: bool) -> bool {
    let options = resumable().stateful_reconnect_buffer_size(1_000).soft_send_buffer(1_000);
    let hub = hub(&Notes::default()).options(options).build().expect("a hub");
    let context = hub.context();
    let resumed = Resumed::negotiate_built(&hub).await;
    let mut client = resumed.connect().await;
    pause(10).await;
    let flood = spawn(async move {
        for _ in 0..20 {
            context.clients().all().send("Text", ("x".repeat(600),)).await.expect("a text");
        }
    });
    let pings = pin!(async {
        loop {
            pause(5_000).await;
            client.send(PING).await;
            if calls {
                client.call("", "Echo", "[1]").await;
            }
            client.so_far();
            if replaces {
                client = resumed.link().await;
            }
        }
    });
    within(Duration::from_secs(60), select(flood, pings)).await.is_some()
}

#[test]
fn a_client_that_acknowledges_nothing_holds_nobody_up_for_ever() {
    run(async { assert!(is_not_held_up(false, false).await) });
}

/// What it has sent is acknowledged, which is no progress of what waits for it.
#[test]
fn a_client_that_only_calls_holds_nobody_up_for_ever() {
    run(async { assert!(is_not_held_up(true, false).await) });
}

#[test]
fn a_client_that_acknowledges_little_at_a_time_keeps_its_link() {
    run(async {
        let options = resumable().stateful_reconnect_buffer_size(1_000);
        let send = async |ctx: Context| {
            // The last one, which is held until the one before it is acknowledged, leaves after 16 s.
            for size in [100, 100, 100, 1_000, 100] {
                drop(ctx.clients().caller().send("Text", ("x".repeat(size),)));
            }
        };
        let resumed = Resumed::negotiate(Hub::builder().method("Send", send), options).await;
        let mut client = resumed.connect().await;
        client.call("", "Send", "[]").await;
        let mut seen = Vec::new();
        for number in 1..5 {
            pause(4_000).await;
            seen.extend(client.so_far());
            client.send(&format!(r#"{{"type":8,"sequenceId":{number}}}"#)).await;
        }
        pause(1).await;
        seen.extend(client.so_far());
        let texts =
            seen.iter().filter(|seen| matches!(seen, Seen::Record(text) if !is_quiet(text)));
        assert_eq!(texts.count(), 5);
        assert!(!seen.contains(&Seen::End));
    });
}

#[test]
fn a_client_that_only_replaces_its_links_holds_nobody_up_for_ever() {
    run(async { assert!(is_not_held_up(false, true).await) });
}

/// A client whose messages all find room on its link, those that are stuck in front of an Ack too.
async fn roomy(resumed: &Resumed) -> Client {
    let (near, far) = pipe(1 << 20);
    let request = http::Request::get(resumed.uri()).body(()).unwrap();
    resumed.service().serve_socket(&request, Arc::new(far), b"").expect("a link");
    let mut client = Client::over(near);
    client.send(r#"{"protocol":"json","version":2}"#).await;
    assert_eq!(client.next().await, record("{}"));
    client.send(PING).await;
    client
}

/// The client acknowledges once a second what it has got, behind everything that it has sent before. Gives
/// what it gets in that time.
async fn acknowledging(client: &mut Client, seconds: u32) -> Vec<Seen> {
    let mut all = Vec::new();
    for _ in 0..seconds {
        pause(1_000).await;
        let new = client.so_far().into_iter();
        all.extend(new.filter(|seen| !matches!(seen, Seen::Record(text) if is_quiet(text))));
        client.send(&format!(r#"{{"type":8,"sequenceId":{}}}"#, all.len())).await;
    }
    all
}

/// Pings and Acks.
fn is_quiet(record: &str) -> bool {
    record == PING || record.starts_with(r#"{"type":8,"#)
}

#[test]
fn an_ack_behind_calls_whose_answers_wait_for_it_is_read() {
    run(async {
        let hub = Hub::builder().method("Echo", async |text: String| text);
        let resumed = Resumed::negotiate(hub, resumable()).await;
        let mut client = roomy(&resumed).await;
        let text = format!(r#""{}""#, "x".repeat(30_000));
        for id in 0..20 {
            client.call(&id.to_string(), "Echo", &format!("[{text}]")).await;
        }
        let answers = acknowledging(&mut client, 20).await;
        let expected: Vec<_> = (0..20).map(|id| result(&id.to_string(), &text)).collect();
        assert!(answers == expected, "{} answers, or not those", answers.len());
    });
}

#[test]
fn an_ack_that_comes_while_the_hub_greets_is_not_waited_for() {
    run(async {
        let greet = async |ctx: Context| {
            for _ in 0..10 {
                let text = "x".repeat(30_000);
                ctx.clients().caller().send("Text", (text,)).await.expect("a text");
            }
        };
        let resumed = Resumed::negotiate(Hub::builder().on_connected(greet), resumable()).await;
        let mut client = roomy(&resumed).await;
        let texts = acknowledging(&mut client, 12).await;
        assert_eq!(texts.len(), 10);
        assert!(texts.iter().all(|text| *text != Seen::End));
    });
}

#[test]
fn a_client_that_acknowledges_nothing_loses_its_link_also_when_it_is_not_read() {
    run(async {
        let told = Notes::default();
        let send = async |told: State<Notes>, ctx: Context| {
            for count in 0..40 {
                let text = "x".repeat(30_000);
                ctx.clients().caller().send("Text", (text,)).await.expect("a text");
                told.add(count.to_string());
            }
        };
        let hub = Hub::builder().state(told.clone()).method("Send", send);
        let hub = hub.method("Echo", async |text: String| text);
        let resumed = Resumed::negotiate(hub, resumable()).await;
        let mut client = roomy(&resumed).await;
        client.call("", "Send", "[]").await;
        let text = "x".repeat(30_000);
        for _ in 0..12 {
            client.call("", "Echo", &format!(r#"["{text}"]"#)).await;
        }
        pause(9_000).await;
        let seen = client.so_far();
        let texts =
            seen.iter().filter(|seen| matches!(seen, Seen::Record(text) if !is_quiet(text)));
        // 100,000 bytes, one more message, and half of what is between the budgets.
        assert_eq!(texts.count(), 4 + 16);
        assert!(!seen.contains(&Seen::End));
        assert!(told.all().len() < 25, "who sends waits");
        pause(3_000).await;
        assert_eq!(client.so_far().last(), Some(&Seen::End));
    });
}

#[test]
fn a_flood_of_calls_does_not_starve_those_that_run() {
    run(async {
        let order = Notes::default();
        let echo = async |notes: State<Notes>| notes.add("call");
        let slow = async |notes: State<Notes>| {
            for _ in 0..3 {
                yield_now().await;
            }
            notes.add("slow");
        };
        let options = HubOptions::new().maximum_parallel_invocations_per_client(2);
        let hub = Hub::builder().options(options).state(order.clone());
        let service = serve(hub.method("Call", echo).method("Slow", slow));
        let client = connect(&service).await;
        client.call("", "Slow", "[]").await;
        for _ in 0..5_000 {
            client.call("", "Call", "[]").await;
        }
        pause(10).await;
        let all = order.all();
        let at = all.iter().position(|note| note == "slow").expect("it ended");
        assert!(at < 1_000, "{at} calls came before, of {}", all.len());
    });
}
