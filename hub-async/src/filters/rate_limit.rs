//! How often somebody may call.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_core::CloseReason;

use super::methods::Methods;
use crate::context::Context;
use crate::error::HubError;
use crate::filter::{HubFilter, Next, NextHook};
use crate::invocation::Invocation;
use crate::outcome::Outcome;
use crate::runtime::NEVER;
use crate::sync::Mutex;

/// Fails calls that come too often, before their methods run.
///
/// So many calls may come at once, one at least, and then so many in each period: a token bucket. The client sees
/// `HubException: Too many calls.`; a call for which it awaits no answer is left out silently. Streams and uploads count
/// when they begin, their items do not. Arguments are read before: what a client may send at all is for
/// [`HubOptions`](crate::HubOptions) to say.
///
/// ```
/// use std::time::Duration;
/// use hub_async::Hub;
/// use hub_async::filters::RateLimit;
///
/// async fn say(text: String) {}
///
/// let hub = Hub::builder()
///     .method("Say", say)
///     .filter(RateLimit::per_connection(20, Duration::from_secs(1)).burst(50))
///     .filter(RateLimit::per_user(1000, Duration::from_secs(3600)).method("Say"))
///     .build()?;
/// # Ok::<(), hub_async::BuildError>(())
/// ```
pub struct RateLimit {
    counted: Counted,
    each_method: bool,
    methods: Methods,
    /// The time for which one call fills the bucket.
    each: Duration,
    burst: u32,
    buckets: Mutex<Buckets>,
}

/// Whose calls are counted together.
#[derive(Clone, Copy, Debug)]
enum Counted {
    Connection,
    User,
    All,
}

/// Whose bucket it is.
#[derive(PartialEq, Eq, Hash)]
enum Who {
    Connection(Arc<str>),
    User(Arc<str>),
    All,
}

/// Since when the buckets of everybody are empty again, of which nobody has many: one, or one for each method. Whoever
/// is gone has none, and after a while, whoever has empty ones only.
#[derive(Default)]
struct Buckets {
    of: HashMap<Who, Vec<(Box<str>, Instant)>>,
    /// How many had some when empty ones have been looked for last.
    swept: usize,
}

/// Fewer are not worth looking for those that are empty.
const FEW: usize = 64;

impl RateLimit {
    /// For each connection: `calls` in each `period`.
    pub fn per_connection(calls: u32, period: Duration) -> Self {
        Self::new(Counted::Connection, calls, period)
    }

    /// For each user, on all of its connections; for each connection that has no user.
    pub fn per_user(calls: u32, period: Duration) -> Self {
        Self::new(Counted::User, calls, period)
    }

    /// For everybody together.
    pub fn for_all(calls: u32, period: Duration) -> Self {
        Self::new(Counted::All, calls, period)
    }

    fn new(counted: Counted, calls: u32, period: Duration) -> Self {
        let burst = calls.max(1);
        Self {
            counted,
            each_method: false,
            methods: Methods::default(),
            each: (period / burst).min(NEVER),
            burst,
            buckets: Mutex::default(),
        }
    }

    /// How many calls may come at once, instead of as many as in one period.
    #[must_use]
    pub fn burst(mut self, calls: u32) -> Self {
        self.burst = calls.max(1);
        self
    }

    /// Counts the calls of each method for themselves; all methods that the hub does not have count as one.
    #[must_use]
    pub fn each_method(mut self) -> Self {
        self.each_method = true;
        self
    }

    /// For that method only, and others that are named like that.
    #[must_use]
    pub fn method(mut self, name: impl Into<String>) -> Self {
        self.methods.add(name.into());
        self
    }

    fn who(&self, context: &Context) -> Who {
        let member = context.member();
        match (self.counted, member.user()) {
            (Counted::All, _) => Who::All,
            (Counted::User, Some(user)) => Who::User(Arc::clone(user)),
            (Counted::User, None) | (Counted::Connection, _) => {
                Who::Connection(Arc::clone(&member.id))
            }
        }
    }

    fn admits_call(&self, invocation: &Invocation) -> bool {
        let own = self.each_method && invocation.is_known();
        let method = if own { invocation.method() } else { "" };
        self.admits(self.who(invocation.context()), method, invocation.now())
    }

    /// Takes a call in, if there is room for it.
    fn admits(&self, who: Who, method: &str, now: Instant) -> bool {
        let mut buckets = self.buckets.lock();
        if buckets.of.len() >= FEW.max(2 * buckets.swept) {
            buckets.of.retain(|_, of| {
                of.retain(|(_, empty_at)| *empty_at > now);
                !of.is_empty()
            });
            buckets.swept = buckets.of.len();
        }
        let mut all = buckets.of.get(&who).into_iter().flatten();
        let last = all.find(|(name, _)| **name == *method).map_or(now, |(_, at)| now.max(*at));
        let most = self.each.saturating_mul(self.burst);
        let empty_at = last.checked_add(self.each);
        let Some(empty_at) = empty_at.filter(|at| at.saturating_duration_since(now) <= most) else {
            return false;
        };
        let of = buckets.of.entry(who).or_insert_with(|| Vec::with_capacity(1));
        match of.iter_mut().find(|(name, _)| **name == *method) {
            Some((_, at)) => *at = empty_at,
            None => of.push((method.into(), empty_at)),
        }
        true
    }
}

impl HubFilter for RateLimit {
    async fn invoke(&self, invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
        if self.methods.has(&invocation) && !self.admits_call(&invocation) {
            return Err(HubError::new("Too many calls."));
        }
        next.run(invocation).await
    }

    async fn on_disconnected(
        &self,
        context: Context,
        _: CloseReason,
        next: NextHook,
    ) -> Result<(), HubError> {
        if let who @ Who::Connection(_) = self.who(&context) {
            self.buckets.lock().of.remove(&who);
        }
        next.run().await
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("counted", &self.counted)
            .field("each", &self.each)
            .field("burst", &self.burst)
            .field("remembered", &self.buckets.lock().of.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn user(number: usize) -> Who {
        Who::User(number.to_string().into())
    }

    #[test]
    fn whose_buckets_are_empty_again_is_forgotten() {
        let start = Instant::now();
        let limit = RateLimit::per_user(10, 10 * SECOND).each_method();
        let mut most = 0;
        for number in 0..100_000 {
            let now = start + SECOND / 100 * u32::try_from(number).expect("a small number");
            for method in ["A", "B"] {
                assert!(limit.admits(user(number), method, now));
            }
            most = most.max(limit.buckets.lock().of.len());
        }
        // A hundred of them have called within the last second.
        assert!((100..=200).contains(&most), "{most}");
    }

    #[test]
    fn whose_bucket_is_not_empty_is_remembered_among_whoever_else_calls() {
        let start = Instant::now();
        let limit = RateLimit::per_user(1, 100 * SECOND);
        for number in 0..10_000 {
            assert!(limit.admits(user(number), "", start));
        }
        let later = start + 99 * SECOND;
        assert!((0..10_000).all(|number| !limit.admits(user(number), "", later)));
        assert_eq!(limit.buckets.lock().of.len(), 10_000);
        let end = start + 100 * SECOND;
        assert!((0..10_000).all(|number| limit.admits(user(number), "", end)));
    }
}
