//! The door of an endpoint: negotiations, tokens, and what can be answered without a session.
//!
//! A token is the right to carry a connection: nothing here prints one. A negotiation holds its place
//! until a transport claims it or the disconnect timeout has passed; a claimed connection holds it
//! until it is released. Until then its transport is the one that claimed it.

mod answer;
mod config;
mod negotiate;
mod query;
mod request;
#[cfg(test)]
mod tests;
mod transports;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::answer::{Answer, EVENTS, NO_CACHE};
pub use self::config::Config;
pub use self::query::value as query_value;
pub use self::request::{Request, Route};
pub use self::transports::Transports;
use crate::limits::{EARLY, EARLY_TOGETHER};
use crate::seed::{Seed, SeededMap};
use crate::time::{Deadline, Timer, Timestamp};

/// Two independent draws for a new connection, both usable in a URL as they are.
pub struct Fresh {
    /// The public id.
    pub connection_id: String,
    /// The secret; unused when the client negotiates version 0 or not at all, which make the id do.
    pub connection_token: String,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<H> {
    /// It is answered.
    Answer(Answer),
    /// It carries a connection from here on.
    Attach(Claim),
    /// It is to carry a connection on whose session has that handle, if that allows it: another WebSocket, another
    /// poll, or another stream, which is refused by the [`Exchange`](crate::link::Exchange).
    Resume(H),
    /// Its body is for the connection of that name: see [`Table::post`].
    Post(Arc<str>),
    /// It ends the connection whose session has that handle.
    Delete(H),
}

/// What becomes of the body of a POST.
#[derive(Debug, PartialEq, Eq)]
pub enum Posting<H> {
    /// It waits for the transport: all is done.
    Kept,
    /// There is no session for it yet. Worth another try once some connection has [got one](Table::bind) or is
    /// forgotten.
    Wait,
    /// It is for the session that has that handle.
    To(H),
    /// It is answered like that.
    Answer(Answer),
}

/// A connection that a transport has claimed; whoever holds this calls [`Table::release`] in the end.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// The public id.
    pub connection_id: Arc<str>,
    /// The name of the connection in the table, not to be shown to anyone.
    pub token: Arc<str>,
    /// Whether another WebSocket may [carry it on](Outcome::Resume).
    pub resumable: bool,
    /// Which transport; none for a stream.
    pub transport: Transports,
    /// What was posted before the transport came.
    pub early: Vec<u8>,
}

/// The connections of one endpoint by their tokens, each with a handle `H` of its session.
///
/// ```
/// use hub_core::endpoint::{Config, Fresh, Outcome, Request, Table};
/// use hub_core::time::Timestamp;
///
/// let mut table: Table<&str> = Table::new(Config::default(), [7; 16]);
/// let fresh = || Fresh { connection_id: "id".into(), connection_token: "secret".into() };
/// let answer = table.negotiate("negotiateVersion=1", Timestamp::ZERO, fresh);
/// assert_eq!(answer.status, 200);
///
/// let outcome = table.attach(Request::WebSocket, "id=secret", Timestamp::ZERO, fresh);
/// let Outcome::Attach(claim) = outcome else { panic!("refused") };
/// assert_eq!(&*claim.connection_id, "id");
/// table.bind(&claim.token, "session").unwrap();
/// assert_eq!(table.release(&claim.token), Some("session"));
/// ```
pub struct Table<H> {
    config: Config,
    entries: SeededMap<Arc<str>, State<H>>,
    /// In the order of time, which is the order of creation. The first one is always pending;
    /// others may have been claimed since.
    expiries: VecDeque<Expiry>,
    pending: usize,
    /// Bytes that were posted to those that are pending.
    early: usize,
    draining: bool,
    now: Timestamp,
}

enum State<H> {
    /// Negotiated; the connection id is the token unless it is given.
    Pending { connection_id: Option<Box<str>>, resumable: bool, early: Early },
    /// A transport has come; its session is on the way.
    Claimed(Carried),
    /// A session has the connection.
    Live(H, Carried),
}

/// What was posted before there is a transport; hardly ever anything.
type Early = Option<Box<Vec<u8>>>;

/// How a connection is carried.
#[derive(Clone, Copy)]
struct Carried {
    transport: Transports,
    resumable: bool,
}

struct Expiry {
    at: Timestamp,
    token: Arc<str>,
}

impl<H> Table<H> {
    /// An empty table; the seed keys its hash, so that nobody outside can make tokens collide.
    pub fn new(config: Config, seed: [u8; 16]) -> Self {
        Self {
            config,
            entries: SeededMap::with_hasher(Seed::new(seed)),
            expiries: VecDeque::new(),
            pending: 0,
            early: 0,
            draining: false,
            now: Timestamp::ZERO,
        }
    }

