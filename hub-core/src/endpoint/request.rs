//! What a request to an endpoint asks for.

/// Which of an endpoint's two routes a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `{endpoint}/negotiate`.
    Negotiate,
    /// The endpoint itself.
    Endpoint,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// An id to connect with, and the transports to choose from.
    Negotiate,
    /// The upgrade to a WebSocket.
    WebSocket,
    /// A stream of Server-Sent Events.
    ServerSentEvents,
    /// What the server has to say, now or later.
    LongPoll,
    /// Bytes from the client, for transports that carry one direction only.
    Post,
    /// The end of a long-polling connection.
    Delete,
    /// A method that the route does not know.
    Other,
}

impl Request {
    /// Reads the kind off a request: its route, its method, the values of its `Accept` headers and
    /// whether it is a WebSocket upgrade.
    ///
    /// Events win over an upgrade, and only by exactly `text/event-stream`, without parameters or
    /// wildcards. Any other GET, whatever it accepts, is a poll.
    pub fn classify<'a>(
        route: Route,
        method: &str,
        accept: impl IntoIterator<Item = &'a str>,
        upgrade: bool,
    ) -> Self {
        match (route, method) {
            (Route::Negotiate, "POST") => Self::Negotiate,
            (Route::Negotiate, _) => Self::Other,
            (Route::Endpoint, "GET" | "CONNECT") => {
                if accept.into_iter().any(accepts_events) {
                    Self::ServerSentEvents
                } else if upgrade {
                    Self::WebSocket
                } else {
                    Self::LongPoll
                }
            }
            (Route::Endpoint, "POST") => Self::Post,
            (Route::Endpoint, "DELETE") => Self::Delete,
            (Route::Endpoint, _) => Self::Other,
        }
    }
}

fn accepts_events(value: &str) -> bool {
    value.split(',').any(|item| item.trim().eq_ignore_ascii_case("text/event-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row() {
        use Request::*;
        use Route::{Endpoint, Negotiate as AtNegotiate};
        let rows: &[(Route, &str, &[&str], bool, Request)] = &[
            (AtNegotiate, "POST", &[], false, Negotiate),
            (AtNegotiate, "POST", &["text/event-stream"], true, Negotiate),
            (AtNegotiate, "GET", &[], false, Other),
            (AtNegotiate, "GET", &[], true, Other),
            (AtNegotiate, "OPTIONS", &[], false, Other),
            (AtNegotiate, "DELETE", &[], false, Other),
            (Endpoint, "GET", &["text/event-stream"], false, ServerSentEvents),
            (Endpoint, "GET", &["text/event-stream"], true, ServerSentEvents),
            (Endpoint, "GET", &["text/html, Text/Event-Stream"], false, ServerSentEvents),
            (Endpoint, "GET", &["text/html", " text/event-stream "], true, ServerSentEvents),
            (Endpoint, "GET", &["text/event-stream;q=0.9"], false, LongPoll),
            (Endpoint, "GET", &["text/event-stream;q=0.9"], true, WebSocket),
            (Endpoint, "GET", &["*/*"], false, LongPoll),
            (Endpoint, "GET", &["text/*"], true, WebSocket),
            (Endpoint, "GET", &["Text"], false, LongPoll),
            (Endpoint, "GET", &[";,=\u{0}"], false, LongPoll),
            (Endpoint, "GET", &[], true, WebSocket),
            (Endpoint, "GET", &[], false, LongPoll),
            (Endpoint, "CONNECT", &[], true, WebSocket),
            (Endpoint, "CONNECT", &["text/event-stream"], false, ServerSentEvents),
            (Endpoint, "POST", &["text/event-stream"], true, Post),
            (Endpoint, "DELETE", &[], false, Delete),
            (Endpoint, "OPTIONS", &[], false, Other),
            (Endpoint, "HEAD", &[], false, Other),
            (Endpoint, "PUT", &[], false, Other),
            (Endpoint, "get", &[], false, Other),
            (Endpoint, "", &[], false, Other),
        ];
        for (route, method, accept, upgrade, kind) in rows {
            let found = Request::classify(*route, method, accept.iter().copied(), *upgrade);
            assert_eq!(found, *kind, "{route:?} {method} {accept:?} {upgrade}");
        }
    }
}
