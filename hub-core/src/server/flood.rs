//! How many cheap messages a client may send.

use std::time::Duration;

use crate::limits::{FLOOD_RECOVERY, Limits};
use crate::time::Timestamp;

/// A token bucket for messages that cost the client nothing: pings, cancels, what nobody knows or reads.
/// It is one moment: the one at which the bucket would be full again.
#[derive(Debug)]
pub(super) struct Flood {
    full_at: Timestamp,
    paused_until: Option<Timestamp>,
}

impl Flood {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { full_at: now, paused_until: None }
    }

    /// Takes one token; an empty bucket pauses the reading.
    pub(super) fn charge(&mut self, limits: &Limits, now: Timestamp) {
        let each = Duration::from_secs(1) / limits.flood_rate.max(1);
        self.full_at = self.full_at.max(now) + each;
        let most = each.saturating_mul(limits.flood_burst);
        let debt = self.full_at.since(now);
        if let Some(over) = debt.checked_sub(most)
            && !over.is_zero()
        {
            self.paused_until = Some(now + over + FLOOD_RECOVERY.min(most));
        }
    }

    /// Until when nothing is read.
    pub(super) const fn paused_until(&self) -> Option<Timestamp> {
        self.paused_until
    }

    /// Lets reading go on when its time has come.
    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let limits = Limits { flood_rate: 10, flood_burst: 50, ..Limits::default() };
        let start = Timestamp::from_millis(5_000);
        let mut flood = Flood::new(start);
        for _ in 0..50 {
            flood.charge(&limits, start);
            assert_eq!(flood.paused_until(), None);
        }
        flood.charge(&limits, start);
        let until = start + Duration::from_millis(200);
        assert_eq!(flood.paused_until(), Some(until));
        flood.handle_timeout(start + Duration::from_millis(199));
        assert!(flood.paused_until().is_some());
        flood.handle_timeout(until);
        assert_eq!(flood.paused_until(), None);
        // A tenth of a second is one token.
        flood.charge(&limits, until);
        assert_eq!(flood.paused_until(), None);
        flood.charge(&limits, until);
        assert!(flood.paused_until().is_some());
        let later = until + Duration::from_secs(60);
        flood.handle_timeout(later);
        for _ in 0..50 {
            flood.charge(&limits, later);
        }
        assert_eq!(flood.paused_until(), None, "the bucket is full again, and no fuller");
        flood.charge(&limits, later);
        assert!(flood.paused_until().is_some());
    }
}
