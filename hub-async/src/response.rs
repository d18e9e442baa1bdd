//! What methods may return.

use std::future::{Future, ready};

use futures_util::Stream;
use hub_proto::{EncodeError, Frame, Reply};
use serde::Serialize;

use crate::caller::Caller;
use crate::error::HubError;
use crate::outcome::Outcome;
use crate::pump::pump;

/// Marks return values that are results themselves.
#[derive(Debug)]
pub struct Plain;

/// Marks `Result`s.
#[derive(Debug)]
pub struct Fallible;

/// Marks streams of items that `M` marks.
#[derive(Debug)]
pub struct Streamed<M>(M);

/// Marks `Result`s of streams of items that `M` marks.
#[derive(Debug)]
pub struct FallibleStream<M>(M);

/// The finished answer; none for a call that wants none.
pub type Responded = Result<Option<Frame>, HubError>;

/// What a method may return: any `Serialize` value, a [`Stream`] of items, or a `Result` of one of them with an
/// error that becomes a [`HubError`]. The items of a stream are `Serialize` values or `Result`s of them.
#[diagnostic::on_unimplemented(
    message = "a hub method cannot return `{Self}`",
    label = "not a result of a hub method",
    note = "a method returns a value that implements `Serialize`, a `Stream` of such values, or a `Result<_, HubError>` of one of them"
)]
pub trait Response<M>: Send + 'static {
    /// Whether it is a stream.
    const STREAMS: bool = false;

    /// Encodes the answer; nothing is encoded for a call that wants none. A stream is sent, and the answer is
    /// its end.
    fn respond(self, to: Caller) -> impl Future<Output = Responded> + Send;

    /// What `build` refuses: a `Result` that would be sent as a value, because serde can do that and
    /// its error is none of ours.
    fn misunderstood() -> Option<&'static str> {
        None
    }
}

/// Sends a stream, unless somebody wants it first.
async fn stream<S, M>(stream: S, to: Caller) -> Responded
where
    S: Stream<Item: Streamable<M>> + Send + 'static,
    M: 'static,
{
    match to.outcome() {
        Some(outcome) => {
            outcome.put(Outcome::of_method(stream, to.stop().is_some()));
            Ok(None)
        }
        None => pump(stream, to).await,
    }
}

/// The name of a type that is a `Result`.
fn result_name<T>() -> Option<&'static str> {
    let name = std::any::type_name::<T>();
    name.starts_with("core::result::Result<").then_some(name)
}

impl<T: Serialize + Send + 'static> Response<Plain> for T {
    fn respond(self, to: Caller) -> impl Future<Output = Responded> + Send {
        ready(to.result(self))
    }

    fn misunderstood() -> Option<&'static str> {
        result_name::<T>()
    }
}

impl<T, E> Response<Fallible> for Result<T, E>
where
    T: Serialize + Send + 'static,
    E: Into<HubError> + Send + 'static,
{
    fn respond(self, to: Caller) -> impl Future<Output = Responded> + Send {
        ready(self.map_err(Into::into).and_then(|value| to.result(value)))
    }
}

impl<S, M> Response<Streamed<M>> for S
where
    S: Stream<Item: Streamable<M>> + Send + 'static,
    M: 'static,
{
    const STREAMS: bool = true;

    fn respond(self, to: Caller) -> impl Future<Output = Responded> + Send {
        stream(self, to)
    }

    fn misunderstood() -> Option<&'static str> {
        S::Item::misunderstood()
    }
}

impl<S, E, M> Response<FallibleStream<M>> for Result<S, E>
where
    S: Stream<Item: Streamable<M>> + Send + 'static,
    E: Into<HubError> + Send + 'static,
    M: 'static,
{
    const STREAMS: bool = true;

    async fn respond(self, to: Caller) -> Responded {
        stream(self.map_err(Into::into)?, to).await
    }

    fn misunderstood() -> Option<&'static str> {
        S::Item::misunderstood()
    }
}

/// What a stream may consist of: `Serialize` values, or `Result`s of them, the first error of which ends it.
#[diagnostic::on_unimplemented(
    message = "a hub method cannot stream `{Self}`",
    label = "not an item of a stream",
    note = "the items of a stream implement `Serialize`, or are `Result`s of such values with an error that becomes a `HubError`"
)]
pub trait Streamable<M>: Send {
    /// Encodes the item.
    fn encode(self, reply: &Reply) -> Responded;

    /// The same as for [`Response`].
    fn misunderstood() -> Option<&'static str> {
        None
    }
}

fn item<T: Serialize>(item: &T, reply: &Reply) -> Responded {
    reply.item(item).map_err(|error: EncodeError| error.into())
}

impl<T: Serialize + Send> Streamable<Plain> for T {
    fn encode(self, reply: &Reply) -> Responded {
        item(&self, reply)
    }

    fn misunderstood() -> Option<&'static str> {
        result_name::<T>()
    }
}

impl<T: Serialize + Send, E: Into<HubError> + Send> Streamable<Fallible> for Result<T, E> {
    fn encode(self, reply: &Reply) -> Responded {
        item(&self.map_err(Into::into)?, reply)
    }
}
