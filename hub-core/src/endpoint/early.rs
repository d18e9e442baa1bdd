//! What is posted before a transport is there.

use std::sync::Arc;

use crate::limits::{EARLY, EARLY_TOGETHER};
use crate::seed::{Seed, SeededMap};

/// Bodies of those who wait for their transport, hardly ever any.
pub(super) struct Early {
    bodies: SeededMap<Arc<str>, Vec<u8>>,
    /// The sum of their lengths.
    bytes: usize,
}

impl Early {
    pub(super) fn new(seed: Seed) -> Self {
        Self { bodies: SeededMap::with_hasher(seed), bytes: 0 }
    }

    /// Keeps a body behind those before it; false without room.
    pub(super) fn keep(&mut self, token: &Arc<str>, body: &[u8]) -> bool {
        if body.is_empty() {
            return true;
        }
        let kept = self.bodies.get(token).map_or(0, Vec::len);
        if kept + body.len() > EARLY || self.bytes + body.len() > EARLY_TOGETHER {
            return false;
        }
        self.bodies.entry(Arc::clone(token)).or_default().extend_from_slice(body);
        self.bytes += body.len();
        true
    }

    /// All that was kept for a connection, which is pending no more.
    pub(super) fn take(&mut self, token: &str) -> Vec<u8> {
        let body = if self.bodies.is_empty() { None } else { self.bodies.remove(token) };
        let body = body.unwrap_or_default();
        self.bytes -= body.len();
        body
    }

    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}
