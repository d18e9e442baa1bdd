//! Spans.

use std::fmt;

use hub_core::CloseReason;
use hub_proto::Headers;
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use crate::context::Context;
use crate::error::HubError;
use crate::filter::{HubFilter, Next, NextHook};
use crate::invocation::Invocation;
use crate::outcome::Outcome;

/// Puts each call and each hook into a span of `tracing`, with the fields that OpenTelemetry has for .NET's.
///
/// | span | `otel.name` | `otel.kind` |
/// |---|---|---|
/// | `invocation` | `{service}/{method}` | `server` |
/// | `on_connected` | `{service}/OnConnectedAsync` | `internal` |
/// | `on_disconnected` | `{service}/OnDisconnectedAsync` | `internal` |
///
/// All have `rpc.method`, `rpc.system` (`signalr`), `rpc.service` and `connection`, the public id; one that fails has
/// `error.type`, the name of the [`HubError`], and `otel.status_code` (`ERROR`). A method that the hub does not have is
/// `_OTHER`. None has a parent. A stream's span lasts until the stream has ended. Spans have the level `INFO` and the
/// target `hub_async::filters::tracing`.
pub struct Tracing {
    service: String,
    remote: Option<Remote>,
}

type Remote = Box<dyn Fn(&Span, &Headers<'static>) + Send + Sync>;

/// A span for something that happens in a service.
macro_rules! span {
    ($name:literal, $kind:literal, $service:expr, $method:expr, $context:expr) => {
        info_span!(
            parent: None,
            $name,
            otel.name = format_args!("{}/{}", $service, $method),
            otel.kind = $kind,
            otel.status_code = Empty,
            rpc.method = $method,
            rpc.system = "signalr",
            rpc.service = $service,
            connection = $context.connection_id(),
            error.type = Empty,
        )
    };
}

impl Tracing {
    /// Spans of a service: the hub's name.
    pub fn new(service: impl Into<String>) -> Self {
        Self { service: service.into(), remote: None }
    }

    /// Has a look at each span of a call before it is entered, with the headers of the client's message: to continue
    /// the trace that `traceparent` names, for instance by `tracing-opentelemetry`.
    #[must_use]
    pub fn remote(
        mut self,
        look: impl Fn(&Span, &Headers<'static>) + Send + Sync + 'static,
    ) -> Self {
        self.remote = Some(Box::new(look));
        self
    }

    async fn hook(&self, span: Span, next: NextHook) -> Result<(), HubError> {
        let result = next.run().instrument(span.clone()).await;
        ended(&span, result.as_ref().err());
        result
    }
}

/// Tells a span what it came to.
fn ended(span: &Span, error: Option<&HubError>) {
    if let Some(error) = error {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", error.name());
    }
}

impl HubFilter for Tracing {
    async fn invoke(&self, invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
        let method = if invocation.is_known() { invocation.method() } else { "_OTHER" };
        let service = &*self.service;
        let span = span!("invocation", "server", service, method, invocation.context());
        if let Some(look) = &self.remote {
            look(&span, invocation.headers());
        }
        let result = next.run(invocation).instrument(span.clone()).await;
        ended(&span, result.as_ref().err());
        result.map(|outcome| outcome.in_span(span, ended))
    }

    async fn on_connected(&self, context: Context, next: NextHook) -> Result<(), HubError> {
        let service = &*self.service;
        let span = span!("on_connected", "internal", service, "OnConnectedAsync", context);
        self.hook(span, next).await
    }

    async fn on_disconnected(
        &self,
        context: Context,
        _: CloseReason,
        next: NextHook,
    ) -> Result<(), HubError> {
        let service = &*self.service;
        let span = span!("on_disconnected", "internal", service, "OnDisconnectedAsync", context);
        self.hook(span, next).await
    }
}

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracing").field("service", &self.service).finish_non_exhaustive()
    }
}
