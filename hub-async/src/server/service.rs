//! The hubs of one server, as whoever speaks HTTP sees them.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use http::{HeaderMap, Request, Response, StatusCode};
use hub_core::endpoint::{Outcome, Request as Asked, Route};
use hub_core::limits::REQUEST_HEAD_TIME;
use hyper::body::Incoming;

use super::body::Body;
use super::endpoint::Endpoint;
use super::middleware::{self, Middleware};
use super::requests::status;
use super::routes::Fallback;
use super::start;
use super::websocket::Purpose;
use crate::facts::RequestFacts;
use crate::hang_up::HangUp;
use crate::runtime::{Clock, Runtime, SharedTimer};
use crate::socket::Socket;

/// The hubs of one server as an HTTP service: for hyper, tower, or [`serve_connection`](Self::serve_connection).
#[derive(Clone)]
pub struct Service {
    pub(super) inner: Arc<Inner>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) hang_up: HangUp,
}

/// What all connections of a server share.
pub(super) struct Inner {
    pub(super) endpoints: Vec<Arc<Endpoint>>,
    pub(super) middleware: Vec<Middleware>,
    pub(super) fallback: Option<Fallback>,
    pub(super) clock: Clock,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) request_head: usize,
}

/// The answer to a request, on its way.
pub(super) type Answering =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Service {
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner), peer: None, hang_up: HangUp::default() }
    }

    /// The paths of the hubs.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.inner.endpoints.iter().map(|endpoint| &*endpoint.path)
    }

    pub(super) fn middleware(&self) -> &[Middleware] {
        &self.inner.middleware
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The service for one connection, whose other end has that address.
    #[must_use]
    pub fn with_peer(&self, peer: Option<SocketAddr>) -> Self {
        Self { inner: Arc::clone(&self.inner), peer, hang_up: self.hang_up.clone() }
    }

    /// Speaks HTTP/1 on a connection until it ends or `stop` is ready; then the request at hand is
    /// still answered.
    pub async fn serve_connection<I>(mut self, io: I, stop: impl Future<Output = ()> + Send)
    where
        I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        self.hang_up = HangUp::new();
        let hang_up = self.hang_up.clone();
        let timer = SharedTimer(self.inner.runtime.timer());
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(timer)
            .header_read_timeout(REQUEST_HEAD_TIME)
            .max_buf_size(self.inner.request_head)
            .serve_connection(io, self)
            .with_upgrades();
        let (connection, stop) = (pin!(connection), pin!(stop));
        let done = async {
            match select(connection, stop).await {
                Either::Left((result, _)) => result,
                Either::Right(((), mut connection)) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        };
        // A client that takes nothing of what it asked for would be written to for ever.
        let Either::Left((result, _)) = select(pin!(done), pin!(hang_up.fired())).await else {
            return;
        };
        if let Err(error) = result {
            tracing::debug!(%error, "an HTTP connection failed");
        }
    }

    /// Runs a connection on a pipe whose upgrade to a WebSocket another HTTP stack has answered.
    ///
    /// The hub is told by the path of the request and the negotiation by its query; the method and the
    /// headers of the upgrade are not looked at. `read` is what was read from the pipe behind the
    /// request. Fails, and drops the pipe, with the status that the upgrade would have been refused with.
    pub fn serve_socket<B>(
        &self,
        request: &Request<B>,
        socket: Arc<dyn Socket>,
        read: &[u8],
    ) -> Result<(), StatusCode> {
        let uri = request.uri();
        let Some((endpoint, Route::Endpoint)) = self.find(uri.path()) else {
            return Err(StatusCode::NOT_FOUND);
        };
        let query = uri.query().unwrap_or_default();
        match endpoint.attach(Asked::WebSocket, query) {
            Outcome::Attach(claim) => {
                let facts = RequestFacts::new(uri.path(), query, request.headers(), self.peer);
                Purpose::start(endpoint, claim, facts).fulfil(socket, read);
                Ok(())
            }
            Outcome::Resume(member) => {
                let purpose = Purpose::resume(member).ok_or(StatusCode::CONFLICT)?;
                purpose.fulfil(socket, read);
                Ok(())
            }
            Outcome::Answer(answer) => Err(status(&answer)),
            // Only what is no upgrade comes to that.
            Outcome::Post(_) | Outcome::Delete(_) => Err(StatusCode::NOT_FOUND),
        }
    }

    /// Runs a connection on a stream of bytes without HTTP: TCP, a Unix socket, a pipe to another process.
    ///
    /// Both ends speak the hub protocol on it as it is, from the handshake on, in JSON or MessagePack; on a path of
    /// [raw connections](super::Server::raw), whatever the handler does. The hub's request has that path, the
    /// address of [`with_peer`](Self::with_peer), and nothing else. There is no stateful reconnect.
    ///
    /// A client that ends its half has closed: answers that are not there yet do not come, a raw handler may
    /// send for 5 s (`close_timeout`) more, and what is queued in the end has as long to leave.
    ///
    /// Fails, and drops the stream, with the status that an upgrade would have been refused with: 404 or 503.
    pub fn serve_stream(&self, path: &str, socket: Arc<dyn Socket>) -> Result<(), StatusCode> {
        let Some((endpoint, Route::Endpoint)) = self.find(path) else {
            return Err(StatusCode::NOT_FOUND);
        };
        let claim = endpoint.enter().map_err(|answer| status(&answer))?;
        let facts = RequestFacts::new(path, "", &HeaderMap::new(), self.peer);
        start::stream(endpoint, claim, facts, socket);
        Ok(())
    }

    /// Lets nobody in any more, asks every connection to leave (its client may reconnect), and waits for
    /// the last one, at most `patience`. Says whether all have left.
    pub async fn drain(&self, patience: Duration) -> bool {
        for endpoint in &self.inner.endpoints {
            endpoint.drain();
        }
        let all = join_all(self.inner.endpoints.iter().map(|endpoint| endpoint.emptied()));
        let (all, limit) = (pin!(all), self.inner.clock.sleep(patience));
        matches!(select(all, limit).await, Either::Left(_))
    }

    /// A request has come on this HTTP connection.
    pub(super) fn count_request(&self) {
        self.hang_up.count_request();
    }

    /// Nobody can come by any request any more.
    pub(super) fn strand(&self) {
        for endpoint in &self.inner.endpoints {
            endpoint.strand();
        }
    }

    pub(super) fn find(&self, path: &str) -> Option<(&Arc<Endpoint>, Route)> {
        let path = decode(path);
        let path = path.strip_suffix('/').unwrap_or(&path);
        self.inner.endpoints.iter().find_map(|endpoint| {
            let own = endpoint.path.strip_suffix('/').unwrap_or(&endpoint.path);
            let rest = path.get(own.len()..)?;
            let same = path.get(..own.len())?.eq_ignore_ascii_case(own);
            match rest {
                _ if !same => None,
                "" => Some((endpoint, Route::Endpoint)),
                _ if rest.eq_ignore_ascii_case("/negotiate") => Some((endpoint, Route::Negotiate)),
                _ => None,
            }
        })
    }
}

/// The path with its escapes decoded; one that means no text, or a slash that separates nothing, stays.
fn decode(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| !digits.starts_with('+'));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|byte| *byte != b'/') {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(part.as_bytes().get(2..).unwrap_or_default());
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(path), Cow::Owned)
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        middleware::answer(self, request)
    }
}

impl tower_service::Service<Request<Incoming>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Answering {
        middleware::answer(self, request)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.paths().collect();
        f.debug_struct("Service").field("paths", &paths).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_in_a_path_are_decoded_where_they_mean_text() {
        let paths = [
            ("/chat", "/chat"),
            ("/ch%61t%20room", "/chat room"),
            ("/Z%C3%BCrich", "/Zürich"),
            ("/a%2Fb", "/a%2Fb"),
            ("/%", "/%"),
            ("/%zz%4", "/%zz%4"),
            ("/%+1", "/%+1"),
            ("/%ff", "/%ff"),
        ];
        for (sent, meant) in paths {
            assert_eq!(decode(sent), meant);
        }
    }
}
