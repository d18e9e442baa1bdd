//! The index of who is connected, beside plain maps that are searched from end to end.
//!
//! Two registries with different seeds take the same steps: they answer like the maps, and alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use hub_core::registry::{Audience, DuplicateId, Joined, Key, Left, Registry, Removed};

use super::input::Input;

/// Ids, groups and users: some are kept in place, some are too long for that, and many begin alike.
const NAMES: [&str; 12] = [
    "",
    "a",
    "A",
    "ab",
    "é",
    "0123456789012345678901",
    "01234567890123456789012",
    "0123456789012345678902",
    "01234567890123456789éé",
    "0123456789012345678901234567890123456789012345678901234567890123",
    "0123456789012345678901234567890123456789012345678901234567890124",
    "a\0",
];

/// From that byte on, a name is one of many.
const MANY: u8 = 192;

/// Runs `input` as a list of steps.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let mut pair = Pair {
        registries: [1, 2].map(|seed| Registry::new([seed; 16])),
        rows: BTreeMap::new(),
        keys: Vec::new(),
    };
    while !input.is_empty() {
        pair.step(&mut input);
        pair.agree();
    }
    while let Some(id) = pair.rows.keys().next_back().cloned() {
        pair.remove(&id);
        pair.agree();
    }
    assert!(pair.registries.iter().all(Registry::is_empty), "somebody is left");
}

fn name(input: &mut Input<'_>) -> String {
    let byte = input.byte();
    let name = NAMES.get(usize::from(byte) % NAMES.len()).copied().unwrap_or_default();
    if byte < MANY { name.to_owned() } else { format!("{name}{byte}") }
}

