//! Hubs on HTTP: routes, upgrades and the task of each connection.

mod body;
mod endpoint;
mod hooks;
mod io;
mod routes;
mod running;
mod session;
mod websocket;

pub use body::Body;
pub use routes::{Fallback, MountError, Routes, Service};
