//! The options of hubs, by the names that .NET users know, and those of single methods.

use std::time::Duration;

use hub_core::SlowConsumer;
use hub_core::endpoint;
use hub_core::link::Timeouts;
use hub_core::server::{Config, ConfigError};
use hub_proto::Encoding;

pub use hub_core::endpoint::Transports;

/// Options of one hub, or of all hubs of a server. What is not set falls back from the hub to the
/// server to the default.
///
/// ```
/// use std::time::Duration;
/// use hub_async::HubOptions;
///
/// let options = HubOptions::new()
///     .keep_alive_interval(Duration::from_secs(10))
///     .client_timeout_interval(Duration::from_secs(20))
///     .maximum_receive_message_size(1024 * 1024);
/// ```
#[derive(Clone, Debug, Default)]
pub struct HubOptions {
    handshake_timeout: Option<Duration>,
    keep_alive_interval: Option<Duration>,
    client_timeout_interval: Option<Duration>,
    maximum_receive_message_size: Option<Option<usize>>,
    maximum_parallel_invocations_per_client: Option<usize>,
    maximum_parked_invocations: Option<usize>,
    maximum_streams: Option<usize>,
    stream_buffer_capacity: Option<usize>,
    parked_bytes: Option<usize>,
    maximum_client_results: Option<usize>,
    client_result_timeout: Option<Duration>,
    message_timeout: Option<Duration>,
    flood_rate: Option<u32>,
    flood_burst: Option<u32>,
    enable_detailed_errors: Option<bool>,
    supported_protocols: Option<&'static [Encoding]>,
    transports: Option<Transports>,
    disconnect_timeout: Option<Duration>,
    minimum_negotiate_version: Option<u8>,
    maximum_pending_negotiations: Option<usize>,
    maximum_connections: Option<usize>,
    allow_stateful_reconnects: Option<bool>,
    stateful_reconnect_buffer_size: Option<usize>,
    transport_send_timeout: Option<Duration>,
    close_timeout: Option<Duration>,
    poll_timeout: Option<Duration>,
    slow_consumer: Option<SlowConsumer>,
    soft_send_buffer: Option<usize>,
    hard_send_buffer: Option<usize>,
    linger: Option<Duration>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $kind:ty;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub const fn $name(mut self, $name: $kind) -> Self {
                self.$name = Some($name);
                self
            }
        )*
    };
}

