//! How much all connections of a process may keep waiting for their clients.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Connections are counted in steps of so many bytes, so that those that keep up are not counted at all.
pub(crate) const STEP: usize = 4096;

/// A budget, in bytes, of what waits to be sent to clients, or was sent and may have to be sent again: that of
/// all servers which it is [given](crate::server::Server::send_budget) to. A clone is the same budget.
///
/// While it is used up, every connection that lets 4 KiB or more wait is closed as a slow consumer when one
/// more message comes for it; those that keep up do not notice. Without one of their own, the
/// connections of a server have 1 GiB together.
#[derive(Clone)]
pub struct SendBudget(Arc<Shared>);

struct Shared {
    steps: usize,
    used: AtomicUsize,
}

impl SendBudget {
    /// A budget of so many bytes, rounded up to 4 KiB.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Shared { steps: bytes.div_ceil(STEP), used: AtomicUsize::new(0) }))
    }

    /// How many bytes wait, in steps of 4 KiB of each connection.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed).saturating_mul(STEP)
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_used_up(&self) -> bool {
        self.0.used.load(Ordering::Relaxed) >= self.0.steps
    }

    /// Counts a connection that keeps so many bytes, and was counted with so many steps.
    pub(crate) fn count(&self, bytes: usize, counted: &mut u32) {
        let steps = u32::try_from(bytes / STEP).unwrap_or(u32::MAX);
        if steps > *counted {
            self.0.used.fetch_add((steps - *counted) as usize, Ordering::Relaxed);
        } else if steps < *counted {
            self.0.used.fetch_sub((*counted - steps) as usize, Ordering::Relaxed);
        }
        *counted = steps;
    }
}

impl Default for SendBudget {
    fn default() -> Self {
        Self::new(1 << 30)
    }
}

impl fmt::Debug for SendBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendBudget").field("used", &self.used()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_by_whole_steps_and_leave_nothing_behind() {
        let budget = SendBudget::new(3 * STEP);
        let (mut one, mut two) = (0, 0);
        budget.count(STEP - 1, &mut one);
        assert_eq!(budget.used(), 0);
        budget.count(2 * STEP, &mut one);
        budget.count(STEP, &mut two);
        assert_eq!((budget.used(), budget.is_used_up()), (3 * STEP, true));
        budget.count(0, &mut one);
        assert!(!budget.is_used_up());
        budget.count(0, &mut two);
        assert_eq!(budget.used(), 0);
    }
}
