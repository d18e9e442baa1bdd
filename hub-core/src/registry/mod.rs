//! Who is connected, as which user, in which groups.
//!
//! An index over opaque outlets: it never calls one, so whoever walks it decides what delivery means.
//! Ids, groups and users compare ordinally. An id that nobody has is a no-op everywhere.
//! A group or user exists exactly while it has a connection.

mod audience;
mod dense;
mod group;
mod index;
mod name;
mod slab;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use self::dense::Everyone;
use self::group::{Departure, Membership, Sets};
use self::index::{Hash, Index};
use self::name::Name;
use self::slab::Slab;
use crate::seed::Seed;

pub use self::audience::Audience;
pub use self::slab::Key;

/// An index of connections by id, user and group.
pub struct Registry<O> {
    seed: Seed,
    ids: Index,
    members: Slab<Member>,
    everyone: Everyone<O>,
    groups: Sets,
    users: Sets,
}

/// All of it is one line of memory: whoever looks for one has waited for the rest.
#[repr(align(64))]
struct Member {
    id: Name,
    /// Where this member stands in `everyone`, with its outlet.
    position: u32,
    user: Option<Membership>,
    /// Sorted by set; most connections are in few groups.
    groups: Vec<Membership>,
}

/// The id is taken; the outlet comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a connection with this id is registered already")]
pub struct DuplicateId<O>(pub O);

impl<O> fmt::Debug for DuplicateId<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DuplicateId")
    }
}

/// What a connection left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed<O> {
    /// The outlet it was registered with.
    pub outlet: O,
    /// The groups that are empty now and therefore gone.
    pub groups: Vec<Arc<str>>,
    /// The user whose last connection this was.
    pub user: Option<Arc<str>>,
}

/// What became of a wish to join a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// Nobody has this connection id.
    Unknown,
    /// The connection was a member before.
    Already,
    /// The connection is a member now.
    Added {
        /// Whether the group has just come into being.
        first: bool,
    },
}

/// What became of a wish to leave a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The connection was no member, or nobody has its id.
    Absent,
    /// The connection is no member any more.
    Removed {
        /// Whether the group is gone, because nobody is left in it.
        last: bool,
    },
}

impl<O> Registry<O> {
    /// An empty registry; the seed keys its hashes, so that nobody outside can make them collide.
    pub fn new(seed: [u8; 16]) -> Self {
        let seed = Seed::new(seed);
        Self {
            seed,
            ids: Index::default(),
            members: Slab::new(),
            everyone: Everyone::new(),
            groups: Sets::new(seed),
            users: Sets::new(seed),
        }
    }

    /// Registers a connection; without a user it is anonymous and no user audience reaches it.
    ///
    /// Fails when the id is taken, and changes nothing then.
    pub fn insert(
        &mut self,
        id: Arc<str>,
        user: Option<Arc<str>>,
        outlet: O,
    ) -> Result<Key, DuplicateId<O>> {
        let hash = self.hash(&id);
        if self.find(&id, hash).is_some() {
            return Err(DuplicateId(outlet));
        }
        let slot = self.members.insert(Member::new(id));
        self.ids.insert(hash, slot);
        if let Some(member) = self.members.get_mut(slot) {
            member.position = self.everyone.push(slot, outlet);
            member.user = user.map(|user| self.users.add(user, slot));
        }
        Ok(self.members.key(slot))
    }

    /// Forgets a connection: it leaves its groups and its user.
    pub fn remove(&mut self, id: &str) -> Option<Removed<O>> {
        let hash = self.hash(id);
        let slot = self.find(id, hash)?;
        self.ids.remove(hash, slot);
        let member = self.members.remove(slot)?;
        let (outlet, moved) = self.everyone.swap_out(member.position)?;
        if let Some(moved) = moved.and_then(|slot| self.members.get_mut(slot)) {
            moved.position = member.position;
        }
        let groups =
            member.groups.into_iter().filter_map(|group| self.leave_group(group)).collect();
        let user = member.user.and_then(|user| self.leave_user(user));
        Some(Removed { outlet, groups, user })
    }

    /// Adds a connection to a group.
    pub fn join(&mut self, id: &str, group: &str) -> Joined {
        let hash = self.groups.hash(group);
        let Some(slot) = self.slot(id) else { return Joined::Unknown };
        let set = self.groups.find_hashed(group, hash);
        let Some(member) = self.members.get_mut(slot) else { return Joined::Unknown };
        let Some(set) = set else {
            member.join(self.groups.make(group.into(), hash, slot));
            return Joined::Added { first: true };
        };
        if member.find(set).is_ok() {
            return Joined::Already;
        }
        member.join(self.groups.push(set, slot));
        Joined::Added { first: false }
    }

    /// Takes a connection out of a group.
    pub fn leave(&mut self, id: &str, group: &str) -> Left {
        let Some(membership) = self.take_membership(id, group) else { return Left::Absent };
        Left::Removed { last: self.leave_group(membership).is_some() }
    }

