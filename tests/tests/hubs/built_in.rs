//! The filters that come with the hub: rates, timeouts, validation.

use std::num::ParseIntError;

use futures_util::stream as streams;
use hub_async::filters::{RateLimit, Timeout, Validation};
use hub_async::{
    Context, DisconnectReason, Hub, HubError, HubFilter, Invocation, Next, NextHook, Outcome,
};
use serde::Deserialize;
use tests::memory::Seen;

use super::wire::*;
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn failed(id: &str, method: &str, detail: &str) -> Seen {
    let base = format!("An unexpected error occurred invoking '{method}' on the server.");
    error(id, &format!("{base} {detail}"))
}

fn too_many(method: &str) -> Seen {
    failed("1", method, "HubException: Too many calls.")
}

fn limited(limit: RateLimit) -> Service {
    serve(
        Hub::builder()
            .user_id(|request| request.query_value("user").map(Into::into))
            .method("A", async || 1)
            .method("B", async || 2)
            .method("Stream", async || streams::iter([3]))
            .filter(limit),
    )
}

/// Calls a method, and says whether it ran.
async fn runs(client: &mut Client, method: &str) -> bool {
    client.call("1", method, "[]").await;
    let answer = client.next().await;
    let ran = answer != too_many(method);
    if ran {
        assert_eq!(answer, result("1", if method == "A" { "1" } else { "2" }));
    }
    ran
}

#[test]
fn a_burst_passes_and_then_the_rate_for_each_connection() {
    run(async {
        let service = limited(RateLimit::per_connection(2, SECOND).burst(3));
        let (mut a, mut b) = (connect(&service).await, connect(&service).await);
        for _ in 0..3 {
            assert!(runs(&mut a, "A").await && runs(&mut b, "B").await);
        }
        // What is refused takes nothing.
        for _ in 0..5 {
            assert!(!runs(&mut a, "A").await && !runs(&mut a, "B").await);
        }
        pause(499).await;
        assert!(!runs(&mut a, "A").await);
        pause(1).await;
        assert!(runs(&mut a, "B").await);
        assert!(!runs(&mut a, "A").await);
        pause(10_000).await;
        for _ in 0..3 {
            assert!(runs(&mut a, "A").await);
        }
        assert!(!runs(&mut a, "A").await, "the bucket is no larger than it was");
    });
}

#[test]
fn a_user_is_limited_on_all_connections_and_nobody_on_each() {
    run(async {
        let service = limited(RateLimit::per_user(1, SECOND));
        let mut ann = Client::connect(&service, "/hub?user=ann").await;
        let mut again = Client::connect(&service, "/hub?user=ann").await;
        let mut ben = Client::connect(&service, "/hub?user=ben").await;
        assert!(runs(&mut ann, "A").await && !runs(&mut again, "A").await);
        assert!(runs(&mut ben, "A").await);
        let (mut one, mut two) = (connect(&service).await, connect(&service).await);
        assert!(runs(&mut one, "A").await && runs(&mut two, "A").await);
        assert!(!runs(&mut one, "A").await);
    });
}

#[test]
fn methods_are_limited_together_alone_or_each() {
    run(async {
        let service = limited(RateLimit::for_all(1, SECOND).method("b"));
        let (mut a, mut b) = (connect(&service).await, connect(&service).await);
        assert!(runs(&mut a, "B").await && !runs(&mut b, "B").await);
        assert!(runs(&mut a, "A").await && runs(&mut a, "A").await);

        let service = limited(RateLimit::per_connection(1, SECOND).each_method());
        let mut a = connect(&service).await;
        assert!(runs(&mut a, "A").await && runs(&mut a, "B").await);
        assert!(!runs(&mut a, "A").await && !runs(&mut a, "b").await);
        // Of what there is not, there is one.
        a.call("1", "Nobody", "[]").await;
        assert_ne!(a.next().await, too_many("Nobody"));
        a.call("1", "Nobodyelse", "[]").await;
        assert_eq!(a.next().await, too_many("Nobodyelse"));
    });
}

#[test]
fn streams_count_when_they_begin_and_what_nobody_waits_for_is_left_out() {
    run(async {
        let service = limited(RateLimit::per_connection(2, SECOND));
        let mut client = connect(&service).await;
        stream(&client, "1", "Stream", "[]").await;
        assert_eq!(client.next().await, item("1", "3"));
        assert_eq!(client.next().await, void("1"));
        client.call("", "A", "[]").await;
        client.call("", "A", "[]").await;
        stream(&client, "1", "Stream", "[]").await;
        assert_eq!(client.next().await, too_many("Stream"));
    });
}

/// A limit that somebody else looks at.
struct Shared(Arc<RateLimit>);

impl HubFilter for Shared {
    async fn invoke(&self, invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
        self.0.invoke(invocation, next).await
    }

    async fn on_disconnected(
        &self,
        context: Context,
        reason: DisconnectReason,
        next: NextHook,
    ) -> Result<(), HubError> {
        self.0.on_disconnected(context, reason, next).await
    }
}

