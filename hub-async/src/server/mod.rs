//! Hubs on HTTP: routes, upgrades and the task of each connection.

mod alarm;
mod body;
mod carrier;
mod endpoint;
mod events;
mod hooks;
pub(crate) mod io;
mod listen;
mod middleware;
#[cfg(all(test, hub_loom))]
mod models;
mod polls;
mod post;
mod raw;
mod requests;
mod routes;
mod running;
mod serve;
mod service;
mod session;
#[cfg(test)]
mod sizes;
mod start;
mod websocket;

pub use body::Body;
pub use listen::Listener;
pub use middleware::Rest;
pub use routes::{Fallback, MountError, Routes};
pub use serve::{Bound, Server, Transport};
pub use service::Service;
