//! A server of hubs, the same on every transport.

use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, join, select};
use http::{Request, Response};
use hyper::body::Incoming;

use super::body::Body;
use super::listen::{Listener, accept};
use super::middleware::Rest;
use super::routes::{MountError, Routes};
use super::service::Service;
use crate::budget::MemoryBudget;
use crate::builder::Hub;
use crate::filter::HubFilter;
use crate::options::HubOptions;
use crate::raw::RawConnection;
use crate::runtime::Runtime;
use crate::signal::{Aborted, Signal};

/// How long [`Bound::serve_until`] waits for connections to leave. A program that is interrupted should
/// be gone within 5 s, also when a client does not answer its close.
const PATIENCE: Duration = Duration::from_secs(4);

/// A runtime that can listen for connections.
pub trait Transport: Runtime + Clone {
    /// Where connections come in.
    type Listener: Listener;

    /// Listens at an address.
    fn bind(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;
}

/// Hubs by their paths, and what else the server answers.
#[must_use]
pub struct Server<T> {
    routes: Routes,
    transport: T,
}

impl<T: Transport + Default> Server<T> {
    /// A server without hubs.
    pub fn new() -> Self {
        Self::on(T::default())
    }
}

impl<T: Transport + Default> Default for Server<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Transport> Server<T> {
    /// A server without hubs on a transport.
    pub fn on(transport: T) -> Self {
        Self { routes: Routes::new(), transport }
    }

    /// Sets the options that hold for every hub that does not set its own.
    pub fn options(self, options: HubOptions) -> Self {
        Self { routes: self.routes.options(options), ..self }
    }

    /// Adds a [filter](HubFilter) around the methods and hooks of every hub: inside of those that were added before,
    /// and outside of the hub's own.
    pub fn filter(self, filter: impl HubFilter) -> Self {
        Self { routes: self.routes.filter(filter), ..self }
    }

    /// Sets how much all connections together may keep, out and in; the process has 1 GiB.
    pub fn memory_budget(self, budget: &MemoryBudget) -> Self {
        Self { routes: self.routes.memory_budget(budget), ..self }
    }

    /// Sets the most bytes that the head of a request may have, from its first line to the empty one; 32 KiB,
    /// and never less than 8 KiB. More is answered by a 431.
    pub fn maximum_request_head(self, bytes: usize) -> Self {
        Self { routes: self.routes.maximum_request_head(bytes), ..self }
    }

    /// Adds a hub at a path such as `/chat`; its transports and options are the hub's.
    pub fn hub(self, path: impl Into<String>, hub: Hub) -> Self {
        Self { routes: self.routes.hub(path, hub), ..self }
    }

    /// Adds a path whose connections speak no hub protocol, such as an echo: each runs the handler, and is
    /// closed when that has returned. They are negotiated and counted like those of a hub.
    ///
    /// The server's options hold for them, as far as they are not about hub messages.
    pub fn raw<F, R>(self, path: impl Into<String>, handler: F) -> Self
    where
        F: Fn(RawConnection) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self { routes: self.routes.raw(path, handler), ..self }
    }

