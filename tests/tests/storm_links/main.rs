//! Streams, questions and calls of connections whose links break at any moment, on several threads and in
//! real time: everything comes once and in order, and everything ends.

mod client;
mod gate;
mod link;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream;
use hub_async::{Context, Hub, HubError, HubOptions, MemoryBudget, Reconnect, Scope, StreamReader};
use hub_proto::ws::Opcode;
use transport_tokio::Server;

use self::client::Client;
use self::link::Storm;

const CLIENTS: usize = 24;
const CHAOTIC: usize = 6;
const ACTIONS: usize = 60;
const NEWS: usize = 300;
/// When nothing has happened by then, something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }
}

fn items(end: u64) -> impl stream::Stream<Item = u64> + Send {
    stream::unfold(0_u64, move |n| async move {
        if n % 7 == 3 {
            tokio::task::yield_now().await;
        }
        (n < end).then_some((n, n + 1))
    })
}

fn hub(unacked: usize, soft: usize) -> Hub {
    let options = HubOptions::new()
        .keep_alive_interval(Duration::MAX)
        .client_timeout_interval(Duration::MAX)
        .allow_stateful_reconnects(true)
        .stateful_reconnect_buffer_size(unacked)
        .soft_send_buffer(soft)
        .hard_send_buffer(usize::MAX)
        .disconnect_timeout(Duration::from_secs(3))
        .maximum_parallel_invocations_per_client(3)
        .flood_burst(1_000_000);
    Hub::builder()
        .options(options)
        .method("Me", async |ctx: Context| ctx.connection_id().to_owned())
        .method("Echo", async |n: u64| n)
        .method("Quit", async |ctx: Context, micros: u64| {
            tokio::time::sleep(Duration::from_micros(micros)).await;
            ctx.abort();
        })
        .method("Items", async |end: u64| items(end))
        .method("Sum", async |mut numbers: StreamReader<u64>| {
            let mut sum = 0;
            while let Some(number) = numbers.next().await {
                sum += number?;
            }
            Ok::<_, HubError>(sum)
        })
        .method("Both", async |numbers: StreamReader<u64>| {
            stream::unfold((numbers, 0_u64), |(mut numbers, n)| async move {
                let number = numbers.next().await?;
                Some((number.map(|_| n), (numbers, n + 1)))
            })
        })
        .method("Ask", async |ctx: Context, how: String, n: u64| {
            let patient = matches!(&*how, "right" | "wrong" | "error");
            let time = Duration::from_millis(if patient { 20_000 } else { 30 });
            let caller = ctx.clients().caller().timeout(time);
            match caller.invoke::<u64>("Question", (how, n)).await {
                Ok(result) => result.to_string(),
                Err(error) => error.to_string(),
            }
        })
        .method("Tell", async |ctx: Context, who: usize, n: usize, text: String| {
            ctx.clients().all().send("Told", (who, n, text)).await.unwrap();
        })
        .build()
        .unwrap()
}

