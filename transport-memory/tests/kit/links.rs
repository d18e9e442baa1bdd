//! How links are kept, how they end, and how connections outlive them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use http::StatusCode;
use hub_async::{
    Context, DisconnectReason, Hub, HubBuilder, HubOptions, Reconnect, Scope, State, StreamReader,
};
use transport_memory::{CallError, Close, Ended, Refused, World, call};

use super::{both, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// Who came, and how they went.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(super) fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub(super) fn hub(notes: &Notes) -> HubBuilder {
    Hub::builder()
        .state(notes.clone())
        .on_connected(async |notes: State<Notes>| notes.add("came"))
        .on_disconnected(async |notes: State<Notes>, reason: DisconnectReason| {
            notes.add(reason.kind());
        })
        .method("Echo", async |value: u32| value)
        .method("Tell", async |ctx: Context, number: u32| {
            ctx.clients().all().send("Told", (number,)).await.unwrap();
        })
        .method("Sum", async |numbers: StreamReader<u32>| {
            numbers.fold(0, async |sum, number| sum + number.unwrap_or_default()).await
        })
        .method("Id", async |ctx: Context| ctx.connection_id().to_owned())
        .method("Close", async |ctx: Context| {
            ctx.hub().close_connection(ctx.connection_id(), Reconnect::Allowed).await;
        })
}

fn resumable() -> HubOptions {
    HubOptions::new().allow_stateful_reconnects(true)
}

fn closed(error: Option<&str>, allow_reconnect: bool, code: u16) -> Ended {
    let close = Some(Close { error: error.map(str::to_owned), allow_reconnect });
    Ended { close, code: Some(code) }
}

#[test]
fn a_client_that_pings_is_kept_for_as_long_as_time_passes() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes), async |client| {
        let ada = client.connect().await;
        world.advance(600 * SECOND).await;
        assert_eq!(ada.ended().await, None);
        assert_eq!(ada.invoke("Echo", (1,)).await, Ok(1));
        assert_eq!(notes.take(), ["came"]);
        ada.close().await;
        world.settle().await;
        notes.take();
    });
}

#[test]
fn a_silent_client_is_given_up_after_30_s() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes), async |client| {
        let ada = client.silent().connect().await;
        world.advance(20 * SECOND).await;
        ada.ping();
        world.advance(29 * SECOND).await;
        assert_eq!(ada.ended().await, None);
        world.advance(2 * SECOND).await;
        assert_eq!(
            ada.ended().await,
            Some(closed(Some("Connection closed with an error."), true, 1000))
        );
        assert_eq!(notes.take(), ["came", "client timeout"]);
    });
}

#[test]
fn goodbye_is_said_by_both_sides_and_takes_no_time() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes), async |client| {
        let (ada, before) = (client.connect().await, world.now());
        assert_eq!(ada.close().await, closed(None, false, 1000));
        assert_eq!(ada.close().await, closed(None, false, 1000));
        assert_eq!(world.now(), before);
        world.settle().await;
        assert_eq!(notes.take(), ["came", "closed by the client"]);
    });
}

#[test]
fn the_hub_says_why_it_closes() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes), async |client| {
        let ada = client.clone().connect().await;
        ada.send("Close", ());
        assert_eq!(ada.until_ended().await, closed(None, true, 1000));
        let ben = client.connect().await;
        ben.send("Echo", ("x".repeat(100_000),));
        let ended = ben.until_ended().await;
        assert!(ended.error().unwrap().contains("error"), "{ended:?}");
    });
}

#[test]
fn a_link_that_is_cut_is_lost_at_once_for_both_sides() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes), async |client| {
        let ada = client.clone().connect().await;
        let ben = client.connect().await;
        ada.send("Tell", (1,));
        ada.cut();
        assert!(ada.invoke::<u32>("Tell", (2,)).await.is_err());
        assert_eq!(ben.received().await, [call("Told", (1,))], "it was sent before");
        assert!(ada.ended().await.unwrap().is_lost());
        drop(ben);
        world.settle().await;
        assert_eq!(notes.take(), ["came", "came", "connection lost", "connection lost"]);

        ada.reconnect().await;
        assert_eq!(ada.ended().await, None);
        assert_eq!(ada.invoke("Echo", (1,)).await, Ok(1));
        assert_eq!(notes.take(), ["came"]);
        ada.close().await;
        world.settle().await;
        notes.take();
    });
}

