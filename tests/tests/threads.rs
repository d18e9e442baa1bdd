//! Many clients at once on several threads, in real time: nothing is lost and nobody is left waiting.

use std::time::Duration;

use hub_async::{Context, Hub, HubOptions, SlowConsumer};
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