fn names(input: &mut Input<'_>) -> Vec<String> {
    (0..input.byte() % 6).map(|_| name(input)).collect()
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

struct Row {
    user: Option<String>,
    groups: BTreeSet<String>,
    outlet: u32,
}

struct Pair {
    registries: [Registry<u32>; 2],
    /// Who is connected, by id.
    rows: BTreeMap<String, Row>,
    /// Every key that there ever was, the place of which is the outlet it stood for.
    keys: Vec<[Key; 2]>,
}

impl Pair {
    /// Does one thing: what, says the first byte.
    fn step(&mut self, input: &mut Input<'_>) {
        let kind = input.byte() % 16;
        if kind >= 10 {
            let lists = [names(input), names(input)];
            let [names, except] = lists.each_ref().map(|list| texts(list));
            return self.visit(kind, &names, &except);
        }
        let id = name(input);
        match kind {
            0..=2 => {
                let user = (!input.byte().is_multiple_of(4)).then(|| name(input));
                self.insert(id, user);
            }
            3 => self.remove(&id),
            4..=7 => self.join(&id, name(input)),
            _ => self.leave(&id, &name(input)),
        }
    }

    /// Does the same with both, which gives the same.
    fn both<R: PartialEq + Debug>(&mut self, mut act: impl FnMut(&mut Registry<u32>) -> R) -> R {
        let [one, two] = self.registries.each_mut().map(&mut act);
        assert_eq!(one, two, "it depends on the seed");
        one
    }

    fn insert(&mut self, id: String, user: Option<String>) {
        let outlet = self.keys.len() as u32;
        let keys = self.registries.each_mut().map(|registry| {
            registry.insert(id.as_str().into(), user.as_deref().map(Into::into), outlet)
        });
        if self.rows.contains_key(&id) {
            assert_eq!(keys, [Err(DuplicateId(outlet)); 2], "{id:?} twice");
            return;
        }
        self.keys.push(keys.map(|key| key.expect("an id that nobody has")));
        self.rows.insert(id, Row { user, groups: BTreeSet::new(), outlet });
    }

    fn remove(&mut self, id: &str) {
        let removed = self.both(|registry| {
            let mut removed = registry.remove(id);
            if let Some(removed) = &mut removed {
                removed.groups.sort();
            }
            removed
        });
        let expected = self.rows.remove(id).map(|row| Removed {
            outlet: row.outlet,
            groups: row
                .groups
                .iter()
                .filter(|name| self.members(name).is_empty())
                .map(|name| arc(name))
                .collect(),
            user: row
                .user
                .iter()
                .find(|name| self.connections(name).is_empty())
                .map(|name| arc(name)),
        });
        assert_eq!(removed, expected, "what {id:?} left behind");
    }

    fn join(&mut self, id: &str, group: String) {
        let first = self.members(&group).is_empty();
        let joined = self.both(|registry| registry.join(id, &group));
        let expected = match self.rows.get_mut(id).map(|row| row.groups.insert(group)) {
            None => Joined::Unknown,
            Some(false) => Joined::Already,
            Some(true) => Joined::Added { first },
        };
        assert_eq!(joined, expected);
    }

    fn leave(&mut self, id: &str, group: &str) {
        let left = self.both(|registry| registry.leave(id, group));
        let was_in = self.rows.get_mut(id).is_some_and(|row| row.groups.remove(group));
        let last = self.members(group).is_empty();
        assert_eq!(left, if was_in { Left::Removed { last } } else { Left::Absent });
    }

    /// Visits an audience, in equal order, and exactly those who belong to it.
    fn visit(&mut self, kind: u8, names: &[&str], except: &[&str]) {
        let first = names.first().copied().unwrap_or_default();
        let distinct = kind == 15;
        let (audience, mut ids) = match kind {
            10 if names.len() > 1 => (Audience::Clients(names), names.to_vec()),
            10 => (Audience::Client(first), vec![first]),
            11 => (Audience::All, self.rows.keys().map(|id| &**id).collect()),
            12 => (Audience::Group(first), self.members(first)),
            13 if names.len() > 1 => (
                Audience::Users(names),
                names.iter().flat_map(|user| self.connections(user)).collect(),
            ),
            13 => (Audience::User(first), self.connections(first)),
            _ => {
                let members = names.iter().flat_map(|group| self.members(group)).collect();
                (Audience::Groups { names, distinct }, members)
            }
        };
        ids.sort_unstable();
        if kind != 14 {
            ids.dedup();
        }
        ids.retain(|id| !except.contains(id));
        let mut expected: Vec<_> =
            ids.iter().filter_map(|id| self.rows.get(*id)).map(|row| row.outlet).collect();
        expected.sort_unstable();
        let mut seen = self.both(|registry| {
            let mut seen = Vec::new();
            registry.each(&audience, except, |outlet| seen.push(*outlet));
            seen
        });
        seen.sort_unstable();
        assert_eq!(seen, expected, "{audience:?} except {except:?}");
    }

    fn members(&self, group: &str) -> Vec<&str> {
        self.ids(|row| row.groups.contains(group))
    }

    fn connections(&self, user: &str) -> Vec<&str> {
        self.ids(|row| row.user.as_deref() == Some(user))
    }

    fn ids(&self, are: impl Fn(&Row) -> bool) -> Vec<&str> {
        self.rows.iter().filter(|(_, row)| are(row)).map(|(id, _)| &**id).collect()
    }

    /// Every question has the answer of the maps.
    fn agree(&self) {
        let groups: BTreeSet<&str> =
            self.rows.values().flat_map(|row| &row.groups).map(|name| &**name).collect();
        let users: BTreeSet<&str> =
            self.rows.values().filter_map(|row| row.user.as_deref()).collect();
        for registry in &self.registries {
            assert_eq!(registry.len(), self.rows.len());
            assert_eq!(registry.group_count(), groups.len());
            assert_eq!(registry.user_count(), users.len());
            for name in groups.iter().chain(&users).chain(&NAMES) {
                assert_eq!(sorted(registry.members(name)), self.members(name), "in {name:?}");
                assert_eq!(registry.member_count(name), self.members(name).len());
                let connections = self.connections(name);
                assert_eq!(sorted(registry.connections_of(name)), connections, "of {name:?}");
                assert_eq!(registry.connection_count(name), connections.len());
            }
            for id in self.rows.keys().map(|id| &**id).chain(NAMES) {
                let row = self.rows.get(id);
                assert_eq!(registry.contains(id), row.is_some());
                assert_eq!(registry.outlet(id), row.map(|row| &row.outlet));
                assert_eq!(registry.user_of(id), row.and_then(|row| row.user.as_deref()));
                let of = row
                    .map_or_else(Vec::new, |row| row.groups.iter().map(|name| &**name).collect());
                assert_eq!(sorted(registry.groups_of(id)), of, "groups of {id:?}");
                for group in &groups {
                    assert_eq!(registry.is_member(id, group), of.contains(group));
                }
            }
        }
        let live: BTreeSet<u32> = self.rows.values().map(|row| row.outlet).collect();
        for (outlet, keys) in (0..).zip(&self.keys) {
            for (registry, key) in self.registries.iter().zip(keys) {
                assert_eq!(registry.at(*key), live.get(&outlet), "what was {outlet}");
            }
        }
    }
}

fn arc(name: &str) -> Arc<str> {
    name.into()
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}