#[test]
fn nothing_passes_a_frozen_link_until_it_thaws() {
    let world = World::new();
    both(&world, hub(&Notes::default()), async |client| {
        let ada = client.clone().connect().await;
        let ben = client.connect().await;
        ada.freeze();
        let answer = ada.invoke("Echo", (7,));
        ben.send("Tell", (1,));
        world.advance(20 * SECOND).await;
        assert_eq!(ada.received().await, []);
        ada.thaw();
        assert_eq!(ada.received().await, [call("Told", (1,))]);
        assert_eq!(answer.await, Ok(7));
        world.advance(60 * SECOND).await;
        assert_eq!(ada.ended().await, None);
    });
}

#[test]
fn a_half_open_link_is_noticed_by_the_timeouts_of_the_server() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes), async |client| {
        let ada = client.connect().await;
        ada.freeze();
        world.advance(29 * SECOND).await;
        assert_eq!(notes.take(), ["came"]);
        world.advance(2 * SECOND).await;
        assert_eq!(notes.take(), ["client timeout"]);
        assert_eq!(ada.ended().await, None, "nobody could tell it");
        ada.thaw();
        assert!(ada.ended().await.is_some());

        // Cut while it is frozen, the server does not notice either.
        let ben = world.serve(&hub(&notes).build().unwrap()).connect().await;
        ben.freeze();
        ben.cut();
        world.advance(29 * SECOND).await;
        assert!(ben.ended().await.unwrap().is_lost());
        assert_eq!(notes.take(), ["came"]);
        world.advance(2 * SECOND).await;
        assert_eq!(notes.take(), ["client timeout"]);
    });
}

#[test]
fn a_client_that_reads_nothing_is_given_up_when_nothing_leaves() {
    let (world, notes) = (World::new(), Notes::default());
    let shout = async |ctx: Context, length: usize| {
        ctx.clients().others().send("Shouted", ("x".repeat(length),)).await.unwrap();
    };
    both(&world, hub(&notes).method("Shout", shout), async |client| {
        let (ada, ben) = (client.clone().connect().await, client.connect().await);
        ada.freeze();
        ben.send("Shout", (200_000,));
        world.advance(9 * SECOND).await;
        assert_eq!(notes.take(), ["came", "came"]);
        ada.thaw();
        assert_eq!(ada.received().await, [call("Shouted", ("x".repeat(200_000),))]);
        ada.freeze();
        ben.send("Shout", (200_000,));
        world.advance(11 * SECOND).await;
        assert_eq!(notes.take(), ["send timeout"]);
        ben.close().await;
        world.settle().await;
        notes.take();
    });
}

#[test]
fn what_is_larger_than_a_pipe_holds_comes_whole() {
    let options = HubOptions::new().unlimited_receive_message_size();
    let hub = hub(&Notes::default()).method("Back", async |text: String| text).options(options);
    both(&World::new(), hub, async |client| {
        let (ada, text) = (client.connect().await, "long ".repeat(100_000));
        assert_eq!(ada.invoke("Back", (&text,)).await, Ok(text));
    });
}

#[test]
fn a_connection_is_carried_on_without_loss_or_duplicate() {
    let (world, notes) = (World::new(), Notes::default());
    let hub = hub(&notes).state(world.clone()).method("Sleep", sleep).options(resumable());
    both(&world, hub, async |client| {
        let ada = client.clone().stateful_reconnect().connect().await;
        let ben = client.connect().await;
        let id = ada.invoke::<String>("Id", ()).await.unwrap();
        let (slow, sum) = (ada.invoke("Sleep", (2,)), ada.upload("Sum", ()));
        sum.send(1);
        let mut wanted = Vec::new();
        for n in 0..50 {
            if n % 7 == 3 {
                ada.cut();
            }
            // Told while the link is up and while it is down.
            ben.send("Tell", (n,));
            sum.send(n);
            if n % 3 == 0 {
                world.advance(SECOND / 3).await;
            }
            if n % 7 == 5 {
                ada.reconnect().await;
            }
            wanted.push(call("Told", (n,)));
        }
        ada.reconnect().await;
        assert_eq!(ada.received().await, wanted);
        assert_eq!(slow.await, Ok(2));
        assert_eq!(sum.finish().await, Ok(1 + 49 * 50 / 2));
        assert_eq!(ada.invoke("Id", ()).await, Ok(id));
        assert_eq!(notes.take(), ["came", "came"]);
        world.advance(60 * SECOND).await;
        assert_eq!(ada.ended().await, None);
        drop((ada, ben));
        world.advance(60 * SECOND).await;
        notes.take();
    });
}

