//! What comes before what, and that nothing stops.

use std::time::Duration;

use hub_async::{Context, Hub, HubOptions};

use super::*;

fn completion(id: &str, result: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}","result":{result}}}"#))
}

fn sleeper() -> HubBuilder {
    Hub::builder().method("Sleep", async |millis: u64| {
        pause(millis).await;
        millis
    })
}

#[test]
fn calls_run_one_at_a_time_and_in_order() {
    run(async {
        let service = serve(sleeper());
        let mut client = connect(&service).await;
        client.call("1", "Sleep", "[1000]").await;
        client.call("2", "Sleep", "[0]").await;
        let start = Moment::now();
        assert_eq!(client.next().await, completion("1", "1000"));
        assert_eq!(client.next().await, completion("2", "0"));
        assert!(start.elapsed() >= Duration::from_secs(1));
    });
}

#[test]
fn two_slots_let_the_short_ones_pass_the_long_one() {
    run(async {
        let options = HubOptions::new().maximum_parallel_invocations_per_client(2);
        let service = serve(sleeper().options(options));
        let mut client = connect(&service).await;
        client.call("long", "Sleep", "[1000]").await;
        for id in 0..5 {
            client.call(&id.to_string(), "Sleep", "[1]").await;
        }
        for id in 0..5 {
            assert_eq!(client.next().await, completion(&id.to_string(), "1"));
        }
        assert_eq!(client.next().await, completion("long", "1000"));
    });
}

#[test]
fn what_a_method_sends_comes_before_its_answer() {
    run(async {
        let service = serve(Hub::builder().method("Tell", async |ctx: Context| {
            for n in 0..3 {
                ctx.clients().caller().send("Told", (n,)).await.unwrap();
                yield_now().await;
            }
        }));
        let mut client = connect(&service).await;
        client.call("1", "Tell", "[]").await;
        for n in 0..3 {
            let told = format!(r#"{{"type":1,"target":"Told","arguments":[{n}]}}"#);
            assert_eq!(client.next().await, record(&told));
        }
        assert_eq!(client.next().await, completion("1", "null"));
    });
}

#[test]
fn nothing_comes_before_the_answer_to_the_handshake() {
    run(async {
        let hub = Hub::builder()
            .on_connected(async |ctx: Context| {
                ctx.clients().all().send("Hello", ()).await.unwrap();
            })
            .build()
            .unwrap();
        let service = serve_built(&hub);
        let mut client = Client::open(&service, "/hub");
        drop(hub.context().clients().all().send("Early", ()));
        client.shake_hands().await;
        assert_eq!(client.next().await, record(r#"{"type":1,"target":"Hello","arguments":[]}"#));
    });
}

/// More than the server reads ahead while the hub greets: the rest waits in the pipe.
#[test]
fn what_waits_in_the_pipe_is_read_once_the_hub_has_greeted() {
    run(async {
        let service = serve(
            Hub::builder()
                .on_connected(async || pause(1_000).await)
                .method("Length", async |text: String| text.len()),
        );
        let mut client = connect(&service).await;
        let text = "x".repeat(30_000);
        let write = async {
            for id in 0..4 {
                client.call(&id.to_string(), "Length", &format!("[\"{text}\"]")).await;
            }
        };
        within(Duration::from_secs(2), write).await.expect("it is read in time");
        for id in 0..4 {
            let next = within(Duration::from_secs(1), client.next()).await;
            assert_eq!(next, Some(completion(&id.to_string(), "30000")));
        }
    });
}

/// The same while calls wait for their turn.
#[test]
fn what_waits_in_the_pipe_is_read_once_calls_have_ended() {
    run(async {
        let options = HubOptions::new().unlimited_receive_message_size();
        let service = serve(sleeper().options(options).method("Length", async |t: String| t.len()));
        let client = connect(&service).await;
        client.call("", "Sleep", "[1000]").await;
        client.call("", "Sleep", "[1000000]").await;
        for _ in 0..63 {
            client.call("", "Length", "[\"\"]").await;
        }
        let text = "x".repeat(90_000);
        let write = async {
            client.call("", "Length", &format!("[\"{text}\"]")).await;
            drop(client);
        };
        within(Duration::from_secs(2), write).await.expect("it is read in time");
        pause(1).await;
        assert!(!service.drain(Duration::from_millis(1)).await);
    });
}

#[test]
fn five_hundred_calls_in_one_go_are_all_answered() {
    run(async {
        let options = HubOptions::new().maximum_parked_invocations(500);
        let service = serve(sleeper().options(options));
        let mut client = connect(&service).await;
        let calls: String = (0..500)
            .map(|id| {
                format!("{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"Sleep\",\"arguments\":[{}]}}\x1e", id % 2)
            })
            .collect();
        client.frame(hub_proto::ws::Opcode::Text, calls.as_bytes()).await;
        for id in 0..500 {
            assert_eq!(client.next().await, completion(&id.to_string(), &(id % 2).to_string()));
        }
    });
}

#[test]
fn an_answer_comes_before_what_the_next_call_sends() {
    run(async {
        let tell = async |ctx: Context, n: i32| {
            ctx.clients().caller().send("Told", (n,)).await.expect("a number can be sent");
            n
        };
        let service = serve(Hub::builder().method("Tell", tell));
        let mut client = connect(&service).await;
        let call =
            |n| format!(r#"{{"type":1,"invocationId":"{n}","target":"Tell","arguments":[{n}]}}"#);
        client.send(&format!("{}\x1e{}", call(1), call(2))).await;
        for n in 1..3 {
            let told = format!(r#"{{"type":1,"target":"Told","arguments":[{n}]}}"#);
            assert_eq!(client.record().await, told);
            assert_eq!(client.next().await, completion(&n.to_string(), &n.to_string()));
        }
    });
}
