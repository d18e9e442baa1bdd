//! Somebody to send to, and what becomes of that.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hub_core::Delivery;
use hub_core::registry::Audience;
use hub_proto::{Arguments, EncodeError, Prepared};
use serde::de::DeserializeOwned;

use crate::ask::{Asking, AskingEach, InvokeError, Origin, Place};
use crate::builder::HubCore;
use crate::inbox::Note;
use crate::member::Member;
use crate::sync::EventListener;

/// One connection to send to, or to ask for a result. An id that nobody has is nobody.
#[derive(Clone)]
pub struct SingleTarget(Target);

/// Somebody to send to. Ids, groups and users that nobody has are nobody: sending to them succeeds.
#[derive(Clone)]
pub struct Target {
    hub: Arc<HubCore>,
    origin: Option<Origin>,
    who: Who,
    except: Vec<String>,
    timeout: Option<Duration>,
}

/// Who is meant.
#[derive(Clone)]
pub(crate) enum Who {
    All,
    Client(String),
    Clients(Vec<String>),
    Group(String),
    Groups(Vec<String>, bool),
    User(String),
    Users(Vec<String>),
}

fn list(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

impl Target {
    pub(crate) const fn new(
        hub: Arc<HubCore>,
        origin: Option<Origin>,
        who: Who,
        except: Vec<String>,
    ) -> Self {
        Self { hub, origin, who, except, timeout: None }
    }

    /// Calls `method` on everybody it means, with a tuple of arguments: `(value,)` for one, `()` for none.
    ///
    /// The message is queued at once, in the order of the calls to `send`; awaiting the result waits
    /// until every queue is below its soft budget, so that a producer runs at the pace of its slowest
    /// consumer. A value that cannot be serialized fails here and reaches nobody;
    /// while nobody is connected nothing is serialized.
    ///
    /// ```
    /// # use hub_async::{Context, SendError};
    /// async fn greet(ctx: Context, name: String) -> Result<(), SendError> {
    ///     ctx.clients().others().send("Joined", (name, 1)).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// A list is one argument, inside of a tuple:
    ///
    /// ```compile_fail
    /// # async fn wrong(ctx: hub_async::Context) {
    /// ctx.clients().all().send("Scores", vec![1, 2, 3]).await;
    /// # }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "callers hand a tuple over, as to any call")]
    pub fn send(&self, method: &str, arguments: impl Arguments) -> Sending {
        self.deliver(method, &arguments, Delivery::Hub)
    }

    /// Does the same with a message of which only the latest matters, as of a position or a price: where the
    /// one before with the same key still waits and nothing of it has begun to leave, that one is dropped,
    /// and the hub's policy does not matter. Keys are numbers of your own, for all methods together.
    ///
    /// ```
    /// # use std::num::NonZeroU32;
    /// # use hub_async::{HubContext, SendError};
    /// async fn moved(hub: HubContext, player: NonZeroU32, x: f32, y: f32) -> Result<(), SendError> {
    ///     hub.clients().all().send_latest(player, "Moved", (player.get(), x, y)).await?;
    ///     Ok(())
    /// }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "callers hand a tuple over, as to any call")]
    pub fn send_latest(&self, key: NonZeroU32, method: &str, arguments: impl Arguments) -> Sending {
        self.deliver(method, &arguments, Delivery::Latest(key))
    }

    fn deliver(&self, method: &str, arguments: &dyn Arguments, delivery: Delivery) -> Sending {
        let mut prepared = Prepared::new(method, arguments);
        let sent = self.with_audience(|audience, except| {
            self.hub.shards.send(audience, except, &mut prepared, delivery)
        });
        match sent {
            Ok(walk) => Sending {
                result: Some(Ok(Sent { queued: walk.queued, dropped: walk.dropped })),
                waiting: walk.waiting,
                listener: None,
            },
            Err(error) => Sending {
                result: Some(Err(SendError::Serialize(error))),
                waiting: Vec::new(),
                listener: None,
            },
        }
    }

    /// How long [results](Self::invoke_each) are waited for, instead of
    /// [`client_result_timeout`](crate::HubOptions::client_result_timeout), 30 s.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Calls `method` on everybody it means, as [`send`](Self::send) does, and collects what they return.
    ///
    /// The results come together, with the ids of their connections, once each is there, has failed or has
    /// run out of time; those of nobody are none. Clients without that method answer with an error.
    ///
    /// ```
    /// # use hub_async::Context;
    /// async fn vote(ctx: Context, question: String) -> usize {
    ///     let votes = ctx.clients().group("voters").invoke_each::<bool>("Vote", (question,)).await;
    ///     votes.iter().filter(|(_, vote)| matches!(vote, Ok(true))).count()
    /// }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "callers hand a tuple over, as to any call")]
    pub fn invoke_each<T: DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        arguments: impl Arguments,
    ) -> AskingEach<T> {
        let mut members =
            self.with_audience(|audience, except| self.hub.shards.members_except(audience, except));
        // Groups may have somebody in common, who need not answer twice.
        let mut seen = HashSet::new();
        members.retain(|member| seen.insert(Arc::clone(&member.id)));
        let ask =
            |member: Arc<Member>| ((*member.id).to_owned(), self.ask(member, method, &arguments));
        let asking = AskingEach::new(members.into_iter().map(ask));
        self.wait_without_slot();
        asking
    }

    fn ask<T: DeserializeOwned + Send + 'static>(
        &self,
        member: Arc<Member>,
        method: &str,
        arguments: &dyn Arguments,
    ) -> Asking<T> {
        if self.origin.as_ref().is_some_and(|origin| origin.place == Place::OnConnected) {
            return Asking::failed(InvokeError::InOnConnected);
        }
        let ask = self.hub.next_ask();
        Asking::ask(member, ask, self.timeout, method, arguments)
    }

    /// A method that waits for clients lets other calls of its connection run meanwhile.
    fn wait_without_slot(&self) {
        // Nobody reads the notes of a connection that is over, though its context may be kept.
        if let Some(Origin { member, place: Place::Method(call) }) = &self.origin
            && !member.abort_signal().has_fired()
        {
            member.note(Note::Release(*call));
        }
    }

    fn with_audience<R>(&self, act: impl FnOnce(&Audience<'_>, &[&str]) -> R) -> R {
        let except = list(&self.except);
        let names = match &self.who {
            Who::Clients(names) | Who::Groups(names, _) | Who::Users(names) => list(names),
            Who::All | Who::Client(_) | Who::Group(_) | Who::User(_) => Vec::new(),
        };
        let audience = match &self.who {
            Who::All => Audience::All,
            Who::Client(id) => Audience::Client(id),
            Who::Clients(_) => Audience::Clients(&names),
            Who::Group(name) => Audience::Group(name),
            Who::Groups(_, distinct) => Audience::Groups { names: &names, distinct: *distinct },
            Who::User(id) => Audience::User(id),
            Who::Users(_) => Audience::Users(&names),
        };
        act(&audience, &except)
    }
}

