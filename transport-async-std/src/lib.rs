//! Serves SignalR hubs on smol (by default) and on async-std (feature `async-std`).
//!
//! Both run on async-io, so one crate serves both; only the executor differs.

mod io;
mod runtime;
mod socket;

pub use io::Io;
#[cfg(feature = "async-std")]
pub use runtime::AsyncStdRuntime;
#[cfg(feature = "smol")]
pub use runtime::SmolRuntime;
