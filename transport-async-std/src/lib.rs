//! Serves SignalR hubs on smol (by default) and on async-std (feature `async-std`).
//!
//! Both run on async-io, so one crate serves both; only the executor differs. Without either feature there are
//! its listener and its connections, for a runtime of your own.
//!
//! ```no_run
//! use hub_async::Hub;
//! use transport_async_std::SmolServer;
//!
//! async fn add(a: i32, b: i32) -> i32 {
//!     a + b
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sums = Hub::builder().method("Add", add).build()?;
//!     smol::block_on(SmolServer::new().hub("/sums", sums).serve("127.0.0.1:5000"))?;
//!     Ok(())
//! }
//! ```
//!
//! async-std is no longer maintained (RUSTSEC-2025-0052); new programs should use smol.

mod io;
mod listen;
#[cfg(feature = "async-std")]
mod on_async_std;
#[cfg(feature = "smol")]
mod on_smol;
#[cfg(any(feature = "smol", feature = "async-std"))]
mod runtime;
mod socket;

pub use io::Io;
pub use listen::AsyncListener;
#[cfg(feature = "async-std")]
pub use on_async_std::AsyncStdRuntime;
#[cfg(feature = "smol")]
pub use on_smol::SmolRuntime;
pub use socket::AsyncSocket;

/// A server of hubs on smol.
#[cfg(feature = "smol")]
pub type SmolServer = hub_async::server::Server<SmolRuntime>;
/// A server of hubs on async-std.
#[cfg(feature = "async-std")]
pub type AsyncStdServer = hub_async::server::Server<AsyncStdRuntime>;
