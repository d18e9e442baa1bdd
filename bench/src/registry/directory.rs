//! One job, done by the registry and by its floors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hub_core::registry::{Audience, Registry};

use crate::floors::{Lists, Sets};

/// Where the messages of one connection would wait: a separate piece of memory.
#[derive(Default)]
pub(crate) struct Outlet {
    pushed: AtomicU64,
    _rest: [u64; 15],
}

impl Outlet {
    /// What every push must at least do: to lock is to write to that piece.
    pub(crate) fn push(&self) {
        self.pushed.fetch_add(1, Ordering::AcqRel);
    }
}

/// Who is connected, as which user, in which groups.
pub(crate) trait Directory {
    fn connect(&mut self, id: &Arc<str>, user: &Arc<str>, outlet: &Arc<Outlet>);
    fn disconnect(&mut self, id: &str);
    fn join(&mut self, id: &str, group: &str);
    fn leave(&mut self, id: &str, group: &str);
    fn push_to_user(&self, user: &str);
    fn push_to_group(&self, group: &str);
}

/// What is measured: the floors, and last the registry.
pub(crate) const NAMES: [&str; 3] = ["floor: sets", "floor: lists", "registry"];

/// The empty directory of that name.
pub(crate) fn empty(name: &str) -> Box<dyn Directory> {
    match name {
        "floor: sets" => Box::new(Sets::new()),
        "floor: lists" => Box::new(Lists::new()),
        _ => Box::new(Registry::new([7; 16])),
    }
}

impl Directory for Registry<Arc<Outlet>> {
    fn connect(&mut self, id: &Arc<str>, user: &Arc<str>, outlet: &Arc<Outlet>) {
        let taken = self.insert(Arc::clone(id), Some(Arc::clone(user)), Arc::clone(outlet));
        assert!(taken.is_ok(), "the id is taken");
    }

    fn disconnect(&mut self, id: &str) {
        self.remove(id);
    }

    fn join(&mut self, id: &str, group: &str) {
        self.join(id, group);
    }

    fn leave(&mut self, id: &str, group: &str) {
        self.leave(id, group);
    }

    fn push_to_user(&self, user: &str) {
        self.each(&Audience::User(user), &[], |outlet| outlet.push());
    }

    fn push_to_group(&self, group: &str) {
        self.each(&Audience::Group(group), &[], |outlet| outlet.push());
    }
}

impl Directory for Sets<Outlet> {
    fn connect(&mut self, id: &Arc<str>, user: &Arc<str>, outlet: &Arc<Outlet>) {
        self.insert(Arc::clone(id), Arc::clone(user), Arc::clone(outlet));
    }

    fn disconnect(&mut self, id: &str) {
        self.remove(id);
    }

    fn join(&mut self, id: &str, group: &str) {
        self.join(id, group);
    }

    fn leave(&mut self, id: &str, group: &str) {
        self.leave(id, group);
    }

    fn push_to_user(&self, user: &str) {
        self.users.get(user).into_iter().flat_map(|set| set.values()).for_each(|o| o.push());
    }

    fn push_to_group(&self, group: &str) {
        self.groups.get(group).into_iter().flat_map(|set| set.values()).for_each(|o| o.push());
    }
}

impl Directory for Lists<Outlet> {
    fn connect(&mut self, id: &Arc<str>, user: &Arc<str>, outlet: &Arc<Outlet>) {
        self.insert(Arc::clone(id), Arc::clone(user), Arc::clone(outlet));
    }

    fn disconnect(&mut self, id: &str) {
        self.remove(id);
    }

    fn join(&mut self, id: &str, group: &str) {
        self.join(id, group);
    }

    fn leave(&mut self, id: &str, group: &str) {
        self.leave(id, group);
    }

    fn push_to_user(&self, user: &str) {
        self.users.get(user).into_iter().flatten().for_each(|outlet| outlet.push());
    }

    fn push_to_group(&self, group: &str) {
        self.groups.get(group).into_iter().flatten().for_each(|outlet| outlet.push());
    }
}
