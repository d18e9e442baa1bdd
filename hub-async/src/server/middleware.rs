//! The application's code around every request.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use super::body::Body;
use super::service::{Answering, Service};
use crate::caught::{Kept, forget};

/// An answer that the application makes.
type Making = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// A middleware whose type is forgotten.
pub(super) type Middleware = Arc<dyn Fn(Request<Incoming>, Rest) -> Making + Send + Sync>;

pub(super) fn middleware<F, R>(around: F) -> Middleware
where
    F: Fn(Request<Incoming>, Rest) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    Arc::new(move |request, rest| Box::pin(around(request, rest)))
}

/// What comes behind a middleware: the next one, or the hubs and the fallback.
///
/// Hubs are found by their paths without regard to case, to a slash at the end, and to escapes: `/ch%61t/` is
/// `/chat`. What guards a hub by its path must see through these as well.
///
/// ```
/// use http::{HeaderValue, Request, Response};
/// use hub_async::Body;
/// use hub_async::server::Rest;
/// use hyper::body::Incoming;
///
/// async fn named(request: Request<Incoming>, rest: Rest) -> Response<Body> {
///     let mut response = rest.run(request).await;
///     response.headers_mut().insert("server", HeaderValue::from_static("mine"));
///     response
/// }
/// ```
#[must_use = "without it the request goes no further"]
pub struct Rest {
    service: Service,
    at: usize,
}

impl Rest {
    /// Goes on, and gives the answer. A panic behind this middleware is a 500.
    pub async fn run(self, request: Request<Incoming>) -> Response<Body> {
        let Self { service, at } = self;
        let Some(around) = service.middleware().get(at).cloned() else {
            return match guarded(service.answer(request)).await {
                Some(Ok(response)) => response,
                None => failed(),
            };
        };
        let rest = Self { service, at: at + 1 };
        // The call itself may panic, not only what it gives.
        guarded(Box::pin(async move { around(request, rest).await })).await.unwrap_or_else(failed)
    }
}

/// Answers a request, through every middleware that there is.
pub(super) fn answer(service: &Service, request: Request<Incoming>) -> Answering {
    service.count_request();
    if service.middleware().is_empty() {
        return service.answer(request);
    }
    let first = Rest { service: service.clone(), at: 0 };
    Box::pin(async move { Ok(first.run(request).await) })
}

/// What it comes to; none when it panicked. Nor does its `Drop` harm anybody.
async fn guarded<T>(making: Pin<Box<dyn Future<Output = T> + Send>>) -> Option<T> {
    let mut kept = Kept(Some(making));
    let making = kept.0.as_mut()?;
    AssertUnwindSafe(making).catch_unwind().await.map_err(forget).ok()
}

fn failed() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").finish_non_exhaustive()
    }
}
