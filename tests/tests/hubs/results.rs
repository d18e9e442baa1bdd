//! Questions to clients, and what becomes of their answers.

use hub_async::{Context, HubError, HubOptions, InvokeError};
use serde::{Deserialize, Deserializer};

use super::wire::*;
use super::*;

/// A question, with the id that it has on the wire.
pub(super) fn question(id: &str, method: &str, arguments: &str) -> Seen {
    record(&format!(
        r#"{{"type":1,"invocationId":"{id}","target":"{method}","arguments":{arguments}}}"#
    ))
}

pub(super) fn told<T: std::fmt::Debug>(result: Result<T, InvokeError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

fn failed(target: &str, detail: &str) -> String {
    format!("An unexpected error occurred invoking '{target}' on the server.{detail}")
}

pub(super) fn hub() -> HubBuilder {
    Hub::builder()
        .method("Id", async |ctx: Context| ctx.connection_id().to_owned())
        .method("Echo", async |text: String| text)
        .method("Ask", async |ctx: Context, n: i32| {
            ctx.clients().caller().invoke::<i32>("Question", (n,)).await
        })
}

/// A client and its connection's id.
pub(super) async fn known(service: &Service) -> (Client, String) {
    let mut client = connect(service).await;
    client.call("id", "Id", "[]").await;
    let record = client.record().await;
    let id = record.rsplit('"').nth(1).expect("an id in quotes").to_owned();
    assert_eq!(result("id", &format!(r#""{id}""#)), Seen::Record(record));
    (client, id)
}

pub(super) async fn is_well(client: &mut Client) {
    client.call("well", "Echo", r#"["well"]"#).await;
    pause(1).await;
    assert_eq!(client.so_far(), [result("well", r#""well""#)]);
}

#[test]
fn a_question_is_a_call_with_an_id_and_its_answer_a_value() {
    run(async {
        let hub = hub().build().expect("a hub");
        let service = serve_built(&hub);
        let (mut client, id) = known(&service).await;
        let single = hub.context().clients().client(&id);
        for n in 1..=3 {
            let asking = spawn(single.invoke::<i32>("Question", ("a", n)));
            let ask = format!("s{n}");
            assert_eq!(client.next().await, question(&ask, "Question", &format!(r#"["a",{n}]"#)));
            assert!(!asking.is_finished());
            answer(&client, &ask, "10").await;
            assert_eq!(asking.await.ok(), Some(10));
        }
        is_well(&mut client).await;
    });
}

#[test]
fn a_question_in_messagepack_is_answered_in_it() {
    run(async {
        let hub = hub().build().expect("a hub");
        let service = serve_built(&hub);
        let mut client = Client::connect_binary(&service, "/hub").await;
        let all = hub.context().clients().all();
        let asking = spawn(all.invoke_each::<u32>("Q", (5,)));
        let asked = b"\x96\x01\x80\xa2s1\xa1Q\x91\x05\x90";
        assert_eq!(client.next().await, Seen::Binary(asked.to_vec()));
        send_binary(&client, b"\x95\x03\x80\xa2s1\x03\x07").await;
        let results = asking.await;
        assert!(matches!(&results[..], [(_, Ok(7))]));
        let asking = spawn(all.invoke_each::<u32>("Q", (5,)));
        client.next().await;
        send_binary(&client, b"\x95\x03\x80\xa2s2\x03\xa1x").await;
        let text = told(asking.await.pop().expect("a result").1);
        assert_eq!(text, "Error trying to deserialize result to u32.");
        let asking = spawn(all.invoke_each::<u32>("Q", (5,)));
        client.next().await;
        send_binary(&client, b"\x94\x03\x80\xa2s3\x02").await;
        let text = told(asking.await.pop().expect("a result").1);
        assert_eq!(text, "The client answered without a result.");
    });
}

#[test]
fn what_is_wrong_with_an_answer_is_told_by_whoever_has_asked() {
    run(async {
        for detailed in [false, true] {
            let options = HubOptions::new().enable_detailed_errors(detailed);
            let service = serve(hub().options(options));
            let mut client = connect(&service).await;
            for n in 1..=5 {
                let (ask, call) = (format!("s{n}"), n.to_string());
                client.call(&call, "Ask", "[1]").await;
                assert_eq!(client.next().await, question(&ask, "Question", "[1]"));
                let detail = match n {
                    1 => {
                        fail(&client, &ask, "Client error").await;
                        " HubException: Client error"
                    }
                    2 => {
                        answer(&client, &ask, r#""ten""#).await;
                        " HubException: Error trying to deserialize result to i32."
                    }
                    3 => {
                        end(&client, &ask).await;
                        " HubException: The client answered without a result."
                    }
                    4 => {
                        answer(&client, &ask, "null").await;
                        " HubException: Error trying to deserialize result to i32."
                    }
                    _ if detailed => " TimeoutException: The client did not answer in time.",
                    _ => "",
                };
                let mut seen = client.next().await;
                while seen == record(r#"{"type":6}"#) {
                    seen = client.next().await;
                }
                assert_eq!(seen, error(&call, &failed("Ask", detail)));
                is_well_though_pinged(&mut client).await;
            }
        }
    });
}

/// The client may have been pinged meanwhile.
async fn is_well_though_pinged(client: &mut Client) {
    client.call("well", "Echo", r#"["well"]"#).await;
    pause(1).await;
    assert_eq!(client.so_far().pop(), Some(result("well", r#""well""#)));
}

#[test]
fn a_malformed_answer_ends_the_connection_and_fails_the_question() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let hub = hub().method("Note", move |ctx: Context| {
            let notes = noted.clone();
            async move {
                notes.add(told(ctx.clients().caller().invoke::<i32>("Q", ()).await));
            }
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Note", "[]").await;
        client.next().await;
        answer(&client, "s1", "[1,]").await;
        let seen = client.rest().await;
        let last = seen.len() - 2;
        assert_eq!(seen[last..], [record(CLOSE_ERROR), Seen::Close(Some(1000))]);
        assert_eq!(notes.all(), ["Error trying to deserialize result to i32."]);
    });
}

#[test]
fn nobody_can_be_asked_who_is_not_there() {
    run(async {
        let hub = hub().build().expect("a hub");
        let service = serve_built(&hub);
        let (client, id) = known(&service).await;
        let clients = hub.context().clients();
        let nobody = clients.client("none").invoke::<i32>("Q", ()).await;
        assert_eq!(told(nobody), "Connection 'none' does not exist.");
        assert!(clients.group("none").invoke_each::<i32>("Q", ()).await.is_empty());
        drop(client);
        pause(1).await;
        let gone = clients.client(&id).invoke::<i32>("Q", ()).await;
        assert_eq!(told(gone), format!("Connection '{id}' does not exist."));
    });
}

#[test]
fn a_question_fails_when_its_client_leaves_and_the_other_ones_do_not() {
    run(async {
        let hub = hub().build().expect("a hub");
        let service = serve_built(&hub);
        let (first, id) = known(&service).await;
        let (mut second, other) = known(&service).await;
        let (mut third, next) = known(&service).await;
        let clients = hub.context().clients();
        let ask = |id: &str| spawn(clients.client(id).invoke::<i32>("Q", ()));
        let (a, b, c) = (ask(&id), ask(&other), ask(&next));
        second.next().await;
        third.next().await;
        fail(&third, "s3", "Error from client").await;
        drop(first);
        pause(1).await;
        assert!(a.is_finished() && !b.is_finished() && c.is_finished());
        assert_eq!(told(a.await), format!("Connection '{id}' disconnected."));
        assert_eq!(told(c.await), "Error from client");
        // Nobody answers for somebody else.
        answer(&third, "s2", "1").await;
        pause(1).await;
        assert!(!b.is_finished());
        answer(&second, "s2", "2").await;
        assert_eq!(b.await.ok(), Some(2));
        is_well(&mut third).await;
    });
}

#[test]
fn a_question_runs_out_of_time_and_its_late_answer_is_ignored() {
    run(async {
        let hub = hub().build().expect("a hub");
        let service = serve_built(&hub);
        let (mut client, id) = known(&service).await;
        let single = hub.context().clients().client(&id);
        let waits = [(None, 30), (Some(5), 5), (Some(60), 60)];
        for (n, (timeout, seconds)) in waits.into_iter().enumerate() {
            let single = match timeout {
                Some(timeout) => single.clone().timeout(Duration::from_secs(timeout)),
                None => single.clone(),
            };
            let start = Moment::now();
            let late = single.invoke::<i32>("Q", ()).await;
            assert_eq!(told(late), "The client did not answer in time.");
            let elapsed = start.elapsed();
            let expected = Duration::from_secs(seconds);
            assert!(elapsed >= expected && elapsed < expected + Duration::from_millis(10));
            answer(&client, &format!("s{}", n + 1), "1").await;
            is_well_though_pinged(&mut client).await;
        }
        // Longer than there is time, and no time at all.
        let for_ever = spawn(single.clone().timeout(Duration::MAX).invoke::<i32>("Q", ()));
        let never = spawn(single.timeout(Duration::ZERO).invoke::<i32>("Q", ()));
        pause(100_000).await;
        assert!(!for_ever.is_finished() && never.is_finished());
        assert_eq!(told(never.await), "The client did not answer in time.");
        answer(&client, "s4", "4").await;
        assert_eq!(for_ever.await.ok(), Some(4));
    });
}

#[test]
fn a_question_that_nobody_waits_for_is_withdrawn_and_its_late_answer_ignored() {
    run(async {
        let hub = hub().build().expect("a hub");
        let service = serve_built(&hub);
        let (mut client, id) = known(&service).await;
        let single = hub.context().clients().client(&id);
        let waited = within(Duration::from_secs(1), single.invoke::<i32>("Q", ())).await;
        assert!(waited.is_none());
        assert_eq!(client.next().await, question("s1", "Q", "[]"));
        answer(&client, "s1", "1").await;
        fail(&client, "s1", "late").await;
        is_well(&mut client).await;
        drop(single.invoke::<i32>("Q", ()));
        pause(1).await;
        assert_eq!(client.so_far(), [question("s2", "Q", "[]")]);
        answer(&client, "s2", "{}").await;
        is_well(&mut client).await;
        // One answer is one.
        let asking = spawn(single.invoke::<i32>("Q", ()));
        client.next().await;
        answer(&client, "s3", "3").await;
        answer(&client, "s3", "4").await;
        assert_eq!(asking.await.ok(), Some(3));
        is_well(&mut client).await;
    });
}

#[test]
fn a_method_asks_its_caller_twice_by_its_id_and_as_caller() {
    run(async {
        let hub = hub().method("Twice", async |ctx: Context| -> Result<(i32, i32), HubError> {
            let clients = ctx.clients();
            let first = clients.client(ctx.connection_id()).invoke::<i32>("Q", (1,)).await?;
            let second = clients.caller().invoke::<i32>("Q", (2,)).await?;
            Ok((first, second))
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Twice", "[]").await;
        assert_eq!(client.next().await, question("s1", "Q", "[1]"));
        answer(&client, "s1", "10").await;
        assert_eq!(client.next().await, question("s2", "Q", "[2]"));
        answer(&client, "s2", "20").await;
        assert_eq!(client.next().await, result("1", "[10,20]"));
    });
}

#[test]
fn those_who_ask_keep_no_slot_and_do_not_wait_for_each_other() {
    run(async {
        let options = HubOptions::new().maximum_parallel_invocations_per_client(2);
        let hub = hub().options(options).method("Sleep", async |millis: u64| pause(millis).await);
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("blocked", "Sleep", "[1000]").await;
        for n in 1..=3 {
            client.call(&n.to_string(), "Ask", &format!("[{n}]")).await;
        }
        for n in 1..=3 {
            let asked = question(&format!("s{n}"), "Question", &format!("[{n}]"));
            assert_eq!(client.next().await, asked);
        }
        for n in [2, 3, 1] {
            answer(&client, &format!("s{n}"), &(n * 10).to_string()).await;
            assert_eq!(client.next().await, result(&n.to_string(), &(n * 10).to_string()));
        }
        assert_eq!(client.next().await, result("blocked", "null"));
        // No slot is lost, and none is won.
        for id in ["a", "b", "c"] {
            client.call(id, "Sleep", "[100]").await;
        }
        let start = Moment::now();
        for _ in 0..3 {
            client.record().await;
        }
        assert!((200..250).contains(&start.elapsed().as_millis()));
    });
}

#[test]
fn a_question_from_outside_is_answered_though_calls_run_and_wait() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        // It asks past its own context, so that it keeps its slot.
        let hub = hub().method("Outside", move |ctx: Context| {
            let notes = noted.clone();
            async move {
                let single = ctx.hub().clients().client(ctx.connection_id());
                notes.add(told(single.invoke::<i32>("Q", ()).await));
            }
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Outside", "[]").await;
        for n in 2..=6 {
            client.call(&n.to_string(), "Echo", r#"["hi"]"#).await;
        }
        pause(1).await;
        assert_eq!(client.so_far(), [question("s1", "Q", "[]")]);
        answer(&client, "s1", "8").await;
        assert_eq!(client.next().await, result("1", "null"));
        for n in 2..=6 {
            assert_eq!(client.next().await, result(&n.to_string(), r#""hi""#));
        }
        assert_eq!(notes.all(), ["8"]);
    });
}

#[test]
fn a_group_is_asked_and_each_result_or_failure_collected() {
    run(async {
        let join = async |ctx: Context| ctx.groups().add(ctx.connection_id(), "g").await;
        let hub = hub().method("Join", join).build().expect("a hub");
        let service = serve_built(&hub);
        let mut members = Vec::new();
        for _ in 0..5 {
            let (mut client, id) = known(&service).await;
            client.call("j", "Join", "[]").await;
            client.next().await;
            members.push((client, id));
        }
        let groups = hub.context().clients().groups(["g", "g"]).timeout(Duration::from_secs(5));
        let asking = spawn(groups.invoke_each::<i32>("Q", ()));
        let mut expected = Vec::new();
        let leaver = members.pop().expect("five");
        for (n, (client, id)) in members.iter_mut().enumerate() {
            let Seen::Record(asked) = client.next().await else { panic!("no question") };
            let ask = asked.split('"').nth(5).expect("an id").to_owned();
            pause(1).await;
            assert_eq!(client.so_far(), [], "asked once");
            let text = match n {
                0 => {
                    answer(client, &ask, "7").await;
                    "7"
                }
                1 => {
                    fail(client, &ask, "No such method.").await;
                    "No such method."
                }
                2 => {
                    end(client, &ask).await;
                    "The client answered without a result."
                }
                _ => "The client did not answer in time.",
            };
            expected.push((id.clone(), text.to_owned()));
        }
        let gone = format!("Connection '{}' disconnected.", leaver.1);
        expected.push((leaver.1.clone(), gone));
        drop(leaver);
        let start = Moment::now();
        let mut results: Vec<_> =
            asking.await.into_iter().map(|(id, result)| (id, told(result))).collect();
        assert!((4_900..5_010).contains(&start.elapsed().as_millis()));
        results.sort();
        expected.sort();
        assert_eq!(results, expected);
    });
}

#[test]
fn a_client_that_never_reads_its_questions_owes_a_limited_number_of_results() {
    run(async {
        let options = HubOptions::new().maximum_client_results(3);
        let hub = hub().options(options).build().expect("a hub");
        let service = serve_built(&hub);
        let (mut client, id) = known(&service).await;
        let single = hub.context().clients().client(&id);
        let ask = || spawn(single.invoke::<i32>("Q", ()));
        let (a, b, c, d) = (ask(), ask(), ask(), ask());
        pause(1).await;
        assert!(!a.is_finished() && !b.is_finished() && !c.is_finished() && d.is_finished());
        assert_eq!(told(d.await), "Too many results of the client are waited for.");
        drop(b);
        answer(&client, "s1", "1").await;
        assert_eq!(a.await.ok(), Some(1));
        let e = ask();
        pause(1).await;
        answer(&client, "s5", "5").await;
        assert_eq!(e.await.ok(), Some(5));
        drop(c);
        pause(1).await;
        client.so_far();
        is_well(&mut client).await;
    });
}

#[test]
fn questions_that_nobody_takes_close_a_client_at_its_hard_budget() {
    run(async {
        let options = HubOptions::new().soft_send_buffer(20_000).hard_send_buffer(50_000);
        let hub = hub().options(options).build().expect("a hub");
        let service = serve_built(&hub);
        let (mut client, id) = known(&service).await;
        let single = hub.context().clients().client(&id);
        let ask = |_| spawn(single.invoke::<i32>("Q", ("x".repeat(10_000),)));
        let asking: Vec<_> = (0..10).map(ask).collect();
        pause(1).await;
        for asking in asking {
            assert_eq!(told(asking.await), format!("Connection '{id}' disconnected."));
        }
        let seen = client.rest().await;
        assert_eq!(seen[seen.len() - 2..], [record(CLOSE_ERROR), Seen::Close(Some(1000))]);
    });
}

#[test]
fn questions_are_asked_in_order_with_what_is_sent() {
    run(async {
        let hub = hub().method("Mixed", async |ctx: Context| {
            let caller = ctx.clients().caller();
            drop(caller.send("A", ()));
            let asking = caller.invoke::<i32>("Q", ());
            drop(caller.send("B", ()));
            told(asking.await)
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Mixed", "[]").await;
        pause(1).await;
        let sent =
            |name: &str| record(&format!(r#"{{"type":1,"target":"{name}","arguments":[]}}"#));
        assert_eq!(client.so_far(), [sent("A"), question("s1", "Q", "[]"), sent("B")]);
        answer(&client, "s1", "1").await;
        assert_eq!(client.next().await, result("1", r#""1""#));
    });
}

/// Whatever else its turn has to do before and after it asks.
#[test]
fn an_answer_that_comes_at_once_is_never_lost() {
    run(async {
        let service = serve(hub());
        for calls in 0..150 {
            let mut client = connect(&service).await;
            let echo = r#"{"type":1,"invocationId":"e","target":"Echo","arguments":["hi"]}"#;
            let ask = r#"{"type":1,"invocationId":"a","target":"Ask","arguments":[1]}"#;
            let mut records = vec![echo; calls];
            records.push(ask);
            client.send(&records.join("\u{1e}")).await;
            let start = Moment::now();
            loop {
                let record = client.record().await;
                if let Some(asked) = record.strip_prefix(r#"{"type":1,"invocationId":""#) {
                    let id = asked.split('"').next().expect("an id");
                    answer(&client, id, "5").await;
                } else if record.contains(r#""invocationId":"a""#) {
                    assert_eq!(Seen::Record(record), result("a", "5"), "behind {calls} calls");
                    break;
                }
            }
            assert!(start.elapsed() < Duration::from_secs(1), "behind {calls} calls");
        }
    });
}

thread_local! {
    static ASKING: RefCell<Option<hub_async::Asking<Odd>>> = const { RefCell::new(None) };
}

/// A result that withdraws its own question while it is read, and panics when it is read or dropped.
struct Odd(u32);

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        drop(ASKING.take());
        assert_ne!(number, 13, "on purpose");
        Ok(Self(number))
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        assert_ne!(self.0, 14, "on purpose");
    }
}

#[test]
fn a_result_that_panics_harms_nobody_whether_it_is_read_or_dropped() {
    run(async {
        let hub = hub().build().expect("a hub");
        let service = serve_built(&hub);
        let (mut client, id) = known(&service).await;
        let single = hub.context().clients().client(&id);
        let asking = spawn(single.invoke::<Odd>("Q", ()));
        client.next().await;
        answer(&client, "s1", "13").await;
        let text = "Error trying to deserialize result to a type whose Deserialize panics.";
        assert_eq!(told(asking.await.map(|_| ())), text);
        // It is dropped by its question while it is read, and is nobody's then.
        for (ask, number) in [("s2", "13"), ("s3", "14")] {
            ASKING.set(Some(single.invoke::<Odd>("Q", ())));
            client.next().await;
            answer(&client, ask, number).await;
            is_well(&mut client).await;
        }
    });
}
