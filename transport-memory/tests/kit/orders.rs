//! Links that are cut, frozen, thawed and opened again in any order.

use std::time::Duration;

use futures_util::future::join;
use futures_util::stream;
use hub_async::{Context, HubBuilder, HubError, HubOptions, State};
use transport_memory::{CallError, ClientOptions, Ended, Refused, World, call};

use super::both;
use super::links::Notes;

fn hub(notes: &Notes) -> HubBuilder {
    super::links::hub(notes)
        .method("Note", async |notes: State<Notes>, number: u32| notes.add(number.to_string()))
        .method("Count", async |to: u32| stream::iter(1..=to))
        .method("Ask", async |ctx: Context| {
            ctx.clients().caller().invoke::<u32>("Age", ()).await.map_err(HubError::from)
        })
        .options(HubOptions::new().allow_stateful_reconnects(true))
}

fn lost<T>() -> Result<T, CallError> {
    Err(CallError::Ended(Ended::default()))
}

#[test]
fn what_is_cut_first_and_frozen_then_is_cut() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes), async |client| {
        let ada = client.connect().await;
        ada.cut();
        ada.freeze();
        world.settle().await;
        assert_eq!(notes.take(), ["came", "connection lost"]);
        ada.freeze();
        ada.reconnect().await;
        assert_eq!(ada.invoke("Echo", (1,)).await, Ok(1));
        drop(ada);
        world.settle().await;
        notes.take();
    });
}

#[test]
fn what_is_cut_while_it_is_frozen_does_not_thaw() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes), async |client| {
        let ada = client.connect().await;
        ada.freeze();
        ada.cut();
        ada.thaw();
        world.advance(Duration::from_secs(29)).await;
        assert_eq!(notes.take(), ["came"]);
        world.advance(Duration::from_secs(2)).await;
        assert_eq!(notes.take(), ["client timeout"]);
    });
}

#[test]
fn who_says_goodbye_without_a_link_does_not_come_back() {
    both(&World::new(), hub(&Notes::default()), async |client| {
        let ada = client.stateful_reconnect().connect().await;
        let id = ada.invoke::<String>("Id", ()).await.unwrap();
        ada.cut();
        let echo = ada.invoke::<u32>("Echo", (1,));
        assert!(ada.ended().await.is_some());
        assert!(ada.close().await.is_lost());
        assert_eq!(echo.await, lost());
        ada.reconnect().await;
        assert_ne!(ada.invoke("Id", ()).await, Ok(id));
    });
}

#[test]
fn nobody_waits_for_answers_to_a_client_that_is_dropped() {
    both(&World::new(), hub(&Notes::default()), async |client| {
        for is_cut in [false, true] {
            let ada = client.clone().stateful_reconnect().connect().await;
            let (asked, mut count) =
                (ada.invoke::<u32>("Ask", ()), ada.stream::<u32>("Count", (1,)));
            let question = ada.question().await;
            if is_cut {
                ada.cut();
                assert!(ada.ended().await.is_some());
            }
            drop((ada, question));
            assert_eq!(asked.await, lost());
            assert_eq!(count.next().await, Some(Ok(1)), "it has come before");
        }
    });
}

#[test]
fn another_connection_is_not_asked_what_the_one_before_was() {
    both(&World::new(), hub(&Notes::default()), async |client| {
        let ada = client.connect().await;
        let before = ada.invoke::<u32>("Ask", ());
        assert_eq!(ada.received().await, []);
        ada.reconnect().await;
        assert_eq!(before.await, lost());
        let asked = ada.invoke("Ask", ());
        ada.question().await.answer(42);
        assert_eq!(asked.await, Ok(42));
    });
}

#[test]
fn of_two_who_reconnect_at_once_the_last_has_the_link() {
    let (world, notes) = (World::new(), Notes::default());
    both(&world, hub(&notes), async |client| {
        let ada = client.clone().connect().await;
        let (first, last) = join(ada.try_reconnect(), ada.try_reconnect()).await;
        assert_eq!((first, last), (Err(Refused::Ended(Ended::default())), Ok(())));
        assert_eq!(ada.invoke("Echo", (1,)).await, Ok(1));

        let ben = client.stateful_reconnect().connect().await;
        let echo = ben.invoke("Echo", (2,));
        join(ben.reconnect(), ben.reconnect()).await;
        assert_eq!(echo.await, Ok(2));
        assert_eq!(ben.received().await, []);
        drop((ada, ben));
        world.settle().await;
    });
}

#[test]
fn a_link_that_is_cut_before_it_is_there_is_lost() {
    both(&World::new(), hub(&Notes::default()), async |client| {
        let ada = client.connect().await;
        ada.cut();
        assert!(ada.ended().await.is_some());
        let reconnect = ada.try_reconnect();
        let (refused, ()) = join(reconnect, async { ada.cut() }).await;
        assert_eq!(refused, Err(Refused::Ended(Ended::default())));
        assert!(ada.ended().await.is_some());

        let (reconnected, ()) = join(ada.try_reconnect(), async { ada.freeze() }).await;
        assert_eq!(reconnected, Ok(()));
        ada.send("Tell", (1,));
        assert_eq!(ada.received().await, []);
        ada.thaw();
        assert_eq!(ada.next().await, call("Told", (1,)));
    });
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_however_links_break() {
    for seed in 1..=40 {
        let (world, notes) = (World::new(), Notes::default());
        both(&world, hub(&notes), async |client| break_links(&world, &notes, client, seed).await);
    }
}

async fn break_links(world: &World, notes: &Notes, client: ClientOptions, seed: u64) {
    let mut state = seed;
    let mut below = move |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    let ben = client.clone().connect().await;
    let ada = client.stateful_reconnect().connect().await;
    let (sum, mut count) = (ada.upload("Sum", ()), ada.stream::<u32>("Count", (200,)));
    let (mut noted, mut told, mut echoes, mut wanted_sum) = (vec![], vec![], vec![], 0);
    let mut came = world.now();
    for n in 0..120 {
        match below(10) {
            0 => ada.cut(),
            1 => ada.freeze(),
            2 => ada.thaw(),
            3 => {
                ada.reconnect().await;
                came = world.now();
            }
            4 => {
                ada.send("Note", (n,));
                noted.push(n.to_string());
            }
            5 => {
                ben.send("Tell", (n,));
                told.push(call("Told", (n,)));
            }
            6 => echoes.push((n, ada.invoke("Echo", (n,)))),
            7 => {
                sum.send(n);
                wanted_sum += n;
            }
            8 => world.settle().await,
            _ => {
                let time = Duration::from_millis(below(3000));
                // Nobody may be away for longer than 15 s, and be noticed by half-open links.
                if world.now() - came + time < Duration::from_secs(14) {
                    world.advance(time).await;
                }
            }
        }
    }
    ada.reconnect().await;
    for (n, echo) in echoes {
        assert_eq!(echo.await, Ok(n), "seed {seed}");
    }
    assert_eq!(sum.finish().await, Ok(wanted_sum), "seed {seed}");
    assert_eq!(count.rest().await, Ok((1..=200).collect()), "seed {seed}");
    assert_eq!(ada.received().await, told, "seed {seed}");
    let mut notes = notes.take();
    notes.retain(|note| note.parse::<u32>().is_ok());
    assert_eq!(notes, noted, "seed {seed}");
}