    /// Answers a negotiate request; a success registers a connection that waits for its transport.
    pub fn negotiate(
        &mut self,
        query: &str,
        now: Timestamp,
        fresh: impl FnOnce() -> Fresh,
    ) -> Answer {
        self.handle_timeout(now);
        if self.draining {
            return Answer::unavailable();
        }
        let version = match negotiate::version(query, self.config.minimum_version) {
            Ok(version) => version,
            Err(text) => return negotiate::refused(text),
        };
        if self.pending >= self.config.max_pending {
            return Answer::unavailable();
        }
        let Fresh { connection_id, connection_token } = fresh();
        let transports = self.config.transports;
        // In version 0 the token is the public id: whoever knows that could take the connection over.
        let resumable = version > 0
            && self.config.allow_stateful_reconnects
            && negotiate::asks_to_resume(query);
        let (token, public, answer) = if version == 0 {
            let answer = negotiate::accepted(0, &connection_id, None, transports, resumable);
            (connection_id, None, answer)
        } else {
            let token = Some(connection_token.as_str());
            let answer = negotiate::accepted(version, &connection_id, token, transports, resumable);
            (connection_token, Some(connection_id.into_boxed_str()), answer)
        };
        let state = State::Pending { connection_id: public, resumable, early: None };
        match self.register(token, state) {
            None => Answer::unavailable(),
            Some(token) => {
                // An entry expires when it is older than the timeout, not when it is as old.
                let at = self.now + self.config.disconnect_timeout + Duration::from_nanos(1);
                self.pending += 1;
                self.expiries.push_back(Expiry { at, token });
                answer
            }
        }
    }

    /// Answers a request of any kind, or claims the connection that it is to carry, or finds the one that it
    /// is to carry on.
    pub fn attach(
        &mut self,
        request: Request,
        query: &str,
        now: Timestamp,
        fresh: impl FnOnce() -> Fresh,
    ) -> Outcome<H>
    where
        H: Clone,
    {
        self.handle_timeout(now);
        let outcome = match request {
            Request::Negotiate => Ok(Outcome::Answer(self.negotiate(query, now, fresh))),
            Request::WebSocket => self.upgrade(query, fresh),
            Request::ServerSentEvents => self.carry(query, Transports::SERVER_SENT_EVENTS),
            Request::LongPoll => {
                self.carry(query, Transports::LONG_POLLING).map_err(Answer::uncached)
            }
            Request::Post => self.find(query).and_then(|(token, state)| match state.transport() {
                Transports::NONE if self.config.transports != Transports::WEB_SOCKETS => {
                    Ok(Outcome::Post(Arc::clone(token)))
                }
                // What is pending can become nothing else here.
                Transports::NONE | Transports::WEB_SOCKETS => Err(Answer::post_on_web_socket()),
                _ => Ok(Outcome::Post(Arc::clone(token))),
            }),
            Request::Delete => self.find(query).and_then(|(_, state)| match state {
                State::Live(handle, carried) if carried.transport == Transports::LONG_POLLING => {
                    Ok(Outcome::Delete(handle.clone()))
                }
                _ => Err(Answer::delete_without_polls()),
            }),
            Request::Other => Err(Answer::method_not_allowed()),
        };
        outcome.unwrap_or_else(Outcome::Answer)
    }

    /// Takes the body of a [POST](Outcome::Post), if all of it has come and there is no transport yet, for which it
    /// waits: up to 64 KiB each, 16 MiB of all connections together. Else it goes to the session, if there is one.
    pub fn post(&mut self, token: &str, body: &[u8], whole: bool, now: Timestamp) -> Posting<H>
    where
        H: Clone,
    {
        self.handle_timeout(now);
        let room = EARLY_TOGETHER.saturating_sub(self.early);
        match self.entries.get_mut(token) {
            None => Posting::Answer(Answer::gone()),
            Some(State::Pending { early, .. }) => {
                let kept = early.as_ref().map_or(0, |early| early.len());
                if !whole || kept + body.len() > EARLY || body.len() > room {
                    return Posting::Wait;
                }
                if !body.is_empty() {
                    early.get_or_insert_default().extend_from_slice(body);
                    self.early += body.len();
                }
                Posting::Kept
            }
            // It took another transport meanwhile.
            Some(State::Claimed(carried) | State::Live(_, carried))
                if carried.transport == Transports::WEB_SOCKETS =>
            {
                Posting::Answer(Answer::post_on_web_socket())
            }
            Some(State::Claimed(_)) => Posting::Wait,
            Some(State::Live(handle, _)) => Posting::To(handle.clone()),
        }
    }

