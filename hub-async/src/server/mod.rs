//! Hubs on HTTP: routes, upgrades and the task of each connection.

mod alarm;
mod body;
mod carrier;
mod endpoint;
mod events;
mod hooks;
pub(crate) mod io;
mod listen;
#[cfg(all(test, hub_loom))]
mod models;
mod polls;
mod post;
mod raw;
mod routes;
mod running;
mod serve;
mod session;
#[cfg(test)]
mod sizes;
mod start;
mod websocket;

pub use body::Body;
pub use listen::Listener;
pub use routes::{Fallback, MountError, Routes, Service};
pub use serve::{Bound, Server, Transport};
