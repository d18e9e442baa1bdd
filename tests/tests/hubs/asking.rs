//! Questions from hooks, tasks and methods that stream.

use futures_util::{StreamExt, stream as streams};
use hub_async::{Context, HubError, HubOptions, StreamReader};

use super::results::{hub, is_well, question, told};
use super::wire::*;
use super::*;

#[test]
fn in_on_connected_nobody_is_asked_and_the_close_says_so_in_detail() {
    run(async {
        for (detailed, detail) in [
            (
                true,
                " InvalidOperationException: Client results inside OnConnectedAsync Hub methods are not allowed.",
            ),
            (false, ""),
        ] {
            let hub = hub()
                .options(HubOptions::new().enable_detailed_errors(detailed))
                .on_connected(async |ctx: Context| -> Result<(), HubError> {
                    ctx.clients().caller().invoke::<i32>("Q", ()).await?;
                    Ok(())
                });
            let service = serve(hub);
            let mut client = connect(&service).await;
            let text =
                format!(r#"{{"type":7,"error":"Connection closed with an error.{detail}"}}"#);
            assert_eq!(client.rest().await, [record(&text), Seen::Close(Some(1000))]);
        }
    });
}

#[test]
fn in_on_disconnected_the_client_has_gone_already() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let farewell = move |ctx: Context| {
            let notes = noted.clone();
            async move {
                let clients = ctx.clients();
                notes.add(ctx.connection_id());
                notes.add(told(clients.caller().invoke::<i32>("Q", ()).await));
                for (_, result) in clients.all().invoke_each::<i32>("Q", ()).await {
                    notes.add(told(result));
                }
            }
        };
        let hub = hub().method("Abort", async |ctx: Context| ctx.abort()).on_disconnected(farewell);
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Abort", "[]").await;
        assert_eq!(client.rest().await, [record(CLOSE), Seen::Close(Some(1000))]);
        let notes = notes.all();
        let text = format!("Connection '{}' disconnected.", notes[0]);
        assert_eq!(notes[1..], [text.clone(), text]);
    });
}

