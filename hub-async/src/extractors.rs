//! The parameters that the server supplies.

use std::any::type_name;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use hub_core::CloseReason;
use hub_core::server::Raw;
use hub_proto::{BindError, Encoding, FromArguments, Headers};
use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::context::Context;
use crate::error::HubError;
use crate::extract::{Call, Extracted, Extractor, Need, Needed, Parameter, Source};
use crate::facts::RequestFacts;
use crate::member::Member;
use crate::reader::StreamReader;
use crate::signal::{Aborted, Signal};

impl Extractor for Context {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        Ok(call.context().clone())
    }
}

/// A value that the hub was built with, by [`HubBuilder::state`](crate::HubBuilder::state).
///
/// A hub without it does not build, unless it is an `Option<State<T>>`.
pub struct State<T>(Arc<T>);

impl<T: Send + Sync + 'static> Extractor for State<T> {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        // `build` has seen to it that the value is there.
        call.state().map(Self).ok_or_else(|| HubError::hidden_as("MissingState", type_name::<T>()))
    }

    fn need() -> Option<Need> {
        Some(Need::state::<T>())
    }
}

/// A value of that type kept with the connection, as [`Items`](crate::Items) has it; an error if there is none. Take
/// an `Option<Item<T>>` where that may be.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use hub_async::{Context, Hub, HubError, Item};
///
/// #[derive(Default)]
/// struct Count(AtomicU32);
///
/// async fn joined(ctx: Context) {
///     ctx.items().insert(Count::default());
/// }
///
/// async fn count(count: Item<Count>) -> u32 {
///     count.0.fetch_add(1, Ordering::Relaxed) + 1
/// }
///
/// let hub = Hub::builder().on_connected(joined).method("Count", count).build()?;
/// # Ok::<(), hub_async::BuildError>(())
/// ```
pub struct Item<T>(Arc<T>);

impl<T: Send + Sync + 'static> Extractor for Item<T> {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        let found = call.items().get().map(Self);
        found.ok_or_else(|| HubError::hidden_as("MissingItem", type_name::<T>()))
    }
}

macro_rules! shared {
    ($($name:ident),*) => {
        $(
            impl<T> Deref for $name<T> {
                type Target = T;

                fn deref(&self) -> &T {
                    &self.0
                }
            }

            impl<T> Clone for $name<T> {
                fn clone(&self) -> Self {
                    Self(Arc::clone(&self.0))
                }
            }

            impl<T: fmt::Debug> fmt::Debug for $name<T> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }
        )*
    };
}

shared!(State, Item);

/// The request that opened the connection: its path, query, headers, cookies and address.
///
/// ```
/// use hub_async::Request;
///
/// async fn language(request: Request) -> String {
///     request.header("accept-language").unwrap_or("en").to_owned()
/// }
/// ```
#[derive(Clone)]
pub struct Request(Arc<Member>);

impl Extractor for Request {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        Ok(Self(Arc::clone(call.context().member())))
    }
}

impl Deref for Request {
    type Target = RequestFacts;

    fn deref(&self) -> &RequestFacts {
        &self.0.facts
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The name by which the client called the method, in its own spelling; empty in a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodName(Box<str>);

impl Extractor for MethodName {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        Ok(Self(call.method().into()))
    }
}

impl Deref for MethodName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The headers of the client's message, usually none: no client of Microsoft's can set them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageHeaders(Headers<'static>);

impl Extractor for MessageHeaders {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        Ok(Self(call.headers().clone()))
    }
}

impl Deref for MessageHeaders {
    type Target = Headers<'static>;

    fn deref(&self) -> &Headers<'static> {
        &self.0
    }
}

/// All the arguments of a call, however many there are and of whatever types: for a
/// [fallback](crate::HubBuilder::fallback), or a method that takes any number of them.
///
/// ```
/// use hub_async::{Hub, HubError, MethodName, RawArguments};
///
/// async fn old_names(name: MethodName, arguments: RawArguments) -> Result<i64, HubError> {
///     match &*name.to_ascii_lowercase() {
///         "sum" => {
///             let (a, b) = arguments.read::<(i64, i64)>()?;
///             Ok(a + b)
///         }
///         _ => Err(HubError::unknown_method()),
///     }
/// }
///
/// let hub = Hub::builder().fallback(old_names).build()?;
/// # Ok::<(), hub_async::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RawArguments {
    encoding: Encoding,
    raw: Raw,
}

impl RawArguments {
    pub(crate) const fn new(encoding: Encoding, raw: Raw) -> Self {
        Self { encoding, raw }
    }

    /// Reads them as a tuple: `(A,)` is one argument, `()` none. As an error of a method it is hidden from the client
    /// unless detailed errors are on.
    pub fn read<'a, T: FromArguments<'a>>(&'a self) -> Result<T, BindError> {
        self.payload().bind()
    }

    pub(crate) const fn payload(&self) -> hub_proto::Payload<'_> {
        self.raw.payload(self.encoding)
    }
}

impl Parameter<Extracted> for RawArguments {
    type Bound = Self;

    const TAKES_ALL: bool = true;

    fn bind(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        let arguments = source.arguments;
        Ok(Self::new(arguments.encoding(), Raw::from(arguments.raw())))
    }

    fn start(bound: Self, _: &Caller) -> Result<Self, HubError> {
        Ok(bound)
    }

    fn need() -> Option<Need> {
        Some(Need(Needed::Arguments))
    }
}

impl fmt::Debug for RawArguments {
    /// How many bytes, not which: they are the client's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawArguments").field(&self.raw.len()).finish()
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
    pub(crate) const fn new(signal: Arc<Signal>) -> Self {
        Self(signal)
    }

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

impl AsRef<Self> for Signal {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Parameter<Extracted> for Cancel {
    type Bound = Self;

    const CANCELS: bool = true;

    fn bind(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        Ok(Self(Arc::clone(source.cancel.get_or_insert_default())))
    }

    fn start(bound: Self, _: &Caller) -> Result<Self, HubError> {
        Ok(bound)
    }

    fn need() -> Option<Need> {
        Some(Need(Needed::Cancel))
    }
}

impl<T: DeserializeOwned + Send + 'static> Parameter<Extracted> for StreamReader<T> {
    type Bound = Self;

    const STREAMS: usize = 1;

    fn bind(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        Ok(source.readers.next())
    }

    fn start(bound: Self, _: &Caller) -> Result<Self, HubError> {
        Ok(bound)
    }

    fn need() -> Option<Need> {
        Some(Need(Needed::Stream))
    }
}

impl Parameter<Extracted> for CloseReason {
    type Bound = Self;

    fn bind(source: &mut Source<'_, '_>) -> Result<Self, BindError> {
        source.reason.cloned().ok_or(BindError::Shape)
    }

    fn start(bound: Self, _: &Caller) -> Result<Self, HubError> {
        Ok(bound)
    }

    fn need() -> Option<Need> {
        Some(Need(Needed::Reason))
    }
}
