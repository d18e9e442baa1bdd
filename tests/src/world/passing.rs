//! Filters that only pass on what comes to them, which must change nothing.

use hub_async::{
    Context, DisconnectReason, HubError, HubFilter, Invocation, Next, NextHook, Outcome,
};

/// Around everything.
pub(super) struct Passing;

impl HubFilter for Passing {
    async fn invoke(&self, mut invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
        // It has a look at what passes.
        let (known, mut numbers) = (invocation.is_known(), 0);
        invocation.arguments_of(|_: &mut u32| numbers += 1);
        assert_eq!(known, numbers > 0, "each method takes the number of its call");
        let streaming = invocation.is_streaming();
        let outcome = next.run(invocation).await;
        assert!(outcome.as_ref().is_ok_and(Outcome::is_stream) <= streaming);
        outcome
    }

    async fn on_connected(&self, context: Context, next: NextHook) -> Result<(), HubError> {
        drop(context);
        next.run().await
    }

    async fn on_disconnected(
        &self,
        context: Context,
        reason: DisconnectReason,
        next: NextHook,
    ) -> Result<(), HubError> {
        drop((context, reason));
        next.run().await
    }
}

/// Around methods.
pub(super) async fn pass(invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
    next.run(invocation).await
}
