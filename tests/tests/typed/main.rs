//! Hubs and contracts that are written by attributes.

mod equal;
mod hostile;
mod lifetimes;
mod made;
mod messages;
mod methods;
mod names;
mod sends;

use std::sync::{Arc, Mutex};

use hub_async::HubBuilder;
use transport_memory::{Served, World};

/// Runs a test in a world of its own, against the hub.
fn run(hub: HubBuilder, test: impl AsyncFnOnce(World, Served)) {
    let world = World::new();
    let served = world.serve(&hub.build().expect("a hub"));
    world.clone().run(test(world, served));
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
