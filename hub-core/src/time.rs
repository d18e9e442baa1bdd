//! Time as the machines see it: a number that the caller hands in.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Nanoseconds since an epoch that the driver picks; the machines never ask a clock.
// One more than the nanoseconds, so that an absent one takes no further room: connections keep several.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

impl Timestamp {
    /// The driver's epoch.
    pub const ZERO: Self = Self::from_nanos(0);
    /// Later than every moment a driver can reach.
    pub const MAX: Self = Self::from_nanos(u64::MAX);

    /// The moment `nanos` nanoseconds after the epoch; the last two that there are count as one.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(nanos))
    }

    /// The moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self::from_nanos(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0.get() - 1
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let nanos = span.as_secs().saturating_mul(1_000_000_000);
        Self(self.0.saturating_add(nanos.saturating_add(span.subsec_nanos().into())))
    }
}

/// A length of time in nanoseconds, half as large as a [`Duration`]: connections keep several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(u64);

impl From<Duration> for Span {
    fn from(time: Duration) -> Self {
        Self(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.as_nanos()))
    }
}

/// Which timer a [`Deadline`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The handshake must be complete.
    Handshake,
    /// A ping is due, so that the peer sees life.
    KeepAlive,
    /// The peer has been silent for too long.
    PeerSilence,
    /// A message that has begun must be whole.
    Message,
    /// Reading may go on after a flood of cheap messages.
    Flood,
    /// The peer must be told what has arrived.
    Ack,
    /// The peer has said nothing behind its handshake: it gets its messages nevertheless.
    Greeting,
    /// A question to the peer runs out of time.
    Ask,
    /// The next link must come.
    Resume,
    /// Queued bytes must make progress on the link.
    Send,
    /// The peer must answer the close of the link.
    Close,
    /// A negotiated connection must be claimed by a transport, and one that is polled by its next poll.
    Disconnect,
}

/// A moment at which a machine wants `handle_timeout`, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// Which timer asks.
    pub why: Timer,
}

impl Deadline {
    /// The earlier of two optional deadlines.
    pub fn earliest(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_its_nanoseconds_and_the_last_one_stays() {
        for nanos in [0, 1, 1_000_000, u64::MAX - 1] {
            assert_eq!(Timestamp::from_nanos(nanos).as_nanos(), nanos);
        }
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::ZERO + Duration::MAX, Timestamp::MAX);
        let later = Timestamp::from_millis(7) + Duration::from_nanos(5);
        assert_eq!(later - Timestamp::from_millis(6), Duration::from_nanos(1_000_005));
        assert_eq!(Timestamp::ZERO - later, Duration::ZERO);
        assert_eq!(size_of::<Option<Timestamp>>(), 8);
    }
}
