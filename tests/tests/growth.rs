//! What connections leave on the heap, of whatever kind and however they end: nothing. The only test of its
//! program: others would be counted.

use std::alloc::System;
use std::time::Duration;

use hub_async::server::Server;
use hub_async::{Context, Hub, HubError, HubOptions, Scope};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use transport_memory::{Served, World};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many connections come and go.
const CYCLES: usize = 10_000;
/// What may be on the heap besides, as tables grow: less than a byte for each.
const SLACK: isize = CYCLES as isize;

/// Bytes that are allocated now.
fn live() -> isize {
    let stats = GLOBAL.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

async fn join(ctx: Context, group: String) -> Result<(), HubError> {
    ctx.groups().add(ctx.connection_id(), &group).await;
    ctx.clients().group(&group).send("Joined", (ctx.connection_id(),)).await?;
    Ok(())
}

/// A client comes, joins groups that nobody else is in, and goes: in order, by its link, or for too long.
async fn come_and_go(served: &Served, nth: usize) {
    let options = served.client().query(&format!("user={}", nth % 7));
    let options = if nth.is_multiple_of(2) { options.message_pack() } else { options };
    let options = if nth.is_multiple_of(3) { options.stateful_reconnect() } else { options };
    let client = options.connect().await;
    for group in [nth % 5, nth] {
        client.invoke::<()>("Join", (group.to_string(),)).await.expect("it joins");
    }
    match nth % 4 {
        0 => drop(client.close().await),
        1 => client.cut(),
        2 => {
            client.cut();
            if nth.is_multiple_of(3) {
                client.reconnect().await;
            }
        }
        _ => drop(client),
    }
}

#[test]
fn ten_thousand_connections_leave_nothing_behind() {
    let world = World::new();
    world.run(async {
        let hub = Hub::builder()
            .options(HubOptions::new().allow_stateful_reconnects(true))
            .user_id(|request| request.query_value("user").map(|user| user.into_owned()))
            .method("Join", join)
            .build()
            .expect("a hub");
        let server = Server::on(world.clone()).hub("/hub", hub.clone());
        let service = server.into_service().expect("a service");
        let served = Served::at(&world, service, "/hub");
        let mut seen = Vec::new();
        for cycles in [CYCLES / 10, CYCLES] {
            for nth in 0..cycles {
                come_and_go(&served, nth).await;
                // So that never more than a few wait to be carried on.
                world.advance(Duration::from_secs(1)).await;
            }
            // Those that could come back are waited for.
            world.advance(Duration::from_secs(60)).await;
            assert_eq!(hub.context().connection_count(Scope::Node).await, 0);
            seen.push(live());
        }
        assert!(seen[1] - seen[0] < SLACK, "{seen:?}");
        assert!(served.drain(Duration::from_secs(1)).await, "sessions are left");
    });
}
