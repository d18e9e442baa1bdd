//! Which request goes where.

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
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use hub_core::endpoint::{Answer, Outcome, Request as Asked, Route};
use hub_core::limits::{REQUEST_HEAD, REQUEST_HEAD_TIME};
use hub_core::server::ConfigError;
use hyper::body::Incoming;

use super::body::Body;
use super::endpoint::{App, Endpoint};
use super::websocket::{self, Purpose};
use super::{events, polls, post, start};
use crate::budget::MemoryBudget;
use crate::builder::Hub;
use crate::exchange::Taking;
use crate::facts::RequestFacts;
use crate::filter::{Filter, HubFilter};
use crate::member::Member;
use crate::options::HubOptions;
use crate::raw::{RawConnection, RawHandler};
use crate::runtime::{Clock, Runtime, SharedTimer};
use crate::signal::HangUp;
use crate::socket::Socket;

/// Answers requests that no hub wants.
pub type Fallback = Arc<
    dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync,
>;

/// The least that hyper can be told.
const LEAST_REQUEST_HEAD: usize = 8 * 1024;

/// The hubs of one server, by their paths.
pub struct Routes {
    apps: Vec<(String, App)>,
    options: HubOptions,
    filters: Vec<Arc<dyn Filter>>,
    fallback: Option<Fallback>,
    budget: MemoryBudget,
    request_head: usize,
}

/// Why hubs cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// Two hubs at one path.
    #[error("two hubs at the path {0}")]
    Duplicate(String),
    /// A path that does not begin with a slash.
    #[error("the path of a hub begins with a slash: {0}")]
    Path(String),
    /// The hub allows no transport, so that nobody could connect.
    #[error("the hub at {0} allows no transport")]
    Transports(String),
    /// An option that no connection could work with.
    #[error("the hub at {path}: {error}")]
    Option {
        /// The path of the hub.
        path: String,
        /// What is wrong.
        error: ConfigError,
    },
}

impl Routes {
    /// No hubs.
    pub fn new() -> Self {
        Self {
            apps: Vec::new(),
            options: HubOptions::new(),
            filters: Vec::new(),
            fallback: None,
            budget: MemoryBudget::default(),
            request_head: REQUEST_HEAD,
        }
    }

    /// Sets the options that hold for every hub that does not set its own.
    #[must_use]
    pub fn options(mut self, options: HubOptions) -> Self {
        self.options = options;
        self
    }

    /// Adds a [filter](HubFilter) around the methods and hooks of every hub: inside of those that were added before,
    /// and outside of the hub's own.
    #[must_use]
    pub fn filter(mut self, filter: impl HubFilter) -> Self {
        self.filters.push(Arc::new(filter));
        self
    }

    /// Sets how much all connections together may keep, out and in; the process has 1 GiB.
    #[must_use]
    pub fn memory_budget(mut self, budget: &MemoryBudget) -> Self {
        self.budget = budget.clone();
        self
    }

    /// Sets the most bytes that the head of a request may have, from its first line to the empty one; 32 KiB,
    /// and never less than 8 KiB. More is answered by a 431.
    #[must_use]
    pub fn maximum_request_head(mut self, bytes: usize) -> Self {
        self.request_head = bytes.max(LEAST_REQUEST_HEAD);
        self
    }

    /// Adds a hub at a path. Paths are matched without regard to ASCII case or a slash at the end.
    #[must_use]
    pub fn hub(mut self, path: impl Into<String>, hub: Hub) -> Self {
        self.apps.push((path.into(), App::Hub(hub.0)));
        self
    }

    /// Adds a path whose connections speak no hub protocol: each runs the handler.
    #[must_use]
    pub fn raw<F, R>(mut self, path: impl Into<String>, handler: F) -> Self
    where
        F: Fn(RawConnection) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let handler: RawHandler = Arc::new(move |connection| Box::pin(handler(connection)));
        self.apps.push((path.into(), App::Raw(handler)));
        self
    }

    /// Answers every other request; without it they get a 404.
    #[must_use]
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = Some(fallback);
        self
    }

    /// Checks everything and makes the service. Must be called where the runtime can spawn.
    pub fn mount(self, runtime: Arc<dyn Runtime>) -> Result<Service, MountError> {
        let clock = Clock::new(runtime.timer());
        let mut endpoints: Vec<Arc<Endpoint>> = Vec::new();
        for (path, app) in self.apps {
            if !path.starts_with('/') {
                return Err(MountError::Path(path));
            }
            let path = match path.trim_end_matches('/') {
                "" => "/".to_owned(),
                trimmed => trimmed.to_owned(),
            };
            if endpoints.iter().any(|other| other.path.eq_ignore_ascii_case(&path)) {
                return Err(MountError::Duplicate(path));
            }
            let options = app.options().resolve(&self.options);
            let options =
                options.map_err(|error| MountError::Option { path: path.clone(), error })?;
            let mut options = options;
            // Without the hub protocol nobody counts.
            options.endpoint.allow_stateful_reconnects &= matches!(app, App::Hub(_));
            if options.endpoint.transports.is_empty() {
                return Err(MountError::Transports(path));
            }
            endpoints.push(Arc::new(Endpoint::new(
                path,
                app,
                options,
                &self.filters,
                clock.clone(),
                Arc::clone(&runtime),
                self.budget.clone(),
            )));
        }
        for endpoint in &endpoints {
            runtime.spawn(Box::pin(endpoint.sweep()));
        }
        Ok(Service {
            inner: Arc::new(Inner {
                endpoints,
                fallback: self.fallback,
                clock,
                runtime,
                request_head: self.request_head,
            }),
            peer: None,
            hang_up: HangUp::default(),
        })
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self::new()
    }
}

