//! Whom to send to.

use std::fmt;
use std::sync::Arc;

use crate::ask::Origin;
use crate::builder::HubCore;
use crate::target::{SingleTarget, Target, Who};

/// Whom to send to, as seen from outside of a connection.
#[derive(Clone)]
pub struct Clients {
    hub: Arc<HubCore>,
    /// Who sends, if it is a connection.
    origin: Option<Origin>,
}

/// Whom to send to, as seen from a connection: [`Clients`], and who is meant by it.
#[derive(Clone)]
pub struct CallerClients {
    clients: Clients,
    caller: Arc<str>,
}

fn owned(names: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect()
}

impl Clients {
    pub(crate) const fn new(hub: Arc<HubCore>) -> Self {
        Self { hub, origin: None }
    }

    fn target(&self, who: Who, except: Vec<String>) -> Target {
        let (hub, origin) = (Arc::clone(&self.hub), self.origin.clone());
        Target::new(hub, origin, who, except)
    }

    /// Every connection.
    pub fn all(&self) -> Target {
        self.target(Who::All, Vec::new())
    }

    /// Every connection but these.
    pub fn all_except(&self, connection_ids: impl IntoIterator<Item = impl AsRef<str>>) -> Target {
        self.target(Who::All, owned(connection_ids))
    }

    /// One connection.
    pub fn client(&self, connection_id: impl AsRef<str>) -> SingleTarget {
        SingleTarget::new(self.target(Who::Client(connection_id.as_ref().to_owned()), Vec::new()))
    }

    /// These connections; one copy each.
    pub fn clients(&self, connection_ids: impl IntoIterator<Item = impl AsRef<str>>) -> Target {
        self.target(Who::Clients(owned(connection_ids)), Vec::new())
    }

    /// The members of a group. Names are compared exactly.
    pub fn group(&self, name: impl AsRef<str>) -> Target {
        self.target(Who::Group(name.as_ref().to_owned()), Vec::new())
    }

    /// The members of a group but these connections.
    pub fn group_except(
        &self,
        name: impl AsRef<str>,
        connection_ids: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Target {
        self.target(Who::Group(name.as_ref().to_owned()), owned(connection_ids))
    }

    /// The members of several groups. Whoever is in k of them gets k copies, as with ASP.NET Core.
    pub fn groups(&self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Target {
        self.target(Who::Groups(owned(names), false), Vec::new())
    }

    /// The members of several groups; one copy each.
    pub fn groups_distinct(&self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Target {
        self.target(Who::Groups(owned(names), true), Vec::new())
    }

    /// The connections of a user. Ids are compared exactly.
    pub fn user(&self, user_id: impl AsRef<str>) -> Target {
        self.target(Who::User(user_id.as_ref().to_owned()), Vec::new())
    }

    /// The connections of several users; one copy each.
    pub fn users(&self, user_ids: impl IntoIterator<Item = impl AsRef<str>>) -> Target {
        self.target(Who::Users(owned(user_ids)), Vec::new())
    }
}

impl CallerClients {
    pub(crate) fn new(hub: Arc<HubCore>, origin: Origin) -> Self {
        let caller = Arc::clone(&origin.member.id);
        Self { clients: Clients { hub, origin: Some(origin) }, caller }
    }

    /// The connection itself. It can be kept; once the connection is over it is nobody.
    pub fn caller(&self) -> SingleTarget {
        self.clients.client(&self.caller)
    }

    /// Every connection but this one.
    pub fn others(&self) -> Target {
        self.clients.all_except([&*self.caller])
    }

    /// The members of a group but this connection, which need not be one.
    pub fn others_in_group(&self, name: impl AsRef<str>) -> Target {
        self.clients.group_except(name, [&*self.caller])
    }
}

impl std::ops::Deref for CallerClients {
    type Target = Clients;

    fn deref(&self) -> &Clients {
        &self.clients
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

impl fmt::Debug for CallerClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerClients").finish_non_exhaustive()
    }
}
