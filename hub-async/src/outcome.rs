//! What a method has come to, before it is encoded.

use std::any::{Any, type_name};
use std::fmt;

use futures_util::{FutureExt, Stream};
use serde::Serialize;
use tracing::{Instrument, Span};

use crate::caller::Caller;
use crate::caught::Kept;
use crate::error::HubError;
use crate::handler::Answer;
use crate::pump::pump;
use crate::response::{Responded, Streamable};
use crate::sync::Mutex;

/// The result of a call, as [filters](crate::HubFilter) see it: a value, which is encoded once all of them are
/// through, or a stream, whose items are sent then.
///
/// ```
/// use hub_async::Outcome;
///
/// let mut outcome = Outcome::new("hello".to_owned());
/// if let Some(text) = outcome.value::<String>() {
///     text.push('!');
/// }
/// assert_eq!(outcome.value::<String>().map(|text| &**text), Some("hello!"));
/// assert!(outcome.value::<i32>().is_none());
/// ```
pub struct Outcome(Mutex<Kept<Kind>>);

/// Null if there is none. Locked for a look at its kind only: it lets references be sent to other threads.
enum Kind {
    Value(Box<dyn Value>),
    Stream(Box<dyn FnOnce(Caller) -> Answer + Send>),
}

/// A value whose type is forgotten.
trait Value: Any + Send {
    fn respond(&self, to: &Caller) -> Responded;
    fn name(&self) -> &'static str;
}

impl<T: Serialize + Send + 'static> Value for T {
    fn respond(&self, to: &Caller) -> Responded {
        to.encode(self)
    }

    fn name(&self) -> &'static str {
        type_name::<T>()
    }
}

impl Outcome {
    /// A value.
    pub fn new(value: impl Serialize + Send + 'static) -> Self {
        Self::of(Some(Kind::Value(Box::new(value))))
    }

    /// A stream, for a call that [expects one](crate::Invocation::is_streaming).
    pub fn stream<S, M>(stream: S) -> Self
    where
        S: Stream<Item: Streamable<M>> + Send + 'static,
        M: 'static,
    {
        Self::of_method(stream, true)
    }

    /// A stream that is dropped when nobody waits for it any more, unless its method sees to that.
    pub(crate) fn of_method<S, M>(stream: S, stops: bool) -> Self
    where
        S: Stream<Item: Streamable<M>> + Send + 'static,
        M: 'static,
    {
        Self::sent_by(move |to| {
            let to = if stops { to } else { to.with(|rare| rare.stop = None) };
            Box::pin(pump(stream, to))
        })
    }

    fn sent_by(send: impl FnOnce(Caller) -> Answer + Send + 'static) -> Self {
        Self::of(Some(Kind::Stream(Box::new(send))))
    }

    fn of(kind: Option<Kind>) -> Self {
        Self(Mutex::new(Kept(kind)))
    }

    /// The value, to be looked at or changed; none if it is a stream or of another type. It is the type that
    /// the method returns, without the `Result` around it.
    pub fn value<T: 'static>(&mut self) -> Option<&mut T> {
        match &mut self.0.get_mut().0 {
            Some(Kind::Value(value)) => (&mut **value as &mut dyn Any).downcast_mut(),
            Some(Kind::Stream(_)) | None => None,
        }
    }

    /// Whether it is a stream.
    pub fn is_stream(&self) -> bool {
        matches!(self.0.lock().0, Some(Kind::Stream(_)))
    }

    /// Sends a stream in a span, to which `ended` tells what it came to; a value is at hand already.
    pub(crate) fn in_span(mut self, span: Span, ended: fn(&Span, Option<&HubError>)) -> Self {
        match self.0.get_mut().0.take() {
            Some(Kind::Stream(send)) => Self::sent_by(move |to| {
                let sent = send(to).instrument(span.clone());
                Box::pin(sent.inspect(move |sent| ended(&span, sent.as_ref().err())))
            }),
            other => Self::of(other),
        }
    }

    /// Answers the call.
    pub(crate) async fn respond(mut self, streaming: bool, to: Caller) -> Responded {
        match self.0.get_mut().0.take() {
            None if !streaming => to.encode(&()),
            Some(Kind::Value(value)) if !streaming => value.respond(&to),
            Some(Kind::Stream(send)) if streaming => send(to).await,
            None | Some(Kind::Value(_)) => Err(HubError::no_stream()),
            Some(Kind::Stream(_)) => {
                Err(HubError::hidden_as("Filter", "it gave a stream for a value"))
            }
        }
    }
}

/// Null, as of a method that returns nothing.
impl Default for Outcome {
    fn default() -> Self {
        Self::of(None)
    }
}

impl fmt::Debug for Outcome {
    /// The type of a value, not the value: it is for the client.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.lock().0 {
            None => f.write_str("Outcome(null)"),
            Some(Kind::Value(value)) => f.debug_tuple("Outcome").field(&value.name()).finish(),
            Some(Kind::Stream(_)) => f.write_str("Outcome(stream)"),
        }
    }
}
