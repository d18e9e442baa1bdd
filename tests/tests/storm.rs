//! Mixed traffic on several threads: what each connection sees is in order, nothing is lost that may not
//! be, and everything ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hub_async::server::Service;
use hub_async::{Context, Hub, HubOptions, SlowConsumer};
use tests::memory::{Client, Seen};
use transport_tokio::Server;

const CLIENTS: usize = 48;
const CALLS: usize = 60;
const NEWS: usize = 200;

/// A client whose pipe holds hardly anything, so that most writes take only a part.
async fn connect(service: &Service, nth: usize) -> Client {
    let (ours, theirs) = transport_memory::pipe([64, 500, 4_000, 64 * 1024][nth % 4]);
    let request = http::Request::get("/hub").body(()).unwrap();
    service.serve_socket(&request, Arc::new(theirs), b"").unwrap();
    let mut client = Client::over(ours);
    client.shake_hands().await;
    client
}

/// What one client saw of each sender, and of its own calls.
#[derive(Default)]
struct Log {
    last: HashMap<String, usize>,
    told: usize,
    answered: usize,
    over: bool,
}

impl Log {
    fn note(&mut self, seen: Seen) {
        let Seen::Record(record) = seen else {
            self.over = matches!(seen, Seen::Close(_) | Seen::End);
            return assert!(self.over, "{seen:?}");
        };
        assert!(!self.over, "nothing comes behind the close: {record}");
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        match record["type"].as_u64() {
            Some(1) => {
                let sender = record["arguments"][0].as_str().unwrap().to_owned();
                let n = record["arguments"][1].as_u64().unwrap() as usize;
                let before = self.last.insert(sender, n);
                assert!(before.is_none_or(|before| before < n), "{before:?} before {n}");
                self.told += 1;
            }
            Some(3) => {
                assert_eq!(record["invocationId"], self.answered.to_string());
                self.answered += 1;
            }
            Some(6) => {}
            Some(7) => self.over = true,
            other => panic!("unexpected {other:?}"),
        }
    }
}

async fn storm(policy: SlowConsumer, keep_alive: Duration) {
    let lossless = policy == SlowConsumer::Wait;
    let mut options = HubOptions::new().keep_alive_interval(keep_alive).slow_consumer(policy);
    options = options.soft_send_buffer(20_000).hard_send_buffer(usize::MAX);
    let hub = Hub::builder()
        .options(options)
        .method("Tell", async |ctx: Context, who: String, n: usize, text: String| {
            if n.is_multiple_of(3) {
                tokio::task::yield_now().await;
            }
            ctx.clients().all().send("Told", (who, n, text)).await.unwrap();
        })
        .build()
        .unwrap();
    let service = Server::new().hub("/hub", hub.clone()).into_service().unwrap();
    let mut clients = Vec::new();
    for nth in 0..CLIENTS {
        clients.push(connect(&service, nth).await);
    }
    let news = tokio::spawn(async move {
        for n in 0..NEWS {
            hub.context().clients().all().send("Told", ("news", n, "")).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let mut tasks = Vec::new();
    for (nth, mut client) in clients.into_iter().enumerate() {
        tasks.push(tokio::spawn(async move {
            // Every third stays; the others close or vanish somewhere in the middle.
            let (stays, closes, slow) = (nth % 3 == 0, nth % 3 == 1, nth % 5 == 0);
            let (who, mut log) = (nth.to_string(), Log::default());
            for n in 0..if stays { CALLS } else { nth } {
                let text = "x".repeat(n * n * 7 % 3_000);
                client.call(&n.to_string(), "Tell", &format!("[\"{who}\",{n},\"{text}\"]")).await;
                if slow {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                client.so_far().into_iter().for_each(|seen| log.note(seen));
            }
            if !stays && !closes {
                return;
            }
            let done = |log: &Log| {
                log.answered == CALLS
                    && (!lossless || log.last.get("news") == Some(&(NEWS - 1)))
                    && (!lossless
                        || (0..CLIENTS)
                            .step_by(3)
                            .all(|n| log.last.get(&n.to_string()) == Some(&(CALLS - 1))))
            };
            while stays && !log.over && !done(&log) {
                log.note(client.next().await);
            }
            assert!(!stays || !log.over || policy == SlowConsumer::Close, "it was closed");
            // Without gaps: as many as the last number of each sender tells.
            let sent: usize = log.last.values().map(|last| last + 1).sum();
            assert!(!stays || !lossless || log.told == sent, "{} of {sent}", log.told);
            client.close(1000).await;
            client.rest().await.into_iter().for_each(|seen| log.note(seen));
            assert!(log.over);
        }));
    }
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(20), task).await.expect("nobody waits").unwrap();
    }
    tokio::time::timeout(Duration::from_secs(5), news).await.expect("nor the news").unwrap();
    assert!(service.drain(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_the_policy_everything_ends_in_order() {
    for _ in 0..std::env::var("STORMS").map_or(1, |n| n.parse().unwrap()) {
        for policy in [SlowConsumer::Wait, SlowConsumer::DropOldest, SlowConsumer::Close] {
            for keep_alive in [Duration::from_millis(3), Duration::MAX] {
                storm(policy, keep_alive).await;
            }
        }
    }
}
