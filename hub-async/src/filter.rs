//! Filters: the application's code around its methods and hooks.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hub_core::CloseReason;

use crate::caller::Caller;
use crate::context::Context;
use crate::error::HubError;
use crate::extractors::RawArguments;
use crate::handler::{Answer, Bound, answer};
use crate::invocation::Invocation;
use crate::outcome::Outcome;
use crate::runtime::Clock;
use crate::signal::Signal;

#[doc = include_str!("../FILTERS.md")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a filter",
    label = "not a filter",
    note = "a filter is an `async fn(Invocation, Next) -> Result<Outcome, HubError>`, a closure like that, or a type that \
            implements `HubFilter`"
)]
pub trait HubFilter: Send + Sync + 'static {
    /// Around each call of a method, also of one that the hub does not have.
    ///
    /// An error is the answer of the call, as it would be the method's. Without `next` the method does not run.
    fn invoke(
        &self,
        invocation: Invocation,
        next: Next,
    ) -> impl Future<Output = Result<Outcome, HubError>> + Send {
        next.run(invocation)
    }

    /// Around `on_connected`, also when the hub has none. Nothing of the client's is read meanwhile.
    ///
    /// An error closes the connection, and the client may not reconnect. Without `next` the hub's `on_connected` does
    /// not run, and the connection goes on.
    fn on_connected(
        &self,
        context: Context,
        next: NextHook,
    ) -> impl Future<Output = Result<(), HubError>> + Send {
        let _ = context;
        next.run()
    }

    /// Around `on_disconnected`, also when the hub has none, for each connection whose `on_connected` succeeded. An
    /// error is logged.
    fn on_disconnected(
        &self,
        context: Context,
        reason: CloseReason,
        next: NextHook,
    ) -> impl Future<Output = Result<(), HubError>> + Send {
        let _ = (context, reason);
        next.run()
    }
}

/// A function that takes a call and what comes behind it is a filter of calls.
impl<F, R> HubFilter for F
where
    F: Fn(Invocation, Next) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Outcome, HubError>> + Send,
{
    fn invoke(
        &self,
        invocation: Invocation,
        next: Next,
    ) -> impl Future<Output = Result<Outcome, HubError>> + Send {
        self(invocation, next)
    }
}

type Running<T> = Pin<Box<dyn Future<Output = Result<T, HubError>> + Send>>;

/// A [`HubFilter`] whose type is forgotten.
pub(crate) trait Filter: Send + Sync {
    fn invoke(self: Arc<Self>, invocation: Invocation, next: Next) -> Running<Outcome>;
    fn hook(self: Arc<Self>, context: Context, event: Event, next: NextHook) -> Running<()>;
}

impl<F: HubFilter> Filter for F {
    fn invoke(self: Arc<Self>, invocation: Invocation, next: Next) -> Running<Outcome> {
        answer(async move { HubFilter::invoke(&*self, invocation, next).await })
    }

    fn hook(self: Arc<Self>, context: Context, event: Event, next: NextHook) -> Running<()> {
        answer(async move {
            match event {
                Event::Connected => self.on_connected(context, next).await,
                Event::Disconnected(reason) => self.on_disconnected(context, reason, next).await,
            }
        })
    }
}

/// What a hook is about.
#[derive(Clone)]
pub(crate) enum Event {
    Connected,
    Disconnected(CloseReason),
}

/// The filters of a hub at a server, the outermost first.
#[derive(Clone, Default)]
pub(crate) struct Filters(Option<Arc<[Arc<dyn Filter>]>>);

impl Filters {
    /// Those of the server, and inside of them those of the hub.
    pub(crate) fn new(server: &[Arc<dyn Filter>], hub: &[Arc<dyn Filter>]) -> Self {
        let all: Arc<[_]> = server.iter().chain(hub).cloned().collect();
        Self((!all.is_empty()).then_some(all))
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn nth(&self, at: usize) -> Option<Arc<dyn Filter>> {
        self.0.as_ref()?.get(at).cloned()
    }
}

/// What comes behind a filter: the next one, or the method.
#[must_use = "without it the method does not run"]
pub struct Next {
    filters: Filters,
    at: usize,
}

impl Next {
    /// Goes on, and gives what it comes to.
    pub async fn run(self, invocation: Invocation) -> Result<Outcome, HubError> {
        let Self { filters, at } = self;
        match filters.nth(at) {
            Some(filter) => filter.invoke(invocation, Self { filters, at: at + 1 }).await,
            None => invocation.run().await,
        }
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}

/// What comes behind a filter around a hook: the next filter, or the hook.
#[must_use = "without it the hook does not run"]
pub struct NextHook {
    filters: Filters,
    at: usize,
    event: Event,
    caller: Caller,
    bound: Option<Box<dyn Bound>>,
}

impl NextHook {
    /// Goes on, and gives what it comes to.
    pub async fn run(self) -> Result<(), HubError> {
        match (self.filters.nth(self.at), self.bound) {
            (Some(filter), bound) => {
                let (context, event) = (self.caller.context.clone(), self.event.clone());
                filter.hook(context, event, Self { at: self.at + 1, bound, ..self }).await
            }
            (None, Some(bound)) => bound.start(self.caller).await.map(drop),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for NextHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextHook").finish_non_exhaustive()
    }
}

/// A hook inside of its filters.
pub(crate) fn hook(
    filters: Filters,
    event: Event,
    caller: Caller,
    bound: Option<Box<dyn Bound>>,
) -> Answer {
    answer(
        async move { NextHook { filters, at: 0, event, caller, bound }.run().await.map(|()| None) },
    )
}

/// What is around every call of an endpoint.
pub(crate) struct Around {
    filters: Filters,
    clock: Clock,
}

impl Around {
    pub(crate) const fn new(filters: Filters, clock: Clock) -> Self {
        Self { filters, clock }
    }

    /// Puts the filters around a call; nobody has the method if it is not bound.
    pub(crate) fn around(
        self,
        streaming: bool,
        arguments: RawArguments,
        cancel: Arc<Signal>,
        bound: Option<Box<dyn Bound>>,
    ) -> impl Bound + use<> {
        Filtered { around: self, arguments, streaming, cancel, bound }
    }
}

/// A call inside of its filters.
struct Filtered {
    around: Around,
    arguments: RawArguments,
    streaming: bool,
    cancel: Arc<Signal>,
    bound: Option<Box<dyn Bound>>,
}

impl Bound for Filtered {
    fn argument(&mut self, index: usize) -> Option<&mut dyn Any> {
        self.bound.as_mut()?.argument(index)
    }

    fn start(self: Box<Self>, caller: Caller) -> Answer {
        (*self).start_now(caller)
    }

    fn start_now(self, caller: Caller) -> Answer {
        let Self { around: Around { filters, clock }, arguments, streaming, cancel, bound } = self;
        let to = caller.clone().with(|rare| rare.stop = Some(Arc::clone(&cancel)));
        let invocation = Invocation::new(caller, arguments, streaming, clock, cancel, bound);
        answer(async move {
            let outcome = Next { filters, at: 0 }.run(invocation).await?;
            outcome.respond(streaming, to).await
        })
    }
}
