//! How often somebody may call.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::methods::Methods;
use crate::error::HubError;
use crate::filter::{HubFilter, Next};
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

/// Whose bucket it is, and, if each has its own, of which method.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    who: Who,
    method: Option<Box<str>>,
}

#[derive(PartialEq, Eq, Hash)]
enum Who {
    Connection(Arc<str>),
    User(Arc<str>),
    All,
}

/// Since when each bucket is empty again; one that has been for a while is not there.
#[derive(Default)]
struct Buckets {
    empty_at: HashMap<Key, Instant>,
    /// How many there were when those that were empty have been looked for last.
    swept: usize,
}

/// Fewer buckets are not worth looking for those that are empty.
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

    fn key(&self, invocation: &Invocation) -> Key {
        let member = invocation.context().member();
        let who = match (self.counted, member.user()) {
            (Counted::All, _) => Who::All,
            (Counted::User, Some(user)) => Who::User(Arc::clone(user)),
            (Counted::User, None) | (Counted::Connection, _) => {
                Who::Connection(Arc::clone(&member.id))
            }
        };
        let known = || if invocation.is_known() { invocation.method() } else { "" };
        Key { who, method: self.each_method.then(|| known().into()) }
    }

    /// Takes a call in, if there is room for it.
    fn admits(&self, key: Key, now: Instant) -> bool {
        let mut buckets = self.buckets.lock();
        if buckets.empty_at.len() >= FEW.max(2 * buckets.swept) {
            buckets.empty_at.retain(|_, empty_at| *empty_at > now);
            buckets.swept = buckets.empty_at.len();
        }
        let last = buckets.empty_at.get(&key).map_or(now, |at| now.max(*at));
        let most = self.each.saturating_mul(self.burst);
        let empty_at = last.checked_add(self.each);
        let Some(empty_at) = empty_at.filter(|at| at.saturating_duration_since(now) <= most) else {
            return false;
        };
        buckets.empty_at.insert(key, empty_at);
        true
    }
}

impl HubFilter for RateLimit {
    async fn invoke(&self, invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
        if self.methods.has(&invocation) && !self.admits(self.key(&invocation), invocation.now()) {
            return Err(HubError::new("Too many calls."));
        }
        next.run(invocation).await
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("counted", &self.counted)
            .field("each", &self.each)
            .field("burst", &self.burst)
            .finish_non_exhaustive()
    }
}
