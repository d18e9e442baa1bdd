//! Tests hubs, in memory and in virtual time.
//!
//! ```
//! # use std::time::Duration;
//! # use hub_async::{Context, Hub, HubError};
//! # use transport_memory::{World, call};
//! async fn say(ctx: Context, text: String) -> Result<(), HubError> {
//!     ctx.clients().all().send("Said", (text,)).await?;
//!     Ok(())
//! }
//!
//! let hub = Hub::builder().method("Say", say).build()?;
//! let world = World::new();
//! world.run(async {
//!     let chat = world.serve(&hub);
//!     let (ada, ben) = (chat.connect().await, chat.connect().await);
//!     assert_eq!(ada.invoke("Say", ("hello",)).await, Ok(()));
//!     assert_eq!(ada.received().await, [call("Said", ("hello",))]);
//!     world.advance(Duration::from_secs(3600)).await;
//!     ben.cut();
//!     ada.send("Say", ("alone?",));
//!     assert_eq!(ada.next().await, call("Said", ("alone?",)));
//!     assert_eq!(ben.received().await, [call("Said", ("hello",))]);
//!     assert!(ben.ended().await.is_some_and(|ended| ended.is_lost()));
//! });
//! # Ok::<(), hub_async::BuildError>(())
//! ```
//!
//! No sockets, no threads, no real clock: [`World::run`] runs everything on one thread, and time
//! passes only when everybody waits, straight to the next timer. A test of a 30 s timeout takes
//! microseconds and gives the same result each time. [`testing`] shows all that a test can do.
//!
//! A world is also a transport: `Server::on(world.clone())` serves hubs over HTTP at addresses of the
//! world, to which [`World::connect`] connects.

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

#[doc = include_str!("../TESTING.md")]
pub mod testing {}

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

/// What a [`WebSocket`] sends and hears.
pub use hub_proto::ws::{MessageType, Opcode};
