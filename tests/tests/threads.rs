//! Many clients at once on several threads, in real time: nothing is lost and nobody is left waiting.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use hub_async::{Context, Hub, HubError, HubOptions, MethodOptions, SlowConsumer, StreamReader};
use tests::memory::{Client, Seen};
use transport_tokio::Server;

const CLIENTS: usize = 24;
const CALLS: usize = 40;

/// Every client calls, with texts of very different lengths; every call tells everybody. Timers that
/// could hide a lost wake-up are off.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_gets_everything() {
    let options = HubOptions::new()
        .keep_alive_interval(Duration::MAX)
        .slow_consumer(SlowConsumer::Wait)
        .maximum_parallel_invocations_per_client(3)
        .hard_send_buffer(usize::MAX);
    let hub = Hub::builder()
        .options(options)
        .method("Tell", async |ctx: Context, n: usize, text: String| {
            if n.is_multiple_of(3) {
                tokio::task::yield_now().await;
            }
            ctx.clients().all().send("Told", (ctx.connection_id(), n, text)).await.unwrap();
        })
        .build()
        .unwrap();
    let service = Server::new().hub("/hub", hub).into_service().unwrap();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(&service, "/hub").await);
    }
    let mut tasks = Vec::new();
    for mut client in clients {
        tasks.push(tokio::spawn(async move {
            let (mut told, mut answered) = (0, 0);
            for n in 0..CALLS {
                let text = "x".repeat(n * n * 7 % 9_000);
                client.call(&n.to_string(), "Tell", &format!("[{n},\"{text}\"]")).await;
                for seen in client.so_far() {
                    count(seen, &mut told, &mut answered);
                }
            }
            while told < CLIENTS * CALLS || answered < CALLS {
                count(client.next().await, &mut told, &mut answered);
            }
            client.close(1000).await;
            client.rest().await
        }));
    }
    let farewell = Seen::Record(r#"{"type":7,"allowReconnect":true}"#.to_owned());
    for task in tasks {
        let rest = tokio::time::timeout(Duration::from_secs(60), task).await;
        let rest = rest.expect("nobody waits for ever").unwrap();
        assert_eq!(rest, [farewell.clone(), Seen::Close(Some(1000))]);
    }
    assert!(service.drain(Duration::from_secs(5)).await);
}

fn count(seen: Seen, told: &mut usize, answered: &mut usize) {
    match seen {
        Seen::Record(record) if record.contains("\"Told\"") => *told += 1,
        Seen::Record(record) if record.starts_with("{\"type\":3") => *answered += 1,
        other => panic!("unexpected {other:?}"),
    }
}

async fn add(items: StreamReader<usize>) -> usize {
    items.fold(0, async |sum, item| sum + item.expect("a number")).await
}

/// Every client streams both ways and answers questions, of its own methods, of tasks of their own, and of
/// somebody outside; every item and every answer arrives. Nothing runs out of time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_item_and_every_answer_arrives() {
    const ITEMS: usize = 100;
    let options = HubOptions::new()
        .keep_alive_interval(Duration::MAX)
        .client_result_timeout(Duration::MAX)
        .stream_buffer_capacity(3)
        .maximum_streams(1_000)
        .maximum_parked_invocations(1_000);
    let spawned = MethodOptions::new().spawn();
    let count = async |to: usize| stream::iter(0..to);
    let ask = async |ctx: Context, n: usize| -> Result<usize, HubError> {
        let twice = ctx.clients().caller().invoke::<usize>("Double", (n,)).await?;
        let again = tokio::spawn(async move {
            ctx.clients().caller().invoke::<usize>("Double", (twice,)).await
        });
        Ok(again.await??)
    };
    let hub = Hub::builder()
        .options(options)
        .method("Sum", add)
        .method_with("SumAlone", add, spawned)
        .method("Count", count)
        .method_with("CountAlone", count, spawned)
        .method("Ask", ask)
        .method_with("AskAlone", ask, spawned)
        .build()
        .unwrap();
    let outside = hub.context();
    let service = Server::new().hub("/hub", hub).into_service().unwrap();
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = Client::connect(&service, "/hub").await;
        tasks.push(tokio::spawn(async move {
            let (mut left, mut items) = (0, 0);
            for n in 0..CALLS {
                for alone in ["", "Alone"] {
                    client.call("ask", &format!("Ask{alone}"), &format!("[{n}]")).await;
                    let records = [
                        format!(
                            r#"{{"type":1,"invocationId":"sum","target":"Sum{alone}","arguments":[],"streamIds":["u{n}{alone}"]}}"#
                        ),
                        format!(
                            r#"{{"type":4,"invocationId":"count{n}{alone}","target":"Count{alone}","arguments":[{ITEMS}]}}"#
                        ),
                    ];
                    client.send(&records.join("\u{1e}")).await;
                    left += 3;
                    for item in 0..ITEMS {
                        let id = format!("u{n}{alone}");
                        client
                            .send(&format!(r#"{{"type":2,"invocationId":"{id}","item":{item}}}"#))
                            .await;
                        if item % 30 == 0 {
                            for seen in client.so_far() {
                                react(&client, seen, &mut left, &mut items).await;
                            }
                        }
                    }
                    client.send(&format!(r#"{{"type":3,"invocationId":"u{n}{alone}"}}"#)).await;
                }
            }
            while left > 0 {
                let seen = client.next().await;
                react(&client, seen, &mut left, &mut items).await;
            }
            assert_eq!(items, 2 * CALLS * ITEMS);
            client
        }));
    }
    let asking = tokio::spawn(async move {
        for n in 0..CALLS {
            for (_, result) in outside.clients().all().invoke_each::<usize>("Double", (n,)).await {
                assert_eq!(result.expect("an answer"), 2 * n);
            }
        }
    });
    // Those that are done still answer whoever asks from outside.
    let (done, _) = tokio::sync::watch::channel(false);
    let mut answering = Vec::new();
    for task in tasks {
        let client = tokio::time::timeout(Duration::from_secs(60), task).await;
        let mut client = client.expect("nobody waits for ever").unwrap();
        let mut done = done.subscribe();
        answering.push(tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = done.changed() => return,
                    seen = client.next() => react(&client, seen, &mut 0, &mut 0).await,
                }
            }
        }));
    }
    let asked = tokio::time::timeout(Duration::from_secs(60), asking).await;
    asked.expect("nobody waits for ever").unwrap();
    done.send_replace(true);
    for task in answering {
        task.await.unwrap();
    }
    assert!(service.drain(Duration::from_secs(5)).await);
}

/// Answers a question, or counts what has come.
async fn react(client: &Client, seen: Seen, left: &mut usize, items: &mut usize) {
    let Seen::Record(record) = seen else { panic!("unexpected {seen:?}") };
    if record.starts_with(r#"{"type":1,"#) {
        let id = record.split('"').nth(5).expect("an id");
        let number = record.trim_end_matches("]}").rsplit('[').next().expect("an argument");
        let twice = 2 * number.parse::<usize>().expect("a number");
        client.send(&format!(r#"{{"type":3,"invocationId":"{id}","result":{twice}}}"#)).await;
    } else if record.starts_with(r#"{"type":2,"#) {
        *items += 1;
    } else {
        assert!(!record.contains("error"), "{record}");
        *left = left.saturating_sub(1);
    }
}