/// The hubs of one server as an HTTP service: for hyper, tower, or [`serve_connection`](Self::serve_connection).
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
    peer: Option<SocketAddr>,
    hang_up: HangUp,
}

struct Inner {
    endpoints: Vec<Arc<Endpoint>>,
    fallback: Option<Fallback>,
    clock: Clock,
    runtime: Arc<dyn Runtime>,
    request_head: usize,
}

/// The answer to a request, on its way.
type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Service {
    /// The paths of the hubs.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.inner.endpoints.iter().map(|endpoint| &*endpoint.path)
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

    fn answer(&self, request: Request<Incoming>) -> Answering {
        let hang_up = self.hang_up.next();
        let Some((endpoint, route)) = self.find(request.uri().path()) else {
            return match &self.inner.fallback {
                Some(fallback) => {
                    let response = fallback(request);
                    Box::pin(async move { Ok(response.await) })
                }
                None => answered(not_found()),
            };
        };
        self.hub_request(endpoint, route, request, &hang_up)
    }

    fn find(&self, path: &str) -> Option<(&Arc<Endpoint>, Route)> {
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

    fn hub_request(
        &self,
        endpoint: &Arc<Endpoint>,
        route: Route,
        request: Request<Incoming>,
        hang_up: &HangUp,
    ) -> Answering {
        let headers = request.headers();
        let accept =
            headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        // Neither HTTP/1.0 nor a tunnel can be upgraded.
        let upgrade = request.method() == Method::GET
            && request.version() == Version::HTTP_11
            && websocket::is_upgrade(headers);
        let asked = Asked::classify(route, request.method().as_str(), accept, upgrade);
        let accept_key = match asked {
            Asked::WebSocket => match websocket::accept_key(headers) {
                Ok(key) => Some(key),
                Err(refusal) => return answered(*refusal),
            },
            _ => None,
        };
        let query = request.uri().query().unwrap_or_default();
        let facts = || RequestFacts::new(request.uri().path(), query, headers, self.peer);
        let outcome = endpoint.attach(asked, query);
        match (asked, outcome, accept_key) {
            (_, Outcome::Answer(answer), _) => answered(respond(answer)),
            (Asked::WebSocket, Outcome::Attach(claim), Some(key)) => {
                let purpose = Purpose::start(endpoint, claim, facts());
                answered(websocket::upgrade(endpoint, request, purpose, key))
            }
            (Asked::WebSocket, Outcome::Resume(member), Some(key)) => {
                answered(match Purpose::resume(member) {
                    Some(purpose) => websocket::upgrade(endpoint, request, purpose, key),
                    None => respond(Answer::already_attached()),
                })
            }
            (Asked::LongPoll, Outcome::Attach(claim), _) => {
                start::requests(endpoint, claim, facts());
                answered(respond(Answer::polled()))
            }
            (Asked::ServerSentEvents, Outcome::Attach(claim), _) => {
                let member = start::requests(endpoint, claim, facts());
                answered(match take(endpoint, member, hang_up) {
                    Ok(taking) => events::respond(taking),
                    Err(answer) => respond(answer),
                })
            }
            (_, Outcome::Resume(member), _) => match take(endpoint, member, hang_up) {
                Ok(taking) => {
                    let clock = endpoint.clock.clone();
                    Box::pin(async move { Ok(polls::answer(taking, clock).await) })
                }
                Err(answer) => answered(respond(answer)),
            },
            (_, Outcome::Post(token), _) => {
                let (endpoint, body) = (Arc::clone(endpoint), request.into_body());
                Box::pin(async move { Ok(respond(post::receive(endpoint, token, body).await)) })
            }
            (_, Outcome::Delete(member), _) => {
                let deleted = member.exchange().is_some_and(|exchange| exchange.delete());
                member.waker.wake();
                answered(respond(if deleted { Answer::deleted() } else { Answer::gone() }))
            }
            (_, Outcome::Attach(_), _) => answered(not_found()),
        }
    }
}

/// Lets a request take what is sent to a connection.
fn take(endpoint: &Endpoint, member: Arc<Member>, hang_up: &HangUp) -> Result<Taking, Answer> {
    Taking::new(member, endpoint.clock.clone(), hang_up)
}

fn answered(response: Response<Body>) -> Answering {
    Box::pin(std::future::ready(Ok(response)))
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

fn status(answer: &Answer) -> StatusCode {
    StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn respond(mut answer: Answer) -> Response<Body> {
    let body = Body::from(std::mem::take(&mut answer.body));
    response(&answer, body)
}

/// The answer with another body.
pub(super) fn response(answer: &Answer, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status(answer);
    if let Some(kind) = answer.content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in answer.headers {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

fn not_found() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.answer(request)
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
        self.answer(request)
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.apps.iter().map(|(path, _)| path).collect();
        f.debug_struct("Routes").field("paths", &paths).finish_non_exhaustive()
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