    /// Claims a connection that needs no request: a stream that was accepted. Refused like an upgrade.
    pub fn enter(
        &mut self,
        now: Timestamp,
        fresh: impl FnOnce() -> Fresh,
    ) -> Result<Claim, Answer> {
        self.handle_timeout(now);
        self.claim_fresh(fresh)
    }

    /// Hands over the handle of a claimed connection's session.
    ///
    /// Fails, and gives the handle back, unless the connection is claimed and has none yet.
    pub fn bind(&mut self, token: &str, handle: H) -> Result<(), H> {
        match self.entries.get_mut(token) {
            Some(state) => match *state {
                State::Claimed(carried) => {
                    *state = State::Live(handle, carried);
                    Ok(())
                }
                State::Pending { .. } | State::Live(..) => Err(handle),
            },
            None => Err(handle),
        }
    }

    /// The handle of a connection's session.
    pub fn handle(&self, token: &str) -> Option<&H> {
        match self.entries.get(token) {
            Some(State::Live(handle, _)) => Some(handle),
            _ => None,
        }
    }

    /// Forgets a connection, in whatever state; its handle comes back.
    pub fn release(&mut self, token: &str) -> Option<H> {
        match self.entries.remove(token)? {
            State::Pending { early, .. } => {
                self.no_longer_pending(&early);
                self.tidy();
                None
            }
            State::Claimed(_) => None,
            State::Live(handle, _) => Some(handle),
        }
    }

    /// From now on nobody new gets in: negotiations and upgrades are answered by a 503.
    /// Gives the handles of those who are in, in the order of their tokens.
    pub fn drain(&mut self) -> Vec<H>
    where
        H: Clone,
    {
        self.draining = true;
        #[expect(clippy::disallowed_methods, reason = "sorted right below")]
        let entries = self.entries.iter();
        let mut live: Vec<_> = entries
            .filter_map(|(token, state)| match state {
                State::Live(handle, _) => Some((token, handle.clone())),
                State::Pending { .. } | State::Claimed(_) => None,
            })
            .collect();
        live.sort_unstable_by_key(|(token, _)| *token);
        live.into_iter().map(|(_, handle)| handle).collect()
    }

