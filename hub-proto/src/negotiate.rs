//! The body of a negotiate response.

/// One transport that a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailableTransport {
    /// `WebSockets`, `ServerSentEvents`, `LongPolling`, or a name this crate does not know.
    pub transport: String,
    /// `Text` and `Binary`, as offered.
    pub transfer_formats: Vec<String>,
}

/// What a server answers to `POST {endpoint}/negotiate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NegotiateResponse {
    /// Whether the server grants stateful reconnect; written only when true.
    pub use_stateful_reconnect: bool,
    /// The negotiate version, 0 or 1.
    pub negotiate_version: i32,
    /// Where to negotiate instead.
    pub url: Option<String>,
    /// The bearer token to use from then on, with `url`.
    pub access_token: Option<String>,
    /// The public id of the connection.
    pub connection_id: Option<String>,
    /// The secret by which transports claim the connection; only with version 1.
    pub connection_token: Option<String>,
    /// The transports in the order in which clients should try them.
    pub available_transports: Option<Vec<AvailableTransport>>,
    /// Why there is no connection; nothing else is written with it.
    pub error: Option<String>,
}
