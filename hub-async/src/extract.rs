//! What methods may take: extractors, and arguments from the client.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use hub_core::CloseReason;
use hub_proto::{BindError, Elements};
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::reader::{Readers, StreamReader};
use crate::signal::{Aborted, Signal};

/// Marks parameters that the server supplies.
#[derive(Debug)]
pub struct Extracted;

/// Marks parameters that the client sends.
#[derive(Debug)]
pub struct Argument;

/// One parameter of a method: an extractor ([`Context`], [`State`], [`Cancel`], [`StreamReader`]) or any type that can be
/// deserialized.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a hub method",
    label = "neither an extractor nor deserializable",
    note = "a parameter is `Context`, `State<T>`, `Cancel`, `StreamReader<T>`, or a type that implements `serde::de::DeserializeOwned`"
)]
pub trait Parameter<M>: Sized + Send + 'static {
    /// How many of the client's arguments it takes: 0 or 1.
    const ARGUMENTS: usize;

    /// How many of the client's streams it takes: 0 or 1.
    const STREAMS: usize = 0;

    /// Takes its value.
    fn take(source: &mut Source<'_, '_>) -> Result<Self, BindError>;

    /// What the hub must have for it.
    fn need() -> Option<Need> {
        None
    }
}

/// Where parameters come from.
pub struct Source<'a, 'b> {
    pub(crate) context: &'a Context,
    pub(crate) states: &'a States,
    pub(crate) reason: Option<&'a CloseReason>,
    pub(crate) cancel: &'a mut Option<Arc<Signal>>,
    pub(crate) readers: &'a mut Readers<'b>,
    pub(crate) elements: &'a mut Elements<'b>,
    /// How many arguments the method takes.
    pub(crate) expected: usize,
}

impl fmt::Debug for Source<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// What an extractor asks of the hub or of the place where it is used.
#[derive(Clone, Copy, Debug)]
pub struct Need(pub(crate) Needed);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Needed {
    State(TypeId, &'static str),
    Reason,
    Cancel,
    Stream,
    /// A `Result` that serde would send as a value.
    Error(&'static str),
}

impl<T: DeserializeOwned + Send + 'static> Parameter<Argument> for T {
    const ARGUMENTS: usize = 1;

    fn take(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        source.elements.next(source.expected)
    }
}

impl Parameter<Extracted> for Context {
    const ARGUMENTS: usize = 0;

    fn take(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        Ok(source.context.clone())
    }
}

/// A value that the hub was built with, by [`HubBuilder::state`](crate::HubBuilder::state).
///
/// A hub without it does not build.
pub struct State<T>(Arc<T>);

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Send + Sync + 'static> Parameter<Extracted> for State<T> {
    const ARGUMENTS: usize = 0;

    fn take(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        // `build` has seen to it that the value is there.
        source.states.find().map(State).ok_or(BindError::Shape)
    }

    fn need() -> Option<Need> {
        Some(Need(Needed::State(TypeId::of::<T>(), type_name::<T>())))
    }
}

/// Tells a method that nobody waits for it any more: the client cancelled the call, or the connection
/// was aborted or is over. It is a signal, nothing is interrupted.
///
/// ```
/// use hub_async::Cancel;
///
/// async fn wait_for_news(cancel: Cancel) -> bool {
///     cancel.cancelled().await;
///     cancel.is_cancelled()
/// }
/// ```
#[derive(Clone)]
pub struct Cancel(Arc<Signal>);

impl Cancel {
    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.has_fired()
    }

    /// Ready once it is cancelled.
    pub fn cancelled(&self) -> Aborted {
        let signal: Arc<Signal> = Arc::clone(&self.0);
        Aborted::new(signal)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

impl<T: DeserializeOwned + Send + 'static> Parameter<Extracted> for StreamReader<T> {
    const ARGUMENTS: usize = 0;
    const STREAMS: usize = 1;

    fn take(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        Ok(source.readers.next())
    }

    fn need() -> Option<Need> {
        Some(Need(Needed::Stream))
    }
}

impl AsRef<Self> for Signal {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Parameter<Extracted> for Cancel {
    const ARGUMENTS: usize = 0;

    fn take(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        Ok(Self(Arc::clone(source.cancel.get_or_insert_default())))
    }

    fn need() -> Option<Need> {
        Some(Need(Needed::Cancel))
    }
}

impl Parameter<Extracted> for CloseReason {
    const ARGUMENTS: usize = 0;

    fn take(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        source.reason.cloned().ok_or(BindError::Shape)
    }

    fn need() -> Option<Need> {
        Some(Need(Needed::Reason))
    }
}

/// The values that a hub was built with, one per type.
#[derive(Default)]
pub(crate) struct States(Vec<(TypeId, Arc<dyn Any + Send + Sync>)>);

impl States {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let key = TypeId::of::<T>();
        self.0.retain(|(kind, _)| *kind != key);
        self.0.push((key, Arc::new(value)));
    }

    pub(crate) fn has(&self, key: TypeId) -> bool {
        self.0.iter().any(|(kind, _)| *kind == key)
    }

    fn find<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let key = TypeId::of::<T>();
        let (_, value) = self.0.iter().find(|(kind, _)| *kind == key)?;
        Arc::clone(value).downcast().ok()
    }
}
