//! What the clients of the test kit do and see, in both encodings.

mod calls;
mod links;
mod orders;
mod streams;

use std::time::Duration;

use hub_async::{Hub, HubBuilder, State};
use transport_memory::{ClientOptions, World};

/// Runs a test with a client of each encoding.
fn both(world: &World, hub: HubBuilder, test: impl AsyncFn(ClientOptions)) {
    let hub: Hub = hub.build().expect("a hub");
    world.run(async {
        test(world.serve(&hub).client()).await;
        test(world.serve(&hub).client().message_pack()).await;
    });
}

/// A method that takes so many seconds, and says how many.
async fn sleep(world: State<World>, seconds: u32) -> u32 {
    world.sleep(Duration::from_secs(seconds.into())).await;
    seconds
}
