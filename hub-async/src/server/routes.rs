//! The hubs of one server, and what else there is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hub_core::limits::REQUEST_HEAD;
use hub_core::server::ConfigError;
use hyper::body::Incoming;

use super::body::Body;
use super::endpoint::{App, Endpoint};
use super::middleware::{self, Middleware, Rest};
use super::service::{Inner, Service};
use crate::budget::MemoryBudget;
use crate::builder::Hub;
use crate::filter::{Filter, HubFilter};
use crate::options::HubOptions;
use crate::raw::{RawConnection, RawHandler};
use crate::runtime::{Clock, Runtime};

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
    middleware: Vec<Middleware>,
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
            middleware: Vec::new(),
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

    /// Adds code around every request, inside of that which was added before; see
    /// [`Server::middleware`](super::Server::middleware).
    #[must_use]
    pub fn middleware<F, R>(mut self, around: F) -> Self
    where
        F: Fn(Request<Incoming>, Rest) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        self.middleware.push(middleware::middleware(around));
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
        Ok(Service::new(Inner {
            endpoints,
            middleware: self.middleware,
            fallback: self.fallback,
            clock,
            runtime,
            request_head: self.request_head,
        }))
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.apps.iter().map(|(path, _)| path).collect();
        f.debug_struct("Routes").field("paths", &paths).finish_non_exhaustive()
    }
}