#[test]
fn an_upload_may_ask_whatever_its_stream_is_called() {
    run(async {
        let hub = hub().method("Both", async |ctx: Context, items: StreamReader<i32>| {
            let answer = ctx.clients().caller().invoke::<i32>("Q", ()).await;
            (told(answer), items.count().await)
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        upload(&client, "1", "Both", "[]", r#"["1"]"#).await;
        assert_eq!(client.next().await, question("s1", "Q", "[]"));
        give(&client, "1", "1").await;
        answer(&client, "s1", "5").await;
        give(&client, "1", "2").await;
        pause(1).await;
        assert_eq!(client.so_far(), []);
        end(&client, "1").await;
        assert_eq!(client.next().await, result("1", r#"["5",2]"#));
        is_well(&mut client).await;
    });
}

/// One of the two would be taken for the other.
#[test]
fn a_stream_cannot_have_the_id_of_a_question_that_waits() {
    run(async {
        let hub = hub().method("Both", async |ctx: Context, items: StreamReader<i32>| {
            let answer = ctx.clients().caller().invoke::<i32>("Q", ()).await;
            (told(answer), items.count().await)
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Ask", "[1]").await;
        assert_eq!(client.next().await, question("s1", "Question", "[1]"));
        upload(&client, "2", "Both", "[]", r#"["s1"]"#).await;
        assert_eq!(client.next().await, error("2", "Invocation ID 's1' is already in use."));
        answer(&client, "s1", "5").await;
        assert_eq!(client.next().await, result("1", "5"));
        is_well(&mut client).await;
    });
}

#[test]
fn the_answer_to_a_question_with_the_id_of_a_stream_does_not_end_the_stream() {
    run(async {
        let hub = hub().method("Both", async |ctx: Context, items: StreamReader<i32>| {
            let answer = ctx.clients().caller().invoke::<i32>("Q", ()).await;
            (told(answer), items.count().await)
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        upload(&client, "1", "Both", "[]", r#"["s1"]"#).await;
        assert_eq!(client.next().await, question("s1", "Q", "[]"));
        answer(&client, "s1", "5").await;
        give(&client, "s1", "1").await;
        give(&client, "s1", "2").await;
        end(&client, "s1").await;
        let text = r#"["5",2]"#;
        assert_eq!(client.next().await, result("1", text));
    });
}

#[test]
fn an_upload_that_fails_is_no_answer_to_the_question_of_its_name() {
    run(async {
        let hub = hub().method("Both", async |ctx: Context, mut items: StreamReader<i32>| {
            let asked = ctx.clients().caller().invoke::<i32>("Q", ());
            let end = items.next().await.map(|item| item.map_err(|error| error.to_string()));
            (told(asked.await), end.and_then(Result::err))
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        upload(&client, "1", "Both", "[]", r#"["s1"]"#).await;
        assert_eq!(client.next().await, question("s1", "Q", "[]"));
        client.send(r#"{"type":3,"invocationId":"s1","error":"broken"}"#).await;
        answer(&client, "s1", "5").await;
        assert_eq!(client.next().await, result("1", r#"["5","broken"]"#));
    });
}

#[test]
fn a_stream_may_ask_before_it_yields_and_between() {
    run(async {
        let hub = hub().method("Stream", async |ctx: Context| -> Result<_, HubError> {
            let first = ctx.clients().caller().invoke::<i32>("Q", ()).await?;
            let second = async move { ctx.clients().caller().invoke::<i32>("Q", ()).await };
            let rest = streams::once(second);
            Ok(streams::iter([Ok(first)]).chain(rest))
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        stream(&client, "1", "Stream", "[]").await;
        assert_eq!(client.next().await, question("s1", "Q", "[]"));
        answer(&client, "s1", "1").await;
        assert_eq!(client.next().await, item("1", "1"));
        assert_eq!(client.next().await, question("s2", "Q", "[]"));
        answer(&client, "s2", "2").await;
        assert_eq!(client.next().await, item("1", "2"));
        assert_eq!(client.next().await, void("1"));
        is_well(&mut client).await;
    });
}

#[test]
fn a_farewell_may_ask_the_others() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let hub = hub().on_disconnected(move |ctx: Context| {
            let notes = noted.clone();
            async move {
                for (_, result) in ctx.clients().others().invoke_each::<i32>("Q", ()).await {
                    notes.add(told(result));
                }
            }
        });
        let service = serve(hub);
        let leaver = connect(&service).await;
        let mut other = connect(&service).await;
        drop(leaver);
        assert_eq!(other.next().await, question("s1", "Q", "[]"));
        answer(&other, "s1", "3").await;
        pause(1).await;
        assert_eq!(notes.all(), ["3"]);
    });
}

/// The answer is behind what the method has not read yet.
#[test]
fn a_method_that_asks_while_its_upload_fills_the_park_is_told_at_once() {
    run(async {
        let options = HubOptions::new().stream_buffer_capacity(1).parked_bytes(2_000);
        let hub = hub().options(options).method(
            "Both",
            async |ctx: Context, items: StreamReader<String>| {
                let answer = ctx.clients().caller().invoke::<i32>("Q", ()).await;
                (told(answer), items.count().await)
            },
        );
        let service = serve(hub);
        let mut client = connect(&service).await;
        upload(&client, "1", "Both", "[]", r#"["u"]"#).await;
        for _ in 0..5 {
            give(&client, "u", &format!(r#""{}""#, "x".repeat(1_000))).await;
        }
        end(&client, "u").await;
        assert_eq!(client.next().await, question("s1", "Q", "[]"));
        answer(&client, "s1", "3").await;
        let text =
            r#"["The client has sent more than can wait, and its answer may be behind that.",5]"#;
        assert_eq!(client.next().await, result("1", text));
        is_well(&mut client).await;
    });
}

#[test]
fn somebody_outside_may_ask_a_client_that_is_still_greeted() {
    run(async {
        let (asked, ask) = (Notes::default(), Notes::default());
        let (noted, own) = (asked.clone(), ask.clone());
        let hub = hub().on_connected(move |ctx: Context| {
            let (notes, own) = (noted.clone(), own.clone());
            async move {
                let single = ctx.hub().clients().client(ctx.connection_id());
                spawn(async move {
                    notes.add(told(single.invoke::<i32>("Q", ()).await));
                });
                // One that waits for it where it cannot come is only late.
                let single = ctx.hub().clients().client(ctx.connection_id());
                own.add(told(
                    single.timeout(Duration::from_secs(1)).invoke::<i32>("Own", ()).await,
                ));
            }
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        let mut seen = [client.record().await, client.record().await];
        seen.sort();
        for question in seen {
            let id = question.split('"').nth(5).expect("an id");
            answer(&client, id, "4").await;
        }
        pause(900).await;
        assert_eq!(asked.all().len() + ask.all().len(), 0);
        pause(110).await;
        assert_eq!(asked.all(), ["4"]);
        assert_eq!(ask.all(), ["The client did not answer in time."]);
        is_well(&mut client).await;
    });
}

#[test]
fn a_task_may_ask_after_its_method_has_ended() {
    run(async {
        let notes = Notes::default();
        let noted = notes.clone();
        let hub = hub().method("Later", move |ctx: Context| {
            let notes = noted.clone();
            async move {
                spawn(async move {
                    pause(100).await;
                    notes.add(told(ctx.clients().caller().invoke::<i32>("Q", ()).await));
                });
            }
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Later", "[]").await;
        assert_eq!(client.next().await, result("1", "null"));
        assert_eq!(client.next().await, question("s1", "Q", "[]"));
        is_well(&mut client).await;
        answer(&client, "s1", "7").await;
        is_well(&mut client).await;
        assert_eq!(notes.all(), ["7"]);
        // One that asks when its connection has gone is told.
        client.call("2", "Later", "[]").await;
        client.next().await;
        drop(client);
        pause(200).await;
        assert!(notes.all()[1].ends_with(" does not exist."));
        is_left_alone(&service).await;
    });
}
