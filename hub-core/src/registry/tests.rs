use std::collections::BTreeSet;
use std::mem::size_of;

use proptest::prelude::*;

use super::*;

fn registry(seed: u8) -> Registry<u32> {
    Registry::new([seed; 16])
}

/// Three connections: `a` and `b` of ada, `c` anonymous.
fn three() -> Registry<u32> {
    let mut registry = registry(1);
    registry.insert("a".into(), Some("ada".into()), 1).unwrap();
    registry.insert("b".into(), Some("ada".into()), 2).unwrap();
    registry.insert("c".into(), None, 3).unwrap();
    registry
}

fn visits<O: Copy + Ord>(
    registry: &Registry<O>,
    audience: Audience<'_>,
    except: &[&str],
) -> Vec<O> {
    let mut seen = Vec::new();
    registry.each(&audience, except, |outlet| seen.push(*outlet));
    seen
}

#[test]
fn a_taken_id_gives_the_outlet_back() {
    let mut registry = three();
    assert_eq!(registry.insert("a".into(), Some("eve".into()), 9), Err(DuplicateId(9)));
    assert_eq!(registry.outlet("a"), Some(&1));
    assert_eq!((registry.len(), registry.user_count()), (3, 1));
}

#[test]
fn ids_groups_and_users_compare_ordinally() {
    let mut registry = three();
    registry.join("a", "Room");
    assert_eq!(registry.outlet("A"), None);
    assert_eq!(registry.member_count("room"), 0);
    assert_eq!(registry.connection_count("Ada"), 0);
}

#[test]
fn a_key_outlives_its_connection_but_means_nothing() {
    let mut registry = registry(1);
    let key = registry.insert("a".into(), None, 1).unwrap();
    assert_eq!(registry.at(key), Some(&1));
    registry.remove("a");
    let again = registry.insert("a".into(), None, 2).unwrap();
    assert_eq!(registry.at(key), None);
    assert_eq!(registry.at(again), Some(&2));
}

#[test]
fn joining_and_leaving_tell_when_a_group_comes_and_goes() {
    let mut registry = three();
    assert_eq!(registry.join("nobody", "room"), Joined::Unknown);
    assert_eq!(registry.group_count(), 0);
    assert_eq!(registry.join("a", "room"), Joined::Added { first: true });
    assert_eq!(registry.join("a", "room"), Joined::Already);
    assert_eq!(registry.join("b", "room"), Joined::Added { first: false });
    assert_eq!(registry.leave("c", "room"), Left::Absent);
    assert_eq!(registry.leave("nobody", "room"), Left::Absent);
    assert_eq!(registry.leave("a", "room"), Left::Removed { last: false });
    assert_eq!(registry.leave("a", "room"), Left::Absent);
    assert_eq!(registry.leave("b", "room"), Left::Removed { last: true });
    assert_eq!(registry.group_count(), 0);
}

#[test]
fn removal_names_what_it_emptied() {
    let mut registry = three();
    registry.join("a", "shared");
    registry.join("b", "shared");
    registry.join("a", "own");
    let removed = registry.remove("a").unwrap();
    assert_eq!(removed, Removed { outlet: 1, groups: vec!["own".into()], user: None });
    let removed = registry.remove("b").unwrap();
    assert_eq!(
        removed,
        Removed { outlet: 2, groups: vec!["shared".into()], user: Some("ada".into()) }
    );
    assert_eq!(registry.remove("b"), None);
}

#[test]
fn missing_names_reach_nobody() {
    let registry = three();
    for audience in [
        Audience::Client("x"),
        Audience::Clients(&["x", "y"]),
        Audience::Group("x"),
        Audience::Groups { names: &["x"], distinct: false },
        Audience::Groups { names: &["x"], distinct: true },
        Audience::User("x"),
        Audience::Users(&["x"]),
        Audience::Clients(&[]),
    ] {
        assert!(visits(&registry, audience, &[]).is_empty(), "{audience:?}");
    }
}

