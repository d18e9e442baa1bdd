//! Calls of both sides, in both encodings.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures_util::FutureExt;
use hub_async::values::{ByteArray, DateTime};
use hub_async::{Context, Hub, HubBuilder, HubError, SingleTarget};
use serde_json::json;
use transport_memory::{CallError, ClientOptions, World, call};

use super::{both, sleep};

fn hub() -> HubBuilder {
    Hub::builder()
        .method("Add", async |a: i32, b: i32| a + b)
        .method("Nothing", async || ())
        .method("Fail", async || Err::<(), _>(HubError::new("no")))
        .method("Join", async |ctx: Context, group: String| {
            ctx.groups().add(ctx.connection_id(), &group).await;
        })
        .method("Tell", async |ctx: Context, group: String, text: String| {
            ctx.clients().group(&group).send("Told", (text, 7)).await.unwrap();
        })
        .method("Times", async |ctx: Context, time: DateTime, bytes: ByteArray| {
            ctx.clients().caller().send("Times", (time, bytes)).await.unwrap();
        })
        .method("Ask", async |ctx: Context| {
            let caller: SingleTarget = ctx.clients().caller();
            caller.invoke::<u32>("Age", ("years",)).await.map_err(HubError::from)
        })
        .method("Abort", async |ctx: Context| ctx.abort())
}

fn run(hub: HubBuilder, test: impl AsyncFn(ClientOptions)) {
    both(&World::new(), hub, test);
}

#[test]
fn a_call_comes_to_its_result_or_its_error() {
    run(hub(), async |client| {
        let ada = client.connect().await;
        assert_eq!(ada.invoke("Add", (1, 2)).await, Ok(3));
        assert_eq!(ada.invoke("Nothing", ()).await, Ok(()));
        assert_eq!(ada.invoke("Nothing", ()).await, Ok(None::<u8>));
        assert_eq!(
            ada.invoke::<()>("Fail", ()).await.unwrap_err(),
            "An unexpected error occurred invoking 'Fail' on the server. HubException: no"
        );
    });
}

#[test]
fn a_call_is_on_its_way_before_it_is_awaited() {
    let world = World::new();
    let hub = hub().state(world.clone()).method("Sleep", sleep);
    both(&world, hub, async |client| {
        let ada = client.connect().await;
        let start = world.now();
        let slow = ada.invoke("Sleep", (3,));
        world.advance(Duration::from_secs(2)).await;
        assert_eq!(slow.await, Ok(3));
        assert_eq!(world.now() - start, Duration::from_secs(3));
    });
}

#[test]
fn a_connection_that_ends_answers_its_calls() {
    run(hub(), async |client| {
        let ada = client.connect().await;
        let answer = ada.invoke::<()>("Abort", ()).await;
        let ended = ada.ended().await.unwrap();
        assert_eq!(answer, Err(CallError::Ended(ended.clone())));
        assert_eq!(ada.invoke::<()>("Nothing", ()).await, Err(CallError::Ended(ended)));
    });
}

#[test]
fn each_member_of_a_group_sees_what_is_sent_to_it() {
    run(hub(), async |client| {
        let ada = client.clone().connect().await;
        let ben = client.clone().message_pack().connect().await;
        let cid = client.connect().await;
        for member in [&ada, &ben] {
            member.send("Join", ("green",));
        }
        cid.send("Tell", ("green", "hello"));
        cid.send("Tell", ("blue", "nobody"));
        cid.send("Tell", ("green", "bye"));
        let wanted = [call("Told", ("hello", 7)), call("Told", ("bye", 7))];
        assert_eq!(ada.received().await, wanted);
        assert_eq!(ada.received().await, [], "all of it was taken");
        assert_eq!([ben.next().await, ben.next().await], wanted);
        assert_eq!(ben.received().await, []);
        assert_eq!(cid.received().await, []);
    });
}

#[test]
fn arguments_are_shown_as_in_json_and_read_as_they_were_sent() {
    run(hub(), async |client| {
        let ada = client.connect().await;
        let time: DateTime = "2024-05-06T07:08:09Z".parse().unwrap();
        let bytes = ByteArray(vec![1, 2, 3]);
        ada.send("Times", (time, &bytes));
        let told = ada.next().await;
        assert_eq!(told.arguments, [json!("2024-05-06T07:08:09Z"), json!("AQID")]);
        assert_eq!(told, call("Times", (time, &bytes)));
        assert_eq!(told.read::<(DateTime, ByteArray)>(), (time, bytes));
    });
}

