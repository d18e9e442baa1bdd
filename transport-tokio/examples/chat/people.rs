//! The hub of the chat: who is where, and what they can do. It names no runtime.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hub_async::{
    BuildError, Context, DisconnectReason, Hub, HubContext, HubError, SendError, State,
};

/// The hub.
pub(crate) fn hub() -> Result<Hub, BuildError> {
    Hub::builder()
        // Whoever asks for a name gets it: a real service takes the user from its own sign-in.
        .user_id(|request| label(&request.query_value("user")?))
        .state(People::default())
        .on_connected(arrived)
        .on_disconnected(left)
        .method("Join", join)
        .method("Say", say)
        .method("Whisper", whisper)
        .build()
}

/// Everybody who is connected.
#[derive(Default)]
struct People(Mutex<Register>);

/// The version counts the changes. It travels with what is shown, so that a page which hears of
/// two changes in the wrong order keeps the newer one.
#[derive(Default)]
struct Register {
    version: u64,
    people: HashMap<String, Person>,
}

struct Person {
    name: String,
    room: Option<String>,
}

impl People {
    fn read(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every change goes through here and is counted.
    fn change<T>(&self, change: impl FnOnce(&mut HashMap<String, Person>) -> T) -> T {
        let mut register = self.read();
        register.version += 1;
        change(&mut register.people)
    }

    async fn tell_roster(&self, hub: &HubContext, room: &str) -> Result<(), SendError> {
        let (version, names) = {
            let Register { version, people } = &*self.read();
            let here = people.values().filter(|person| person.room.as_deref() == Some(room));
            (*version, here.map(|person| person.name.clone()).collect::<BTreeSet<_>>())
        };
        hub.clients().group(room).send("Roster", (room, version, names)).await.map(drop)
    }

    async fn tell_count(&self, hub: &HubContext) -> Result<(), SendError> {
        let (version, count) = {
            let register = self.read();
            (register.version, register.people.len())
        };
        hub.clients().all().send("Count", (version, count)).await.map(drop)
    }
}

async fn arrived(ctx: Context, people: State<People>) -> Result<(), HubError> {
    let name = ctx.user_id().ok_or_else(|| HubError::new("Choose another name."))?.to_owned();
    let person = Person { name, room: None };
    people.change(|all| all.insert(ctx.connection_id().to_owned(), person));
    Ok(())
}

async fn join(ctx: Context, people: State<People>, room: String) -> Result<(), HubError> {
    let room = label(&room).ok_or_else(|| HubError::new("Choose another room."))?;
    let (hub, id) = (ctx.hub(), ctx.connection_id());
    let old = people.change(|all| all.get_mut(id)?.room.replace(room.clone()));
    if let Some(old) = old.filter(|old| *old != room) {
        ctx.groups().remove(id, &old).await;
        people.tell_roster(&hub, &old).await?;
    }
    ctx.groups().add(id, &room).await;
    people.tell_roster(&hub, &room).await?;
    people.tell_count(&hub).await?;
    Ok(())
}

async fn say(ctx: Context, people: State<People>, text: String) -> Result<(), HubError> {
    let room = people.read().people.get(ctx.connection_id()).and_then(|me| me.room.clone());
    let room = room.ok_or_else(|| HubError::new("Join a room first."))?;
    ctx.clients().group(&room).send("Said", (ctx.user_id(), text)).await?;
    Ok(())
}

async fn whisper(
    ctx: Context,
    people: State<People>,
    to: String,
    text: String,
) -> Result<(), HubError> {
    if !people.read().people.values().any(|person| person.name == to) {
        return Err(HubError::new(format!("{to} is not here.")));
    }
    // A user is all of their windows; the sender's own windows show the message as well.
    let from = ctx.user_id().unwrap_or_default();
    ctx.clients().users([from, &to]).send("Whispered", (from, &to, text)).await?;
    Ok(())
}

async fn left(ctx: Context, people: State<People>, reason: DisconnectReason) {
    tracing::info!(user = ctx.user_id(), reason = reason.kind(), "left");
    let (hub, person) = (ctx.hub(), people.change(|all| all.remove(ctx.connection_id())));
    if let Some(room) = person.and_then(|person| person.room) {
        people.tell_roster(&hub, &room).await.ok();
    }
    people.tell_count(&hub).await.ok();
}

/// A name of a person or of a room, made presentable.
fn label(text: &str) -> Option<String> {
    let text = text.trim();
    ((1..=40).contains(&text.chars().count())).then(|| text.to_owned())
}
