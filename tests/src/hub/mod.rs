//! A hub with a method for everything that clients try; the same source on every runtime.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hub_async::{
    BuildError, Context, DisconnectReason, Hub, HubError, HubOptions, Reconnect, RequestFacts,
    Scope, State,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod results;
mod streams;
mod values;

/// A wait that a runtime ends.
pub type Pausing = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How to wait on the runtime at hand.
#[derive(Clone)]
pub struct Pause(pub Arc<dyn Fn(Duration) -> Pausing + Send + Sync>);

impl fmt::Debug for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pause").finish()
    }
}

/// The hub; `pause` is how it waits.
pub fn hub(options: HubOptions, pause: Pause) -> Result<Hub, BuildError> {
    let builder = Hub::builder()
        .options(options)
        .state(pause)
        .user_id(|request| said(request, "user"))
        .state(Notes::default())
        .on_connected(arrived)
        .on_disconnected(departed)
        // Calls.
        .method("Echo", async |value: Value| value)
        .method("Add", async |a: i64, b: i64| a + b)
        .method("Nothing", async || {})
        .method("Greet", greet)
        .method("Delay", crate::plan::delay)
        .method("Meet", async |person: Person| person)
        .method("Repeat", async |count: usize| "x".repeat(count))
        .method("Refuse", async || Err::<(), _>(HubError::new("No entry.")))
        .method("Break", async || -> Result<i32, HubError> { Ok("one".parse::<i32>()?) })
        .method("Panic", panics)
        .method("Sleep", sleep)
        .method("Shapes", shapes)
        .method("Big", big)
        .method("Me", me)
        .method("Facts", facts)
        .method("Visits", visits)
        .method("Forget", async |ctx: Context| drop(ctx.items().remove::<Visits>()))
        .method("Note", async |notes: State<Notes>, key: String| notes.add(key))
        .method("Noted", noted)
        .method("NotedNow", async |notes: State<Notes>, key: String| notes.has(&key))
        .method("Wait", wait)
        // Targets.
        .method("ToAll", to_all)
        .method("ToCaller", to_caller)
        .method("ToOthers", to_others)
        .method("ToAllExcept", to_all_except)
        .method("ToClient", to_client)
        .method("ToClients", to_clients)
        .method("ToGroup", to_group)
        .method("ToGroupExcept", to_group_except)
        .method("ToGroups", to_groups)
        .method("ToGroupsDistinct", to_groups_distinct)
        .method("ToOthersInGroup", to_others_in_group)
        .method("ToUser", to_user)
        .method("ToUsers", to_users)
        // Groups and numbers.
        .method("Join", join)
        .method("Leave", leave)
        .method("AddTo", add_to)
        .method("RemoveFrom", remove_from)
        .method("GroupsOf", groups_of)
        .method("Members", members)
        .method("Count", count)
        .method("Counts", counts)
        // Endings.
        .method("Abort", async |ctx: Context| ctx.abort())
        .method("CloseConnection", close_connection)
        .method("CloseUser", close_user)
        .method("CloseGroup", close_group);
    values::methods(results::methods(streams::methods(builder))).build()
}

type Answer<T = ()> = Result<T, HubError>;

// Coming and going: those who watch are the members of the group that `announce` names.

async fn arrived(ctx: Context) -> Answer {
    if ctx.request().query_value("refuse").is_some() {
        return Err(HubError::new("Not today."));
    }
    if ctx.request().query_value("ask").is_some() {
        ctx.clients().caller().invoke::<Value>("Answer", ()).await?;
    }
    if let Some(watchers) = said(ctx.request(), "announce") {
        let who = (ctx.user_id(), ctx.connection_id());
        ctx.clients().group(&watchers).send("Arrived", who).await?;
    }
    Ok(())
}

async fn departed(ctx: Context, reason: DisconnectReason) {
    if let Some(watchers) = said(ctx.request(), "announce") {
        let who = (ctx.user_id(), ctx.connection_id(), reason.kind());
        ctx.clients().group(&watchers).send("Departed", who).await.ok();
    }
}

/// A value of the query, or of a header where a client cannot have a query.
fn said(request: &RequestFacts, name: &str) -> Option<String> {
    let header = || request.header(&format!("x-{name}")).map(str::to_owned);
    request.query_value(name).map(|value| value.to_string()).or_else(header)
}

// Calls.

#[derive(Deserialize, Serialize)]
struct Person {
    name: String,
    age: u8,
    nick: Option<String>,
}

async fn greet(person: Person) -> String {
    let Person { name, age, nick } = person;
    match nick {
        Some(nick) => format!("{name} ({nick}) is {age}"),
        None => format!("{name} is {age}"),
    }
}

async fn panics() {
    panic!("on purpose");
}

async fn sleep(pause: State<Pause>, milliseconds: u64, tag: String) -> String {
    pause.0(Duration::from_millis(milliseconds)).await;
    tag
}

async fn shapes(ctx: Context) -> Answer {
    let object = json!({ "five": 5, "none": null });
    let arguments = (1, "two", [3, 4], object, None::<u8>, "Grüße, 世界 👋🏽", 6.5, true);
    ctx.clients().caller().send("Shapes", arguments).await?;
    ctx.clients().caller().send("Signal", ()).await?;
    Ok(())
}

async fn big(ctx: Context, count: usize) -> Answer {
    ctx.clients().caller().send("Big", ("x".repeat(count),)).await?;
    Ok(())
}

