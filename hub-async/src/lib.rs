//! Hubs and handlers over futures, for any async runtime.
//!
//! Puts the machines of `hub-core` behind [`Hub`], [`Context`] and [`HubContext`], and serves them over
//! HTTP. It names no runtime; an adapter (`transport-tokio`, or your own [`Runtime`]) hands in sockets,
//! timers and a way to spawn.
//!
//! ```
//! use hub_async::{Context, Hub, HubError};
//!
//! async fn send_message(ctx: Context, user: String, text: String) -> Result<(), HubError> {
//!     ctx.clients().all().send("ReceiveMessage", (user, text)).await?;
//!     Ok(())
//! }
//!
//! async fn add(a: i32, b: i32) -> i32 {
//!     a + b
//! }
//!
//! let hub = Hub::builder().method("SendMessage", send_message).method("Add", add).build()?;
//! # Ok::<(), hub_async::BuildError>(())
//! ```
//!
//! The same can be written as the methods of a type, by attributes: [`typed`] shows both side by side.
//!
//! # Invariants
//!
//! * No user code, no wake and no drop of a user's value happens under a lock. Locks live in
//!   `outlet`, `exchange`, `inlet`, `inbox`, `reader`, `slot`, `shards`, `items`, `outcome`, `filters::rate_limit` and the endpoint's
//!   table (`server::endpoint`).
//! * What threads do to a connection at the same time is modelled (`server::models`): what they share is made
//!   of the locks and atomics of `sync`.
//! * Every queue has a byte budget and a policy; a push never waits.
//! * Public types are generic neither over a runtime nor over IO.

mod ask;
mod budget;
mod builder;
mod caller;
mod caught;
mod clients;
mod context;
mod deliver;
mod error;
mod exchange;
mod extract;
mod extractors;
mod facts;
mod filter;
pub mod filters;
mod groups;
mod handler;
mod hang_up;
mod inbox;
mod inlet;
mod invocation;
mod items;
mod member;
mod options;
mod outcome;
mod outlet;
mod pump;
mod raw;
mod reader;
mod registered;
mod response;
mod runtime;
pub mod server;
mod shards;
mod signal;
mod slot;
mod socket;
mod sync;
mod target;
pub mod typed;
mod user;

pub use ask::{Asking, AskingEach, InvokeError};
pub use budget::MemoryBudget;
pub use builder::{BuildError, Hub, HubBuilder};
pub use clients::{CallerClients, Clients};
pub use context::{Context, HubContext, Reconnect, Scope};
pub use error::HubError;
pub use extract::{Call, Extractor, Need};
pub use extractors::{Cancel, Item, MessageHeaders, MethodName, RawArguments, Request, State};
pub use facts::RequestFacts;
pub use filter::{HubFilter, Next, NextHook};
pub use groups::Groups;
#[cfg(feature = "macros")]
pub use hub_macros::{hub, hub_client};
pub use invocation::Invocation;
pub use items::Items;
pub use options::{HubOptions, MethodOptions, Transports};
pub use outcome::Outcome;
pub use raw::{Chunk, Disconnected, RawConnection};
pub use reader::{StreamError, StreamReader};
pub use runtime::{Clock, Runtime, Task};
pub use server::Body;
pub use signal::Aborted;
pub use socket::Socket;
pub use target::{SendError, Sending, Sent, SingleTarget, Target};
pub use user::{Identity, User};

/// Why a connection ended, for `on_disconnected`.
pub use hub_core::CloseReason as DisconnectReason;
pub use hub_core::SlowConsumer;
/// What the messages of a raw connection are: text or binary.
pub use hub_proto::TransferFormat;
pub use hub_proto::values;
pub use hub_proto::{Codec, Encoding};

/// What the signatures of methods are made of; the compiler finds them, nobody names them.
pub mod method {
    pub use crate::caller::Caller;
    pub use crate::extract::{Argument, Extracted, Made, Parameter, Perhaps, Source};
    pub use crate::handler::{Answer, Bound, Handler, Shape};
    pub use crate::response::{
        Fallible, FallibleStream, Plain, Responded, Response, Streamable, Streamed,
    };
    pub use hub_proto::FromArguments;
}
