//! Serves SignalR hubs in memory and in virtual time, for tests.
//!
//! No sockets, no threads, no real clock: [`World::run`] runs everything on one thread, and time
//! passes only when everybody waits, straight to the next timer. A test of a 30 s timeout takes
//! microseconds and gives the same result each time.
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

mod clock;
mod pipe;
mod world;

pub use pipe::{Pipe, pipe};
pub use world::World;
