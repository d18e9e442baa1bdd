//! Calls that take too long.

use std::time::Duration;

use futures_util::future::{Either, select};
use std::pin::pin;

use super::methods::Methods;
use crate::error::HubError;
use crate::filter::{HubFilter, Next};
use crate::invocation::Invocation;
use crate::outcome::Outcome;

/// Fails calls that take longer than a time, and drops their methods where they stand.
///
/// The client sees `TimeoutException: The method took longer than 5s.` It is the time from the start of a method to its
/// result: not that for which a call waits for others to end, nor that for which a stream is sent once the method has
/// returned it. A method that blocks its thread cannot be dropped.
#[derive(Clone, Debug)]
pub struct Timeout {
    time: Duration,
    methods: Methods,
}

impl Timeout {
    /// For all methods.
    pub fn new(time: Duration) -> Self {
        Self { time, methods: Methods::default() }
    }

    /// For that method only, and others that are named like that.
    #[must_use]
    pub fn method(mut self, name: impl Into<String>) -> Self {
        self.methods.add(name.into());
        self
    }
}

impl HubFilter for Timeout {
    async fn invoke(&self, invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
        if !self.methods.has(&invocation) {
            return next.run(invocation).await;
        }
        let sleep = invocation.sleep(self.time);
        match select(pin!(next.run(invocation)), sleep).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => {
                let text = format!("The method took longer than {:?}.", self.time);
                Err(HubError::new(text).named("TimeoutException"))
            }
        }
    }
}
