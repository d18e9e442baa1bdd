//! Whom a message is for, and the walk over exactly those.

use super::Registry;

/// Whom a message is for; ids, groups and users that nobody has are simply nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// Every connection.
    All,
    /// One connection, by its id.
    Client(&'a str),
    /// Connections by their ids; one copy each, however often an id is listed.
    Clients(&'a [&'a str]),
    /// The members of one group.
    Group(&'a str),
    /// The members of several groups.
    Groups {
        /// The groups, in the order in which they are served.
        names: &'a [&'a str],
        /// Whether a member gets one copy; otherwise it gets one for each listed group it is in, and
        /// again for a group that is listed again.
        distinct: bool,
    },
    /// Every connection of one user.
    User(&'a str),
    /// Every connection of several users; one copy each, however often a user is listed.
    Users(&'a [&'a str]),
}

impl<O> Registry<O> {
    /// Visits the outlet of everyone in the audience whose id is not in `except`, in an order that
    /// depends on nothing but the history of this registry.
    ///
    /// Allocates nothing unless the audience is a list or `except` names more than one member.
    ///
    /// ```
    /// use hub_core::registry::{Audience, Registry};
    ///
    /// let mut registry = Registry::new([7; 16]);
    /// registry.insert("c1".into(), Some("ada".into()), "outlet 1").unwrap();
    /// registry.insert("c2".into(), None, "outlet 2").unwrap();
    /// registry.join("c1", "room");
    /// registry.join("c2", "room");
    ///
    /// let mut seen = Vec::new();
    /// registry.each(&Audience::Group("room"), &["c1"], |outlet| seen.push(*outlet));
    /// assert_eq!(seen, ["outlet 2"]);
    /// ```
    pub fn each(&self, audience: &Audience<'_>, except: &[&str], mut visit: impl FnMut(&O)) {
        let position = |id: &&str| Some(self.members.get(self.slot(id)?)?.position);
        let except = Except::new(except.iter().filter_map(position));
        let mut walk = |slots: &[u32]| {
            for member in slots.iter().filter_map(|slot| self.members.get(*slot)) {
                if !except.has(member.position)
                    && let Some(outlet) = self.everyone.outlet(member.position)
                {
                    visit(outlet);
                }
            }
        };
        match *audience {
            Audience::All => {
                for others in self.everyone.around(except.positions()) {
                    others.iter().for_each(&mut visit);
                }
            }
            Audience::Client(id) => walk(self.slot(id).as_slice()),
            Audience::Clients(ids) => walk(&distinct(ids.iter().filter_map(|id| self.slot(id)))),
            Audience::Group(name) => walk(self.groups.members_of(name)),
            Audience::Groups { names, distinct: false } => {
                for name in names {
                    walk(self.groups.members_of(name));
                }
            }
            Audience::Groups { names, distinct: true } => {
                walk(&distinct(
                    names.iter().flat_map(|name| self.groups.members_of(name)).copied(),
                ));
            }
            Audience::User(name) => walk(self.users.members_of(name)),
            Audience::Users(names) => {
                for user in distinct(names.iter().filter_map(|name| self.users.find(name))) {
                    walk(self.users.members(user));
                }
            }
        }
    }
}

/// Where those stand that are left out. "Everyone but the caller" is so common that it allocates nothing.
enum Except {
    Nobody,
    One(u32),
    Sorted(Vec<u32>),
}

impl Except {
    fn new(mut positions: impl Iterator<Item = u32>) -> Self {
        match (positions.next(), positions.next()) {
            (None, _) => Self::Nobody,
            (Some(position), None) => Self::One(position),
            (Some(a), Some(b)) => Self::Sorted(distinct([a, b].into_iter().chain(positions))),
        }
    }

    fn positions(&self) -> &[u32] {
        match self {
            Self::Nobody => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Sorted(positions) => positions,
        }
    }

    fn has(&self, position: u32) -> bool {
        match self {
            Self::Nobody => false,
            Self::One(one) => *one == position,
            Self::Sorted(positions) => positions.binary_search(&position).is_ok(),
        }
    }
}

fn distinct(slots: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut slots: Vec<u32> = slots.collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}
