//! A client of a hub, for tests.

mod answer;
mod calls;
mod driver;
mod ended;
mod items;
mod link;
mod options;
mod question;
mod resume;
mod say;
mod state;
mod upload;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use hub_proto::Message;

pub use self::answer::Answer;
pub use self::ended::{CallError, Close, Ended, Refused};
pub use self::items::Items;
pub use self::options::ClientOptions;
pub use self::question::Question;
use self::say::say;
use self::state::{Inner, State};
pub use self::upload::Upload;
use crate::call::Call;

/// A client of a hub in a [`World`](crate::World), from [`Served::connect`](crate::Served::connect).
///
/// What it sends is on its way at once; only what waits for something has to be awaited, and after ten minutes of virtual
/// time ([`patience`](ClientOptions::patience)) the test fails and says what there was instead. It pings as other clients
/// do, so that time may pass, answers what WebSockets demand, and nothing else. Dropped, it is gone without a word.
///
/// What one client sends comes in its order. Two clients are on their own, as on real links: whose message comes first is
/// sure when the first is awaited, or everything [settles](crate::World::settle) in between.
pub struct Client(Arc<Inner>);

impl Client {
    async fn connect(
        options: ClientOptions,
        at: &'static Location<'static>,
    ) -> Result<Self, Refused> {
        let inner = Arc::new(Inner::new(options));
        let client = Self(inner);
        link::open(&client.0, at).await?;
        client.0.world().settle().await;
        Ok(client)
    }

    /// Sends a ping, besides those that it sends by itself.
    ///
    /// # Panics
    ///
    /// When the connection has ended.
    #[track_caller]
    pub fn ping(&self) {
        say(&self.0, &Message::Ping);
    }

    /// What the hub has told it by now, in order, and was not taken; lets everything
    /// [settle](crate::World::settle), and waits for nothing.
    pub async fn received(&self) -> Vec<Call> {
        self.0.world().settle().await;
        self.0.lock().told.drain(..).collect()
    }

    /// What the hub tells it next.
    ///
    /// # Panics
    ///
    /// When nothing comes in time, or the connection ends.
    #[track_caller]
    pub fn next(&self) -> impl Future<Output = Call> + Send + use<'_> {
        self.next_of(Location::caller(), "a call", |state| state.told.pop_front())
    }

    /// What the hub asks it next and wants an answer to.
    ///
    /// # Panics
    ///
    /// When nothing comes in time, or the connection ends.
    #[track_caller]
    pub fn question(&self) -> impl Future<Output = Question> + Send + use<'_> {
        let at = Location::caller();
        async move {
            let (id, call) = self.next_of(at, "a question", |state| state.asked.pop_front()).await;
            Question { call, inner: Arc::clone(&self.0), id }
        }
    }

    async fn next_of<T>(
        &self,
        at: &'static Location<'static>,
        what: &str,
        take: impl Fn(&mut State) -> Option<T>,
    ) -> T {
        let next = self.0.wait(at, what, |state| match take(state) {
            Some(next) => Some(Ok(next)),
            None if state.ended.is_some() && state.resume.is_none() => Some(Err(state.to_string())),
            None => None,
        });
        next.await.unwrap_or_else(|seen| panic!("{at}: waited for {what}, but {seen}"))
    }

    /// How the connection has ended by now, if it has; lets everything [settle](crate::World::settle), and waits
    /// for nothing.
    pub async fn ended(&self) -> Option<Ended> {
        self.0.world().settle().await;
        self.0.lock().ended.clone()
    }

    /// Waits for the end of the connection, and says how it ended.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    #[track_caller]
    pub fn until_ended(&self) -> impl Future<Output = Ended> + Send + use<'_> {
        self.0.wait(Location::caller(), "the end of the connection", |state| state.ended.clone())
    }

    /// Says goodbye, as other clients do: a Close message, then the close of the WebSocket. Gives how it ended.
    ///
    /// # Panics
    ///
    /// When the server does not close in time.
    #[track_caller]
    pub fn close(&self) -> impl Future<Output = Ended> + Send + use<'_> {
        let close = hub_proto::Close::default();
        // One that has ended needs no farewell.
        self.0.say(&Message::Close(close)).ok();
        self.0.close_socket();
        if !self.0.lock().is_up {
            self.0.give_up();
        }
        self.until_ended()
    }

    /// Breaks the link: both sides lose it without a word. What was sent before may still arrive.
    pub fn cut(&self) {
        self.0.cut();
    }

    /// Makes the link half-open: it stays, but nothing passes any more, neither way, and nobody is told. What this
    /// side sends from now on waits. Cut while it is frozen, it stays half-open for the server until the client is
    /// dropped.
    pub fn freeze(&self) {
        self.0.change(State::freeze);
    }

    /// Ends [`freeze`](Self::freeze): what waited on both sides passes.
    pub fn thaw(&self) {
        self.0.change(State::thaw);
    }

    /// Connects again, and first cuts the link if that is not done. With
    /// [stateful reconnect](ClientOptions::stateful_reconnect) a connection that was not closed is carried on:
    /// what was lost on the way, on both sides, is sent again. Otherwise it is a new connection.
    ///
    /// # Panics
    ///
    /// When it is not let in, or the link is cut, or opened once more, before it is there.
    #[track_caller]
    pub fn reconnect(&self) -> impl Future<Output = ()> + Send + use<'_> {
        let at = Location::caller();
        async move {
            if let Err(refused) = self.open(at).await {
                panic!("{at}: the client is not let in again: {refused}");
            }
        }
    }

    /// The same, and says why when it is not let in. If that was to carry a connection on, the next reconnect makes a
    /// new one.
    #[track_caller]
    pub fn try_reconnect(&self) -> impl Future<Output = Result<(), Refused>> + Send + use<'_> {
        self.open(Location::caller())
    }

    async fn open(&self, at: &'static Location<'static>) -> Result<(), Refused> {
        // Another one may be opened before this one is gone.
        while self.0.lock().is_up {
            self.cut();
            let link = self.0.lock().link;
            let is_gone = |state: &mut State| (!state.is_up || state.link != link).then_some(());
            self.0.wait(at, "the link to be cut", is_gone).await;
        }
        link::open(&self.0, at).await?;
        self.0.world().settle().await;
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.cut();
        self.0.give_up();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.lock().to_string()).finish()
    }
}
