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
    /// The time in which a message must be whole once its first byte is there, while messages are read;
    /// 60 s.
    pub message_timeout: Duration,
    /// How long a connection with stateful reconnect waits for its next link; 15 s.
    pub resume_timeout: Duration,
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
            message_timeout: Duration::from_secs(60),
            resume_timeout: Duration::from_secs(15),
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
            ("message_timeout", self.message_timeout),
        ];
        let limits = [
            ("maximum_receive_message_size", self.limits.message.unwrap_or(1)),
            ("maximum_parallel_invocations_per_client", self.limits.parallel_calls),
            ("maximum_parked_invocations", self.limits.parked_calls),
            ("maximum_streams", self.limits.streams),
            ("stream_buffer_capacity", self.limits.stream_items),
            ("maximum_client_results", self.limits.asks),
            ("flood_rate", self.limits.flood_rate as usize),
            ("flood_burst", self.limits.flood_burst as usize),
            ("events", self.limits.events),
            ("read_ahead", self.limits.read_ahead),
            ("unread", self.limits.unread),
            ("parked_bytes", self.limits.parked),
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
    /// Whether a link that broke may be replaced by another: the client asked for stateful reconnect when it
    /// negotiated, and the server allows it. It also takes version 2 of the protocol.
    pub resumable: bool,
    /// Whether the hub must show signs of life; false where the transport has its own (long polling).
    pub keep_alive: bool,
    /// Shortens the keep-alive interval by `spread / 255` of an eighth, so that connections which
    /// got one broadcast do not all ping at once afterwards.
    pub spread: u8,
}

impl TransportFacts {
    /// A WebSocket.
    pub const fn websocket(spread: u8) -> Self {
        Self { binary: true, keep_alive: true, resumable: false, spread }
    }

    /// A stream of bytes, with nothing around them.
    pub const fn stream(spread: u8) -> Self {
        Self::websocket(spread)
    }

    /// Server-Sent Events and POSTs.
    pub const fn events(spread: u8) -> Self {
        Self { binary: false, ..Self::websocket(spread) }
    }

    /// Polls and POSTs.
    pub const fn polls() -> Self {
        Self { keep_alive: false, ..Self::websocket(0) }
    }

    /// The same, whose link may be replaced.
    #[must_use]
    pub const fn resumable(mut self) -> Self {
        self.resumable = true;
        self
    }

    /// Whether it can carry `format`.
    pub const fn carries(self, format: TransferFormat) -> bool {
        matches!(format, TransferFormat::Text) || self.binary
    }
}
