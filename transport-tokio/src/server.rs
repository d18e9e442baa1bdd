//! A server of hubs.

use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hub_async::server::{Body, MountError, Routes, Service};
use hub_async::{Hub, HubOptions};
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::watch;

use crate::io::Io;
use crate::listen::accept;
use crate::runtime::TokioRuntime;

/// How long [`Bound::serve_until`] waits for connections to leave.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hubs by their paths, and what else the server answers.
#[derive(Debug, Default)]
#[must_use]
pub struct Server {
    routes: Routes,
}

impl Server {
    /// A server without hubs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the options that hold for every hub that does not set its own.
    pub fn options(self, options: HubOptions) -> Self {
        Self { routes: self.routes.options(options) }
    }

    /// Adds a hub at a path such as `/chat`; its transports and options are the hub's.
    pub fn hub(self, path: impl Into<String>, hub: Hub) -> Self {
        Self { routes: self.routes.hub(path, hub) }
    }

    /// Answers requests that no hub wants; without it they get a 404.
    pub fn fallback<F, R>(self, answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        Self { routes: self.routes.fallback(Arc::new(move |request| Box::pin(answer(request)))) }
    }

    /// Serves at an address until the process ends.
    pub async fn serve(self, address: impl ToSocketAddrs) -> io::Result<()> {
        self.bind(address).await?.serve().await;
        Ok(())
    }

    /// Listens at an address; with port 0 at a free one, see [`Bound::local_addr`].
    pub async fn bind(self, address: impl ToSocketAddrs) -> io::Result<Bound> {
        self.listen(TcpListener::bind(address).await?)
    }

    /// Serves on a listener that is there already.
    pub fn listen(self, listener: TcpListener) -> io::Result<Bound> {
        let address = listener.local_addr()?;
        let service = self.routes.mount(Arc::new(TokioRuntime));
        let service =
            service.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Bound { listener, address, service })
    }

    /// Checks the hubs without serving them.
    pub fn into_service(self) -> Result<Service, MountError> {
        self.routes.mount(Arc::new(TokioRuntime))
    }
}

/// A server that listens: connections wait in its backlog until it serves.
#[derive(Debug)]
#[must_use = "it serves only when `serve` or `serve_until` is awaited"]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    service: Service,
}

impl Bound {
    /// The address at which it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process ends.
    pub async fn serve(self) {
        self.serve_until(pending()).await;
    }

    /// Serves until `stop` is ready. Then nobody new gets in, every connection gets a Close that allows
    /// its client to reconnect, and the last of them is waited for, at most 5 s.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) {
        let Self { listener, address, service } = self;
        let routes: Vec<_> = service.paths().collect();
        tracing::info!("listening on http://{address}, hubs at {}", routes.join(", "));
        let (stopping, stopped) = watch::channel(());
        let mut stop = std::pin::pin!(stop);
        loop {
            let (stream, peer) = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accept(&listener) => accepted,
            };
            let service = service.with_peer(Some(peer));
            let mut stopped = stopped.clone();
            tokio::spawn(service.serve_connection(Io::new(stream), async move {
                // An error means that the sender is gone, which is the signal.
                while stopped.changed().await.is_ok() {}
            }));
        }
        drop((listener, stopping));
        tracing::info!("shutting down");
        if !service.drain(PATIENCE).await {
            tracing::warn!("connections were left after {PATIENCE:?}");
        }
    }
}
