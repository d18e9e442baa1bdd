//! A call on its way through filters.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_proto::{BindError, FromArguments, Headers};
use hyper::rt::Sleep;

use crate::caller::Caller;
use crate::caught::{Kept, caught};
use crate::context::Context;
use crate::error::HubError;
use crate::extractors::{Cancel, RawArguments};
use crate::handler::Bound;
use crate::outcome::Outcome;
use crate::reader::Readers;
use crate::registered::Binding;
use crate::runtime::Clock;
use crate::signal::Signal;
use crate::slot::Slot;
use crate::sync::Mutex;

/// A call of a method, as [filters](crate::HubFilter) see it: bound already, not run yet.
pub struct Invocation {
    pub(crate) caller: Caller,
    pub(crate) arguments: RawArguments,
    pub(crate) streaming: bool,
    pub(crate) clock: Clock,
    pub(crate) cancel: Arc<Signal>,
    /// None when nobody has that name. Never locked: it only lets references be sent to other threads.
    bound: Mutex<Kept<Box<dyn Bound>>>,
    /// Where a filter has sent it.
    redirected: Option<Box<str>>,
}

impl Invocation {
    pub(crate) fn new(
        caller: Caller,
        arguments: RawArguments,
        streaming: bool,
        clock: Clock,
        cancel: Arc<Signal>,
        bound: Option<Box<dyn Bound>>,
    ) -> Self {
        let bound = Mutex::new(Kept(bound));
        Self { caller, arguments, streaming, clock, cancel, bound, redirected: None }
    }

    /// The connection and its hub.
    pub const fn context(&self) -> &Context {
        &self.caller.context
    }

    /// The name of the method, as the hub has it. Of a method that the hub does not have, it is what the client
    /// sent, of any length: no name for a metric.
    pub fn method(&self) -> &str {
        let name = self.redirected.as_deref().unwrap_or(&self.caller.target);
        self.context().core().method(name).map_or(name, |found| &found.name)
    }

    /// Whether the hub has a method of that name. If not, what comes behind the filters is the hub's
    /// [fallback](crate::HubBuilder::fallback), or else an error.
    pub fn is_known(&self) -> bool {
        self.context().core().method(self.method()).is_some()
    }

    /// Whether the client expects a stream.
    pub const fn is_streaming(&self) -> bool {
        self.streaming
    }

    /// Whether the client waits for the result.
    pub const fn is_answered(&self) -> bool {
        self.caller.reply.is_wanted()
    }

    /// The argument at that place, counted from 0, of those that the client sends, to be looked at or changed; none
    /// if there is no such argument, or the method takes another type.
    pub fn argument<T: 'static>(&mut self, index: usize) -> Option<&mut T> {
        self.bound_mut()?.argument(index)?.downcast_mut()
    }

    /// Every argument of that type, in their order.
    pub fn arguments_of<T: 'static>(&mut self, mut each: impl FnMut(&mut T)) {
        let Some(bound) = self.bound_mut() else { return };
        let mut index = 0;
        while let Some(argument) = bound.argument(index) {
            argument.downcast_mut().into_iter().for_each(&mut each);
            index += 1;
        }
    }

    /// Reads the arguments as the client sent them, whatever filters have changed and the method takes: as a tuple,
    /// `(A,)` is one argument, `()` none.
    pub fn read<'a, T: FromArguments<'a>>(&'a self) -> Result<T, BindError> {
        self.arguments.read()
    }

    /// The headers of the client's message, usually none.
    pub fn headers(&self) -> &Headers<'static> {
        self.caller.headers()
    }

    /// Tells when nobody waits for the call any more.
    pub fn cancel(&self) -> Cancel {
        Cancel::new(Arc::clone(&self.cancel))
    }

    /// The server's time.
    pub fn now(&self) -> Instant {
        self.clock.instant()
    }

    /// Ready after so much of the server's time.
    pub fn sleep(&self, time: Duration) -> Pin<Box<dyn Sleep>> {
        self.clock.sleep(time)
    }

    /// Sends the call to another method, with the arguments that the client sent. Its errors still name the method
    /// that the client called, and it runs with the [options](crate::MethodOptions) of that. What the client sends in
    /// streams is ignored.
    ///
    /// Fails when the hub has no such method, the arguments do not fit it, it takes streams, or only one of the two
    /// answers with one; the call is unchanged then.
    pub fn redirect(&mut self, method: &str) -> Result<(), HubError> {
        let hub = Arc::clone(self.context().core());
        let Some(found) = hub.method(method) else {
            return Err(HubError::new(format!("Unknown hub method '{method}'")));
        };
        let shape = found.method.shape();
        if shape.streams > 0 || shape.answers_with_stream != self.streaming {
            return Err(HubError::hidden_as("Redirect", "the method has other streams"));
        }
        let mut readers = Readers::new(&[], self.caller.member(), 0);
        let mut cancel = Some(Arc::clone(&self.cancel));
        let arguments = self.arguments.payload();
        let binding =
            Binding { arguments, readers: &mut readers, cancel: &mut cancel, reason: None };
        // They are read by the hub's own code, as ever.
        let bound = caught(|| found.method.bind(binding)).ok_or_else(HubError::panicked)??;
        let stop = found.stops().then(|| Arc::clone(&self.cancel));
        self.caller = self.caller.clone().with(|rare| rare.stop = stop);
        self.redirected = Some(found.name.clone());
        *self.bound.get_mut() = Kept(Some(bound));
        Ok(())
    }

    /// Runs the method.
    pub(crate) async fn run(mut self) -> Result<Outcome, HubError> {
        let Some(bound) = self.bound.get_mut().0.take() else {
            return Err(HubError::unknown_method());
        };
        let outcome = Arc::new(Slot::new());
        let caller = self.caller.with(|rare| rare.outcome = Some(Arc::clone(&outcome)));
        bound.start(caller).await?;
        Ok(outcome.take().unwrap_or_default())
    }

    fn bound_mut(&mut self) -> Option<&mut Box<dyn Bound>> {
        self.bound.get_mut().0.as_mut()
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation").field("method", &self.method()).finish_non_exhaustive()
    }
}