#[test]
fn listed_twice_is_one_copy_except_for_groups() {
    let mut registry = three();
    registry.join("a", "x");
    registry.join("a", "y");
    registry.join("b", "y");
    assert_eq!(visits(&registry, Audience::Clients(&["b", "a", "b"]), &[]), [1, 2]);
    assert_eq!(visits(&registry, Audience::Users(&["ada", "ada"]), &[]), [1, 2]);
    let names = &["x", "y", "x"][..];
    assert_eq!(visits(&registry, Audience::Groups { names, distinct: false }, &[]), [1, 1, 2, 1]);
    assert_eq!(visits(&registry, Audience::Groups { names, distinct: true }, &[]), [1, 2]);
}

#[test]
fn except_works_with_every_audience() {
    let mut registry = three();
    for id in ["a", "b", "c"] {
        registry.join(id, "x");
    }
    let except = &["b", "b", "unknown"][..];
    assert_eq!(visits(&registry, Audience::All, except), [1, 3]);
    assert_eq!(visits(&registry, Audience::Client("b"), except), [0_u32; 0]);
    assert_eq!(visits(&registry, Audience::Clients(&["a", "b"]), except), [1]);
    assert_eq!(visits(&registry, Audience::Group("x"), except), [1, 3]);
    assert_eq!(
        visits(&registry, Audience::Groups { names: &["x", "x"], distinct: false }, except),
        [1, 3, 1, 3]
    );
    assert_eq!(
        visits(&registry, Audience::Groups { names: &["x", "x"], distinct: true }, except),
        [1, 3]
    );
    assert_eq!(visits(&registry, Audience::User("ada"), except), [1]);
    assert_eq!(visits(&registry, Audience::Users(&["ada"]), except), [1]);
    assert_eq!(visits(&registry, Audience::All, &["a", "b", "c"]), [0_u32; 0]);
}

#[test]
fn anonymous_connections_belong_to_no_user() {
    let registry = three();
    assert_eq!(visits(&registry, Audience::User(""), &[]), [0_u32; 0]);
    assert_eq!(registry.user_of("c"), None);
    assert_eq!(registry.user_of("a"), Some("ada"));
}

#[test]
fn the_empty_name_is_a_group_like_any_other() {
    let mut registry = three();
    assert_eq!(registry.join("a", ""), Joined::Added { first: true });
    assert_eq!(visits(&registry, Audience::Group(""), &[]), [1]);
}

#[test]
fn a_member_is_small() {
    assert_eq!(size_of::<Option<Member>>(), 64);
    assert_eq!(size_of::<Membership>(), 8);
    let registry = three();
    let member = registry.members.get(registry.slot("a").unwrap()).unwrap();
    assert_eq!(member.groups.capacity(), 0);
}

#[test]
fn a_user_and_a_group_are_found_without_a_walk_over_the_others() {
    let mut registry = registry(1);
    for outlet in 0..10_000 {
        let (id, name) = (outlet.to_string(), (outlet / 10).to_string());
        registry.insert(id.as_str().into(), Some(name.as_str().into()), outlet).unwrap();
        registry.join(&id, &name);
    }
    // Whoever is looked at is one of these; that they are found by few steps is the law of the index.
    assert_eq!(registry.users.members_of("7").len(), 10);
    assert_eq!(registry.groups.members_of("7").len(), 10);
    let ten: Vec<u32> = (70..80).collect();
    assert_eq!(visits(&registry, Audience::User("7"), &[]), ten);
    assert_eq!(visits(&registry, Audience::Group("7"), &[]), ten);
}

/// What can happen to a registry; names are small numbers so that they meet often.
#[derive(Clone, Debug)]
enum Step {
    Insert { id: u8, user: Option<u8> },
    Remove(u8),
    Join(u8, u8),
    Leave(u8, u8),
    Each { kind: u8, names: Vec<u8>, except: Vec<u8> },
}

const IDS: u8 = 8;
const NAMES: u8 = 4;

