//! What methods may return.

use hub_proto::{Frame, Reply};
use serde::Serialize;

use crate::error::HubError;

/// Marks return values that are results themselves.
#[derive(Debug)]
pub struct Plain;

/// Marks `Result`s.
#[derive(Debug)]
pub struct Fallible;

/// What a method may return: any `Serialize` value, or a `Result` of one with an error that becomes a
/// [`HubError`].
#[diagnostic::on_unimplemented(
    message = "a hub method cannot return `{Self}`",
    label = "not a result of a hub method",
    note = "a method returns a value that implements `Serialize`, or `Result<value, HubError>`"
)]
pub trait Response<M>: Send + 'static {
    /// Encodes the answer; nothing is encoded for a call that wants none.
    fn respond(self, reply: &Reply) -> Result<Option<Frame>, HubError>;

    /// What `build` refuses: a `Result` that would be sent as a value, because serde can do that and
    /// its error is none of ours.
    fn misunderstood() -> Option<&'static str> {
        None
    }
}

impl<T: Serialize + Send + 'static> Response<Plain> for T {
    fn respond(self, reply: &Reply) -> Result<Option<Frame>, HubError> {
        Ok(reply.result(&self)?)
    }

    fn misunderstood() -> Option<&'static str> {
        let name = std::any::type_name::<T>();
        name.starts_with("core::result::Result<").then_some(name)
    }
}

impl<T, E> Response<Fallible> for Result<T, E>
where
    T: Serialize + Send + 'static,
    E: Into<HubError> + Send + 'static,
{
    fn respond(self, reply: &Reply) -> Result<Option<Frame>, HubError> {
        let value = self.map_err(Into::into)?;
        Ok(reply.result(&value)?)
    }
}
