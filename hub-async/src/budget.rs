//! How much all connections of a process may keep.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use hub_core::limits::PROCESS;

use crate::sync::AtomicUsize;

/// Connections are counted in steps of so many bytes, so that those that keep up are not counted at all.
pub(crate) const STEP: usize = 4096;

/// A budget, in bytes, of what connections keep: what waits to be sent to their clients, or was sent and may
/// have to be sent again, and what has come from them and waits. It is that of all servers which it is
/// [given](crate::server::Server::memory_budget) to; those that are given none share one of 1 GiB,
/// [`MemoryBudget::process`]. A clone is the same budget.
///
/// While it is used up, a connection that keeps 4 KiB or more of output is closed as a slow consumer when one
/// more message comes for it, and nothing is read from one that keeps 4 KiB or more of input; those that keep
/// up do not notice.
#[derive(Clone)]
pub struct MemoryBudget(Arc<Shared>);

struct Shared {
    steps: usize,
    used: AtomicUsize,
}

impl MemoryBudget {
    /// A budget of so many bytes, rounded up to 4 KiB.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Shared { steps: bytes.div_ceil(STEP), used: AtomicUsize::new(0) }))
    }

    /// The budget of those that were not given another.
    pub fn process() -> Self {
        static PROCESS_BUDGET: OnceLock<MemoryBudget> = OnceLock::new();
        PROCESS_BUDGET.get_or_init(|| Self::new(PROCESS)).clone()
    }

    /// How many bytes are kept, in steps of 4 KiB of each connection.
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

impl Default for MemoryBudget {
    fn default() -> Self {
        Self::process()
    }
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget").field("used", &self.used()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_by_whole_steps_and_leave_nothing_behind() {
        let budget = MemoryBudget::new(3 * STEP);
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