    /// Adds code around every request, upgrades too, inside of that which was added before.
    ///
    /// It may answer a request itself, change it before [`rest`](Rest::run) sees it, its path too, and change the
    /// answer: which is how a page of another origin is let in (CORS), or a token asked for. A panic is that
    /// request's 500. What other HTTP stacks hand to a [`Service`] as a socket or a stream is no request here.
    ///
    /// ```
    /// use http::{Request, Response, StatusCode};
    /// use hub_async::Body;
    /// use hub_async::server::{Rest, Routes};
    /// use hyper::body::Incoming;
    ///
    /// async fn only_with_a_token(request: Request<Incoming>, rest: Rest) -> Response<Body> {
    ///     if request.headers().contains_key("authorization") {
    ///         return rest.run(request).await;
    ///     }
    ///     let mut refused = Response::new(Body::empty());
    ///     *refused.status_mut() = StatusCode::UNAUTHORIZED;
    ///     refused
    /// }
    ///
    /// let routes = Routes::new().middleware(only_with_a_token);
    /// ```
    pub fn middleware<F, R>(self, around: F) -> Self
    where
        F: Fn(Request<Incoming>, Rest) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        Self { routes: self.routes.middleware(around), ..self }
    }

    /// Answers requests that no hub wants; without it they get a 404.
    pub fn fallback<F, R>(self, answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        Self {
            routes: self.routes.fallback(Arc::new(move |request| Box::pin(answer(request)))),
            ..self
        }
    }

    /// Serves at an address until the process ends.
    pub async fn serve(self, address: impl ToSocketAddrs) -> io::Result<()> {
        self.bind(address).await?.serve().await;
        Ok(())
    }

    /// Listens at an address; with port 0 at a free one, see [`Bound::local_addr`].
    ///
    /// A name is looked up on the spot, which may block; of several addresses the first that works is
    /// taken.
    pub async fn bind(self, address: impl ToSocketAddrs) -> io::Result<Bound<T>> {
        let addresses = address.to_socket_addrs().map_err(|error| {
            io::Error::new(error.kind(), format!("no address to listen at: {error}"))
        })?;
        let mut result =
            Err(io::Error::new(io::ErrorKind::InvalidInput, "no address to listen at"));
        for address in addresses {
            result = self.transport.bind(address).await.map_err(|error| {
                let advice = advice(error.kind());
                io::Error::new(error.kind(), format!("cannot listen at {address}: {error}{advice}"))
            });
            if result.is_ok() {
                break;
            }
        }
        self.listen(result?)
    }

    /// Serves on a listener that is there already.
    pub fn listen(self, listener: impl Into<T::Listener>) -> io::Result<Bound<T>> {
        let listener = listener.into();
        let address = listener.local_addr()?;
        let runtime: Arc<dyn Runtime> = Arc::new(self.transport);
        let service = self.routes.mount(Arc::clone(&runtime));
        let service =
            service.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Bound { listener, address, service, runtime })
    }

    /// The hubs as an HTTP service, for another HTTP stack. Must be called where the runtime can spawn.
    pub fn into_service(self) -> Result<Service, MountError> {
        self.routes.mount(Arc::new(self.transport))
    }
}

/// What to do about an address that cannot be had.
const fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => {
            "; perhaps the server runs already: stop it, or take another port (0 is a free one)"
        }
        io::ErrorKind::AddrNotAvailable => {
            "; this machine has another one (0.0.0.0 and [::] are all it has)"
        }
        io::ErrorKind::PermissionDenied => "; take a port from 1024 on",
        _ => "",
    }
}

/// A server that listens: connections wait in its backlog until it serves.
#[must_use = "it serves only when `serve` or `serve_until` is awaited"]
pub struct Bound<T: Transport> {
    listener: T::Listener,
    address: SocketAddr,
    service: Service,
    runtime: Arc<dyn Runtime>,
}

impl<T: Transport> Bound<T> {
    /// The address at which it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process ends.
    pub async fn serve(self) {
        self.serve_until(pending()).await;
    }

    /// Serves until `stop` is ready. Then nobody new gets in, requests at hand are answered, every
    /// connection gets a Close that allows its client to reconnect, and the last of all is waited for,
    /// at most 4 s.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) {
        let Self { listener, address, service, runtime } = self;
        let routes: Vec<_> = service.paths().collect();
        let scheme = T::Listener::SCHEME;
        tracing::info!("listening on {scheme}://{address}, hubs at {}", routes.join(", "));
        let (stopping, answered) = (Arc::new(Signal::default()), Arc::new(Signal::default()));
        let last = Arc::new(Last(Arc::clone(&answered)));
        let mut stop = pin!(stop);
        loop {
            let accepted = pin!(accept(&listener, service.clock()));
            let (io, peer) = match select(stop.as_mut(), accepted).await {
                Either::Left(((), _)) => break,
                Either::Right((accepted, _)) => accepted,
            };
            let stopped: Arc<Signal> = Arc::clone(&stopping);
            let connection =
                service.with_peer(Some(peer)).serve_connection(io, Aborted::new(stopped));
            let last = Arc::clone(&last);
            runtime.spawn(Box::pin(async move {
                connection.await;
                drop(last);
            }));
        }
        drop((listener, last));
        stopping.fire();
        tracing::info!("shutting down");
        let answers = async {
            let answered = select(Aborted::new(answered), service.clock().sleep(PATIENCE)).await;
            service.strand();
            matches!(answered, Either::Left(_))
        };
        let (emptied, answered) = join(service.drain(PATIENCE), answers).await;
        if !emptied || !answered {
            tracing::warn!("connections were left after {PATIENCE:?}");
        }
    }
}

/// Fires when the last one who holds it is gone.
struct Last(Arc<Signal>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.fire();
    }
}

impl<T> fmt::Debug for Server<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("routes", &self.routes).finish_non_exhaustive()
    }
}

impl<T: Transport> fmt::Debug for Bound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).finish_non_exhaustive()
    }
}
