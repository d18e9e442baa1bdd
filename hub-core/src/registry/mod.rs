//! Who is connected, as which user, in which groups.
//!
//! An index over opaque outlets: it never calls one, so whoever walks it decides what delivery means.
//! Ids, groups and users compare ordinally. An id that nobody has is a no-op everywhere.
//! A group or user exists exactly while it has a connection.

mod audience;
mod group;
mod slab;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use self::group::{Membership, Sets, push, swap_out};
use self::slab::Slab;
use crate::seed::{Seed, SeededMap};

pub use self::audience::Audience;
pub use self::slab::Key;

/// An index of connections by id, user and group.
pub struct Registry<O> {
    ids: SeededMap<Arc<str>, Key>,
    members: Slab<Member<O>>,
    everyone: Vec<Key>,
    groups: Sets,
    users: Sets,
}

struct Member<O> {
    id: Arc<str>,
    /// Where this member stands in `everyone`.
    position: u32,
    user: Option<Membership>,
    /// Sorted by group key; most connections are in few groups.
    groups: Vec<Membership>,
    outlet: O,
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
            ids: SeededMap::with_hasher(seed),
            members: Slab::new(),
            everyone: Vec::new(),
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
        if self.contains(&id) {
            return Err(DuplicateId(outlet));
        }
        let member =
            Member { id: Arc::clone(&id), position: 0, user: None, groups: Vec::new(), outlet };
        let key = self.members.insert(member);
        self.ids.insert(id, key);
        let position = push(&mut self.everyone, key);
        let user = user.map(|user| self.users.add(user, key));
        if let Some(member) = self.members.get_mut(key) {
            member.position = position;
            member.user = user;
        }
        Ok(key)
    }

    /// Forgets a connection: it leaves its groups and its user.
    pub fn remove(&mut self, id: &str) -> Option<Removed<O>> {
        let key = self.ids.remove(id)?;
        let member = self.members.remove(key)?;
        if let Some(moved) = swap_out(&mut self.everyone, member.position)
            && let Some(moved) = self.members.get_mut(moved)
        {
            moved.position = member.position;
        }
        let groups =
            member.groups.into_iter().filter_map(|group| self.leave_group(group)).collect();
        let user = member.user.and_then(|user| self.leave_user(user));
        Some(Removed { outlet: member.outlet, groups, user })
    }

    /// Adds a connection to a group.
    pub fn join(&mut self, id: &str, group: &str) -> Joined {
        let Some(key) = self.key(id) else { return Joined::Unknown };
        let Some(member) = self.members.get_mut(key) else { return Joined::Unknown };
        let existing = self.groups.find(group);
        if existing.is_some_and(|set| member.find(set).is_ok()) {
            return Joined::Already;
        }
        let membership = self.groups.add(group, key);
        if let Err(at) = member.find(membership.set) {
            member.groups.insert(at, membership);
        }
        Joined::Added { first: existing.is_none() }
    }

    /// Takes a connection out of a group.
    pub fn leave(&mut self, id: &str, group: &str) -> Left {
        let Some(membership) = self.take_membership(id, group) else { return Left::Absent };
        Left::Removed { last: self.leave_group(membership).is_some() }
    }

    /// Whether a connection has this id.
    pub fn contains(&self, id: &str) -> bool {
        self.ids.contains_key(id)
    }

    /// The outlet of the connection with this id.
    pub fn outlet(&self, id: &str) -> Option<&O> {
        self.at(self.key(id)?)
    }

    /// The outlet behind a key, until its connection is removed.
    pub fn at(&self, key: Key) -> Option<&O> {
        self.members.get(key).map(|member| &member.outlet)
    }

    /// How many connections there are.
    pub const fn len(&self) -> usize {
        self.everyone.len()
    }

    /// Whether nobody is connected.
    pub const fn is_empty(&self) -> bool {
        self.everyone.is_empty()
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
        let member = self.key(id).and_then(|key| self.members.get(key));
        member.zip(self.groups.find(group)).is_some_and(|(member, set)| member.find(set).is_ok())
    }

    /// The groups of a connection, each once.
    pub fn groups_of<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a str> + use<'a, O> {
        let member = self.key(id).and_then(|key| self.members.get(key));
        let groups = member.map_or(&[][..], |member| &member.groups);
        groups.iter().filter_map(|group| self.groups.name(group.set))
    }

    /// The user of a connection, unless it is anonymous.
    pub fn user_of(&self, id: &str) -> Option<&str> {
        let member = self.members.get(self.key(id)?)?;
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

    fn key(&self, id: &str) -> Option<Key> {
        self.ids.get(id).copied()
    }

    fn ids_of<'a>(&'a self, keys: &'a [Key]) -> impl Iterator<Item = &'a str> + use<'a, O> {
        keys.iter().filter_map(|key| self.members.get(*key)).map(|member| &*member.id)
    }

    fn take_membership(&mut self, id: &str, group: &str) -> Option<Membership> {
        let member = self.members.get_mut(self.ids.get(id).copied()?)?;
        let at = member.find(self.groups.find(group)?).ok()?;
        Some(member.groups.remove(at))
    }

    /// Ends a membership that its member has given up, and names the group if it is gone.
    fn leave_group(&mut self, left: Membership) -> Option<Arc<str>> {
        let departure = self.groups.take(left);
        if let Some(moved) = departure.moved.and_then(|key| self.members.get_mut(key))
            && let Ok(at) = moved.find(left.set)
            && let Some(membership) = moved.groups.get_mut(at)
        {
            membership.position = left.position;
        }
        departure.emptied
    }

    /// The same for a user.
    fn leave_user(&mut self, left: Membership) -> Option<Arc<str>> {
        let departure = self.users.take(left);
        if let Some(moved) = departure.moved.and_then(|key| self.members.get_mut(key)) {
            moved.user = Some(left);
        }
        departure.emptied
    }
}

impl<O> Member<O> {
    /// Where this set stands among the member's groups, or would stand.
    fn find(&self, set: Key) -> Result<usize, usize> {
        self.groups.binary_search_by_key(&set, |group| group.set)
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
