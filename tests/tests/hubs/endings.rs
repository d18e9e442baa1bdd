//! How connections end: who says what, and that nothing is left.

use std::future::pending;
use std::time::Duration;

use hub_async::{Cancel, Context, Hub, HubOptions, State};
use hub_proto::ws::Opcode;
use tests::memory::Seen;

use super::*;

#[test]
fn a_client_that_closes_first_gets_1000_back() {
    run(async {
        let service = serve(Hub::builder());
        let mut client = connect(&service).await;
        client.close(4000).await;
        let seen = client.rest().await;
        assert_eq!(seen, [record(CLOSE_RECONNECT), Seen::Close(Some(1000))]);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_close_of_the_hub_is_followed_by_a_close_of_the_socket_that_waits_5_s() {
    run(async {
        let service = serve(Hub::builder());
        let mut client = connect(&service).await;
        let start = Moment::now();
        client.send(CLOSE).await;
        assert_eq!(client.next().await, record(CLOSE));
        assert_eq!(client.next().await, Seen::Close(Some(1000)));
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(client.next().await, Seen::End);
        assert_eq!(start.elapsed().as_secs(), 5);
        is_left_alone(&service).await;
    });
}

#[test]
fn nothing_follows_the_close_of_a_method_that_aborts() {
    run(async {
        let service = serve(
            Hub::builder()
                .method("Abort", async |ctx: Context| {
                    ctx.abort();
                    ctx.clients().caller().send("Late", ()).await.unwrap().queued
                })
                .method("Next", async || ()),
        );
        let mut client = connect(&service).await;
        client.call("1", "Abort", "[]").await;
        client.call("2", "Next", "[]").await;
        assert_eq!(client.next().await, record(CLOSE));
        assert_eq!(client.next().await, Seen::Close(Some(1000)));
        client.close(1000).await;
        assert_eq!(client.next().await, Seen::End);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_broken_frame_is_told_by_its_code_though_calls_run_and_wait() {
    run(async {
        let notes = Notes::default();
        let wait = async |ctx: Context, notes: State<Notes>| {
            ctx.aborted().await;
            notes.add("aborted");
        };
        let service = serve(Hub::builder().state(notes.clone()).method("Wait", wait));
        let mut client = connect(&service).await;
        client.call("1", "Wait", "[]").await;
        client.call("2", "Wait", "[]").await;
        client.write(b"\x81\x02hi").await;
        let seen = client.rest().await;
        assert_eq!(seen, [record(CLOSE_ERROR), Seen::Close(Some(1002))]);
        assert_eq!(notes.all(), ["aborted"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_client_that_vanishes_fires_aborted_and_cancel_and_its_late_answers_are_dropped() {
    run(async {
        let notes = Notes::default();
        let hub = Hub::builder()
            .state(notes.clone())
            .method("Wait", async |ctx: Context, cancel: Cancel, notes: State<Notes>| {
                cancel.cancelled().await;
                notes.add(format!("{} {}", ctx.is_aborted(), cancel.is_cancelled()));
                1
            })
            .build()
            .unwrap();
        let service = serve_built(&hub);
        let client = connect(&service).await;
        client.call("1", "Wait", "[]").await;
        pause(1).await;
        drop(client);
        pause(1).await;
        assert_eq!(notes.all(), ["true true"]);
        assert_eq!(hub.context().connection_count(hub_async::Scope::Node).await, 0);
        is_left_alone(&service).await;
    });
}

#[test]
fn methods_that_never_end_are_dropped_after_the_linger() {
    run(async {
        let service = serve(
            Hub::builder()
                .options(HubOptions::new().linger(Duration::from_secs(1)))
                .method("Hang", pending::<()>),
        );
        let mut client = connect(&service).await;
        client.call("1", "Hang", "[]").await;
        client.send(CLOSE).await;
        assert_eq!(client.next().await, record(CLOSE));
        // The close of the socket takes longer than the linger, and nobody spins meanwhile.
        let late = within(Duration::from_secs(6), client.rest()).await;
        assert_eq!(late, Some(vec![Seen::Close(Some(1000))]));
        is_left_alone(&service).await;
    });
}

#[test]
fn a_client_that_reads_nothing_while_it_is_closed_is_given_up() {
    run(async {
        let options = HubOptions::new().soft_send_buffer(1).hard_send_buffer(1);
        let hub = Hub::builder().options(options).build().unwrap();
        let service = serve_built(&hub);
        let _client = connect(&service).await;
        for _ in 0..3 {
            let text = "x".repeat(20_000);
            drop(hub.context().clients().all().send("Text", (text,)));
        }
        pause(11_000).await;
        is_left_alone(&service).await;
    });
}

#[test]
fn a_client_that_reads_next_to_nothing_while_it_is_closed_is_given_up() {
    run(async {
        let hub = Hub::builder().build().unwrap();
        let service = serve_built(&hub);
        let mut client = connect(&service).await;
        let text = "x".repeat(500_000);
        drop(hub.context().clients().all().send("Text", (text,)));
        client.send(CLOSE).await;
        for _ in 0..5 {
            client.so_far();
            pause(6_000).await;
        }
        is_left_alone(&service).await;
    });
}

#[test]
fn pings_are_answered_and_never_pile_up() {
    run(async {
        let service = serve(Hub::builder());
        let mut client = connect(&service).await;
        client.frame(Opcode::Ping, b"now").await;
        assert_eq!(client.next().await, Seen::Pong(b"now".to_vec()));
        // The client stops reading; its 10,000 pings get a pipe's worth of answers and two more.
        for _ in 0..10_000 {
            client.frame(Opcode::Ping, &[0; 100]).await;
            yield_now().await;
        }
        let mut pongs = 0;
        loop {
            let seen = client.so_far();
            if seen.is_empty() {
                break;
            }
            pongs += seen.len();
            pause(1).await;
        }
        assert!(pongs < 300, "{pongs} pongs");
    });
}

#[test]
fn a_panic_while_arguments_are_read_fails_the_call_only() {
    run(async {
        struct Trap;
        impl<'de> serde::Deserialize<'de> for Trap {
            fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                panic!("on purpose")
            }
        }
        let service =
            serve(Hub::builder().method("Trap", async |_trap: Trap| ()).method("Fine", async || 1));
        let mut client = connect(&service).await;
        client.call("1", "Trap", "[0]").await;
        client.call("2", "Fine", "[]").await;
        let failed = client.record().await;
        assert!(failed.contains("An unexpected error occurred invoking 'Trap'"), "{failed}");
        assert_eq!(client.record().await, r#"{"type":3,"invocationId":"2","result":1}"#);
    });
}

#[test]
fn a_value_that_panics_when_it_is_dropped_leaves_no_ghost() {
    run(async {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        let hub = Hub::builder()
            .method("Keep", async |ctx: Context| drop(ctx.items().insert(Bomb)))
            .method("Hold", async || {
                let _bomb = Bomb;
                pending::<()>().await;
            })
            .options(HubOptions::new().linger(Duration::ZERO))
            .build()
            .unwrap();
        let service = serve_built(&hub);
        for method in ["Keep", "Hold"] {
            let client = connect(&service).await;
            client.call("1", method, "[]").await;
            pause(1).await;
        }
        pause(10).await;
        assert_eq!(hub.context().connection_count(hub_async::Scope::Node).await, 0);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_client_that_closes_and_takes_nothing_is_given_up_after_5_s() {
    run(async {
        for send in [Duration::from_secs(10), Duration::MAX] {
            let options = HubOptions::new().transport_send_timeout(send);
            let big = Hub::builder().options(options).method("Big", async || "x".repeat(100_000));
            let service = serve(big);
            let client = connect(&service).await;
            client.call("1", "Big", "[]").await;
            pause(10).await;
            client.close(1000).await;
            let start = Moment::now();
            assert!(service.drain(Duration::from_secs(60)).await);
            assert_eq!(start.elapsed().as_secs(), 5);
            drop(client);
        }
    });
}

/// Its own `Drop` panics as well.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "on purpose, while it is dropped");
    }
}

#[test]
fn a_panic_whose_payload_panics_is_one_error_too() {
    run(async {
        let bang = async || -> i32 { std::panic::panic_any(Bomb) };
        let service = serve(Hub::builder().method("Bang", bang).method_with(
            "Spawned",
            bang,
            hub_async::MethodOptions::new().spawn(),
        ));
        let mut client = connect(&service).await;
        for method in ["Bang", "Spawned"] {
            client.call("1", method, "[]").await;
            let error = format!(
                r#"{{"type":3,"invocationId":"1","error":"An unexpected error occurred invoking '{method}' on the server."}}"#
            );
            assert_eq!(client.record().await, error);
        }
        let raw = async |_: hub_async::RawConnection| std::panic::panic_any(Bomb);
        let service = Server::on(world()).raw("/raw", raw).into_service().unwrap();
        let mut client = Client::raw(&service, "/raw");
        assert_eq!(client.next().await, Seen::Close(Some(1011)));
    });
}
