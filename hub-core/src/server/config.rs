//! What a hub's connections have in common.

use std::time::Duration;

use hub_proto::{Encoding, TransferFormat};

use crate::limits::Limits;

/// The settings of a hub's connections, with ASP.NET Core's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The time for the whole handshake; 15 s.
    pub handshake_timeout: Duration,
    /// The longest time without a byte to the peer; 15 s.
    pub keep_alive_interval: Duration,
    /// The longest time without a byte from a peer that has pinged once; 30 s.
    pub client_timeout_interval: Duration,
    /// Whether peers see the details of errors; off.
    pub detailed_errors: bool,
    /// The encodings that clients may ask for; JSON and MessagePack.
    pub protocols: &'static [Encoding],
    /// How much of everything there may be.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(15),
            keep_alive_interval: Duration::from_secs(15),
            client_timeout_interval: Duration::from_secs(30),
            detailed_errors: false,
            protocols: &Encoding::BUILT_IN,
            limits: Limits::default(),
        }
    }
}

/// A setting that no connection could work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} must be more than zero")]
pub struct ConfigError(&'static str);

impl ConfigError {
    /// A setting of that name is zero.
    pub const fn zero(name: &'static str) -> Self {
        Self(name)
    }
}

impl Config {
    /// Checks that every interval and limit is positive, and that there is a protocol.
    pub fn check(&self) -> Result<(), ConfigError> {
        let intervals = [
            ("handshake_timeout", self.handshake_timeout),
            ("keep_alive_interval", self.keep_alive_interval),
            ("client_timeout_interval", self.client_timeout_interval),
        ];
        let limits = [
            ("maximum_receive_message_size", self.limits.message.unwrap_or(1)),
            ("maximum_parallel_invocations_per_client", self.limits.parallel_calls),
            ("parked_calls", self.limits.parked_calls),
            ("events", self.limits.events),
            ("read_ahead", self.limits.read_ahead),
            ("parked", self.limits.parked),
            ("soft_send_buffer", self.limits.soft_output),
            ("hard_send_buffer", self.limits.hard_output),
            ("supported_protocols", self.protocols.len()),
        ];
        let short =
            intervals.iter().find(|(_, interval)| interval.is_zero()).map(|(name, _)| *name);
        let small = limits.iter().find(|(_, limit)| *limit == 0).map(|(name, _)| *name);
        short.or(small).map_or(Ok(()), |name| Err(ConfigError(name)))
    }
}

/// What the transport of one connection is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportFacts {
    /// Whether it can carry [`TransferFormat::Binary`]; all carry text.
    pub binary: bool,
    /// Whether the hub must show signs of life; false where the transport has its own (long polling).
    pub keep_alive: bool,
    /// Shortens the keep-alive interval by `spread / 255` of an eighth, so that connections which
    /// got one broadcast do not all ping at once afterwards.
    pub spread: u8,
}

impl TransportFacts {
    /// A WebSocket.
    pub const fn websocket(spread: u8) -> Self {
        Self { binary: true, keep_alive: true, spread }
    }

    /// Whether it can carry `format`.
    pub const fn carries(self, format: TransferFormat) -> bool {
        matches!(format, TransferFormat::Text) || self.binary
    }
}
