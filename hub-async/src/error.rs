//! How a handler fails, and how much of it the client sees.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use hub_proto::BindError;

use crate::ask::InvokeError;
use crate::reader::StreamError;

/// A handler's failure. It never closes the connection.
///
/// [`HubError::new`] is for the client: it sees `HubException: text`. Every other error, by `?` or
/// [`From`], is hidden unless detailed errors are on; then the client sees the error's short type name
/// and text. The errors of [clients' results](crate::InvokeError) and [streams](crate::StreamError) have the names
/// that .NET gives them, and what the client itself has caused is shown. Both can be set, by [`named`](Self::named), [`shown`](Self::shown) and [`hidden`](Self::hidden).
///
/// ```
/// use hub_async::HubError;
///
/// fn parse(text: &str) -> Result<i32, HubError> {
///     let number: i32 = text.parse()?; // hidden from the client
///     if number < 0 {
///         return Err(HubError::new("A count cannot be negative.")); // shown
///     }
///     Ok(number)
/// }
/// # assert!(parse("x").is_err() && parse("-1").is_err() && parse("1").is_ok());
/// ```
pub struct HubError {
    name: Cow<'static, str>,
    text: String,
    shown: bool,
    fault: Option<Fault>,
}

/// Failures with words of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    UnknownMethod,
    NoStream,
    /// It is the end of a stream that had begun.
    Stream,
}

impl HubError {
    /// An error that the client sees as `HubException: text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self { name: Cow::Borrowed("HubException"), text: text.into(), shown: true, fault: None }
    }

    /// What a client is told that calls a method which is not there: for [fallbacks](crate::HubBuilder::fallback)
    /// and [filters](crate::HubFilter).
    pub fn unknown_method() -> Self {
        Self { fault: Some(Fault::UnknownMethod), ..Self::new("Method does not exist.") }
    }

    /// Whether the client called a method that is not there.
    pub const fn is_unknown_method(&self) -> bool {
        matches!(self.fault, Some(Fault::UnknownMethod))
    }

    /// Sets the name in front of the text.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Shows it to the client even without detailed errors.
    #[must_use]
    pub const fn shown(mut self) -> Self {
        self.shown = true;
        self
    }

    /// Shows it to the client with detailed errors only.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.shown = false;
        self
    }

    /// The name in front of the text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the client may see of it: `{name}: {text}`, or nothing.
    pub(crate) fn detail(&self, detailed: bool) -> Option<String> {
        (self.shown || detailed).then(|| self.to_string())
    }

    pub(crate) const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// A mistake of the hub's own, which stays in the server.
    pub(crate) fn hidden_as(name: &'static str, text: impl Into<String>) -> Self {
        Self { name: Cow::Borrowed(name), text: text.into(), shown: false, fault: None }
    }

    /// It ends a stream that had begun.
    pub(crate) fn of_stream(self) -> Self {
        Self { fault: Some(Fault::Stream), ..self }
    }

    /// There is no stream for a client that expects one.
    pub(crate) fn no_stream() -> Self {
        Self { fault: Some(Fault::NoStream), ..Self::hidden_as("InvalidOperationException", "") }
    }

    /// What became of a handler that panicked; the text stays in the server.
    pub(crate) fn panicked() -> Self {
        Self::hidden_as("Panic", "")
    }
}

impl<E: Error + 'static> From<E> for HubError {
    fn from(error: E) -> Self {
        let any: &dyn Any = &error;
        if let Some(error) = any.downcast_ref::<InvokeError>() {
            let (name, shown) = (Cow::Borrowed(error.exception()), error.is_shown());
            return Self { name, text: error.to_string(), shown, fault: None };
        }
        if let Some(error) = any.downcast_ref::<StreamError>() {
            let (name, shown) = (Cow::Borrowed(error.exception()), *error != StreamError::Closed);
            return Self { name, text: error.to_string(), shown, fault: None };
        }
        if any.is::<BindError>() {
            return Self::hidden_as("InvalidDataException", error.to_string());
        }
        Self::hidden_as(short_name::<E>(), error.to_string())
    }
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}: {}", self.name, self.text)
        }
    }
}

impl fmt::Debug for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `std::num::ParseIntError` is `ParseIntError`; of a generic type, the part before its parameters.
fn short_name<E>() -> &'static str {
    let full = std::any::type_name::<E>();
    let plain = full.split('<').next().unwrap_or(full);
    plain.rsplit("::").next().unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_sees() {
        let parse = || HubError::from("x".parse::<i32>().unwrap_err());
        let seen = |error: HubError| (error.detail(false), error.detail(true));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(seen(HubError::new("no")), (text("HubException: no"), text("HubException: no")));
        assert_eq!(seen(parse()), (None, text("ParseIntError: invalid digit found in string")));
        assert_eq!(
            seen(parse().shown().named("E")),
            (text("E: invalid digit found in string"), text("E: invalid digit found in string"))
        );
        assert_eq!(seen(HubError::new("no").hidden()), (None, text("HubException: no")));
        assert_eq!(seen(HubError::panicked()), (None, text("Panic")));
    }

    #[test]
    fn a_generic_error_is_named_without_its_parameters() {
        assert_eq!(short_name::<std::sync::PoisonError<Vec<u8>>>(), "PoisonError");
    }
}
