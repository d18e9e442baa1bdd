//! What streams and questions leave on the heap: nothing. The only test of its program: others would be
//! counted.

use std::alloc::System;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use hub_async::server::Server;
use hub_async::{Context, Hub, StreamReader};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tests::memory::Client;
use transport_memory::World;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that are allocated now.
fn live() -> isize {
    let stats = GLOBAL.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

/// Every kind of end that a stream or a question can come to.
async fn everything(client: &mut Client) {
    let records = [
        r#"{"type":4,"invocationId":"1","target":"Count","arguments":[40]}"#,
        r#"{"type":4,"invocationId":"2","target":"Never","arguments":[]}"#,
        r#"{"type":5,"invocationId":"2"}"#,
        r#"{"type":1,"invocationId":"3","target":"Sum","arguments":[],"streamIds":["u"]}"#,
        r#"{"type":2,"invocationId":"u","item":1}"#,
        r#"{"type":3,"invocationId":"u"}"#,
        r#"{"type":1,"invocationId":"4","target":"Sum","arguments":[],"streamIds":["v"]}"#,
        r#"{"type":2,"invocationId":"v","item":"no number"}"#,
        r#"{"type":1,"invocationId":"5","target":"Ignore","arguments":[],"streamIds":["w"]}"#,
        r#"{"type":2,"invocationId":"w","item":1}"#,
        r#"{"type":1,"invocationId":"6","target":"Ask","arguments":[]}"#,
        r#"{"type":1,"invocationId":"7","target":"Withdraw","arguments":[]}"#,
    ];
    client.send(&records.join("\u{1e}")).await;
    let mut answered = 0;
    while answered < 7 {
        let record = client.record().await;
        if record.starts_with(r#"{"type":3,"#) {
            answered += 1;
        } else if record.contains(r#""target":"Q""#) {
            let id = record.split('"').nth(5).expect("an id");
            client.send(&format!(r#"{{"type":3,"invocationId":"{id}","result":1}}"#)).await;
        }
    }
}

type Kept = Arc<Mutex<Option<Context>>>;

fn hub(kept: &Kept) -> Hub {
    let kept = Arc::clone(kept);
    Hub::builder()
        .method("Count", async |to: u32| stream::iter(0..to))
        .method("Never", async || stream::pending::<u32>())
        .method("Sum", async |items: StreamReader<u32>| {
            items.fold(0, async |sum, item| sum + item.unwrap_or_default()).await
        })
        .method("Ignore", async |_: StreamReader<u32>| {})
        .method("Ask", async |ctx: Context| ctx.clients().caller().invoke::<u32>("Q", ()).await)
        .method("Withdraw", async |ctx: Context| {
            drop(ctx.clients().caller().invoke::<u32>("Withdrawn", ()));
        })
        .method("Keep", move |ctx: Context| {
            *kept.lock().expect("nobody panics") = Some(ctx);
            async {}
        })
        .build()
        .expect("a hub")
}

#[test]
fn streams_and_questions_leave_nothing_behind() {
    let world = World::new();
    world.run(async {
        let kept = Kept::default();
        let server = Server::on(world.clone()).hub("/hub", hub(&kept));
        let service = server.into_service().expect("a service");
        let mut client = Client::connect(&service, "/hub").await;
        let mut seen = Vec::new();
        for rounds in [100, 500] {
            for _ in 0..rounds {
                everything(&mut client).await;
            }
            world.sleep(Duration::from_millis(1)).await;
            seen.push(live());
        }
        assert!(seen[1] - seen[0] < 64, "{seen:?}");

        // Whoever keeps the context of a connection that is over may ask others for ever.
        client.call("k", "Keep", "[]").await;
        client.record().await;
        let mut other = Client::connect(&service, "/hub").await;
        drop(client);
        world.sleep(Duration::from_millis(1)).await;
        let ctx = kept.lock().expect("nobody panics").take().expect("it was kept");
        let mut seen = Vec::new();
        for rounds in [100, 500] {
            for _ in 0..rounds {
                let asking =
                    ctx.clients().all().timeout(Duration::ZERO).invoke_each::<u32>("Q", ());
                assert_eq!(asking.await.len(), 1);
                other.so_far();
            }
            world.sleep(Duration::from_millis(1)).await;
            seen.push(live());
        }
        assert!(seen[1] - seen[0] < 64, "{seen:?}");
    });
}
