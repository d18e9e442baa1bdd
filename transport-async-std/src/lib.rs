//! The sockets, timers and tasks of smol (by default) and of async-std (feature `async-std`) for hubs.
//!
//! Both run on async-io, so one crate serves both; only the executor differs. There is no `Server` here
//! yet, as `transport-tokio` has one: mount [`Routes`](hub_async::server::Routes) on a runtime of this
//! crate, and hand each accepted connection to
//! [`Service::serve_connection`](hub_async::server::Service::serve_connection) as an [`Io`].

mod io;
mod runtime;
mod socket;

pub use io::Io;
#[cfg(feature = "async-std")]
pub use runtime::AsyncStdRuntime;
#[cfg(feature = "smol")]
pub use runtime::SmolRuntime;