#[test]
fn a_question_is_answered_refused_or_left() {
    let world = World::new();
    both(&world, hub(), async |client| {
        let ada = client.connect().await;
        let asked = ada.invoke("Ask", ());
        let question = ada.question().await;
        assert_eq!(question.call, call("Age", ("years",)));
        question.answer(42);
        assert_eq!(asked.await, Ok(42));

        let asked = ada.invoke::<u32>("Ask", ());
        ada.question().await.refuse("none of your business");
        let error = asked.await.unwrap_err().to_string();
        assert!(error.ends_with("HubException: none of your business"), "{error}");

        let (asked, start) = (ada.invoke::<u32>("Ask", ()), world.now());
        drop(ada.question().await);
        assert!(asked.await.is_err());
        assert_eq!(world.now() - start, Duration::from_secs(30));
        assert_eq!(ada.received().await, [], "questions are not told");
    });
}

#[test]
fn queries_and_headers_reach_the_hub() {
    let user = |request: &hub_async::RequestFacts| request.header("x-user").map(str::to_owned);
    let hub = Hub::builder()
        .user_id(user)
        .options(hub_async::HubOptions::new().allow_stateful_reconnects(true))
        .method("Who", async |ctx: Context| {
            let room = ctx.request().query_value("room").map(|room| room.into_owned());
            (ctx.user_id().map(str::to_owned), room, ctx.request().query_value("x").is_some())
        });
    run(hub, async |client| {
        let client = client.query("room=a%20b").query("x").header("X-User", "ada");
        for client in [client.clone(), client.stateful_reconnect()] {
            let ada = client.connect().await;
            let who = ada.invoke::<(String, String, bool)>("Who", ()).await;
            assert_eq!(who, Ok(("ada".into(), "a b".into(), true)));
        }
    });
}

#[test]
#[should_panic(expected = "waited 600s for the answer to Sleep; the connection is open")]
fn an_answer_that_never_comes_fails_the_test() {
    let world = World::new();
    let hub = hub().method("Sleep", std::future::pending::<()>);
    world.run(async {
        let ada = world.serve(&hub.build().unwrap()).connect().await;
        ada.invoke::<()>("Sleep", ()).await.ok();
    });
}

#[test]
#[should_panic(expected = "the answer to Add is no alloc::string::String but 3")]
fn a_result_of_another_type_fails_the_test() {
    run(hub(), async |client| {
        let ada = client.connect().await;
        ada.invoke::<String>("Add", (1, 2)).await.ok();
    });
}

#[test]
#[should_panic(expected = "waited for a call, but the connection has ended: closed (code 1000)")]
fn waiting_for_one_who_has_ended_fails_the_test() {
    run(hub(), async |client| {
        let ada = client.connect().await;
        ada.send("Abort", ());
        ada.next().await;
    });
}

#[test]
fn clients_can_be_tasks() {
    let world = World::new();
    both(&world, hub(), async |client| {
        let mut tasks = Vec::new();
        for n in 0..10 {
            let client = client.clone();
            tasks.push(world.spawn(async move {
                let client = client.connect().await;
                client.invoke("Add", (n, n)).await.unwrap_or(0)
                    + client.invoke("Add", (1, n)).await.unwrap_or(0)
            }));
        }
        let mut sum = 0;
        for task in tasks {
            sum += task.await;
        }
        assert_eq!(sum, 3 * 45 + 10);
    });
}

#[test]
#[should_panic(
    expected = r#"; it was told Told("a", 7), Told("b", 7), Told("c", 7), Told("d", 7), Told("long"#
)]
fn a_client_that_waits_in_vain_says_briefly_what_there_was() {
    run(hub(), async |client| {
        let ada = client.connect().await;
        ada.send("Join", ("all",));
        for text in ["a", "b", "c", "d", &"long".repeat(1000), "f"] {
            ada.send("Tell", ("all", text));
        }
        let waiting = AssertUnwindSafe(ada.question());
        let failed = waiting.catch_unwind().await.expect_err("nobody asks");
        let text = failed.downcast_ref::<String>().expect("a message");
        assert!(text.len() < 2000 && text.ends_with("… and 1 more"), "{text}");
        resume_unwind(failed);
    });
}
