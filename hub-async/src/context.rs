//! A hub as seen by a handler, and from outside.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use hub_core::CloseReason;
use hub_core::endpoint::Transports;
use hub_core::registry::{Audience, Registry};

use crate::ask::{Origin, Place};
use crate::builder::HubCore;
use crate::clients::{CallerClients, Clients};
use crate::facts::RequestFacts;
use crate::groups::Groups;
use crate::items::Items;
use crate::member::Member;
use crate::signal::Aborted;
use crate::user::User;

/// The connection that a handler runs for, and its hub. Cheap to clone; may be kept.
#[derive(Clone)]
pub struct Context {
    hub: Arc<HubCore>,
    origin: Origin,
}

impl Context {
    pub(crate) const fn new(hub: Arc<HubCore>, member: Arc<Member>, place: Place) -> Self {
        Self { hub, origin: Origin { member, place } }
    }

    pub(crate) const fn member(&self) -> &Arc<Member> {
        &self.origin.member
    }

    pub(crate) const fn core(&self) -> &Arc<HubCore> {
        &self.hub
    }

    /// The public id of the connection.
    pub fn connection_id(&self) -> &str {
        &self.member().id
    }

    /// The user and what is known of them, as found out at the handshake.
    pub fn user(&self) -> User {
        User::new(Arc::clone(self.member()))
    }

    /// The user, as [`HubBuilder::user_id`](crate::HubBuilder::user_id) or
    /// [`identify`](crate::HubBuilder::identify) found it at the handshake.
    pub fn user_id(&self) -> Option<&str> {
        self.member().user().map(|user| &**user)
    }

    /// The request that opened the connection.
    pub fn request(&self) -> &RequestFacts {
        &self.member().facts
    }

    /// What carries the connection: one of the transports, or none of them, a plain stream.
    pub fn transport(&self) -> Transports {
        self.member().transport()
    }

    /// What handlers keep with the connection.
    pub fn items(&self) -> &Items {
        &self.member().items
    }

    /// A value that the hub was built with, by [`HubBuilder::state`](crate::HubBuilder::state): for filters; methods
    /// and hooks take a [`State`](crate::State).
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.hub.states.find()
    }

    /// Whom to send to.
    pub fn clients(&self) -> CallerClients {
        CallerClients::new(Arc::clone(&self.hub), self.origin.clone())
    }

    /// The groups of the hub.
    pub fn groups(&self) -> Groups {
        Groups::new(Arc::clone(&self.hub))
    }

    /// Ready once the connection has been aborted or is over.
    pub fn aborted(&self) -> Aborted {
        let member: Arc<Member> = Arc::clone(self.member());
        Aborted::new(member)
    }

    /// Whether the connection has been aborted or is over.
    pub fn is_aborted(&self) -> bool {
        self.member().abort_signal().has_fired()
    }

    /// Ends the connection at once; the client may not reconnect. The answer of this call is not sent.
    pub fn abort(&self) {
        self.member().close(CloseReason::Aborted);
        self.member().abort_signal().fire();
    }

    /// The hub as seen from outside of this connection.
    pub fn hub(&self) -> HubContext {
        HubContext::new(Arc::clone(&self.hub))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("connection_id", &self.connection_id())
            .finish_non_exhaustive()
    }
}

/// How far a question or an order goes.
///
/// Without a backplane there is one node, and both mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The connections of this process.
    #[default]
    Node,
    /// The connections of every node.
    Cluster,
}

/// Whether a client that is closed may come back by its automatic reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// It may.
    Allowed,
    /// It may not.
    Denied,
}

/// A hub from outside of its connections: for background tasks, HTTP handlers, other hubs. Cheap to
/// clone; usable before, while and after the hub serves.
#[derive(Clone)]
pub struct HubContext {
    hub: Arc<HubCore>,
}

impl HubContext {
    pub(crate) const fn new(hub: Arc<HubCore>) -> Self {
        Self { hub }
    }

    /// Whom to send to.
    pub fn clients(&self) -> Clients {
        Clients::new(Arc::clone(&self.hub))
    }

    /// The groups of the hub.
    pub fn groups(&self) -> Groups {
        Groups::new(Arc::clone(&self.hub))
    }

    /// How many connections there are.
    pub async fn connection_count(&self, _scope: Scope) -> usize {
        self.hub.shards.ask(Registry::len).sum()
    }

    /// How many users are connected; anonymous connections are nobody.
    pub async fn user_count(&self, _scope: Scope) -> usize {
        let users = |registry: &Registry<Arc<Member>>| {
            let mut users = Vec::new();
            registry.each(&Audience::All, &[], |member| users.extend(member.user().cloned()));
            users
        };
        self.hub.shards.ask(users).flatten().collect::<HashSet<_>>().len()
    }

    /// How many connections a user has.
    pub async fn connections_of_user(&self, user_id: &str, _scope: Scope) -> usize {
        self.hub.shards.ask(|registry| registry.connection_count(user_id)).sum()
    }

    /// Closes a connection. Says whether there was one.
    pub async fn close_connection(&self, connection_id: &str, reconnect: Reconnect) -> bool {
        self.close(&Audience::Client(connection_id), reconnect) > 0
    }

    /// Closes every connection of a user. Says how many there were.
    pub async fn close_user(&self, user_id: &str, reconnect: Reconnect, _scope: Scope) -> usize {
        self.close(&Audience::User(user_id), reconnect)
    }

    /// Closes every connection in a group. Says how many there were.
    pub async fn close_group(&self, group: &str, reconnect: Reconnect, _scope: Scope) -> usize {
        self.close(&Audience::Group(group), reconnect)
    }

    fn close(&self, audience: &Audience<'_>, reconnect: Reconnect) -> usize {
        let members = self.hub.shards.members(audience);
        for member in &members {
            member.close(CloseReason::Closed { allow_reconnect: reconnect == Reconnect::Allowed });
        }
        members.len()
    }
}

impl fmt::Debug for HubContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubContext").finish_non_exhaustive()
    }
}
