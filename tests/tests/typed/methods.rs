//! What methods of a typed hub may take and give.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use hub_async::{
    BuildError, Call, Cancel, Context, DisconnectReason, Extractor, HubError, Identity, Item,
    MessageHeaders, MethodName, RawArguments, Request, Runtime, State, StreamReader, User, hub,
};
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

/// An extractor of the users' own.
struct Language(String);

impl Extractor for Language {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        let language = call.request().query_value("language");
        language.map(|name| Self(name.into())).ok_or_else(|| HubError::new("Which language?"))
    }
}

struct Desk {
    notes: Notes,
    start: i32,
}

#[hub]
impl Desk {
    /// What the hub knows by itself.
    const LIMIT: i32 = 1_000;

    fn new(notes: &Notes) -> Self {
        Self { notes: notes.clone(), start: 100 }
    }

    async fn add(&self, a: i32, b: i32) -> i32 {
        self.start + a + b
    }

    async fn mirror(&self, Point { x, y }: Point, mut times: u32) -> Point {
        times %= 2;
        if times == 0 { Point { x, y } } else { Point { x: y, y: x } }
    }

    async fn extract(
        &self,
        first: String,
        ctx: Context,
        factor: State<i32>,
        second: i32,
        _: Cancel,
    ) -> (String, bool, i32) {
        (first, ctx.connection_id().is_empty(), second * *factor)
    }

    #[allow(clippy::too_many_arguments)]
    async fn facts(
        &self,
        user: User,
        request: Request,
        a: i32,
        name: MethodName,
        headers: MessageHeaders,
        visits: Option<Item<u8>>,
        b: i32,
        language: Option<Language>,
    ) -> String {
        let role = user.claim("role").unwrap_or("nobody");
        let language = language.map_or_else(|| "no language".to_owned(), |language| language.0);
        let (path, visits) = (request.path(), visits.is_some());
        format!("{role} {path} {} {visits} {} {} {language}", &*name, headers.len(), a + b)
    }

    async fn greet(&self, language: Language) -> String {
        language.0
    }

    async fn many(&self, arguments: RawArguments) -> usize {
        arguments.read::<(String, String)>().map_or(0, |(a, b)| a.len() + b.len())
    }

    async fn fail(&self, text: String) -> Result<(), HubError> {
        self.check(&text)?;
        Ok(())
    }

    async fn count(&self, to: u32) -> Result<impl Stream<Item = u32>, HubError> {
        Ok(stream::iter(1..=to))
    }

    async fn shown(&self, to: u32) -> Result<impl Stream<Item = impl Serialize + Send>, HubError> {
        Ok(stream::iter(1..=to))
    }

    async fn total(&self, numbers: StreamReader<i32>) -> i32 {
        numbers.fold(self.start, async |sum, number| sum + number.unwrap_or(0)).await
    }

    async fn raise(&self, by: i32, numbers: StreamReader<i32>) -> impl Stream<Item = i32> {
        let start = self.start;
        numbers.map(move |number| number.unwrap_or(0) + start + by)
    }

    async fn starts(self: Arc<Self>) -> impl Stream<Item = i32> {
        stream::iter(0..3).map(move |n| self.start + n)
    }

    #[hub(maximum_message_size = 100)]
    async fn brief(&self, text: String) -> usize {
        text.len()
    }

    #[hub(spawn, drop_on_disconnect)]
    async fn wait(&self, runtime: State<Arc<dyn Runtime>>) {
        struct Left(Notes);
        impl Drop for Left {
            fn drop(&mut self) {
                self.0.add("wait is over");
            }
        }
        let _left = Left(self.notes.clone());
        runtime.timer().sleep(Duration::from_secs(3600)).await;
    }

    #[hub(skip)]
    fn check(&self, text: &str) -> Result<(), HubError> {
        self.notes.add("checked");
        if text.is_empty() { Ok(()) } else { Err(HubError::new(text)) }
    }

    #[hub(skip)]
    async fn secret(&self) -> i32 {
        Self::LIMIT
    }

    #[hub(on_connected)]
    async fn arrive(&self, ctx: Context) -> Result<(), HubError> {
        self.notes.add("arrived");
        match ctx.request().query_value("refuse") {
            Some(_) => Err(HubError::new("no")),
            None => Ok(()),
        }
    }

    #[hub(on_disconnected)]
    async fn leave(&self, reason: DisconnectReason) {
        self.notes.add(format!("left: {}", reason.kind()));
    }

    #[cfg(any())]
    async fn absent(&self, unknown: Unknown) {}

    #[cfg(test)]
    async fn present(&self) -> bool {
        true
    }

    #[deprecated]
    #[allow(clippy::too_many_arguments)]
    async fn twelve(
        &self,
        ctx: Context,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
    ) -> u8 {
        drop(ctx);
        a + b + c + d + e + f + g + h + i + j + k + l
    }
}

fn desk(notes: &Notes) -> HubBuilder {
    let guest = Identity::anonymous().claim("role", "guest");
    Desk::new(notes).into_builder().state(3).identify(move |_| guest.clone())
}

/// The desk with a clock.
fn timed(world: &World, notes: &Notes) -> Served {
    let runtime: Arc<dyn Runtime> = Arc::new(world.clone());
    world.serve(&desk(notes).state(runtime).build().expect("a hub"))
}

