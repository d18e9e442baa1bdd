//! Serves SignalR hubs on tokio.
//!
//! ```no_run
//! use hub_async::{Context, Hub, HubError};
//! use transport_tokio::Server;
//!
//! async fn send_message(ctx: Context, user: String, text: String) -> Result<(), HubError> {
//!     ctx.clients().all().send("ReceiveMessage", (user, text)).await?;
//!     Ok(())
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let chat = Hub::builder().method("SendMessage", send_message).build()?;
//!     Server::new().hub("/chat", chat).serve("127.0.0.1:5000").await?;
//!     Ok(())
//! }
//! ```
//!
//! With the feature `tls` it serves HTTPS and secure WebSockets as well.
//!
//! Only tokio's side of things is here: its sockets, timers and tasks. What is served, and how, is
//! `hub-async`'s, on which a server depends as well.

mod io;
mod listen;
mod runtime;
mod socket;
#[cfg(feature = "tls")]
pub mod tls;

pub use hub_async::server::{Body, MountError};
pub use io::Io;
pub use listen::TokioListener;
pub use runtime::TokioRuntime;
pub use socket::TokioSocket;

/// A server of hubs on tokio.
pub type Server = hub_async::server::Server<TokioRuntime>;
/// A server on tokio that listens.
pub type Bound = hub_async::server::Bound<TokioRuntime>;
