//! Named sets of members. Groups are such sets, and so are users.

use std::sync::Arc;

use super::dense::Members;
use super::index::{Hash, Index};
use super::name::Name;
use super::slab::Slab;
use crate::seed::Seed;

/// Every set that has a member; names compare ordinally.
pub(super) struct Sets {
    seed: Seed,
    names: Index,
    sets: Slab<Set>,
}

struct Set {
    name: Name,
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
    pub(super) fn new(seed: Seed) -> Self {
        Self { seed, names: Index::default(), sets: Slab::new() }
    }

    pub(super) fn len(&self) -> usize {
        debug_assert_eq!(self.names.len(), self.sets.len());
        self.sets.len()
    }

    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.find_hashed(name, self.hash(name))
    }

    pub(super) fn hash(&self, name: &str) -> Hash {
        Hash::of(name.as_bytes(), self.seed)
    }

    /// The same for those who have the hash.
    pub(super) fn find_hashed(&self, name: &str, hash: Hash) -> Option<u32> {
        self.names.find(hash, |set| self.sets.get(set).is_some_and(|set| set.name.is(name)))
    }

    pub(super) fn name(&self, set: u32) -> Option<&str> {
        self.sets.get(set).map(|set| set.name.as_str())
    }

    pub(super) fn members(&self, set: u32) -> &[u32] {
        self.sets.get(set).map_or(&[], |set| set.members.as_slice())
    }

    pub(super) fn members_of(&self, name: &str) -> &[u32] {
        self.find(name).map_or(&[], |set| self.members(set))
    }

    /// Adds a member to the set of that name, which may have to be made.
    pub(super) fn add(&mut self, name: Arc<str>, member: u32) -> Membership {
        let hash = self.hash(&name);
        match self.find_hashed(&name, hash) {
            Some(set) => self.push(set, member),
            None => self.make(name.into(), hash, member),
        }
    }

    /// Adds a member that the set does not have yet.
    pub(super) fn push(&mut self, set: u32, member: u32) -> Membership {
        let position = self.sets.get_mut(set).map_or(0, |set| set.members.push(member));
        Membership { set, position }
    }

    /// Makes a set that does not exist, of one member.
    pub(super) fn make(&mut self, name: Name, hash: Hash, member: u32) -> Membership {
        let set = self.sets.insert(Set { name, members: Members::One(member) });
        self.names.insert(hash, set);
        Membership { set, position: 0 }
    }

    pub(super) fn take(&mut self, membership: Membership) -> Departure {
        let Some(set) = self.sets.get_mut(membership.set) else { return Departure::Moved(None) };
        if let Some(moved) = set.members.swap_out(membership.position) {
            return Departure::Moved(moved);
        }
        let Some(set) = self.sets.remove(membership.set) else { return Departure::Moved(None) };
        self.names.remove(Hash::of(set.name.as_bytes(), self.seed), membership.set);
        Departure::Emptied(set.name.into())
    }
}