#[test]
fn another_link_replaces_one_that_is_half_open() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes).options(resumable()), async |client| {
        let ada = client.stateful_reconnect().connect().await;
        let id = ada.invoke::<String>("Id", ()).await.unwrap();
        ada.freeze();
        let answer = ada.invoke("Echo", (5,));
        world.advance(20 * SECOND).await;
        ada.reconnect().await;
        assert_eq!(answer.await, Ok(5));
        assert_eq!(ada.invoke("Id", ()).await, Ok(id));
        world.advance(60 * SECOND).await;
        assert_eq!(notes.take(), ["came"]);
        ada.close().await;
        world.settle().await;
        notes.take();
    });
}

#[test]
fn who_comes_back_too_late_is_somebody_else() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes).options(resumable()), async |client| {
        let ada = client.stateful_reconnect().connect().await;
        let id = ada.invoke::<String>("Id", ()).await.unwrap();
        ada.cut();
        let answer = ada.invoke::<u32>("Echo", (1,));
        world.advance(16 * SECOND).await;
        let refused = ada.try_reconnect().await;
        assert_eq!(refused, Err(Refused::Status(StatusCode::NOT_FOUND)));
        assert_eq!(answer.await, Err(CallError::Ended(Ended::default())));
        ada.reconnect().await;
        assert_ne!(ada.invoke("Id", ()).await, Ok(id));
    });
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let world = World::new();
    world.run(async {
        let hub = hub(&Notes::default()).options(HubOptions::new().maximum_connections(1));
        let hub = hub.build().unwrap();
        let served = world.serve(&hub);
        let stateless = served.client().stateful_reconnect().try_connect().await;
        assert_eq!(stateless.unwrap_err(), Refused::Stateless);
        let ada = served.connect().await;
        let full = served.client().try_connect().await;
        assert_eq!(full.unwrap_err(), Refused::Status(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(hub.context().connection_count(Scope::Node).await, 1);
        drop(ada);
        world.settle().await;
        served.connect().await;
    });
    let json = [hub_async::Encoding::Json];
    let json: &'static [_] = Box::leak(Box::new(json));
    world.run(async {
        let options = HubOptions::new().supported_protocols(json);
        let hub = Hub::builder().options(options).build().unwrap();
        let refused = world.serve(&hub).client().message_pack().try_connect().await.unwrap_err();
        assert_eq!(
            refused,
            Refused::Handshake("The protocol 'messagepack' is not supported.".into())
        );
    });
}

#[test]
fn a_server_that_shuts_down_asks_its_clients_to_come_back() {
    let world = World::new();
    world.run(async {
        let served = world.serve(&hub(&Notes::default()).build().unwrap());
        let ada = served.connect().await;
        assert!(served.drain(4 * SECOND).await);
        assert_eq!(ada.ended().await, Some(closed(None, true, 1000)));
        let refused = ada.try_reconnect().await;
        assert_eq!(refused, Err(Refused::Status(StatusCode::SERVICE_UNAVAILABLE)));
    });
}

#[test]
#[should_panic(expected = "the client cannot send any more: the link is lost")]
fn sending_over_a_lost_link_fails_the_test() {
    let world = World::new();
    world.run(async {
        let ada = world.serve(&hub(&Notes::default()).build().unwrap()).connect().await;
        ada.cut();
        world.settle().await;
        ada.send("Echo", (1,));
    });
}