#[test]
fn a_connection_that_is_gone_is_forgotten_and_a_user_is_not() {
    run(async {
        for (limit, left) in [
            (RateLimit::per_connection(1, 3600 * SECOND).each_method(), 0),
            (RateLimit::per_user(1, 3600 * SECOND), 1),
        ] {
            let limit = Arc::new(limit);
            let remembered =
                |count| format!("{limit:?}").contains(&format!("remembered: {count},"));
            let hub = Hub::builder()
                .user_id(|request| request.query_value("user").map(Into::into))
                .method("A", async || 1);
            let service = serve(hub.filter(Shared(Arc::clone(&limit))));
            let mut ann = Client::connect(&service, "/hub?user=ann").await;
            let mut nobody = connect(&service).await;
            assert!(runs(&mut ann, "A").await && runs(&mut nobody, "A").await);
            assert!(remembered(2), "{limit:?}");
            drop((ann, nobody));
            pause(1).await;
            is_left_alone(&service).await;
            assert!(remembered(left), "{limit:?}");
        }
    });
}

#[test]
fn a_method_that_takes_too_long_is_dropped_where_it_stands() {
    run(async {
        let notes = Notes::default();
        let hub = Hub::builder()
            .state(notes.clone())
            .method("Sleep", async |ctx: Context, millis: u64| {
                let notes = ctx.state::<Notes>().expect("notes");
                let _guard = Guard((*notes).clone(), "sleeper");
                pause(millis).await;
                "slept"
            })
            .method("Other", async |millis: u64| pause(millis).await)
            .method("Slowly", async |millis: u64| {
                streams::once(async move {
                    pause(millis).await;
                    "at last"
                })
            })
            .filter(Timeout::new(SECOND).method("sleep").method("slowly"));
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Sleep", "[999]").await;
        assert_eq!(client.next().await, result("1", r#""slept""#));
        let start = Moment::now();
        client.call("2", "Sleep", "[5000]").await;
        let detail = "TimeoutException: The method took longer than 1s.";
        assert_eq!(client.next().await, failed("2", "Sleep", detail));
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(notes.all(), ["sleeper dropped", "sleeper dropped"]);
        client.call("3", "Other", "[5000]").await;
        assert_eq!(client.next().await, result("3", "null"));
        // A stream is there at once, whatever its items take.
        stream(&client, "4", "Slowly", "[5000]").await;
        assert_eq!(client.next().await, item("4", r#""at last""#));
        assert_eq!(client.next().await, void("4"));
    });
}

#[test]
fn the_time_in_which_a_call_waits_for_its_turn_does_not_count() {
    run(async {
        let hub = Hub::builder().method("Sleep", async |millis: u64| pause(millis).await);
        let service = serve(hub.filter(Timeout::new(SECOND)));
        let mut client = connect(&service).await;
        for id in ["1", "2", "3"] {
            client.call(id, "Sleep", "[900]").await;
        }
        for id in ["1", "2", "3"] {
            assert_eq!(client.next().await, result(id, "null"));
        }
    });
}

#[derive(Deserialize)]
struct Message {
    text: String,
}

#[test]
fn a_rule_is_for_each_argument_of_its_type_wherever_it_stands() {
    run(async {
        let hub = Hub::builder()
            .method("One", async |_: Context, _: i32, message: Message| message.text)
            .method("Perhaps", async |_: Option<Message>| "fine")
            .method("Several", async |_: Vec<Message>| "fine")
            .method("Text", async |text: String| text)
            .filter(
                Validation::new()
                    .rule(|message: &Message| match &*message.text {
                        "" => Err(HubError::new("Say something.").hidden()),
                        _ => Ok(()),
                    })
                    .rule(|message: &Message| match message.text.len() {
                        0..=3 => Ok(()),
                        _ => Err(HubError::new("Be brief.")),
                    })
                    .rule(|number: &i32| match number {
                        0 => "".parse::<i32>().map(|_| ()),
                        _ => Ok::<_, ParseIntError>(()),
                    }),
            );
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "One", r#"[1,{"text":"yes"}]"#).await;
        assert_eq!(client.next().await, result("1", r#""yes""#));
        for (method, arguments, detail) in [
            // A rule's error is for the client, whatever it is otherwise.
            ("One", r#"[1,{"text":""}]"#, "HubException: Say something."),
            ("One", r#"[1,{"text":"long"}]"#, "HubException: Be brief."),
            (
                "One",
                r#"[0,{"text":"yes"}]"#,
                "ParseIntError: cannot parse integer from empty string",
            ),
            ("Perhaps", r#"[{"text":"long"}]"#, "HubException: Be brief."),
            ("Several", r#"[[{"text":"yes"},{"text":"long"}]]"#, "HubException: Be brief."),
        ] {
            client.call("2", method, arguments).await;
            assert_eq!(client.next().await, failed("2", method, detail));
        }
        for (method, arguments) in
            [("Perhaps", "[null]"), ("Several", "[[]]"), ("Text", r#"["fine"]"#)]
        {
            client.call("3", method, arguments).await;
            assert_eq!(client.next().await, result("3", r#""fine""#));
        }
        // There are no arguments to look at.
        client.call("4", "Nobody", r#"[{"text":"long"}]"#).await;
        let text = "Failed to invoke 'Nobody' due to an error on the server. HubException: Method does \
                    not exist.";
        assert_eq!(client.next().await, error("4", text));
    });
}
