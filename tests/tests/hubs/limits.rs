//! Each limit of a hub, hit from outside; those of the machines alone are tested with them.

use std::num::NonZeroU32;

use hub_async::{
    Context, HubOptions, MemoryBudget, MethodOptions, SlowConsumer, State, StreamReader,
};
use hub_proto::ws::Opcode;
use tests::memory::{CAPACITY, read, write};

use super::*;

fn error(id: &str, text: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}","error":"{text}"}}"#))
}

fn result(id: &str, result: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}","result":{result}}}"#))
}

#[test]
fn one_call_more_than_may_wait_fails() {
    run(async {
        let options = HubOptions::new().maximum_parked_invocations(2);
        let sleep = async |millis: u64| pause(millis).await;
        let service = serve(Hub::builder().options(options).method("Sleep", sleep));
        let mut client = connect(&service).await;
        for id in ["1", "2", "3", "4"] {
            client.call(id, "Sleep", "[100]").await;
        }
        let text = "Failed to invoke 'Sleep' because 2 invocations wait, which is the limit.";
        assert_eq!(client.next().await, error("4", text));
        for id in ["1", "2", "3"] {
            assert_eq!(client.next().await, result(id, "null"));
        }
    });
}

#[test]
fn one_stream_more_than_may_be_open_fails() {
    run(async {
        let options = HubOptions::new().maximum_streams(2);
        let take = async |mut one: StreamReader<u8>, mut two: StreamReader<u8>| {
            while one.next().await.is_some() {}
            while two.next().await.is_some() {}
        };
        let never = async || futures_util::stream::pending::<u8>();
        let hub = Hub::builder().options(options).method("Take", take).method("Never", never);
        let service = serve(hub);
        let mut client = connect(&service).await;
        let take =
            r#"{"type":1,"invocationId":"1","target":"Take","arguments":[],"streamIds":["a","b"]}"#;
        client.send(take).await;
        client.send(r#"{"type":4,"invocationId":"2","target":"Never","arguments":[]}"#).await;
        let text = "Failed to invoke 'Never' because 2 streams are open, which is the limit.";
        assert_eq!(client.next().await, error("2", text));
        client.send(r#"{"type":3,"invocationId":"a"}"#).await;
        client.send(r#"{"type":3,"invocationId":"b"}"#).await;
        assert_eq!(client.next().await, result("1", "null"));
        client.send(r#"{"type":4,"invocationId":"3","target":"Never","arguments":[]}"#).await;
        client.send(r#"{"type":5,"invocationId":"3"}"#).await;
        assert_eq!(client.next().await, record(r#"{"type":3,"invocationId":"3"}"#));
    });
}

#[test]
fn what_waits_for_a_reader_fills_the_park_and_then_the_pipe() {
    run(async {
        let options = HubOptions::new().parked_bytes(10_000).stream_buffer_capacity(1);
        let never = async |reader: StreamReader<String>| {
            pause(60_000).await;
            drop(reader);
        };
        let service = serve(Hub::builder().options(options).method("Hold", never));
        let client = connect(&service).await;
        client
            .send(
                r#"{"type":1,"invocationId":"1","target":"Hold","arguments":[],"streamIds":["a"]}"#,
            )
            .await;
        let item = format!(r#"{{"type":2,"invocationId":"a","item":"{}"}}"#, "x".repeat(1_000));
        // The park, what is read ahead, and the pipe.
        let most = (10_000 + 2 * 64 * 1024 + CAPACITY) / 1_000 + 4;
        let fill = async {
            for sent in 0.. {
                if within(Duration::from_secs(1), client.send(&item)).await.is_none() {
                    return sent;
                }
            }
            0
        };
        let sent = within(Duration::from_secs(10), fill).await.expect("it fills up");
        assert!((20..=most).contains(&sent), "{sent} of at most {most}");
    });
}

#[test]
fn one_result_more_than_may_be_owed_is_not_asked_for() {
    run(async {
        let options = HubOptions::new().maximum_client_results(1);
        let ask = async |ctx: Context| {
            let caller = ctx.clients().caller();
            let (first, second) = (caller.invoke::<u8>("One", ()), caller.invoke::<u8>("Two", ()));
            let second = second.await.expect_err("it is one too many").to_string();
            (first.await.expect("a number"), second)
        };
        let service = serve(Hub::builder().options(options).method("Ask", ask));
        let mut client = connect(&service).await;
        client.call("1", "Ask", "[]").await;
        let ask = r#"{"type":1,"invocationId":"s1","target":"One","arguments":[]}"#;
        assert_eq!(client.next().await, record(ask));
        // It was on its way when it turned out to be one too many.
        assert!(client.record().await.contains(r#""invocationId":"s2""#));
        client.send(r#"{"type":3,"invocationId":"s1","result":7}"#).await;
        let answer = r#"[7,"Too many results of the client are waited for."]"#;
        assert_eq!(client.next().await, result("1", answer));
    });
}

#[test]
fn a_message_takes_no_longer_than_its_timeout() {
    run(async {
        let options = HubOptions::new().message_timeout(Duration::from_secs(2));
        let service = serve(Hub::builder().options(options));
        let mut client = connect(&service).await;
        client.frame(Opcode::Text, br#"{"type":1,"target"#).await;
        let before = Moment::now();
        assert_eq!(client.next().await, record(CLOSE_ERROR));
        assert_eq!(before.elapsed(), Duration::from_secs(2));
    });
}

#[test]
fn a_flood_of_cheap_messages_is_read_no_faster_than_it_may_come() {
    run(async {
        let options = HubOptions::new().flood_rate(10).flood_burst(20);
        let hub = Hub::builder().options(options).method("Add", async |a: i32, b: i32| a + b);
        let service = serve(hub);
        let mut client = connect(&service).await;
        let flood = "{\"type\":6}\x1e".repeat(40);
        client.frame(Opcode::Text, flood.as_bytes()).await;
        client.call("1", "Add", "[1,2]").await;
        let before = Moment::now();
        assert_eq!(client.next().await, result("1", "3"));
        let took = before.elapsed();
        assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(3), "{took:?}");
    });
}

#[test]
fn a_method_may_take_less_than_its_hub() {
    run(async {
        let short = MethodOptions::new().maximum_message_size(100);
        let length = async |text: String| text.len();
        let options = HubOptions::new().enable_detailed_errors(true);
        let hub = Hub::builder()
            .options(options)
            .method("Long", length)
            .method_with("Short", length, short);
        let service = serve(hub);
        let mut client = connect(&service).await;
        let text = format!("[\"{}\"]", "x".repeat(100));
        client.call("1", "Short", &text).await;
        let told = "Failed to invoke 'Short' due to an error on the server. InvalidDataException: The maximum message size of 100B was exceeded.";
        assert_eq!(client.next().await, error("1", told));
        client.call("2", "Long", &text).await;
        assert_eq!(client.next().await, result("2", "100"));
        client.call("3", "Short", r#"["x"]"#).await;
        assert_eq!(client.next().await, result("3", "1"));
    });
}

#[test]
fn of_what_has_a_key_a_slow_client_gets_the_latest() {
    run(async {
        let options = HubOptions::new().slow_consumer(SlowConsumer::DropNewest);
        let hub = Hub::builder().options(options).build().expect("a hub");
        let service = serve_built(&hub);
        let mut client = connect(&service).await;
        let key = |key: u32| NonZeroU32::new(key).expect("a key");
        let text = "x".repeat(1_000);
        let clients = hub.context().clients();
        let mut queued = 0;
        for round in 0..100_u32 {
            for player in 1..=3 {
                let arguments = (player, round, &text);
                let sent = clients.all().send_latest(key(player), "Moved", arguments).await;
                queued += sent.expect("they can be sent").queued;
            }
        }
        assert_eq!(queued, 300, "none is dropped for good");
        let mut last = [0; 3];
        let mut seen = 0;
        pause(1).await;
        loop {
            let Some(Seen::Record(text)) = within(Duration::from_secs(1), client.next())
                .await
                .filter(|seen| *seen != record(r#"{"type":6}"#))
            else {
                break;
            };
            let numbers = text.split(['[', ',']).skip(3).map(|part| part.parse::<u32>().ok());
            let numbers: Vec<_> = numbers.take(2).collect();
            let [Some(player), Some(round)] = numbers[..] else { panic!("{text}") };
            last[player as usize - 1] = round;
            seen += 1;
        }
        assert_eq!(last, [99; 3], "the latest has come");
        assert!(seen < 10, "{seen} of 300");
    });
}

#[test]
fn when_all_together_keep_too_much_waiting_those_who_do_not_read_are_closed() {
    run(async {
        let budget = MemoryBudget::new(64 * 1024);
        let hub = Hub::builder().build().expect("a hub");
        let server = Server::on(world()).hub("/hub", hub.clone()).memory_budget(&budget);
        let service = server.into_service().expect("a service");
        let mut reader = connect(&service).await;
        let _stuck = [connect(&service).await, connect(&service).await];
        let clients = hub.context().clients();
        let text = "x".repeat(4_000);
        for _ in 0..40 {
            drop(clients.all().send("Text", (&text,)));
            pause(1).await;
            assert!(reader.record().await.contains("Text"));
        }
        assert!(budget.used() <= 64 * 1024 + 2 * 4_096, "{}", budget.used());
        pause(16_000).await;
        assert_eq!(hub.context().connection_count(hub_async::Scope::Node).await, 1);
        assert_eq!(budget.used(), 0, "nothing is left of those who are gone");
    });
}

#[test]
fn the_head_of_a_request_has_a_limit() {
    run(async {
        let hub = Hub::builder().build().expect("a hub");
        let bound = Server::on(world())
            .hub("/hub", hub)
            .maximum_request_head(10_000)
            .bind("127.0.0.1:0")
            .await
            .unwrap();
        let address = bound.local_addr();
        drop(spawn(bound.serve()));
        for (size, status) in [(5_000, "HTTP/1.1 200 "), (20_000, "HTTP/1.1 431 ")] {
            let pipe = world().connect(address).expect("somebody listens");
            let filler = "x".repeat(size);
            let request = format!(
                "POST /hub/negotiate HTTP/1.1\r\nhost: h\r\nx-filler: {filler}\r\ncontent-length: 0\r\n\r\n"
            );
            write(&pipe, request.as_bytes()).await;
            let mut answer = Vec::new();
            while !answer.ends_with(b"\n") && read(&pipe, &mut answer).await {
                if String::from_utf8_lossy(&answer).contains("\r\n\r\n") {
                    break;
                }
            }
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with(status), "{size}: {answer}");
        }
    });
}

#[test]
fn uploads_that_end_at_once_are_no_way_to_run_more_methods() {
    run(async {
        let running = Notes::default();
        let slow = async |notes: State<Notes>, mut reader: StreamReader<u8>| {
            while reader.next().await.is_some() {}
            notes.add("runs");
            pause(1_000_000).await;
        };
        let service = serve(Hub::builder().state(running.clone()).method("Slow", slow));
        let client = connect(&service).await;
        for n in 0..1_000 {
            let call = r#"{"type":1,"target":"Slow","arguments":[],"streamIds":["#;
            client.send(&format!(r#"{call}"{n}"]}}"#)).await;
            client.send(&format!(r#"{{"type":3,"invocationId":"{n}"}}"#)).await;
        }
        pause(10).await;
        assert_eq!(running.all().len(), 100);
    });
}

#[test]
fn a_close_leaves_although_nothing_is_left_of_the_budget() {
    run(async {
        let budget = MemoryBudget::new(4_096);
        let abort = async |ctx: Context| {
            drop(ctx.clients().caller().send("Text", ("x".repeat(6_000),)));
            ctx.abort();
        };
        let hub = Hub::builder().method("Abort", abort).build().expect("a hub");
        let server = Server::on(world()).hub("/hub", hub).memory_budget(&budget);
        let service = server.into_service().expect("a service");
        let mut client = connect(&service).await;
        client.call("", "Abort", "[]").await;
        assert!(client.record().await.contains("Text"));
        assert_eq!(client.next().await, record(CLOSE));
    });
}

#[test]
fn with_the_budget_used_up_nothing_more_is_read_from_who_keeps_much_waiting() {
    run(async {
        let budget = MemoryBudget::new(20_000);
        let hold = async |reader: StreamReader<String>| {
            pause(60_000).await;
            drop(reader);
        };
        let hub = Hub::builder().method("Hold", hold).method("Add", async |a: i32, b: i32| a + b);
        let hub = hub.build().expect("a hub");
        let server = Server::on(world()).hub("/hub", hub).memory_budget(&budget);
        let service = server.into_service().expect("a service");
        let client = connect(&service).await;
        let hold = r#"{"type":1,"target":"Hold","arguments":[],"streamIds":["a"]}"#;
        client.send(hold).await;
        let item = format!(r#"{{"type":2,"invocationId":"a","item":"{}"}}"#, "x".repeat(1_000));
        let fill = async {
            for sent in 0.. {
                if within(Duration::from_secs(1), client.send(&item)).await.is_none() {
                    return sent;
                }
            }
            0
        };
        let sent = within(Duration::from_secs(10), fill).await.expect("it fills up");
        // The budget, one read and the pipe.
        assert!((20..=110).contains(&sent), "{sent}");
        let mut other = connect(&service).await;
        other.call("1", "Add", "[1,2]").await;
        assert_eq!(other.next().await, result("1", "3"));
        drop((client, other));
        pause(100_000).await;
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn items_behind_a_method_whose_answer_waits_for_room_do_not_stop_the_reading() {
    run(async {
        let options = HubOptions::new().parked_bytes(10_000).stream_buffer_capacity(2);
        let big = async |ctx: Context, mut reader: StreamReader<String>| {
            drop(ctx.clients().caller().send("Text", ("x".repeat(400_000),)));
            reader.next().await;
            // It outlives its method.
            std::mem::forget(reader);
            1
        };
        let notes = Notes::default();
        let note = async |notes: State<Notes>| notes.add("noted");
        let hub = Hub::builder().options(options).state(notes.clone());
        let service = serve(hub.method("Big", big).method("Note", note));
        let client = connect(&service).await;
        let call =
            r#"{"type":1,"invocationId":"1","target":"Big","arguments":[],"streamIds":["a"]}"#;
        client.send(call).await;
        let item = format!(r#"{{"type":2,"invocationId":"a","item":"{}"}}"#, "x".repeat(1_000));
        for _ in 0..30 {
            client.send(&item).await;
        }
        client.call("", "Note", "[]").await;
        pause(100).await;
        assert_eq!(notes.all(), ["noted"]);
    });
}
