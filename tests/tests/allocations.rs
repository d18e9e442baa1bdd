//! A broadcast costs no heap memory per recipient. The only test of its program: others would be counted.

use std::alloc::System;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hub_async::Hub;
use serde::{Serialize, Serializer};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tests::memory::Client;
use transport_tokio::Server;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Counts how often it is serialized.
struct Counted(Arc<AtomicUsize>);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_str("something of the usual length, such as a message in a chat")
    }
}

/// The allocations of the third, fourth and fifth broadcast to so many, from the call to the last byte in
/// the last pipe.
fn allocations_of_broadcasts(recipients: usize) -> Vec<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let hub = Hub::builder().build().expect("a hub");
        let service = Server::new().hub("/hub", hub.clone()).into_service().expect("a service");
        let mut clients = Vec::new();
        for _ in 0..recipients {
            clients.push(Client::connect(&service, "/hub").await);
        }
        let all = hub.context().clients().all();
        let mut allocated = Vec::new();
        for round in 1..=5 {
            let count = Arc::new(AtomicUsize::new(0));
            let region = Region::new(GLOBAL);
            let sent = all.send("Message", (Counted(Arc::clone(&count)),)).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
            let change = region.change();
            allocated.push(change.allocations + change.reallocations);
            println!("{recipients} recipients, broadcast {round}: {change:?}");
            assert_eq!(sent.expect("it can be serialized").queued, recipients);
            assert_eq!(count.load(Ordering::Relaxed), 1);
            for client in &mut clients {
                assert_eq!(client.so_far().len(), 1);
            }
        }
        allocated.split_off(2)
    })
}

#[test]
fn a_broadcast_is_serialized_once_and_allocates_nothing_per_recipient() {
    let (thousand, two) = (allocations_of_broadcasts(1_000), allocations_of_broadcasts(2_000));
    println!("allocations from the third on: {thousand:?} for 1,000 recipients, {two:?} for 2,000");
    for (thousand, two) in thousand.iter().zip(&two) {
        assert!(thousand.abs_diff(*two) <= 16, "{thousand} and {two}");
    }
}