    /// Whether a connection has this id.
    pub fn contains(&self, id: &str) -> bool {
        self.slot(id).is_some()
    }

    /// The outlet of the connection with this id.
    pub fn outlet(&self, id: &str) -> Option<&O> {
        self.outlet_at(self.slot(id)?)
    }

    /// The outlet behind a key, until its connection is removed.
    pub fn at(&self, key: Key) -> Option<&O> {
        self.everyone.outlet(self.members.at(key)?.position)
    }

    /// How many connections there are.
    pub const fn len(&self) -> usize {
        self.everyone.len()
    }

    /// Whether nobody is connected.
    pub const fn is_empty(&self) -> bool {
        self.everyone.len() == 0
    }

    /// How many users have a connection.
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// How many groups have a member.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// How many members a group has.
    pub fn member_count(&self, group: &str) -> usize {
        self.groups.members_of(group).len()
    }

    /// How many connections a user has.
    pub fn connection_count(&self, user: &str) -> usize {
        self.users.members_of(user).len()
    }

    /// Whether a connection is in a group.
    pub fn is_member(&self, id: &str, group: &str) -> bool {
        let member = self.slot(id).and_then(|slot| self.members.get(slot));
        member.zip(self.groups.find(group)).is_some_and(|(member, set)| member.find(set).is_ok())
    }

    /// The groups of a connection, each once.
    pub fn groups_of<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a str> + use<'a, O> {
        let member = self.slot(id).and_then(|slot| self.members.get(slot));
        let groups = member.map_or(&[][..], |member| &member.groups);
        groups.iter().filter_map(|group| self.groups.name(group.set))
    }

    /// The user of a connection, unless it is anonymous.
    pub fn user_of(&self, id: &str) -> Option<&str> {
        let member = self.members.get(self.slot(id)?)?;
        self.users.name(member.user?.set)
    }

    /// The connection ids in a group.
    pub fn members<'a>(&'a self, group: &str) -> impl Iterator<Item = &'a str> + use<'a, O> {
        self.ids_of(self.groups.members_of(group))
    }

    /// The connection ids of a user.
    pub fn connections_of<'a>(&'a self, user: &str) -> impl Iterator<Item = &'a str> + use<'a, O> {
        self.ids_of(self.users.members_of(user))
    }

    fn slot(&self, id: &str) -> Option<u32> {
        self.find(id, self.hash(id))
    }

    fn hash(&self, id: &str) -> Hash {
        Hash::of(id.as_bytes(), self.seed)
    }

    fn find(&self, id: &str, hash: Hash) -> Option<u32> {
        self.ids.find(hash, |slot| self.members.get(slot).is_some_and(|member| member.id.is(id)))
    }

    fn outlet_at(&self, slot: u32) -> Option<&O> {
        self.everyone.outlet(self.members.get(slot)?.position)
    }

    fn ids_of<'a>(&'a self, slots: &'a [u32]) -> impl Iterator<Item = &'a str> + use<'a, O> {
        slots.iter().filter_map(|slot| self.members.get(*slot)).map(|member| member.id.as_str())
    }

    fn take_membership(&mut self, id: &str, group: &str) -> Option<Membership> {
        let hash = self.groups.hash(group);
        let slot = self.slot(id)?;
        let set = self.groups.find_hashed(group, hash)?;
        let member = self.members.get_mut(slot)?;
        let at = member.find(set).ok()?;
        Some(member.groups.remove(at))
    }

    /// Ends a membership that its member has given up, and names the group if it is gone.
    fn leave_group(&mut self, left: Membership) -> Option<Arc<str>> {
        let moved = match self.groups.take(left) {
            Departure::Emptied(name) => return Some(name),
            Departure::Moved(slot) => self.members.get_mut(slot?)?,
        };
        let at = moved.find(left.set).ok()?;
        moved.groups.get_mut(at)?.position = left.position;
        None
    }

    /// The same for a user.
    fn leave_user(&mut self, left: Membership) -> Option<Arc<str>> {
        match self.users.take(left) {
            Departure::Emptied(name) => return Some(name),
            Departure::Moved(slot) => self.members.get_mut(slot?)?.user = Some(left),
        }
        None
    }
}

impl Member {
    fn new(id: Arc<str>) -> Self {
        Self { id: id.into(), position: 0, user: None, groups: Vec::new() }
    }

    /// Where this set stands among the member's groups, or would stand.
    fn find(&self, set: u32) -> Result<usize, usize> {
        self.groups.binary_search_by_key(&set, |group| group.set)
    }

    fn join(&mut self, membership: Membership) {
        if let Err(at) = self.find(membership.set) {
            self.groups.insert(at, membership);
        }
    }
}

impl<O> fmt::Debug for Registry<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("connections", &self.len())
            .field("groups", &self.group_count())
            .field("users", &self.user_count())
            .finish()
    }
}