fn step() -> impl Strategy<Value = Step> {
    let names = || prop::collection::vec(0..IDS + 1, 0..5);
    prop_oneof![
        3 => (0..IDS, prop::option::of(0..NAMES)).prop_map(|(id, user)| Step::Insert { id, user }),
        1 => (0..IDS).prop_map(Step::Remove),
        4 => (0..IDS, 0..NAMES).prop_map(|(id, group)| Step::Join(id, group)),
        2 => (0..IDS, 0..NAMES).prop_map(|(id, group)| Step::Leave(id, group)),
        3 => (0..8u8, names(), names()).prop_map(|(kind, names, except)| Step::Each { kind, names, except }),
    ]
}

/// Obviously right: a list of connections, searched from end to end for everything.
#[derive(Default)]
struct Model(Vec<Row>);

struct Row {
    id: String,
    user: Option<String>,
    groups: BTreeSet<String>,
    outlet: u32,
}

impl Model {
    fn row(&mut self, id: &str) -> Option<&mut Row> {
        self.0.iter_mut().find(|row| row.id == id)
    }

    fn count(&self, group: &str) -> usize {
        self.0.iter().filter(|row| row.groups.contains(group)).count()
    }

    fn copies(row: &Row, audience: &Audience<'_>) -> usize {
        match audience {
            Audience::All => 1,
            Audience::Client(id) => usize::from(row.id == *id),
            Audience::Clients(ids) => usize::from(ids.contains(&&*row.id)),
            Audience::Group(name) => usize::from(row.groups.contains(*name)),
            Audience::Groups { names, distinct } => {
                let copies = names.iter().filter(|name| row.groups.contains(**name)).count();
                if *distinct { copies.min(1) } else { copies }
            }
            Audience::User(user) => usize::from(row.user.as_deref() == Some(*user)),
            Audience::Users(users) => {
                usize::from(row.user.as_deref().is_some_and(|user| users.contains(&user)))
            }
        }
    }

    fn each(&self, audience: &Audience<'_>, except: &[&str]) -> Vec<u32> {
        let mut seen = Vec::new();
        for row in self.0.iter().filter(|row| !except.contains(&&*row.id)) {
            seen.extend(std::iter::repeat_n(row.outlet, Self::copies(row, audience)));
        }
        seen.sort_unstable();
        seen
    }
}

fn audience<'a>(kind: u8, names: &'a [&'a str]) -> Audience<'a> {
    let first = names.first().copied().unwrap_or_default();
    match kind {
        0 => Audience::All,
        1 => Audience::Client(first),
        2 => Audience::Clients(names),
        3 => Audience::Group(first),
        4 => Audience::Groups { names, distinct: false },
        5 => Audience::Groups { names, distinct: true },
        6 => Audience::User(first),
        _ => Audience::Users(names),
    }
}

fn strings(names: &[u8]) -> Vec<String> {
    names.iter().map(u8::to_string).collect()
}

/// The same step on the registry and on the model, compared; returns the visits in their order.
fn run(step: &Step, outlet: u32, registry: &mut Registry<u32>, model: &mut Model) -> Vec<u32> {
    match step {
        Step::Insert { id, user } => {
            let (id, user) = (id.to_string(), user.map(|user| user.to_string()));
            let result =
                registry.insert(id.as_str().into(), user.as_deref().map(Into::into), outlet);
            assert_eq!(result.is_err(), model.row(&id).is_some());
            if result.is_ok() {
                model.0.push(Row { id, user, groups: BTreeSet::new(), outlet });
            }
        }
        Step::Remove(id) => {
            let id = id.to_string();
            let at = model.0.iter().position(|row| row.id == id);
            let expected = at.map(|at| model.0.swap_remove(at));
            let removed = registry.remove(&id);
            assert_eq!(removed.is_some(), expected.is_some());
            if let (Some(removed), Some(expected)) = (removed, expected) {
                assert_eq!(removed.outlet, expected.outlet);
                let emptied: BTreeSet<&str> = removed.groups.iter().map(|name| &**name).collect();
                let gone = expected.groups.iter().filter(|name| model.count(name) == 0);
                assert_eq!(emptied, gone.map(|name| &**name).collect());
                let user = expected
                    .user
                    .filter(|user| model.0.iter().all(|row| row.user.as_ref() != Some(user)));
                assert_eq!(removed.user.as_deref(), user.as_deref());
            }
        }
        Step::Join(id, group) => {
            let (id, group) = (id.to_string(), group.to_string());
            let first = model.count(&group) == 0;
            let joined = model.row(&id).map(|row| row.groups.insert(group.clone()));
            let expected = match joined {
                None => Joined::Unknown,
                Some(true) => Joined::Added { first },
                Some(false) => Joined::Already,
            };
            assert_eq!(registry.join(&id, &group), expected);
        }
        Step::Leave(id, group) => {
            let (id, group) = (id.to_string(), group.to_string());
            let left = model.row(&id).is_some_and(|row| row.groups.remove(&group));
            let expected =
                if left { Left::Removed { last: model.count(&group) == 0 } } else { Left::Absent };
            assert_eq!(registry.leave(&id, &group), expected);
        }
        Step::Each { kind, names, except } => {
            let (names, except) = (strings(names), strings(except));
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let except: Vec<&str> = except.iter().map(String::as_str).collect();
            let audience = audience(*kind, &names);
            let seen = visits(registry, audience, &except);
            let mut sorted = seen.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, model.each(&audience, &except), "{audience:?}");
            return seen;
        }
    }
    Vec::new()
}

