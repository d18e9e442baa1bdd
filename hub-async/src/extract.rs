//! What methods may take: extractors, and arguments from the client.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::Arc;

use hub_core::CloseReason;
use hub_proto::{BindError, Elements, Headers, Payload};
use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::context::Context;
use crate::error::HubError;
use crate::facts::RequestFacts;
use crate::items::Items;
use crate::reader::Readers;
use crate::signal::Signal;

/// A parameter that the server supplies: implement it, and methods and hooks can take the type in any place.
///
/// It is made when the method is about to run, behind all filters. An error is the answer of the call, and the method
/// does not run; in a hook it is the failure of the hook. `Option<T>` is a parameter as well, and `None` instead of an
/// error. Nothing can be awaited here: what takes time is for the method, or for a
/// [filter](crate::HubFilter), which may leave what it found in [`Context::items`].
///
/// The type must not be deserializable, or else nobody could tell whether the client sends it.
///
/// ```
/// use hub_async::{Call, Extractor, Hub, HubError};
///
/// struct Tenant(String);
///
/// impl Extractor for Tenant {
///     fn extract(call: &Call<'_>) -> Result<Self, HubError> {
///         let tenant = call.request().header("x-tenant");
///         tenant.map(|name| Self(name.to_owned())).ok_or_else(|| HubError::new("Whose are you?"))
///     }
/// }
///
/// let hub = Hub::builder().method("Tenant", async |tenant: Tenant| tenant.0).build()?;
/// # Ok::<(), hub_async::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor",
    label = "the server does not know how to make it"
)]
pub trait Extractor: Sized + Send + 'static {
    /// Makes the value for a call.
    fn extract(call: &Call<'_>) -> Result<Self, HubError>;

    /// What the hub must have for it, or does not build.
    fn need() -> Option<Need> {
        None
    }
}

/// A call of a method or of a hook, from which [extractors](Extractor) take what they need.
pub struct Call<'a> {
    caller: &'a Caller,
}

impl Call<'_> {
    /// The connection and its hub.
    pub const fn context(&self) -> &Context {
        &self.caller.context
    }

    /// The method, in the client's spelling; empty in a hook.
    pub fn method(&self) -> &str {
        &self.caller.target
    }

    /// The headers of the client's message, usually none; none in a hook.
    pub fn headers(&self) -> &Headers<'static> {
        self.caller.headers()
    }

    /// The request that opened the connection.
    pub fn request(&self) -> &RequestFacts {
        self.context().request()
    }

    /// What is kept with the connection.
    pub fn items(&self) -> &Items {
        self.context().items()
    }

    /// A value that the hub was built with, by [`HubBuilder::state`](crate::HubBuilder::state).
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.context().state()
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &self.method()).finish_non_exhaustive()
    }
}

/// Marks parameters that the server supplies.
#[derive(Debug)]
pub struct Extracted;

/// Marks parameters that an [`Extractor`] supplies.
#[derive(Debug)]
pub struct Made;

/// Marks parameters that an [`Extractor`] supplies if it can.
#[derive(Debug)]
pub struct Perhaps;

/// Marks parameters that the client sends.
#[derive(Debug)]
pub struct Argument;

/// One parameter of a method: an [`Extractor`], one of those that only the server can implement
/// ([`Context`], [`Cancel`](crate::Cancel), [`StreamReader`](crate::StreamReader), …), or any type that can be deserialized.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a hub method",
    label = "neither an extractor nor deserializable",
    note = "a parameter is `Context`, `State<T>`, `Cancel`, `StreamReader<T>` or another extractor, a type that implements \
            `hub_async::Extractor`, or one that implements `serde::de::DeserializeOwned`"
)]
pub trait Parameter<M>: Sized + Send + 'static {
    /// What it is before the method runs.
    type Bound: Send + 'static;

    /// How many of the client's arguments it takes: 0 or 1.
    const ARGUMENTS: usize = 0;

    /// Whether it takes all of the client's arguments.
    const TAKES_ALL: bool = false;

    /// How many of the client's streams it takes: 0 or 1.
    const STREAMS: usize = 0;

    /// Whether it learns of cancellations.
    const CANCELS: bool = false;

    /// Takes what comes with the client's message.
    fn bind(source: &mut Source<'_, '_>) -> Result<Self::Bound, BindError>;

    /// Takes what comes from the server, as the method is about to run.
    fn start(bound: Self::Bound, caller: &Caller) -> Result<Self, HubError>;

    /// What the hub must have for it.
    fn need() -> Option<Need> {
        None
    }
}

/// Where arguments come from.
pub struct Source<'a, 'b> {
    pub(crate) arguments: Payload<'b>,
    pub(crate) elements: &'a mut Elements<'b>,
    /// How many arguments the method takes.
    pub(crate) expected: usize,
    pub(crate) readers: &'a mut Readers<'b>,
    pub(crate) cancel: &'a mut Option<Arc<Signal>>,
    /// Why the connection is over, when it is.
    pub(crate) reason: Option<&'a CloseReason>,
}

impl fmt::Debug for Source<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// What a parameter asks of the hub or of the place where it is used.
#[derive(Clone, Copy, Debug)]
pub struct Need(pub(crate) Needed);

impl Need {
    /// The value of that type that [`HubBuilder::state`](crate::HubBuilder::state) gives.
    pub fn state<T: 'static>() -> Self {
        Self(Needed::State(TypeId::of::<T>(), type_name::<T>()))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Needed {
    State(TypeId, &'static str),
    Reason,
    Cancel,
    Stream,
    Arguments,
    /// A `Result` that serde would send as a value.
    Error(&'static str),
}

impl<T: DeserializeOwned + Send + 'static> Parameter<Argument> for T {
    type Bound = Self;

    const ARGUMENTS: usize = 1;

    fn bind(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        source.elements.next(source.expected)
    }

    fn start(bound: Self, _: &Caller) -> Result<Self, HubError> {
        Ok(bound)
    }
}

impl<T: Extractor> Parameter<Made> for T {
    type Bound = ();

    fn bind(_: &mut Source<'_, '_>) -> Result<(), BindError> {
        Ok(())
    }

    fn start((): (), caller: &Caller) -> Result<Self, HubError> {
        Self::extract(&Call { caller })
    }

    fn need() -> Option<Need> {
        <Self as Extractor>::need()
    }
}

impl<T: Extractor> Parameter<Perhaps> for Option<T> {
    type Bound = ();

    fn bind(_: &mut Source<'_, '_>) -> Result<(), BindError> {
        Ok(())
    }

    fn start((): (), caller: &Caller) -> Result<Self, HubError> {
        Ok(T::extract(&Call { caller }).ok())
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

    pub(crate) fn find<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let key = TypeId::of::<T>();
        let (_, value) = self.0.iter().find(|(kind, _)| *kind == key)?;
        Arc::clone(value).downcast().ok()
    }
}
