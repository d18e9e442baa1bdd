//! Filters around methods and hooks: their order, what they see, change, stop and redirect.

use std::time::Duration;

use futures_util::{StreamExt, stream as streams};
use hub_async::{
    Cancel, Context, DisconnectReason, Hub, HubError, HubFilter, HubOptions, Invocation, Item,
    Next, NextHook, Outcome, State, StreamReader,
};
use tests::memory::Seen;

use super::wire::*;
use super::*;

/// Notes what it is around.
struct Noting(Notes, &'static str);

impl Noting {
    fn add(&self, what: &str) {
        self.0.add(format!("{} {what}", self.1));
    }
}

impl HubFilter for Noting {
    async fn invoke(&self, invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
        self.add(invocation.method());
        // Whoever is inside does not begin before.
        pause(1).await;
        let result = next.run(invocation).await;
        self.add(if result.is_ok() { "returns" } else { "fails" });
        result
    }

    async fn on_connected(&self, ctx: Context, next: NextHook) -> Result<(), HubError> {
        assert!(!ctx.is_aborted());
        self.add("connects");
        pause(1).await;
        let result = next.run().await;
        self.add(if result.is_ok() { "is connected" } else { "fails" });
        result
    }

    async fn on_disconnected(
        &self,
        ctx: Context,
        reason: DisconnectReason,
        next: NextHook,
    ) -> Result<(), HubError> {
        assert!(ctx.is_aborted());
        self.add(reason.kind());
        pause(1).await;
        next.run().await
    }
}

fn echo() -> HubBuilder {
    Hub::builder()
        .method("Echo", async |text: String| text)
        .method("Fail", async || Err::<(), _>(HubError::new("no")))
        .method("Count", async |to: u32| streams::iter(0..to))
        .method("Sum", async |mut numbers: StreamReader<u32>| {
            let mut sum = 0;
            while let Some(Ok(number)) = numbers.next().await {
                sum += number;
            }
            sum
        })
}

/// The notes that the hub was built with.
fn noted(invocation: &Invocation) -> Arc<Notes> {
    invocation.context().state().expect("notes")
}

/// A hub with these filters, at a server with those.
fn serve_inside(hub: HubBuilder, filters: Vec<Noting>) -> Service {
    let server = filters.into_iter().fold(Server::on(world()), Server::filter);
    server.hub("/hub", hub.build().expect("a hub")).into_service().expect("a service")
}

#[test]
fn those_of_the_server_are_outside_of_the_hubs_and_the_first_is_outermost() {
    run(async {
        let notes = Notes::default();
        let noting = |name| Noting(notes.clone(), name);
        let hub = echo()
            .state(notes.clone())
            .on_connected(async |notes: State<Notes>| notes.add("hub connects"))
            .filter(noting("hub 1"))
            .filter(noting("hub 2"));
        let service = serve_inside(hub, vec![noting("server 1"), noting("server 2")]);
        let mut client = connect(&service).await;
        client.call("1", "eCHO", r#"["a"]"#).await;
        assert_eq!(client.next().await, result("1", r#""a""#));
        client.call("2", "Fail", "[]").await;
        let text = "An unexpected error occurred invoking 'Fail' on the server. HubException: no";
        assert_eq!(client.next().await, error("2", text));
        client.close(1000).await;
        client.rest().await;
        pause(10).await;
        let names = ["server 1", "server 2", "hub 1", "hub 2"];
        let inwards = |what: &str| names.map(|name| format!("{name} {what}"));
        let outwards = |what: &str| {
            let mut all = inwards(what);
            all.reverse();
            all
        };
        let mut wanted = inwards("connects").to_vec();
        wanted.push("hub connects".to_owned());
        wanted.extend(outwards("is connected"));
        wanted.extend(inwards("Echo"));
        wanted.extend(outwards("returns"));
        wanted.extend(inwards("Fail"));
        wanted.extend(outwards("fails"));
        wanted.extend(inwards("ended by the client"));
        assert_eq!(notes.all(), wanted);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_hub_without_filters_of_its_own_has_those_of_the_server() {
    run(async {
        let notes = Notes::default();
        let service = serve_inside(echo(), vec![Noting(notes.clone(), "server")]);
        let mut client = connect(&service).await;
        client.call("1", "Echo", r#"["a"]"#).await;
        assert_eq!(client.next().await, result("1", r#""a""#));
        assert_eq!(
            notes.all(),
            ["server connects", "server is connected", "server Echo", "server returns"]
        );
    });
}

/// Fails or keeps quiet in `on_connected`.
enum Greeter {
    Swallows,
    Skips,
    Fails,
}

impl HubFilter for Greeter {
    async fn on_connected(&self, _: Context, next: NextHook) -> Result<(), HubError> {
        match self {
            Self::Swallows => drop(next.run().await.expect_err("it fails")),
            Self::Skips => drop(next),
            Self::Fails => return Err(HubError::new("not you")),
        }
        Ok(())
    }
}

#[test]
fn a_greeting_that_fails_or_never_runs_keeps_the_connection_if_a_filter_says_so() {
    run(async {
        for greeter in [Greeter::Swallows, Greeter::Skips] {
            let hub = echo().on_connected(async || Err::<(), _>(HubError::new("no")));
            let service = serve(hub.filter(greeter));
            let mut client = connect(&service).await;
            client.call("1", "Nobody", "[]").await;
            assert_eq!(client.next().await, error("1", &unknown("Nobody")));
        }
    });
}

#[test]
fn a_filter_may_refuse_a_connection_of_a_hub_that_greets_nobody() {
    run(async {
        let notes = Notes::default();
        let hub = echo().filter(Noting(notes.clone(), "outer")).filter(Greeter::Fails);
        let service = serve(hub);
        let mut client = connect(&service).await;
        let told = r#"{"type":7,"error":"Connection closed with an error. HubException: not you"}"#;
        assert_eq!(client.next().await, record(told));
        client.rest().await;
        // Whoever was not connected is not disconnected.
        assert_eq!(notes.all(), ["outer connects", "outer fails"]);
        is_left_alone(&service).await;
    });
}

fn unknown(method: &str) -> String {
    format!(
        "Failed to invoke '{method}' due to an error on the server. HubException: Method does not exist."
    )
}

#[test]
fn without_next_the_method_does_not_run_and_the_result_is_null() {
    run(async {
        let notes = Notes::default();
        let hub = Hub::builder()
            .state(notes.clone())
            .method("Note", async |notes: State<Notes>, text: String| {
                notes.add(text);
                7
            })
            .method("Count", async |to: u32| streams::iter(0..to))
            .filter(async |_: Invocation, _: Next| Ok(Outcome::default()));
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Note", r#"["a"]"#).await;
        assert_eq!(client.next().await, result("1", "null"));
        client.call("2", "Nobody", "[]").await;
        assert_eq!(client.next().await, result("2", "null"));
        stream(&client, "3", "Count", "[3]").await;
        let text = "The value returned by the streaming method 'Count' is not a ChannelReader<> or \
                    IAsyncEnumerable<>.";
        assert_eq!(client.next().await, error("3", text));
        assert_eq!(notes.all(), [""; 0]);
    });
}

#[test]
fn a_filter_changes_arguments_and_results() {
    run(async {
        let hub = Hub::builder()
            .method("Join", async |ctx: Context, left: String, right: Option<i32>| {
                assert!(ctx.user_id().is_none());
                format!("{left} {right:?}")
            })
            .filter(async |mut invocation: Invocation, next: Next| {
                // Extractors are no arguments.
                assert_eq!(invocation.argument::<i32>(0), None, "it is another type");
                assert_eq!(invocation.argument::<String>(2), None, "there are two");
                invocation.argument::<String>(0).expect("a text").push_str(" and");
                *invocation.argument::<Option<i32>>(1).expect("a number") = Some(8);
                let mut seen = 0;
                invocation.arguments_of(|_: &mut String| seen += 1);
                assert_eq!(seen, 1);
                // What the client sent is what it was.
                assert_eq!(invocation.read(), Ok(("you", None::<i32>)));
                let mut outcome = next.run(invocation).await?;
                assert_eq!(outcome.value::<i32>(), None, "it is another type");
                outcome.value::<String>().expect("a text").make_ascii_uppercase();
                Ok(outcome)
            });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Join", r#"["you",null]"#).await;
        assert_eq!(client.next().await, result("1", r#""YOU AND SOME(8)""#));
    });
}

#[test]
fn a_filter_gives_another_result_or_another_error() {
    run(async {
        let hub = echo().filter(async |invocation: Invocation, next: Next| {
            match next.run(invocation).await {
                Ok(_) => Ok(Outcome::new(["other"])),
                Err(error) if error.is_unknown_method() => Err(HubError::new("Never heard of it.")),
                Err(_) => Ok(Outcome::new("fine")),
            }
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Echo", r#"["a"]"#).await;
        assert_eq!(client.next().await, result("1", r#"["other"]"#));
        client.call("2", "Fail", "[]").await;
        assert_eq!(client.next().await, result("2", r#""fine""#));
        client.call("3", "Nobody", "[]").await;
        let text = "An unexpected error occurred invoking 'Nobody' on the server. \
                    HubException: Never heard of it.";
        assert_eq!(client.next().await, error("3", text));
    });
}

#[test]
fn an_unknown_method_is_seen_with_its_arguments_and_streams() {
    run(async {
        let notes = Notes::default();
        let hub = echo().state(notes.clone()).filter(async |invocation: Invocation, next: Next| {
            let known = invocation.is_known();
            let arguments = invocation.read::<(u32, String)>();
            let (method, streams) = (invocation.method(), invocation.is_streaming());
            noted(&invocation).add(format!("{method} {known} {streams} {arguments:?}"));
            next.run(invocation).await
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "noBody", r#"[1,"a"]"#).await;
        assert_eq!(client.next().await, error("1", &unknown("noBody")));
        stream(&client, "2", "Nobody", "[]").await;
        assert_eq!(client.next().await, error("2", &unknown("Nobody")));
        upload(&client, "3", "Up", "[]", r#"["s"]"#).await;
        assert_eq!(client.next().await, error("3", &unknown("Up")));
        give(&client, "s", "1").await;
        client.call("4", "ECHO", r#"["a"]"#).await;
        assert_eq!(client.next().await, result("4", r#""a""#));
        let seen = notes.all();
        assert_eq!(seen.len(), 4);
        assert_eq!(seen[0], r#"noBody false false Ok((1, "a"))"#);
        assert!(seen[1].starts_with("Nobody false true Err("), "{}", seen[1]);
        assert!(seen[2].starts_with("Up false false Err("), "{}", seen[2]);
        assert!(seen[3].starts_with("Echo true false Err("), "{}", seen[3]);
    });
}

#[test]
fn what_cannot_be_bound_is_refused_before_any_filter() {
    run(async {
        let notes = Notes::default();
        let service = serve(echo().filter(Noting(notes.clone(), "filter")));
        let mut client = connect(&service).await;
        client.call("1", "Echo", "[]").await;
        let text = "Failed to invoke 'Echo' due to an error on the server.";
        assert_eq!(client.next().await, error("1", text));
        client.call("2", "Echo", "[7]").await;
        assert_eq!(client.next().await, error("2", text));
        client.call("3", "Count", "[1]").await;
        let text = "The client attempted to invoke the streaming 'Count' method with a non-streaming \
                    invocation.";
        assert_eq!(client.next().await, error("3", text));
        client.call("4", "Sum", "[]").await;
        let text = "An unexpected error occurred invoking 'Sum' on the server. HubException: Client \
                    sent 0 stream(s), Hub method expects 1.";
        assert_eq!(client.next().await, error("4", text));
        assert_eq!(notes.all(), ["filter connects", "filter is connected"]);
        // Malformed arguments of an unknown method are the end, as ever.
        client.send(r#"{"type":1,"target":"Nobody","arguments":[x]}"#).await;
        assert_eq!(client.next().await, record(CLOSE_ERROR));
    });
}

/// Sends each call of `Old` to the method that its second argument names.
async fn redirect(mut invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
    if invocation.method() == "Old" {
        let (_, to) = invocation.read::<(String, String)>()?;
        invocation.redirect(&to)?;
        assert_eq!(invocation.method(), to);
    }
    next.run(invocation).await
}

#[test]
fn a_call_can_be_sent_to_a_method_of_another_name() {
    run(async {
        let hub = echo()
            .method("New", async |text: String, _name: String| format!("new {text}"))
            .method("Old", async |_text: String, _name: String| "old")
            .filter(redirect);
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "old", r#"["a","New"]"#).await;
        assert_eq!(client.next().await, result("1", r#""new a""#));
        let base = "An unexpected error occurred invoking 'Old' on the server.";
        client.call("2", "Old", r#"["a","BaseMethod"]"#).await;
        let text = format!("{base} HubException: Unknown hub method 'BaseMethod'");
        assert_eq!(client.next().await, error("2", &text));
        // The other method takes other arguments, or streams.
        for other in ["Echo", "Count", "Sum"] {
            client.call("3", "Old", &format!(r#"["a","{other}"]"#)).await;
            assert_eq!(client.next().await, error("3", base));
        }
    });
}

#[test]
fn a_stream_passes_as_a_whole_and_ends_when_it_is_cancelled() {
    run(async {
        let notes = Notes::default();
        let hub = echo()
            .state(notes.clone())
            .method("Never", async || streams::pending::<u32>())
            .method("Own", async |cancel: Cancel| {
                streams::once(async move {
                    cancel.cancelled().await;
                    "cancelled"
                })
            })
            .method("Broken", async || streams::iter([Ok(1), Err(HubError::new("broken"))]))
            .filter(async |invocation: Invocation, next: Next| {
                let (method, notes) = (invocation.method().to_owned(), noted(&invocation));
                let mut outcome = next.run(invocation).await?;
                assert_eq!(outcome.value::<u32>(), None);
                notes.add(format!("{method} {}", outcome.is_stream()));
                Ok(outcome)
            });
        let service = serve(hub);
        let mut client = connect(&service).await;
        stream(&client, "1", "Count", "[2]").await;
        assert_eq!(client.next().await, item("1", "0"));
        assert_eq!(client.next().await, item("1", "1"));
        assert_eq!(client.next().await, void("1"));
        stream(&client, "2", "Never", "[]").await;
        cancel(&client, "2").await;
        assert_eq!(client.next().await, void("2"));
        stream(&client, "3", "Own", "[]").await;
        cancel(&client, "3").await;
        assert_eq!(client.next().await, item("3", r#""cancelled""#));
        assert_eq!(client.next().await, void("3"));
        stream(&client, "4", "Broken", "[]").await;
        assert_eq!(client.next().await, item("4", "1"));
        let text = "An error occurred on the server while streaming results. HubException: broken";
        assert_eq!(client.next().await, error("4", text));
        assert_eq!(notes.all(), ["Count true", "Never true", "Own true", "Broken true"]);
    });
}

#[test]
fn a_filter_gives_a_stream_where_one_is_expected_and_nowhere_else() {
    run(async {
        let hub = echo().filter(async |_: Invocation, _: Next| {
            Ok(Outcome::stream(streams::iter(["a", "b"]).chain(streams::pending())))
        });
        let service = serve(hub.options(HubOptions::new().enable_detailed_errors(true)));
        let mut client = connect(&service).await;
        stream(&client, "1", "Nobody", "[]").await;
        assert_eq!(client.next().await, item("1", r#""a""#));
        assert_eq!(client.next().await, item("1", r#""b""#));
        cancel(&client, "1").await;
        assert_eq!(client.next().await, void("1"));
        client.call("2", "Echo", r#"["a"]"#).await;
        let text = "An unexpected error occurred invoking 'Echo' on the server. Filter: it gave a \
                    stream for a value";
        assert_eq!(client.next().await, error("2", text));
    });
}

#[test]
fn uploads_reach_their_method_through_filters() {
    run(async {
        let notes = Notes::default();
        let service = serve(echo().filter(Noting(notes.clone(), "filter")));
        let mut client = connect(&service).await;
        upload(&client, "1", "Sum", "[]", r#"["s"]"#).await;
        for number in 1..=20 {
            give(&client, "s", &number.to_string()).await;
        }
        end(&client, "s").await;
        assert_eq!(client.next().await, result("1", "210"));
    });
}

#[test]
fn a_call_that_waits_for_its_turn_has_its_filters_then() {
    run(async {
        let notes = Notes::default();
        let hub = Hub::builder()
            .state(notes.clone())
            .method("Sleep", async |notes: State<Notes>, millis: u64| {
                pause(millis).await;
                notes.add(format!("slept {millis}"));
            })
            .filter(Noting(notes.clone(), "filter"));
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Sleep", "[50]").await;
        client.call("2", "Sleep", "[20]").await;
        assert_eq!(client.next().await, result("1", "null"));
        assert_eq!(client.next().await, result("2", "null"));
        let ran = ["filter Sleep", "slept 50", "filter returns", "filter Sleep", "slept 20"];
        assert_eq!(notes.all()[2..7], ran);
    });
}

#[test]
fn what_a_filter_leaves_with_the_connection_is_there_for_extractors() {
    run(async {
        let hub = Hub::builder().method("Who", async |who: Item<String>| who.to_string()).filter(
            async |invocation: Invocation, next: Next| {
                invocation.context().items().insert("ann".to_owned());
                next.run(invocation).await
            },
        );
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Who", "[]").await;
        assert_eq!(client.next().await, result("1", r#""ann""#));
    });
}

#[test]
fn a_filter_that_panics_fails_its_call_only() {
    run(async {
        let hub = echo().filter(async |invocation: Invocation, next: Next| {
            assert_ne!(invocation.method(), "Fail", "on purpose");
            next.run(invocation).await
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Fail", "[]").await;
        let text = "An unexpected error occurred invoking 'Fail' on the server.";
        assert_eq!(client.next().await, error("1", text));
        client.call("2", "Echo", r#"["a"]"#).await;
        assert_eq!(client.next().await, result("2", r#""a""#));
    });
}

#[test]
fn a_filter_learns_that_nobody_waits_any_more() {
    run(async {
        let notes = Notes::default();
        let hub = echo().state(notes.clone()).filter(async |invocation: Invocation, _: Next| {
            assert!(invocation.is_answered());
            invocation.cancel().cancelled().await;
            noted(&invocation).add("cancelled");
            Ok(Outcome::new("late"))
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Echo", r#"["a"]"#).await;
        cancel(&client, "1").await;
        assert_eq!(client.next().await, result("1", r#""late""#));
        client.call("2", "Nobody", "[]").await;
        pause(1).await;
        drop(client);
        pause(1).await;
        assert_eq!(notes.all(), ["cancelled", "cancelled"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn filters_ask_clients_and_release_the_slot_of_their_call() {
    run(async {
        let hub = echo().filter(async |invocation: Invocation, next: Next| {
            let caller = invocation.context().clients().caller();
            if invocation.method() == "Fail" && !caller.invoke::<bool>("Sure", ()).await? {
                return Ok(Outcome::new("no"));
            }
            next.run(invocation).await
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Fail", "[]").await;
        client.call("2", "Echo", r#"["meanwhile"]"#).await;
        let asked = r#"{"type":1,"invocationId":"s1","target":"Sure","arguments":[]}"#;
        assert_eq!(client.next().await, record(asked));
        assert_eq!(client.next().await, result("2", r#""meanwhile""#));
        answer(&client, "s1", "false").await;
        assert_eq!(client.next().await, result("1", r#""no""#));
    });
}

#[test]
fn a_value_that_filters_let_through_is_as_without_them_in_messagepack() {
    run(async {
        let notes = Notes::default();
        let service = serve(echo().filter(Noting(notes, "filter")));
        let mut client = Client::connect_binary(&service, "/hub").await;
        // [1, {}, "1", "Echo", ["a"]]
        send_binary(&client, b"\x95\x01\x80\xa11\xa4Echo\x91\xa1a").await;
        // [3, {}, "1", 3, "a"]
        let answer = b"\x95\x03\x80\xa11\x03\xa1a".to_vec();
        assert_eq!(client.next().await, Seen::Binary(answer));
    });
}

#[test]
fn each_connection_has_its_filters_at_the_same_time() {
    run(async {
        let service = serve(echo().filter(async |invocation: Invocation, next: Next| {
            invocation.sleep(Duration::from_secs(1)).await;
            next.run(invocation).await
        }));
        let (mut a, mut b) = (connect(&service).await, connect(&service).await);
        let start = Moment::now();
        a.call("1", "Echo", r#"["a"]"#).await;
        b.call("1", "Echo", r#"["b"]"#).await;
        assert_eq!(a.next().await, result("1", r#""a""#));
        assert_eq!(b.next().await, result("1", r#""b""#));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    });
}
