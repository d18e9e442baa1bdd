//! Which methods a filter is for.

use crate::invocation::Invocation;

/// All methods, or those that were named.
#[derive(Clone, Debug, Default)]
pub(super) struct Methods(Vec<String>);

impl Methods {
    pub(super) fn add(&mut self, name: String) {
        self.0.push(name);
    }

    pub(super) fn has(&self, invocation: &Invocation) -> bool {
        let called = invocation.method();
        self.0.is_empty() || self.0.iter().any(|name| name.eq_ignore_ascii_case(called))
    }
}