async fn me(ctx: Context) -> Value {
    json!({ "connectionId": ctx.connection_id(), "userId": ctx.user_id() })
}

async fn facts(ctx: Context) -> Value {
    let request = ctx.request();
    json!({
        "path": request.path(),
        "query": request.query(),
        "q": request.query_value("q"),
        "word": request.query_value("word"),
        "empty": request.query_value("empty"),
        "missing": request.query_value("missing"),
        "trace": request.header("x-trace"),
        "flavour": request.cookie("flavour"),
        "authorization": request.header("authorization"),
        "accessToken": request.query_value("access_token"),
        "peer": request.peer_addr().map(|peer| peer.to_string()),
    })
}

#[derive(Clone)]
struct Visits(u32);

async fn visits(ctx: Context) -> u32 {
    let visits = ctx.items().get::<Visits>().map_or(0, |visits| visits.0) + 1;
    ctx.items().insert(Visits(visits));
    visits
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<HashSet<String>>>);

impl Notes {
    fn add(&self, key: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
    }

    fn has(&self, key: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}

/// Whether the key is noted within five seconds.
async fn noted(notes: State<Notes>, pause: State<Pause>, key: String) -> bool {
    for _ in 0..500 {
        if notes.has(&key) {
            return true;
        }
        pause.0(Duration::from_millis(10)).await;
    }
    false
}

async fn wait(ctx: Context, notes: State<Notes>, key: String) {
    notes.add(format!("{key} waits"));
    ctx.aborted().await;
    notes.add(format!("{key} aborted"));
}

// Targets.

async fn to_all(ctx: Context, text: String) -> Answer {
    ctx.clients().all().send("Message", (text,)).await?;
    Ok(())
}

async fn to_caller(ctx: Context, text: String) -> Answer {
    ctx.clients().caller().send("Message", (text,)).await?;
    Ok(())
}

async fn to_others(ctx: Context, text: String) -> Answer {
    ctx.clients().others().send("Message", (text,)).await?;
    Ok(())
}

async fn to_all_except(ctx: Context, ids: Vec<String>, text: String) -> Answer {
    ctx.clients().all_except(&ids).send("Message", (text,)).await?;
    Ok(())
}

async fn to_client(ctx: Context, id: String, text: String) -> Answer {
    ctx.clients().client(&id).send("Message", (text,)).await?;
    Ok(())
}

async fn to_clients(ctx: Context, ids: Vec<String>, text: String) -> Answer {
    ctx.clients().clients(&ids).send("Message", (text,)).await?;
    Ok(())
}

async fn to_group(ctx: Context, group: String, text: String) -> Answer {
    ctx.clients().group(&group).send("Message", (text,)).await?;
    Ok(())
}

async fn to_group_except(ctx: Context, group: String, ids: Vec<String>, text: String) -> Answer {
    ctx.clients().group_except(&group, &ids).send("Message", (text,)).await?;
    Ok(())
}

async fn to_groups(ctx: Context, groups: Vec<String>, text: String) -> Answer {
    ctx.clients().groups(&groups).send("Message", (text,)).await?;
    Ok(())
}

async fn to_groups_distinct(ctx: Context, groups: Vec<String>, text: String) -> Answer {
    ctx.clients().groups_distinct(&groups).send("Message", (text,)).await?;
    Ok(())
}

async fn to_others_in_group(ctx: Context, group: String, text: String) -> Answer {
    ctx.clients().others_in_group(&group).send("Message", (text,)).await?;
    Ok(())
}

async fn to_user(ctx: Context, user: String, text: String) -> Answer {
    ctx.clients().user(&user).send("Message", (text,)).await?;
    Ok(())
}

async fn to_users(ctx: Context, users: Vec<String>, text: String) -> Answer {
    ctx.clients().users(&users).send("Message", (text,)).await?;
    Ok(())
}

// Groups and numbers.

async fn join(ctx: Context, group: String) {
    ctx.groups().add(ctx.connection_id(), &group).await;
}

async fn leave(ctx: Context, group: String) {
    ctx.groups().remove(ctx.connection_id(), &group).await;
}

async fn add_to(ctx: Context, id: String, group: String) {
    ctx.groups().add(&id, &group).await;
}

async fn remove_from(ctx: Context, id: String, group: String) {
    ctx.groups().remove(&id, &group).await;
}

async fn groups_of(ctx: Context, id: String) -> Vec<String> {
    ctx.groups().of(&id).await
}

async fn members(ctx: Context, group: String) -> Vec<String> {
    ctx.groups().members(&group, Scope::Node).await
}

async fn count(ctx: Context, group: String) -> usize {
    ctx.groups().count(&group, Scope::Node).await
}

async fn counts(ctx: Context) -> (usize, usize) {
    let hub = ctx.hub();
    (hub.connection_count(Scope::Node).await, hub.user_count(Scope::Node).await)
}

// Endings.

fn reconnect(allowed: bool) -> Reconnect {
    if allowed { Reconnect::Allowed } else { Reconnect::Denied }
}

async fn close_connection(ctx: Context, id: String, allowed: bool) {
    ctx.hub().close_connection(&id, reconnect(allowed)).await;
}

async fn close_user(ctx: Context, user: String, allowed: bool) {
    ctx.hub().close_user(&user, reconnect(allowed), Scope::Node).await;
}

async fn close_group(ctx: Context, group: String, allowed: bool) {
    ctx.hub().close_group(&group, reconnect(allowed), Scope::Node).await;
}