impl SingleTarget {
    pub(crate) const fn new(target: Target) -> Self {
        Self(target)
    }

    /// How long a [result](Self::invoke) is waited for, instead of
    /// [`client_result_timeout`](crate::HubOptions::client_result_timeout), 30 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self(self.0.timeout(timeout))
    }

    /// Calls `method` on the client and awaits what it returns.
    ///
    /// The question is queued at once. A method that asks its own or another client gives its slot back for
    /// good, so that further calls of its connection run meanwhile. Dropping the result withdraws the
    /// question. Not possible in `on_connected`, where nothing is read from the client.
    ///
    /// ```
    /// # use hub_async::{Context, HubError};
    /// async fn delete(ctx: Context, name: String) -> Result<bool, HubError> {
    ///     let sure = ctx.clients().caller().invoke::<bool>("Confirm", (name,)).await?;
    ///     Ok(sure)
    /// }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "callers hand a tuple over, as to any call")]
    pub fn invoke<T: DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        arguments: impl Arguments,
    ) -> Asking<T> {
        let Who::Client(id) = &self.0.who else {
            return Asking::failed(InvokeError::NoConnection(String::new()));
        };
        match self.hub.shards.member(id) {
            Some(member) => {
                let asking = self.ask(member, method, &arguments);
                self.wait_without_slot();
                asking
            }
            None => Asking::failed(InvokeError::NoConnection(id.clone())),
        }
    }
}

impl std::ops::Deref for SingleTarget {
    type Target = Target;

    fn deref(&self) -> &Target {
        &self.0
    }
}

impl From<SingleTarget> for Target {
    fn from(single: SingleTarget) -> Self {
        single.0
    }
}

/// A message on its way. It was queued already; await it to learn of an error and to let slow
/// consumers set the pace.
#[must_use = "an error is only told to whoever awaits"]
pub struct Sending {
    result: Option<Result<Sent, SendError>>,
    waiting: Vec<Arc<Member>>,
    listener: Option<EventListener>,
}

impl Future for Sending {
    type Output = Result<Sent, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while let Some(member) = this.waiting.last() {
            if member.outlet.poll_room(&mut this.listener, cx).is_pending() {
                return Poll::Pending;
            }
            this.waiting.pop();
        }
        this.result.take().map_or(Poll::Pending, Poll::Ready)
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// How many connections it was queued for.
    pub queued: usize,
    /// How many slow connections the hub's policy left out.
    pub dropped: usize,
}

/// Why a message was not sent. It reached nobody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// An argument cannot be serialized.
    #[error(transparent)]
    Serialize(EncodeError),
}

macro_rules! opaque {
    ($($name:ident)*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })*
    };
}

opaque!(Target SingleTarget Sending);