impl HubOptions {
    /// Nothing is set.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// The time for the whole handshake; 15 s.
        handshake_timeout: Duration;
        /// The longest time without a byte to the client, after which it is pinged; 15 s.
        keep_alive_interval: Duration;
        /// The longest time without a byte from a client that has pinged once; 30 s. At least twice
        /// the client's keep-alive interval.
        client_timeout_interval: Duration;
        /// How many calls of one connection may run at once; 1. Further ones wait in their order. Streams,
        /// both ways, do not count, nor does a call while it waits for a client's result.
        maximum_parallel_invocations_per_client: usize;
        /// How many calls of one connection may wait for others to end; 64. Further ones fail.
        maximum_parked_invocations: usize;
        /// How many streams of one connection may be open at once, both ways together; 100. The call that
        /// would open one more fails.
        maximum_streams: usize;
        /// How many items of one stream from a client wait in front of its reader; 10. Further ones are
        /// parked.
        stream_buffer_capacity: usize;
        /// The bytes of arguments and stream items of one connection that may be parked; 256 KiB. Then
        /// nothing more is read from it until some have been taken.
        parked_bytes: usize;
        /// How many clients' results one connection may owe at once; 1,000. Asking for more fails.
        maximum_client_results: usize;
        /// How long a client's result is waited for; 30 s.
        client_result_timeout: Duration;
        /// The time in which a message from a client must be whole; 60 s.
        message_timeout: Duration;
        /// How many cheap messages a client may send per second in the long run: pings, cancels, what nobody
        /// knows or reads, and calls that cannot be bound; 1,000. Above it, nothing is read for a while.
        flood_rate: u32;
        /// How many cheap messages may come at once; 10,000.
        flood_burst: u32;
        /// Whether clients see the type and text of every error; off.
        enable_detailed_errors: bool;
        /// The encodings that clients may ask for; JSON and MessagePack with names as serde gives
        /// them. [`DOT_NET`](hub_proto::values::DOT_NET) are those with names as .NET gives them.
        supported_protocols: &'static [Encoding];
        /// The transports that clients may use; all three.
        transports: Transports;
        /// How long a negotiation waits for its transport, a connection with stateful reconnect for its
        /// next one, and one that is polled for its next poll; 15 s.
        disconnect_timeout: Duration;
        /// The lowest negotiate version to serve; 0.
        minimum_negotiate_version: u8;
        /// How many negotiations may wait for a transport; 10,000. Further ones are answered by a 503.
        maximum_pending_negotiations: usize;
        /// How many connections the endpoint takes; no limit. Further ones are answered by a 503.
        maximum_connections: usize;
        /// Whether a client that asks for it may carry its connection on over another WebSocket, without
        /// loss, when one breaks; off.
        allow_stateful_reconnects: bool;
        /// The bytes that a client which may do so need not have acknowledged for it to be sent more;
        /// 100,000. They are kept to be sent again.
        stateful_reconnect_buffer_size: usize;
        /// The longest time in which queued bytes make no progress; 10 s.
        transport_send_timeout: Duration;
        /// How long a client may take to answer the close of a WebSocket; 5 s.
        close_timeout: Duration;
        /// How long a poll waits for something to take before it is answered by nothing; 90 s.
        poll_timeout: Duration;
        /// What happens to messages for a connection whose queue is over its soft budget; they wait.
        slow_consumer: SlowConsumer;
        /// The soft budget of a connection's queue in bytes, from which `slow_consumer` holds; 64 KiB.
        soft_send_buffer: usize;
        /// The hard budget of a connection's queue in bytes, over which the connection is closed; 1 MiB,
        /// and never less than the soft one.
        hard_send_buffer: usize;
        /// How long methods and hooks may run on after their connection is over, before they are dropped;
        /// 5 min.
        linger: Duration;
    }

    /// The largest message from a client in bytes, framing included; 32 KiB.
    #[must_use]
    pub const fn maximum_receive_message_size(mut self, bytes: usize) -> Self {
        self.maximum_receive_message_size = Some(Some(bytes));
        self
    }

    /// Takes messages of any size from clients.
    #[must_use]
    pub const fn unlimited_receive_message_size(mut self) -> Self {
        self.maximum_receive_message_size = Some(None);
        self
    }

    /// What holds for a hub with these options on a server with the options `global`.
    pub(crate) fn resolve(&self, global: &Self) -> Result<Resolved, ConfigError> {
        macro_rules! pick {
            ($name:ident, $default:expr) => {
                self.$name.or(global.$name).unwrap_or($default)
            };
        }
        let mut config = Config::default();
        config.handshake_timeout = pick!(handshake_timeout, config.handshake_timeout);
        config.keep_alive_interval = pick!(keep_alive_interval, config.keep_alive_interval);
        config.client_timeout_interval =
            pick!(client_timeout_interval, config.client_timeout_interval);
        config.message_timeout = pick!(message_timeout, config.message_timeout);
        config.resume_timeout = pick!(disconnect_timeout, config.resume_timeout);
        config.detailed_errors = pick!(enable_detailed_errors, config.detailed_errors);
        config.protocols = pick!(supported_protocols, config.protocols);
        let limits = &mut config.limits;
        limits.message = pick!(maximum_receive_message_size, limits.message);
        limits.parallel_calls =
            pick!(maximum_parallel_invocations_per_client, limits.parallel_calls);
        limits.parked_calls = pick!(maximum_parked_invocations, limits.parked_calls);
        limits.streams = pick!(maximum_streams, limits.streams);
        limits.stream_items = pick!(stream_buffer_capacity, limits.stream_items);
        limits.parked = pick!(parked_bytes, limits.parked);
        limits.asks = pick!(maximum_client_results, limits.asks);
        limits.flood_rate = pick!(flood_rate, limits.flood_rate);
        limits.flood_burst = pick!(flood_burst, limits.flood_burst);
        limits.soft_output = pick!(soft_send_buffer, limits.soft_output);
        limits.hard_output = pick!(hard_send_buffer, limits.hard_output).max(limits.soft_output);
        limits.unacked = pick!(stateful_reconnect_buffer_size, limits.unacked);
        config.check()?;
        let timeouts = Timeouts::default();
        let door = endpoint::Config::default();
        let timeouts = Timeouts {
            send: pick!(transport_send_timeout, timeouts.send),
            close: pick!(close_timeout, timeouts.close),
            poll: pick!(poll_timeout, timeouts.poll),
            disconnect: pick!(disconnect_timeout, timeouts.disconnect),
        };
        for (name, timeout) in
            [("transport_send_timeout", timeouts.send), ("poll_timeout", timeouts.poll)]
        {
            if timeout.is_zero() {
                return Err(ConfigError::zero(name));
            }
        }
        Ok(Resolved {
            config,
            timeouts,
            endpoint: endpoint::Config {
                transports: pick!(transports, door.transports),
                disconnect_timeout: pick!(disconnect_timeout, door.disconnect_timeout),
                minimum_version: pick!(minimum_negotiate_version, door.minimum_version),
                max_pending: pick!(maximum_pending_negotiations, door.max_pending),
                max_live: pick!(maximum_connections, door.max_live),
                allow_stateful_reconnects: pick!(
                    allow_stateful_reconnects,
                    door.allow_stateful_reconnects
                ),
            },
            slow_consumer: pick!(slow_consumer, SlowConsumer::default()),
            client_result_timeout: pick!(client_result_timeout, Duration::from_secs(30)),
            linger: pick!(linger, Duration::from_secs(300)),
        })
    }
}