async fn storm(seed: u64) {
    let began = Instant::now();
    let mut dice = Dice(seed);
    let unacked = [1_000, 5_000, 100_000][dice.roll(3)];
    let soft = [1_000, 20_000][dice.roll(2)];
    let budget = MemoryBudget::new(1 << 30);
    let hub = hub(unacked, soft);
    let service =
        Server::new().hub("/hub", hub.clone()).memory_budget(&budget).into_service().unwrap();
    let storm = Arc::new(Storm { service, counts: Arc::default() });
    let tells: Arc<Vec<_>> = Arc::new((0..CLIENTS).map(|_| AtomicUsize::new(usize::MAX)).collect());
    let mut clients = Vec::new();
    for nth in 0..CLIENTS {
        clients.push(Client::connect(&storm, nth, seed).await);
    }
    let chaos: Vec<_> = (0..CHAOTIC)
        .map(|nth| tokio::spawn(chaos(Arc::clone(&storm), hub.clone(), nth, seed)))
        .collect();
    let context = hub.context();
    let news = tokio::spawn(async move {
        let mut longest = Duration::ZERO;
        for n in 0..NEWS {
            let before = Instant::now();
            context.clients().all().send("News", (n,)).await.unwrap();
            longest = longest.max(before.elapsed());
            if n % 5 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        longest
    });
    let tasks: Vec<_> =
        clients.into_iter().map(|client| tokio::spawn(client.run(Arc::clone(&tells)))).collect();
    let mut links = 0;
    for task in tasks {
        links += tokio::time::timeout(PATIENCE, task).await.expect("nobody waits").unwrap();
    }
    for task in chaos {
        tokio::time::timeout(PATIENCE, task).await.expect("nor in chaos").unwrap();
    }
    let longest = tokio::time::timeout(PATIENCE, news).await.expect("nor the news").unwrap();
    let ended = Instant::now();
    // Those who just went away are waited for.
    while hub.context().connection_count(Scope::Node).await > 0 {
        assert!(ended.elapsed() < Duration::from_secs(30), "connections are left");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(storm.service.drain(Duration::from_secs(10)).await, "sessions are left");
    assert_eq!(budget.used(), 0);
    let counts = &storm.counts;
    let made = counts.made.load(Ordering::SeqCst);
    let left = counts.alive.load(Ordering::SeqCst);
    assert_eq!((left, counts.forgotten.load(Ordering::SeqCst)), (0, 0), "sockets are left");
    println!(
        "seed {seed}: {links} links of {CLIENTS} clients, {made} sockets, {unacked} unacked, {soft} soft, {:?} and {:?}, the longest send {longest:?}",
        ended - began,
        ended.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_becomes_of_links_everything_comes_once_and_ends() {
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    for nth in 0..std::env::var("STORMS").map_or(1, |n| n.parse().unwrap()) {
        println!("storm {}", seed + nth);
        storm(seed + nth).await;
    }
}

/// A client that replaces its links without end, until its connection is closed under it.
async fn chaos(storm: Arc<Storm>, hub: Hub, nth: usize, seed: u64) {
    let mut client = Client::connect(&storm, nth * 4 + 1, seed ^ 0xc4a05).await;
    let uri = client.uri.clone().unwrap();
    client.link.send(r#"{"type":1,"invocationId":"me","target":"Me","arguments":[]}"#);
    let mut count = 0;
    let id = loop {
        assert!(!client.link.over, "it was cut off");
        client.link.write(usize::MAX);
        let records = client.link.read();
        if let Some(record) = records.iter().find(|record| record["invocationId"] == "me") {
            break record["result"].as_str().unwrap().to_owned();
        }
        count += records.iter().filter(|record| record["type"].as_u64() < Some(4)).count();
        client.link.send(&format!(r#"{{"type":8,"sequenceId":{count}}}"#));
        client.link.ready(Duration::from_millis(50)).await;
    };
    // It neither reads nor acks, and so holds everybody up for so long.
    let wait = client.dice.roll(300_000) as u64;
    if client.dice.one_in(2) {
        client.link.send(&format!(r#"{{"type":1,"target":"Quit","arguments":[{wait}]}}"#));
        client.link.write(usize::MAX);
    }
    let closer = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_micros(wait + 1_000)).await;
        hub.context().close_connection(&id, Reconnect::Allowed).await;
    });
    let mut links = Vec::new();
    for _ in 0..100_000 {
        match storm.open(&uri, &mut client.dice) {
            Ok(link) => links.push(link),
            Err(_) => break,
        }
        if client.dice.one_in(4) {
            links.clear();
        }
        if client.dice.one_in(2) {
            tokio::time::sleep(Duration::from_micros(client.dice.roll(500) as u64)).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
    closer.await.unwrap();
    // All of them are cut off.
    let since = Instant::now();
    links.push(client.link);
    while let Some(link) = links.last_mut() {
        link.read();
        if link.over {
            links.pop();
            continue;
        }
        assert!(since.elapsed() < PATIENCE / 2, "a link of a connection that is over is left");
        link.ready(Duration::from_millis(2)).await;
        link.frame(Opcode::Close, &1000_u16.to_be_bytes());
        link.write(usize::MAX);
    }
}
