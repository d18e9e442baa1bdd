//! Filters, extractors and values that are careless, and what they must not break.

use std::future::pending;
use std::time::Duration;

use futures_util::{StreamExt, stream as streams};
use hub_async::filters::{RateLimit, Timeout};
use hub_async::{
    Call, Context, Extractor, Hub, HubError, HubFilter, Invocation, MemoryBudget, MethodOptions,
    Next, NextHook, Outcome, StreamReader,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tests::memory::Seen;

use super::wire::*;
use super::*;

fn panicked(id: &str, method: &str) -> Seen {
    error(id, &format!("An unexpected error occurred invoking '{method}' on the server."))
}

/// Panics when it is dropped, and, if it is odd, when it is read; or when it is written.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

impl<'de> Deserialize<'de> for Bomb {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        assert!(i32::deserialize(deserializer)? % 2 == 0, "on purpose");
        Ok(Self)
    }
}

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

#[test]
fn a_stream_that_a_filter_gives_to_another_call_ends_with_that() {
    run(async {
        let kept: Arc<Mutex<Option<Outcome>>> = Arc::default();
        let hub =
            Hub::builder().method("Never", async || streams::iter([1]).chain(streams::pending()));
        let service = serve(hub.filter(move |invocation: Invocation, next: Next| {
            let kept = Arc::clone(&kept);
            async move {
                let before = kept.lock().unwrap().take();
                let Some(before) = before else {
                    *kept.lock().unwrap() = Some(next.run(invocation).await?);
                    return Ok(Outcome::stream(streams::empty::<i32>()));
                };
                Ok(before)
            }
        }));
        let mut client = connect(&service).await;
        for _ in 0..2 {
            stream(&client, "1", "Never", "[]").await;
            assert_eq!(client.next().await, void("1"));
            stream(&client, "2", "Never", "[]").await;
            assert_eq!(client.next().await, item("2", "1"));
            cancel(&client, "2").await;
            assert_eq!(client.next().await, void("2"));
        }
        stream(&client, "1", "Never", "[]").await;
        assert_eq!(client.next().await, void("1"));
        stream(&client, "2", "Never", "[]").await;
        assert_eq!(client.next().await, item("2", "1"));
        drop(client);
        pause(1).await;
        is_left_alone(&service).await;
    });
}

/// Notes what comes back to it.
struct Outer(Notes);

impl HubFilter for Outer {
    async fn invoke(&self, invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
        let result = next.run(invocation).await;
        self.0.add(format!("{result:?}"));
        result
    }

    async fn on_connected(&self, _: Context, next: NextHook) -> Result<(), HubError> {
        self.0.add(format!("{:?}", next.run().await));
        Ok(())
    }
}

/// Panics.
struct Inner;

impl HubFilter for Inner {
    async fn invoke(&self, _: Invocation, _: Next) -> Result<Outcome, HubError> {
        panic!("on purpose");
    }

    async fn on_connected(&self, _: Context, _: NextHook) -> Result<(), HubError> {
        panic!("on purpose");
    }
}

#[test]
fn a_filter_that_panics_is_an_error_for_those_around_it() {
    run(async {
        let notes = Notes::default();
        let service = serve(Hub::builder().filter(Outer(notes.clone())).filter(Inner));
        let mut client = connect(&service).await;
        client.call("1", "Any", "[]").await;
        assert_eq!(client.next().await, panicked("1", "Any"));
        assert_eq!(notes.all(), ["Err(Panic)", "Err(Panic)"]);
    });
}

#[test]
fn arguments_and_results_that_panic_in_the_hands_of_a_filter_that_does_end_their_call_only() {
    run(async {
        let hub = Hub::builder()
            .method("Take", async |bomb: Bomb| std::mem::forget(bomb))
            .method("Give", async || Bomb)
            .method("Stream", async |_: i32| {
                let bomb = Bomb;
                streams::once(async move { drop(bomb) })
            })
            .filter(async |invocation: Invocation, next: Next| {
                if invocation.method() == "Take" {
                    panic!("on purpose");
                }
                let _outcome = next.run(invocation).await?;
                panic!("on purpose");
            });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Take", "[2]").await;
        assert_eq!(client.next().await, panicked("1", "Take"));
        client.call("2", "Give", "[]").await;
        assert_eq!(client.next().await, panicked("2", "Give"));
        stream(&client, "3", "Stream", "[1]").await;
        assert_eq!(client.next().await, panicked("3", "Stream"));
        drop(client);
        pause(1).await;
        is_left_alone(&service).await;
    });
}

#[test]
fn a_redirect_to_what_panics_over_the_arguments_fails_and_leaves_the_call_as_it_was() {
    run(async {
        let hub = Hub::builder()
            .method("Old", async |number: i32| number)
            .method("New", async |bomb: Bomb| std::mem::forget(bomb))
            .filter(async |mut invocation: Invocation, next: Next| {
                let redirected = invocation.redirect("New");
                assert_eq!(redirected.is_err(), invocation.method() == "Old");
                next.run(invocation).await
            });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Old", "[1]").await;
        assert_eq!(client.next().await, result("1", "1"));
        client.call("2", "Old", "[2]").await;
        assert_eq!(client.next().await, result("2", "null"));
    });
}