/// Every question, answered by both.
fn agree(registry: &Registry<u32>, model: &Model) {
    assert_eq!(registry.len(), model.0.len());
    assert_eq!(registry.is_empty(), model.0.is_empty());
    let groups: BTreeSet<&String> = model.0.iter().flat_map(|row| &row.groups).collect();
    let users: BTreeSet<&String> = model.0.iter().filter_map(|row| row.user.as_ref()).collect();
    assert_eq!((registry.group_count(), registry.user_count()), (groups.len(), users.len()));
    for row in &model.0 {
        assert_eq!(registry.outlet(&row.id), Some(&row.outlet));
        assert_eq!(registry.user_of(&row.id), row.user.as_deref());
        let names: Vec<&str> = registry.groups_of(&row.id).collect();
        assert_eq!(names.len(), row.groups.len());
        assert!(names.iter().all(|name| row.groups.contains(*name)));
        assert!(names.iter().all(|name| registry.is_member(&row.id, name)));
    }
    for name in 0..NAMES {
        let name = name.to_string();
        let members: BTreeSet<&str> = registry.members(&name).collect();
        let expected = model.0.iter().filter(|row| row.groups.contains(&name));
        assert_eq!(members, expected.map(|row| &*row.id).collect());
        assert_eq!(members.len(), registry.member_count(&name));
        let connections: BTreeSet<&str> = registry.connections_of(&name).collect();
        let expected = model.0.iter().filter(|row| row.user.as_ref() == Some(&name));
        assert_eq!(connections, expected.map(|row| &*row.id).collect());
        assert_eq!(connections.len(), registry.connection_count(&name));
    }
}

proptest! {
    #[test]
    fn a_registry_is_a_list_that_answers_fast(steps in prop::collection::vec(step(), 0..120)) {
        let (mut registry, mut model) = (registry(3), Model::default());
        for (outlet, step) in (0..).zip(&steps) {
            run(step, outlet, &mut registry, &mut model);
            agree(&registry, &model);
        }
    }

    #[test]
    fn equal_histories_visit_in_equal_order(steps in prop::collection::vec(step(), 0..120), seeds: [u8; 2]) {
        let mut twins = seeds.map(|seed| (registry(seed), Model::default()));
        for (outlet, step) in (0..).zip(&steps) {
            let [a, b] = twins.each_mut().map(|(registry, model)| run(step, outlet, registry, model));
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn nothing_remains_when_everybody_has_left(steps in prop::collection::vec(step(), 0..120)) {
        let (mut registry, mut model) = (registry(5), Model::default());
        for (outlet, step) in (0..).zip(&steps) {
            run(step, outlet, &mut registry, &mut model);
        }
        for id in 0..IDS {
            run(&Step::Remove(id), 0, &mut registry, &mut model);
        }
        agree(&registry, &Model::default());
        prop_assert!(registry.ids.len() == 0 && registry.is_empty());
        prop_assert_eq!(registry.members.len(), 0);
    }
}
