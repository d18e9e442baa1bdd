//! Who is in which group.

use std::fmt;
use std::sync::Arc;

use crate::builder::HubCore;
use crate::context::Scope;

/// The groups of a hub. Names are compared exactly; empty groups do not exist.
#[derive(Clone)]
pub struct Groups {
    hub: Arc<HubCore>,
}

impl Groups {
    pub(crate) const fn new(hub: Arc<HubCore>) -> Self {
        Self { hub }
    }

    /// Adds a connection to a group. Nothing happens when it is in it already, or is not connected.
    pub async fn add(&self, connection_id: &str, group: &str) {
        self.hub.shards.write(connection_id).join(connection_id, group);
    }

    /// Takes a connection out of a group. Nothing happens when it is not in it.
    pub async fn remove(&self, connection_id: &str, group: &str) {
        self.hub.shards.write(connection_id).leave(connection_id, group);
    }

    /// The groups that a connection is in.
    pub async fn of(&self, connection_id: &str) -> Vec<String> {
        self.hub.shards.read(connection_id).groups_of(connection_id).map(str::to_owned).collect()
    }

    /// The ids of the connections in a group.
    pub async fn members(&self, group: &str, _scope: Scope) -> Vec<String> {
        let members = |registry: &hub_core::registry::Registry<_>| -> Vec<String> {
            registry.members(group).map(str::to_owned).collect()
        };
        self.hub.shards.ask(members).flatten().collect()
    }

    /// How many connections are in a group.
    pub async fn count(&self, group: &str, _scope: Scope) -> usize {
        self.hub.shards.ask(|registry| registry.member_count(group)).sum()
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}
