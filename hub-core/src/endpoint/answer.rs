//! Answers that need no session.

use bytes::Bytes;

use super::Transports;

/// A complete HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The value of `Content-Type`, where there is one.
    pub content_type: Option<&'static str>,
    /// Further headers, names and values.
    pub headers: &'static [(&'static str, &'static str)],
    /// The whole body; `Content-Length` is its length.
    pub body: Bytes,
}

/// What a poll carries whatever comes of it, so that no cache ever answers in our place.
pub const NO_CACHE: &[(&str, &str)] = &[
    ("Cache-Control", "no-cache, no-store"),
    ("Pragma", "no-cache"),
    ("Expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
];

/// What a stream of Server-Sent Events carries; nothing on the way may compress it or hold it back.
pub const EVENTS: &[(&str, &str)] = &[
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-cache,no-store"),
    ("Pragma", "no-cache"),
    ("Content-Encoding", "identity"),
    ("X-Accel-Buffering", "no"),
];

/// The type of what a poll takes.
const POLLED: &str = "application/octet-stream";
const PLAIN: &str = "text/plain";

impl Answer {
    /// The answer to a poll that takes something, whose body comes from elsewhere, or to the first one, which has
    /// none.
    pub const fn polled() -> Self {
        Self { status: 200, content_type: Some(POLLED), headers: NO_CACHE, body: Bytes::new() }
    }

    /// The answer to a poll that has nothing to take: 200 when its time has run out, 204 when another one has come
    /// or the connection is over.
    pub const fn nothing(status: u16) -> Self {
        Self::plain(status, "").uncached()
    }

    /// A body was taken to its end.
    pub const fn posted() -> Self {
        Self::plain(200, "")
    }

    /// A body broke off.
    pub const fn cut_off() -> Self {
        Self::plain(400, "")
    }

    /// A body made too long a pause.
    pub const fn stalled() -> Self {
        Self::plain(408, "")
    }

    /// The connection is over, though it is still known.
    pub const fn gone() -> Self {
        Self::plain(404, "")
    }

    /// The connection will end.
    pub const fn deleted() -> Self {
        Self::plain(202, "")
    }

    /// The same, for no cache to keep.
    #[must_use]
    pub const fn uncached(mut self) -> Self {
        self.headers = NO_CACHE;
        self
    }

    pub(super) const fn plain(status: u16, text: &'static str) -> Self {
        Self {
            status,
            content_type: Some(PLAIN),
            headers: &[],
            body: Bytes::from_static(text.as_bytes()),
        }
    }

    pub(super) const fn json(body: Bytes) -> Self {
        Self { status: 200, content_type: Some("application/json"), headers: &[], body }
    }

    /// The server does not take more: it is draining or full.
    pub(super) const fn unavailable() -> Self {
        Self::plain(503, "")
    }

    pub(super) const fn method_not_allowed() -> Self {
        Self::plain(405, "")
    }

    pub(super) const fn id_required() -> Self {
        Self::plain(400, "Connection ID required")
    }

    pub(super) const fn unknown_id() -> Self {
        Self::plain(404, "No Connection with that ID")
    }

    pub(super) fn transport_not_supported(transport: Transports) -> Self {
        let name = transport.names().next().unwrap_or_default();
        let text = format!("{name} transport not supported by this end point type");
        Self { status: 404, content_type: Some(PLAIN), headers: &[], body: text.into() }
    }

    /// Another request of the same transport holds the connection.
    pub const fn already_attached() -> Self {
        Self::plain(409, "")
    }

    pub(super) const fn cannot_change_transports() -> Self {
        Self::plain(400, "Cannot change transports mid-connection")
    }

    pub(super) const fn post_on_web_socket() -> Self {
        Self::plain(405, "POST requests are not allowed for WebSocket connections.")
    }

    pub(super) const fn delete_without_polls() -> Self {
        Self::plain(400, "Cannot terminate this connection using the DELETE endpoint.")
    }
}
