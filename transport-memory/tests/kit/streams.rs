//! Streams of both sides, in both encodings.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use hub_async::{Hub, HubBuilder, HubError, StreamReader};
use transport_memory::{CallError, World};

use super::both;

/// Counts, a number each second.
fn ticks(world: World, count: u32) -> impl Stream<Item = Result<u32, HubError>> + Send + 'static {
    stream::unfold(0, move |n| {
        let world = world.clone();
        async move {
            if n == count {
                return None;
            }
            world.sleep(Duration::from_secs(1)).await;
            Some((if n == 5 { Err(HubError::new("five")) } else { Ok(n) }, n + 1))
        }
    })
}

fn hub(world: &World) -> HubBuilder {
    let world = world.clone();
    Hub::builder()
        .method("Ticks", move |count: u32| {
            let world = world.clone();
            async move { ticks(world, count) }
        })
        .method("Sum", async |start: u32, mut numbers: StreamReader<u32>| {
            let mut sum = start;
            while let Some(number) = numbers.next().await {
                sum += number?;
            }
            Ok::<_, HubError>(sum)
        })
        .method("Double", async |numbers: StreamReader<u32>| {
            numbers.filter_map(async |number| number.ok().map(|number| number * 2))
        })
}

#[test]
fn items_come_with_time_until_the_stream_ends() {
    let world = World::new();
    both(&world, hub(&world), async |client| {
        let ada = client.connect().await;
        let mut ticks = ada.stream::<u32>("Ticks", (4,));
        assert!(ticks.received().await.is_empty());
        world.advance(Duration::from_secs(2)).await;
        assert_eq!(ticks.received().await, [0, 1]);
        assert_eq!(ticks.next().await, Some(Ok(2)));
        assert_eq!(ticks.rest().await, Ok(vec![3]));
        assert_eq!(ticks.next().await, None);
    });
}

#[test]
fn a_stream_that_fails_tells_its_error_behind_its_items() {
    let world = World::new();
    both(&world, hub(&world), async |client| {
        let ada = client.connect().await;
        let mut ticks = ada.stream::<u32>("Ticks", (9,));
        world.advance(Duration::from_secs(60)).await;
        assert_eq!(ticks.received().await, [0, 1, 2, 3, 4]);
        let Some(Err(CallError::Error(error))) = ticks.next().await else { panic!("no error") };
        assert!(error.ends_with("five"), "{error}");
        assert_eq!(ticks.next().await, None);
    });
}

#[test]
fn a_stream_that_is_cancelled_or_dropped_ends() {
    let world = World::new();
    both(&world, hub(&world), async |client| {
        let ada = client.connect().await;
        let mut ticks = ada.stream::<u32>("Ticks", (1_000_000,));
        assert_eq!(ticks.next().await, Some(Ok(0)));
        ticks.cancel();
        assert_eq!(ticks.rest().await, Ok(vec![]));
        for _ in 0..200 {
            // 100 may be open at once.
            drop(ada.stream::<u32>("Ticks", (1_000_000,)));
            world.settle().await;
        }
        assert_eq!(ada.stream::<u32>("Ticks", (1,)).rest().await, Ok(vec![0]));
    });
}

#[test]
fn an_upload_is_taken_to_its_end() {
    let world = World::new();
    both(&world, hub(&world), async |client| {
        let ada = client.connect().await;
        let sum = ada.upload::<u32>("Sum", (2,));
        sum.send(10);
        world.advance(Duration::from_secs(100)).await;
        sum.send(30);
        assert_eq!(sum.finish().await, Ok(42));

        let sum = ada.upload::<u32>("Sum", (0,));
        sum.send(1);
        let error = sum.fail("lost count").await.unwrap_err().to_string();
        assert!(error.contains("lost count"), "{error}");
    });
}

#[test]
fn items_go_both_ways_at_once() {
    let world = World::new();
    both(&world, hub(&world), async |client| {
        let ada = client.connect().await;
        let mut doubled = ada.duplex::<u32>("Double", ());
        for n in [1, 2] {
            doubled.send(n);
            assert_eq!(doubled.answer().next().await, Some(Ok(n * 2)));
        }
        doubled.send(3);
        assert_eq!(doubled.finish().rest().await, Ok(vec![6]));
    });
}

#[test]
fn the_items_of_a_connection_that_ends_come_before_its_end() {
    let world = World::new();
    both(&world, hub(&world), async |client| {
        let ada = client.connect().await;
        let mut ticks = ada.stream::<u32>("Ticks", (5,));
        world.advance(Duration::from_secs(2)).await;
        ada.cut();
        assert_eq!(ticks.received().await, [0, 1]);
        let Some(Err(CallError::Ended(ended))) = ticks.next().await else { panic!("no end") };
        assert!(ended.is_lost());
        assert_eq!(ticks.next().await, None);
    });
}