    /// When the oldest negotiation expires.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.expiries.front().map(|expiry| Deadline { at: expiry.at, why: Timer::Disconnect })
    }

    /// Forgets the negotiations that nobody has claimed in time.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while let Some(expiry) = self.expiries.pop_front_if(|expiry| expiry.at <= self.now) {
            if is_pending(&self.entries, &expiry)
                && let Some(State::Pending { early, .. }) = self.entries.remove(&expiry.token)
            {
                self.no_longer_pending(&early);
            }
        }
        self.tidy();
    }

    /// How many negotiations wait for a transport.
    pub const fn pending(&self) -> usize {
        self.pending
    }

    /// How many connections have a transport.
    pub fn live(&self) -> usize {
        self.entries.len() - self.pending
    }

    /// Whether [`drain`](Self::drain) was called.
    pub const fn is_draining(&self) -> bool {
        self.draining
    }

    /// A WebSocket needs no id.
    fn upgrade(&mut self, query: &str, fresh: impl FnOnce() -> Fresh) -> Result<Outcome<H>, Answer>
    where
        H: Clone,
    {
        if id(query).is_some() {
            return self.carry(query, Transports::WEB_SOCKETS);
        }
        self.check_mask(Transports::WEB_SOCKETS)?;
        let claim = self.claim_fresh(fresh)?;
        if let Some(State::Claimed(carried)) = self.entries.get_mut(&claim.token) {
            carried.transport = Transports::WEB_SOCKETS;
        }
        Ok(Outcome::Attach(Claim { transport: Transports::WEB_SOCKETS, ..claim }))
    }

    /// A GET that is to carry a connection: the id comes first, then the mask, then what has the connection already.
    fn carry(&mut self, query: &str, transport: Transports) -> Result<Outcome<H>, Answer>
    where
        H: Clone,
    {
        let found = self.find(query).map(|(token, _)| Arc::clone(token));
        let token = found.map_err(|answer| match transport {
            Transports::WEB_SOCKETS => Answer { content_type: None, ..answer },
            _ => answer,
        })?;
        self.check_mask(transport)?;
        match self.entries.get(&token) {
            Some(State::Claimed(other) | State::Live(_, other)) if other.transport != transport => {
                Err(Answer::cannot_change_transports())
            }
            Some(State::Live(handle, other))
                if other.resumable || transport != Transports::WEB_SOCKETS =>
            {
                Ok(Outcome::Resume(handle.clone()))
            }
            _ => self.claim(token, transport).map(Outcome::Attach),
        }
    }

    /// Without a negotiation the id does for the token, as in version 0, and nothing was granted.
    fn claim_fresh(&mut self, fresh: impl FnOnce() -> Fresh) -> Result<Claim, Answer> {
        self.check_room()?;
        let carried = Carried { transport: Transports::NONE, resumable: false };
        let token = self.register(fresh().connection_id, State::Claimed(carried));
        let token = token.ok_or_else(Answer::unavailable)?;
        Ok(Claim {
            connection_id: Arc::clone(&token),
            token,
            resumable: false,
            transport: Transports::NONE,
            early: Vec::new(),
        })
    }

    fn claim(&mut self, token: Arc<str>, transport: Transports) -> Result<Claim, Answer> {
        let Some(&State::Pending { resumable, .. }) = self.entries.get(&token) else {
            return Err(Answer::already_attached());
        };
        self.check_room()?;
        let resumable = resumable && transport == Transports::WEB_SOCKETS;
        let claimed = State::Claimed(Carried { transport, resumable });
        let before = self.entries.insert(Arc::clone(&token), claimed);
        let Some(State::Pending { connection_id, early, .. }) = before else {
            return Err(Answer::already_attached());
        };
        self.no_longer_pending(&early);
        self.tidy();
        let connection_id = connection_id.map_or_else(|| Arc::clone(&token), Into::into);
        let early = early.map_or_else(Vec::new, |early| *early);
        Ok(Claim { connection_id, token, resumable, transport, early })
    }

    /// The connection of a request that needs an id.
    fn find(&self, query: &str) -> Result<(&Arc<str>, &State<H>), Answer> {
        let token = id(query).ok_or_else(Answer::id_required)?;
        self.entries.get_key_value(&*token).ok_or_else(Answer::unknown_id)
    }

    fn no_longer_pending(&mut self, early: &Early) {
        self.pending -= 1;
        self.early -= early.as_ref().map_or(0, |early| early.len());
    }

    fn check_mask(&self, transport: Transports) -> Result<(), Answer> {
        let allowed = self.config.transports.contains(transport);
        if allowed { Ok(()) } else { Err(Answer::transport_not_supported(transport)) }
    }

    fn check_room(&self) -> Result<(), Answer> {
        let full = self.draining || self.live() >= self.config.max_live;
        if full { Err(Answer::unavailable()) } else { Ok(()) }
    }

    /// Enters a new connection. A token that exists already, which no good source of randomness
    /// draws, stays with whoever has it.
    fn register(&mut self, token: String, state: State<H>) -> Option<Arc<str>> {
        if self.entries.contains_key(token.as_str()) {
            return None;
        }
        let token: Arc<str> = token.into();
        self.entries.insert(Arc::clone(&token), state);
        Some(token)
    }

    /// Drops what is no longer pending from the front of the queue, and from all of it before such
    /// leftovers outnumber the rest.
    fn tidy(&mut self) {
        while self.expiries.pop_front_if(|expiry| !is_pending(&self.entries, expiry)).is_some() {}
        if self.expiries.len() > 2 * self.pending + LEFTOVERS {
            self.expiries.retain(|expiry| is_pending(&self.entries, expiry));
        }
    }
}

/// How many leftovers are not worth a pass over the queue.
const LEFTOVERS: usize = 64;

/// Whether this very negotiation still waits, and not another one that came to the same token.
fn is_pending<H>(entries: &SeededMap<Arc<str>, State<H>>, expiry: &Expiry) -> bool {
    match entries.get_key_value(&*expiry.token) {
        Some((token, State::Pending { .. })) => Arc::ptr_eq(token, &expiry.token),
        _ => false,
    }
}

/// The connection token of a request; an empty one is none.
fn id(query: &str) -> Option<Cow<'_, str>> {
    query::value(query, "id").filter(|id| !id.is_empty())
}

impl<H> State<H> {
    /// None as long as it is pending.
    const fn transport(&self) -> Transports {
        match self {
            Self::Pending { .. } => Transports::NONE,
            Self::Claimed(carried) | Self::Live(_, carried) => carried.transport,
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("connection_id", &self.connection_id)
            .field("resumable", &self.resumable)
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}

impl<H> fmt::Debug for Table<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("pending", &self.pending())
            .field("live", &self.live())
            .field("draining", &self.draining)
            .finish_non_exhaustive()
    }
}
