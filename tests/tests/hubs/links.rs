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

/// Whether a broadcast ends though one client acknowledges nothing, and replaces its link now and then.
async fn is_not_held_up(replaces: bool) -> bool {
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
    run(async { assert!(is_not_held_up(false).await) });
}

#[test]
fn a_client_that_only_replaces_its_links_holds_nobody_up_for_ever() {
    run(async { assert!(is_not_held_up(true).await) });
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
