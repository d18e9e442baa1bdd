//! Serves SignalR hubs in memory and in virtual time, for tests.
//!
//! No sockets, no threads, no real clock: [`World::run`] runs everything on one thread, and time
//! passes only when everybody waits, straight to the next timer. A test of a 30 s timeout takes
//! microseconds and gives the same result each time. A world is also a transport:
//! `Server::on(world.clone())` serves hubs over HTTP at addresses of the world, to which
//! [`World::connect`] connects.
//!
//! ```
//! use std::time::Duration;
//! use transport_memory::World;
//!
//! let world = World::new();
//! let slept = world.run(async {
//!     let before = world.now();
//!     world.sleep(Duration::from_secs(3600)).await;
//!     world.now() - before
//! });
//! assert_eq!(slept, Duration::from_secs(3600));
//! ```

mod call;
mod client;
mod clock;
mod net;
mod pipe;
mod served;
mod socket;
mod task;
mod value;
mod world;

pub use call::{Call, call};
pub use client::{
    Answer, CallError, Client, ClientOptions, Close, Ended, Items, Question, Refused, Upload,
};
pub use net::MemoryListener;
pub use pipe::{Pipe, pipe};
pub use served::Served;
pub use socket::{Heard, WebSocket};
pub use task::Spawned;
pub use world::World;