#[test]
fn a_call_can_be_redirected_again_and_back() {
    run(async {
        let hub = Hub::builder()
            .method("A", async |text: String| format!("a {text}"))
            .method("B", async |text: String| format!("b {text}"))
            .filter(async |mut invocation: Invocation, next: Next| {
                invocation.argument::<String>(0).expect("a text").push('!');
                for method in ["B", "a"] {
                    invocation.redirect(method)?;
                }
                assert_eq!(invocation.method(), "A");
                next.run(invocation).await
            });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "A", r#"["x"]"#).await;
        assert_eq!(client.next().await, result("1", r#""a x""#));
    });
}

#[test]
fn what_is_sent_along_to_a_method_that_a_filter_redirects_is_ignored() {
    run(async {
        let hub = Hub::builder()
            .method("Sum", async |_: StreamReader<String>| 1)
            .method("Wait", async || pause(60_000).await)
            .method("Free", async || 2)
            .filter(async |mut invocation: Invocation, next: Next| {
                if invocation.method() == "Sum" {
                    invocation.redirect("Wait")?;
                }
                next.run(invocation).await
            });
        let service = serve(hub);
        let mut client = connect(&service).await;
        upload(&client, "1", "Sum", "[]", r#"["s"]"#).await;
        let long = format!("{:?}", "x".repeat(1_000));
        for _ in 0..1_000 {
            give(&client, "s", &long).await;
        }
        client.call("2", "Free", "[]").await;
        assert_eq!(client.next().await, result("2", "2"));
        drop(client);
        pause(60_000).await;
        is_left_alone(&service).await;
    });
}

/// Lets go of a call before it is over.
async fn ignore(invocation: Invocation, _: Next) -> Result<Outcome, HubError> {
    let cancel = invocation.cancel();
    drop(invocation);
    cancel.cancelled().await;
    Ok(Outcome::default())
}

#[test]
fn streams_of_a_method_that_a_filter_never_runs_are_let_go() {
    run(async {
        let budget = MemoryBudget::new(1 << 30);
        let hub = Hub::builder()
            .method("Sum", async |_: StreamReader<String>| 1)
            .method("Free", async || 2)
            .filter(async |invocation: Invocation, next: Next| match invocation.method() {
                "Free" => next.run(invocation).await,
                _ => ignore(invocation, next).await,
            });
        let hub = hub.build().expect("a hub");
        let server = Server::on(world()).hub("/hub", hub).memory_budget(&budget);
        let service = server.into_service().expect("a service");
        let mut client = connect(&service).await;
        let long = format!("{:?}", "x".repeat(1_000));
        for _ in 0..3 {
            // More than may wait, if anybody did.
            upload(&client, "1", "Sum", "[]", r#"["s"]"#).await;
            for _ in 0..1_000 {
                give(&client, "s", &long).await;
            }
            cancel(&client, "1").await;
            assert_eq!(client.next().await, result("1", "null"));
            for _ in 0..1_000 {
                give(&client, "s", &long).await;
            }
            client.call("2", "Free", "[]").await;
            assert_eq!(client.next().await, result("2", "2"));
        }
        // Nor does anybody read those of what there is not.
        upload(&client, "1", "Nobody", "[]", r#"["s"]"#).await;
        for _ in 0..1_000 {
            give(&client, "s", &long).await;
        }
        client.call("2", "Free", "[]").await;
        assert_eq!(client.next().await, result("2", "2"));
        cancel(&client, "1").await;
        assert_eq!(client.next().await, result("1", "null"));
        client.close(1000).await;
        client.rest().await;
        pause(1).await;
        is_left_alone(&service).await;
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn a_client_that_leaves_while_a_filter_lets_it_in_is_seen_off_all_the_same() {
    struct Slow(Notes);
    impl HubFilter for Slow {
        async fn on_connected(&self, ctx: Context, next: NextHook) -> Result<(), HubError> {
            ctx.aborted().await;
            self.0.add("lost");
            pause(10).await;
            next.run().await
        }

        async fn on_disconnected(
            &self,
            _: Context,
            _: hub_async::DisconnectReason,
            next: NextHook,
        ) -> Result<(), HubError> {
            self.0.add("seen off");
            next.run().await
        }
    }
    run(async {
        let notes = Notes::default();
        let (joined, left) = (notes.clone(), notes.clone());
        let hub = Hub::builder()
            .on_connected(move || {
                joined.add("joined");
                std::future::ready(())
            })
            .on_disconnected(move || {
                left.add("left");
                std::future::ready(())
            });
        let service = serve(hub.filter(Slow(notes.clone())));
        let client = connect(&service).await;
        pause(1).await;
        drop(client);
        pause(50).await;
        assert_eq!(notes.all(), ["lost", "joined", "seen off", "left"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn calls_of_what_there_is_not_are_as_dear_with_filters_as_without() {
    run(async {
        let mut times = Vec::new();
        for filtered in [false, true] {
            let mut hub = Hub::builder();
            if filtered {
                hub = hub.filter(async |call: Invocation, next: Next| next.run(call).await);
            }
            let service = serve(hub);
            let client = connect(&service).await;
            let start = Moment::now();
            for _ in 0..20_000 {
                client.call("", "Nobody", "[]").await;
            }
            times.push(start.elapsed());
        }
        assert!(times[0] > Duration::ZERO);
        assert_eq!(times[0], times[1]);
    });
}

#[test]
fn a_filter_goes_where_its_method_does() {
    run(async {
        let notes = Notes::default();
        let hub = Hub::builder()
            .state(notes.clone())
            .method_with("Spawned", async || streams::iter([1]), MethodOptions::new().spawn())
            .method_with("Dropped", pending::<()>, MethodOptions::new().drop_on_disconnect())
            .method("Stays", async |ctx: Context| ctx.aborted().await)
            .filter(async |invocation: Invocation, next: Next| {
                let notes = invocation.context().state::<Notes>().expect("notes");
                let (method, stays) =
                    (invocation.method().to_owned(), invocation.method() == "Stays");
                let _guard = Guard((*notes).clone(), if stays { "stays" } else { "goes" });
                // It is waited for, wherever it is.
                invocation.sleep(Duration::from_millis(1)).await;
                notes.add(method);
                let result = next.run(invocation).await;
                notes.add("ended");
                result
            });
        let options = hub_async::HubOptions::new().maximum_parallel_invocations_per_client(2);
        let service = serve(hub.options(options));
        let mut client = connect(&service).await;
        stream(&client, "1", "Spawned", "[]").await;
        assert_eq!(client.next().await, item("1", "1"));
        assert_eq!(client.next().await, void("1"));
        assert_eq!(notes.all(), ["Spawned", "ended", "goes dropped"]);
        client.call("2", "Dropped", "[]").await;
        client.call("3", "Stays", "[]").await;
        pause(5).await;
        drop(client);
        pause(1).await;
        let rest = ["Dropped", "Stays", "goes dropped", "ended", "stays dropped"];
        assert_eq!(notes.all()[3..], rest);
        is_left_alone(&service).await;
    });
}

#[test]
fn whoever_aborts_in_a_filter_is_not_answered() {
    run(async {
        let hub = Hub::builder().method("A", async || 1).filter(
            async |invocation: Invocation, next: Next| {
                invocation.context().abort();
                next.run(invocation).await
            },
        );
        let service = serve(hub);
        for method in ["A", "Nobody"] {
            let mut client = connect(&service).await;
            client.call("1", method, "[]").await;
            assert_eq!(client.next().await, record(CLOSE));
            client.rest().await;
        }
        is_left_alone(&service).await;
    });
}

/// Panics in `extract`.
struct Broken;

impl Extractor for Broken {
    fn extract(_: &Call<'_>) -> Result<Self, HubError> {
        panic!("on purpose");
    }
}

#[test]
fn an_extractor_that_panics_fails_its_call_also_where_it_is_optional() {
    run(async {
        let hub = Hub::builder()
            .method("One", async |_: Broken| 1)
            .method("Perhaps", async |_: Option<Broken>| 1);
        let service = serve(hub);
        let mut client = connect(&service).await;
        for method in ["One", "Perhaps"] {
            client.call("1", method, "[]").await;
            assert_eq!(client.next().await, panicked("1", method));
        }
    });
}

#[test]
fn limits_may_be_as_long_or_as_short_as_one_likes() {
    run(async {
        let ever = Duration::MAX;
        for (limit, ran) in [
            (RateLimit::per_connection(1, ever), 1),
            (RateLimit::per_connection(3, ever), 3),
            (RateLimit::per_connection(1, ever).burst(u32::MAX), 9),
            (RateLimit::per_connection(1, Duration::ZERO), 9),
            (RateLimit::per_connection(u32::MAX, ever), 9),
            (RateLimit::per_connection(0, Duration::from_secs(1)), 1),
        ] {
            let name = format!("{limit:?}");
            let hub = Hub::builder().method("A", async || 1).filter(limit);
            let service = serve(hub.filter(Timeout::new(ever)));
            let mut client = connect(&service).await;
            let mut seen = 0;
            for _ in 0..9 {
                client.call("1", "A", "[]").await;
                seen += usize::from(client.next().await == result("1", "1"));
            }
            assert_eq!(seen, ran, "{name}");
        }
        // Whoever is done at once is never late.
        let hub = Hub::builder().method("A", async || 1).method("B", pending::<()>);
        let service = serve(hub.filter(Timeout::new(Duration::ZERO)));
        let mut client = connect(&service).await;
        client.call("1", "A", "[]").await;
        assert_eq!(client.next().await, result("1", "1"));
        client.call("2", "B", "[]").await;
        assert_ne!(client.next().await, result("2", "null"));
    });
}