/// How a method runs, besides what [`HubOptions`] say of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MethodOptions {
    pub(crate) drop_on_disconnect: bool,
    pub(crate) spawn: bool,
    pub(crate) most: Option<usize>,
}

impl MethodOptions {
    /// It runs in the task of its connection, and to its end even if the client has gone.
    pub const fn new() -> Self {
        Self { drop_on_disconnect: false, spawn: false, most: None }
    }

    /// Drops the method where it stands when its connection is over.
    #[must_use]
    pub const fn drop_on_disconnect(mut self) -> Self {
        self.drop_on_disconnect = true;
        self
    }

    /// Takes no call whose message is larger than so many bytes, framing included; it fails, and the connection
    /// lives. More than [`maximum_receive_message_size`](HubOptions::maximum_receive_message_size) is not
    /// possible.
    #[must_use]
    pub const fn maximum_message_size(mut self, bytes: usize) -> Self {
        self.most = Some(bytes);
        self
    }

    /// Runs the method as a task of its own: for methods that compute for long or that block, which would
    /// hold up everything else of their connection, and what they have sent to others.
    #[must_use]
    pub const fn spawn(mut self) -> Self {
        self.spawn = true;
        self
    }
}

/// Every option with its value.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) config: Config,
    pub(crate) timeouts: Timeouts,
    pub(crate) endpoint: endpoint::Config,
    pub(crate) slow_consumer: SlowConsumer,
    pub(crate) client_result_timeout: Duration,
    pub(crate) linger: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_falls_back_to_the_server_and_then_to_the_default() {
        let global = HubOptions::new()
            .keep_alive_interval(Duration::from_secs(3))
            .maximum_receive_message_size(1)
            .enable_detailed_errors(true);
        let hub = HubOptions::new().unlimited_receive_message_size().enable_detailed_errors(false);
        let resolved = hub.resolve(&global).expect("fine");
        assert_eq!(resolved.config.keep_alive_interval, Duration::from_secs(3));
        assert_eq!(resolved.config.limits.message, None);
        assert!(!resolved.config.detailed_errors);
        assert_eq!(resolved.config.handshake_timeout, Duration::from_secs(15));
    }

    #[test]
    fn stateful_reconnect_is_off_unless_it_is_allowed() {
        let resolved = HubOptions::new().resolve(&HubOptions::new()).expect("fine");
        assert!(!resolved.endpoint.allow_stateful_reconnects);
        assert_eq!(resolved.config.limits.unacked, 100_000);
        let hub = HubOptions::new().allow_stateful_reconnects(true);
        let global = HubOptions::new().stateful_reconnect_buffer_size(7);
        let resolved = hub.resolve(&global).expect("fine");
        assert!(resolved.endpoint.allow_stateful_reconnects);
        assert_eq!(resolved.config.limits.unacked, 7);
    }

    #[test]
    fn a_zero_is_refused_by_its_name() {
        let zero = |options: HubOptions| {
            let refused = options.resolve(&HubOptions::new()).map(|_| ());
            refused.map_err(|error| error.to_string())
        };
        let told = |name: &str| Err(format!("{name} must be more than zero"));
        assert_eq!(
            zero(HubOptions::new().maximum_parallel_invocations_per_client(0)),
            told("maximum_parallel_invocations_per_client")
        );
        assert_eq!(zero(HubOptions::new().soft_send_buffer(0)), told("soft_send_buffer"));
        assert_eq!(zero(HubOptions::new().supported_protocols(&[])), told("supported_protocols"));
        assert_eq!(
            zero(HubOptions::new().transport_send_timeout(Duration::ZERO)),
            told("transport_send_timeout")
        );
        assert_eq!(zero(HubOptions::new().poll_timeout(Duration::ZERO)), told("poll_timeout"));
    }

    #[test]
    fn the_hard_budget_is_at_least_the_soft_one() {
        let options = HubOptions::new().soft_send_buffer(500).hard_send_buffer(100);
        let resolved = options.resolve(&HubOptions::new()).expect("fine");
        assert_eq!(resolved.config.limits.hard_output, 500);
    }
}
