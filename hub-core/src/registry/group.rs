//! Named sets of members. Groups are such sets, and so are users.

use std::sync::Arc;

use super::slab::{Key, Slab};
use crate::seed::{Seed, SeededMap};

/// Every set that has a member; names compare ordinally.
pub(super) struct Sets {
    names: SeededMap<Arc<str>, Key>,
    sets: Slab<Set>,
}

struct Set {
    name: Arc<str>,
    members: Vec<Key>,
}

/// Where a member stands in a set; kept with the member, so that leaving searches nothing.
#[derive(Clone, Copy)]
pub(super) struct Membership {
    pub(super) set: Key,
    pub(super) position: u32,
}

/// What changed when a member left a set.
pub(super) struct Departure {
    /// The member that now stands where the leaver stood.
    pub(super) moved: Option<Key>,
    /// The name of the set, if it is empty and therefore gone.
    pub(super) emptied: Option<Arc<str>>,
}

impl Sets {
    pub(super) fn new(seed: Seed) -> Self {
        Self { names: SeededMap::with_hasher(seed), sets: Slab::new() }
    }

    pub(super) fn len(&self) -> usize {
        debug_assert_eq!(self.names.len(), self.sets.len());
        self.sets.len()
    }

    pub(super) fn find(&self, name: &str) -> Option<Key> {
        self.names.get(name).copied()
    }

    pub(super) fn name(&self, set: Key) -> Option<&str> {
        self.sets.get(set).map(|set| &*set.name)
    }

    pub(super) fn members(&self, set: Key) -> &[Key] {
        self.sets.get(set).map_or(&[], |set| &set.members)
    }

    pub(super) fn members_of(&self, name: &str) -> &[Key] {
        self.find(name).map_or(&[], |set| self.members(set))
    }

    /// Adds a member that the set does not have yet; a set that does not exist is made.
    pub(super) fn add(
        &mut self,
        name: impl AsRef<str> + Into<Arc<str>>,
        member: Key,
    ) -> Membership {
        if let Some(key) = self.find(name.as_ref())
            && let Some(set) = self.sets.get_mut(key)
        {
            return Membership { set: key, position: push(&mut set.members, member) };
        }
        let name = name.into();
        let set = self.sets.insert(Set { name: Arc::clone(&name), members: vec![member] });
        self.names.insert(name, set);
        Membership { set, position: 0 }
    }

    pub(super) fn take(&mut self, membership: Membership) -> Departure {
        let Some(set) = self.sets.get_mut(membership.set) else {
            return Departure { moved: None, emptied: None };
        };
        let moved = swap_out(&mut set.members, membership.position);
        if !set.members.is_empty() {
            return Departure { moved, emptied: None };
        }
        let emptied = self.sets.remove(membership.set).map(|set| set.name);
        if let Some(name) = &emptied {
            self.names.remove(name);
        }
        Departure { moved, emptied }
    }
}

/// Appends a member and says where it stands.
pub(super) fn push(members: &mut Vec<Key>, member: Key) -> u32 {
    // Positions end where slots do, far behind the end of memory.
    let position = u32::try_from(members.len()).unwrap_or(u32::MAX);
    members.push(member);
    position
}

/// Removes the member at a position and names the one that took its place.
pub(super) fn swap_out(members: &mut Vec<Key>, position: u32) -> Option<Key> {
    let position = position as usize;
    if position < members.len() {
        members.swap_remove(position);
    }
    members.get(position).copied()
}
