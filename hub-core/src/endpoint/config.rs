//! What an endpoint allows.

use std::time::Duration;

use super::Transports;

/// What an endpoint allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The transports to offer; all three by default.
    pub transports: Transports,
    /// How long a negotiation waits for its transport; 15 s by default.
    pub disconnect_timeout: Duration,
    /// The lowest negotiate version to serve; 0 by default.
    pub minimum_version: u8,
    /// How many negotiations may wait for a transport; further ones get a 503. 10,000 by default.
    pub max_pending: usize,
    /// How many connections may have a transport; further ones get a 503. No limit by default.
    pub max_live: usize,
    /// Whether clients that ask for it, from negotiate version 1 on, may resume a connection on another
    /// WebSocket; off by default.
    pub allow_stateful_reconnects: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            transports: Transports::ALL,
            disconnect_timeout: Duration::from_secs(15),
            minimum_version: 0,
            max_pending: 10_000,
            max_live: usize::MAX,
            allow_stateful_reconnects: false,
        }
    }
}
