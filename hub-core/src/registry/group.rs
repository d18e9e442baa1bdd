//! Named sets of members. Groups are such sets, and so are users.

use std::sync::Arc;

use super::dense::Members;
use super::index::Index;
use super::slab::Slab;
use crate::seed::Seed;

/// Every set that has a member; names compare ordinally.
pub(super) struct Sets {
    names: Index,
    sets: Slab<Set>,
}

struct Set {
    name: Arc<str>,
    members: Members,
}

/// Where a member stands in a set; kept with the member, so that leaving searches nothing.
#[derive(Clone, Copy)]
pub(super) struct Membership {
    pub(super) set: u32,
    pub(super) position: u32,
}

/// What changed when a member left a set.
pub(super) enum Departure {
    /// Others remain; one of them may stand where the leaver stood.
    Moved(Option<u32>),
    /// The set is empty and therefore gone.
    Emptied(Arc<str>),
}

impl Sets {
    pub(super) const fn new(seed: Seed) -> Self {
        Self { names: Index::new(seed), sets: Slab::new() }
    }

    pub(super) fn len(&self) -> usize {
        debug_assert_eq!(self.names.len(), self.sets.len());
        self.sets.len()
    }

    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.names.find(name, |set| self.name(set) == Some(name))
    }

    pub(super) fn name(&self, set: u32) -> Option<&str> {
        self.sets.get(set).map(|set| &*set.name)
    }

    pub(super) fn members(&self, set: u32) -> &[u32] {
        self.sets.get(set).map_or(&[], |set| set.members.as_slice())
    }

    pub(super) fn members_of(&self, name: &str) -> &[u32] {
        self.find(name).map_or(&[], |set| self.members(set))
    }

    /// Adds a member to the set of that name, which may have to be made.
    pub(super) fn add(&mut self, name: Arc<str>, member: u32) -> Membership {
        match self.find(&name) {
            Some(set) => self.push(set, member),
            None => self.make(name, member),
        }
    }

    /// Adds a member that the set does not have yet.
    pub(super) fn push(&mut self, set: u32, member: u32) -> Membership {
        let position = self.sets.get_mut(set).map_or(0, |set| set.members.push(member));
        Membership { set, position }
    }

    /// Makes a set that does not exist, of one member.
    pub(super) fn make(&mut self, name: Arc<str>, member: u32) -> Membership {
        let slot = self.sets.insert(Set { name, members: Members::One(member) });
        if let Some(set) = self.sets.get(slot) {
            self.names.insert(&set.name, slot);
        }
        Membership { set: slot, position: 0 }
    }

    pub(super) fn take(&mut self, membership: Membership) -> Departure {
        let Some(set) = self.sets.get_mut(membership.set) else { return Departure::Moved(None) };
        if let Some(moved) = set.members.swap_out(membership.position) {
            return Departure::Moved(moved);
        }
        let Some(set) = self.sets.remove(membership.set) else { return Departure::Moved(None) };
        self.names.remove(&set.name, membership.set);
        Departure::Emptied(set.name)
    }
}