fn at_the_desk(test: impl AsyncFnOnce(World, Served)) {
    let world = World::new();
    let served = timed(&world, &Notes::default());
    world.clone().run(test(world, served));
}

#[test]
fn methods_use_the_value_and_any_pattern_of_arguments() {
    at_the_desk(async |_, served| {
        for client in [served.client(), served.client().message_pack()] {
            let client = client.connect().await;
            assert_eq!(client.invoke("Add", (1, 2)).await, Ok(103));
            let Ok(Point { x, y }) = client.invoke("Mirror", (Point { x: 1, y: 2 }, 3)).await
            else {
                panic!("no point");
            };
            assert_eq!((x, y), (2, 1));
            assert_eq!(client.invoke("Present", ()).await, Ok(true));
            let twelve = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
            assert_eq!(client.invoke("Twelve", twelve).await, Ok(12));
        }
    });
}

#[test]
fn extractors_stand_anywhere_in_a_signature() {
    at_the_desk(async |_, served| {
        let client = served.connect().await;
        let wanted = ("one".to_owned(), false, 6);
        assert_eq!(client.invoke("Extract", ("one", 2)).await, Ok(wanted));
        let facts = "guest /hub facts false 0 3 no language".to_owned();
        assert_eq!(client.invoke("facts", (1, 2)).await, Ok(facts));
        assert_eq!(client.invoke("Many", ("a", "bc")).await, Ok(3));
        let error = client.invoke::<String>("Greet", ()).await.unwrap_err().to_string();
        assert!(error.ends_with("HubException: Which language?"), "{error}");
        let client = served.client().query("language=fr").connect().await;
        assert_eq!(client.invoke("Greet", ()).await, Ok("fr".to_owned()));
    });
}

#[test]
fn an_error_is_that_of_the_hub() {
    at_the_desk(async |_, served| {
        let client = served.connect().await;
        assert_eq!(client.invoke("Fail", ("",)).await, Ok(()));
        let error = client.invoke::<()>("Fail", ("no tea",)).await.unwrap_err().to_string();
        assert!(error.ends_with("HubException: no tea"), "{error}");
    });
}

#[test]
fn streams_and_uploads_are_told_by_the_signature() {
    at_the_desk(async |_, served| {
        let client = served.connect().await;
        assert_eq!(client.stream::<u32>("Count", (3,)).rest().await, Ok(vec![1, 2, 3]));
        assert_eq!(client.stream::<u32>("Shown", (2,)).rest().await, Ok(vec![1, 2]));
        assert_eq!(client.stream::<i32>("Starts", ()).rest().await, Ok(vec![100, 101, 102]));
        let total = client.upload("Total", ());
        total.send(20);
        total.send(3);
        assert_eq!(total.finish().await, Ok(123));
        let mut raised = client.duplex::<i32>("Raise", (1,));
        raised.send(5);
        assert_eq!(raised.answer().next().await, Some(Ok(106)));
        assert!(client.invoke::<u32>("Count", (3,)).await.is_err());
    });
}

#[test]
fn what_is_skipped_or_has_no_self_or_is_not_compiled_cannot_be_called() {
    at_the_desk(async |_, served| {
        let client = served.connect().await;
        for name in ["Check", "Secret", "New", "Absent", "Arrive", "Leave", "IntoBuilder"] {
            let error = client.invoke::<()>(name, ()).await.unwrap_err().to_string();
            assert!(error.ends_with("Method does not exist."), "{name}: {error}");
        }
        assert_eq!(Desk::new(&Notes::default()).secret().await, 1_000);
    });
}

#[test]
fn hooks_run_when_clients_come_and_go() {
    let (world, notes) = (World::new(), Notes::default());
    let served = timed(&world, &notes);
    world.clone().run(async {
        let client = served.connect().await;
        client.close().await;
        let refused = served.client().query("refuse=1").connect().await;
        let error = refused.until_ended().await.error().map(str::to_owned);
        assert_eq!(error.as_deref(), Some("Connection closed with an error. HubException: no"));
        world.settle().await;
        assert_eq!(notes.all(), ["arrived", "left: closed by the client", "arrived"]);
    });
}

#[test]
fn the_options_of_a_method_hold() {
    let (world, notes) = (World::new(), Notes::default());
    let served = timed(&world, &notes);
    world.clone().run(async {
        let client = served.connect().await;
        assert_eq!(client.invoke("Brief", ("x",)).await, Ok(1));
        assert!(client.invoke::<usize>("Brief", ("x".repeat(100),)).await.is_err());
        client.send("Wait", ());
        world.settle().await;
        client.cut();
        world.advance(Duration::from_secs(1)).await;
        assert!(notes.all().contains(&"wait is over".to_owned()), "{:?}", notes.all());
    });
}

#[test]
fn the_rest_of_the_builder_is_there() {
    let missing = Desk::new(&Notes::default()).into_builder().build().unwrap_err();
    assert!(matches!(missing, BuildError::Needs(_)), "{missing}");
    let twice = desk(&Notes::default()).method("add", async || 1);
    let runtime: Arc<dyn Runtime> = Arc::new(World::new());
    let refused = twice.state(runtime).build().unwrap_err();
    assert!(matches!(refused, BuildError::Duplicate { .. }), "{refused}");
}
