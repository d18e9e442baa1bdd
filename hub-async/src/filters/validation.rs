//! What arguments must be like.

use std::fmt;

use crate::error::HubError;
use crate::filter::{HubFilter, Next};
use crate::invocation::Invocation;
use crate::outcome::Outcome;

/// Fails calls whose arguments break a rule, before their methods run.
///
/// A rule is for a type: it is asked of each argument of that type, of whichever method, and of those in an `Option` or a
/// `Vec`. The client sees its error, with the name and text that it has as a [`HubError`]. What a client sends in
/// streams is not looked at.
///
/// ```
/// use hub_async::filters::Validation;
/// use hub_async::{Hub, HubError};
/// # use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Message {
///     text: String,
/// }
///
/// async fn say(message: Message) {}
///
/// let short = |message: &Message| match message.text.len() {
///     0..=500 => Ok(()),
///     long => Err(HubError::new(format!("A message of {long} bytes is too long."))),
/// };
/// let hub =
///     Hub::builder().method("Say", say).filter(Validation::new().rule(short)).build()?;
/// # Ok::<(), hub_async::BuildError>(())
/// ```
#[derive(Default)]
pub struct Validation(Vec<Rule>);

type Rule = Box<dyn Fn(&mut Invocation) -> Result<(), HubError> + Send + Sync>;

impl Validation {
    /// No rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule for all arguments of that type.
    #[must_use]
    pub fn rule<T: 'static, E: Into<HubError>>(
        mut self,
        check: impl Fn(&T) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.0.push(Box::new(move |invocation| {
            let mut result = Ok(());
            let mut look = |argument: &T| {
                if result.is_ok() {
                    result = check(argument).map_err(|error| error.into().shown());
                }
            };
            invocation.arguments_of(|argument: &mut T| look(argument));
            invocation.arguments_of(|argument: &mut Option<T>| argument.iter().for_each(&mut look));
            invocation.arguments_of(|argument: &mut Vec<T>| argument.iter().for_each(&mut look));
            result
        }));
        self
    }
}

impl HubFilter for Validation {
    async fn invoke(&self, mut invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
        for rule in &self.0 {
            rule(&mut invocation)?;
        }
        next.run(invocation).await
    }
}

impl fmt::Debug for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Validation").field(&self.0.len()).finish()
    }
}
