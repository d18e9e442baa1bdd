//! Hubs from outside of their methods: what the application is ordered to do, and who is there.

use std::sync::Arc;

use futures_util::FutureExt;
use hub_async::{
    Clients, Hub, HubBuilder, HubContext, InvokeError, MemoryBudget, Reconnect, Scope, Target, Task,
};

use super::house::{Census, HUBS, News, Order, Outcome, PATIENCE, Place};
use super::hub::{App, hub};
use super::model::Model;
use super::passing::pass;

/// The hubs of all servers, whose methods share an application.
pub struct Hubs {
    app: App,
    hubs: Vec<Hub>,
    contexts: Vec<HubContext>,
    /// What all connections keep.
    pub budget: MemoryBudget,
}

/// The number of a hub among all.
pub const fn index(place: Place) -> usize {
    place.server * HUBS + place.hub
}

/// The path of a hub; no two servers have the same ones.
pub fn path(place: Place) -> String {
    format!("/{}", index(place))
}

impl Hubs {
    /// Hubs that nobody has come to.
    pub fn new() -> Self {
        Self::made(|hub| hub)
    }

    /// The same inside of a filter.
    pub fn filtered() -> Self {
        Self::made(|hub| hub.filter(pass))
    }

    fn made(finish: fn(HubBuilder) -> HubBuilder) -> Self {
        let app = App::default();
        let make = |place| finish(hub(place, &app)).build().expect("a hub");
        let hubs: Vec<Hub> = Model::places().map(make).collect();
        let contexts = hubs.iter().map(Hub::context).collect();
        Self { app, hubs, contexts, budget: MemoryBudget::new(1 << 30) }
    }

    /// The hubs of a server, with their paths.
    pub fn of(&self, server: usize) -> impl Iterator<Item = (String, Hub)> {
        let places = Model::places().filter(move |place| place.server == server);
        places.map(|place| (path(place), self.hubs[index(place)].clone()))
    }

    /// What the application has seen since it was last asked.
    pub fn news(&self) -> Vec<News> {
        std::mem::take(&mut self.app.lock().news)
    }

    /// The hub and the connection id of a client that is connected.
    fn connection(&self, client: usize) -> Option<(&HubContext, String)> {
        let memory = self.app.lock();
        let guest = memory.clients.get(&client).filter(|guest| guest.here)?;
        let index: usize = guest.path.trim_start_matches('/').parse().ok()?;
        Some((&self.contexts[index], guest.id.clone()))
    }

    /// The application does something; in a task, if it takes longer.
    pub fn obey(&self, order: Order, spawn: &dyn Fn(Task)) {
        match order {
            Order::Send { place, to, number, size } => {
                self.app.tell(News::Sent(place, number));
                let target = target(&self.contexts[index(place)].clients(), to, &self.app);
                drop(target.send("Told", (number, size.text(number))));
            }
            Order::Question { client, number } => self.ask(client, number, spawn),
            Order::Finish { call, error, .. } => {
                self.app.finish(call, if error { Outcome::Error } else { Outcome::Number(call) });
            }
            Order::Read { call, count, .. } => self.app.permit(call, count),
            Order::Group { client, group, joins } => {
                let Some((hub, id)) = self.connection(client) else { return };
                self.app.tell(News::Grouped { client, group, joins });
                let (groups, group) = (hub.groups(), group.to_string());
                let done = match joins {
                    true => groups.add(&id, &group).now_or_never(),
                    false => groups.remove(&id, &group).now_or_never(),
                };
                done.expect("it takes no time");
            }
            Order::Kick { client, back } => {
                let Some((hub, id)) = self.connection(client) else { return };
                let reconnect = if back { Reconnect::Allowed } else { Reconnect::Denied };
                hub.close_connection(&id, reconnect).now_or_never().expect("it takes no time");
            }
        }
    }

    fn ask(&self, client: usize, number: u32, spawn: &dyn Fn(Task)) {
        let Some((hub, id)) = self.connection(client) else { return };
        self.app.tell(News::Asked { client, number });
        let asked = hub.clients().client(id).timeout(PATIENCE);
        let asking = asked.invoke::<u32>("Asked", (number,));
        let app = Arc::clone(&self.app);
        spawn(Box::pin(async move {
            let answer = asking.await;
            if !matches!(answer, Err(InvokeError::Disconnected(_) | InvokeError::NoConnection(_))) {
                app.tell(News::Answered { client, number, answer: answer.ok() });
            }
        }));
    }

    /// Who is there, as far as a hub tells: how many there are, and who is in a group.
    pub fn census(&self, place: Place) -> Census {
        let (hub, mut census) = (&self.contexts[index(place)], Census::default());
        let clients = self.app.lock().clients.clone();
        let here = clients.iter().filter(|(_, guest)| guest.here && guest.path == path(place));
        for (client, guest) in here {
            census.clients.insert(*client);
            if let Some(user) = guest.user {
                census.users.entry(user).or_default().insert(*client);
            }
        }
        let count = |count: Option<usize>| count.expect("it takes no time");
        let connections = hub.connection_count(Scope::Node).now_or_never();
        assert_eq!(count(connections), census.clients.len(), "connections");
        assert_eq!(count(hub.user_count(Scope::Node).now_or_never()), census.users.len(), "users");
        for (user, clients) in &census.users {
            let user = user.to_string();
            let connections = hub.connections_of_user(&user, Scope::Node).now_or_never();
            assert_eq!(count(connections), clients.len(), "user {user}");
        }
        for group in 0..4_u8 {
            let members = hub.groups().members(&group.to_string(), Scope::Node).now_or_never();
            let members = members.expect("it takes no time");
            let named = |id: &String| clients.iter().find(|(_, guest)| guest.id == *id);
            let members = members.iter().map(|id| *named(id).expect("it has come").0);
            census.groups.insert(group, members.collect());
        }
        census.groups.retain(|_, members| !members.is_empty());
        census
    }

    /// What is left of connections, in words.
    pub fn leftovers(&self) -> Vec<String> {
        let left = Model::places().map(|place| (place, self.census(place)));
        let left = left.filter(|(_, census)| *census != Census::default());
        let used = Some(self.budget.used()).filter(|used| *used > 0);
        left.map(|left| format!("{left:?}"))
            .chain(used.map(|used| format!("{used} bytes")))
            .collect()
    }
}

impl Default for Hubs {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Hubs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hubs").finish_non_exhaustive()
    }
}

/// Whom a message is for; from outside nobody is the caller.
pub(super) fn target(clients: &Clients, to: super::step::To, app: &App) -> Target {
    use super::step::To;
    let id = |client: u8| {
        let memory = app.lock();
        let guest = memory.clients.get(&usize::from(client));
        guest.map_or_else(|| "nobody".to_owned(), |guest| guest.id.clone())
    };
    let name = |number: u8| number.to_string();
    match to {
        To::All | To::Others => clients.all(),
        To::Except(one) => clients.all_except([id(one)]),
        To::Caller => clients.client("nobody").into(),
        To::Client(one) => clients.client(id(one)).into(),
        To::Clients(one, other) => clients.clients([id(one), id(other)]),
        To::Group(group) | To::OthersIn(group) => clients.group(name(group)),
        To::GroupExcept(group, one) => clients.group_except(name(group), [id(one)]),
        To::Groups(one, other) => clients.groups([name(one), name(other)]),
        To::User(user) => clients.user(name(user)),
        To::Users(one, other) => clients.users([name(one), name(other)]),
    }
}
