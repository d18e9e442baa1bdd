//! What a client is like, and how it gets in.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use hub_proto::Encoding;

use super::{Client, Refused};
use crate::served::Served;
use crate::socket::WebSocket;

/// A client that is not connected yet, from [`Served::client`].
#[derive(Clone)]
#[must_use = "it connects only when that is asked for"]
pub struct ClientOptions {
    pub(crate) served: Served,
    pub(crate) encoding: Encoding,
    pub(crate) query: Vec<String>,
    pub(crate) headers: HeaderMap,
    pub(super) stateful: bool,
    pub(super) silent: bool,
    pub(super) patience: Duration,
}

impl ClientOptions {
    pub(crate) fn new(served: Served) -> Self {
        Self {
            served,
            encoding: Encoding::Json,
            query: Vec::new(),
            headers: HeaderMap::new(),
            stateful: false,
            silent: false,
            patience: Duration::from_secs(600),
        }
    }

    /// It speaks MessagePack; without this, JSON.
    pub fn message_pack(self) -> Self {
        self.encoding(Encoding::MessagePack)
    }

    /// It speaks that encoding.
    pub fn encoding(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    /// Its requests have that in their query, such as `room=1`, escaped where it has to be.
    pub fn query(mut self, query: &str) -> Self {
        self.query.push(query.to_owned());
        self
    }

    /// Its requests have that header.
    ///
    /// # Panics
    ///
    /// When that is no header.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => self.headers.append(name, value),
            _ => panic!("{name:?} with {value:?} is no header"),
        };
        self
    }

    /// It negotiates stateful reconnect, which the hub must allow: [`Client::reconnect`] then carries the
    /// connection on, without loss, when its link is lost or cut.
    pub fn stateful_reconnect(self) -> Self {
        Self { stateful: true, ..self }
    }

    /// It pings once, behind the handshake, and then says only what it is told to, so that the server must
    /// give it up in the end. Without this it pings when it has said nothing for 15 s, as others do.
    pub fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// How long, in virtual time, it waits for what is awaited before the test fails; 10 min.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Opens a WebSocket and shakes hands, and lets everything [settle](crate::World::settle): the hub knows it.
    ///
    /// # Panics
    ///
    /// When it is not let in.
    #[track_caller]
    pub fn connect(self) -> impl Future<Output = Client> + Send + use<> {
        let at = Location::caller();
        async move {
            let client = Client::connect(self, at).await;
            client.unwrap_or_else(|refused| panic!("{at}: the client is not let in: {refused}"))
        }
    }

    /// The same, and says why when it is not let in.
    #[track_caller]
    pub fn try_connect(self) -> impl Future<Output = Result<Client, Refused>> + Send + use<> {
        Client::connect(self, Location::caller())
    }

    /// Opens a WebSocket with that query and those headers, and says nothing: for
    /// [raw connections](hub_async::server::Server::raw), and for clients that break the rules.
    ///
    /// # Panics
    ///
    /// When the request is refused.
    #[track_caller]
    pub fn socket(self) -> WebSocket {
        let socket = self.served.open(&self, None);
        socket.unwrap_or_else(|status| panic!("the request was answered with {status}"))
    }

    /// Where its links go: the first one, or one of the connection with that token.
    pub(crate) fn uri(&self, token: Option<&str>) -> Uri {
        let mut query = self.query.clone();
        query.extend(token.map(|token| format!("id={token}")));
        let separator = if query.is_empty() { "" } else { "?" };
        let uri = format!("{}{separator}{}", self.served.path, query.join("&"));
        uri.parse().unwrap_or_else(|error| panic!("{uri:?} is no URI: {error}"))
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("encoding", &self.encoding)
            .field("query", &self.query)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
