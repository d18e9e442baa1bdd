//! Requests that are to carry a connection, post to it or end it.

use std::borrow::Cow;
use std::sync::Arc;

use super::{
    Answer, Carried, Claim, Fresh, Outcome, Posting, Request, State, Table, Transports, query,
};
use crate::time::Timestamp;

impl<H> Table<H> {
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
        match self.entries.get_key_value(token) {
            None => Posting::Answer(Answer::gone()),
            Some((token, State::Pending { .. })) => {
                if whole && self.early.keep(token, body) {
                    Posting::Kept
                } else if self.draining {
                    // No transport comes any more.
                    Posting::Answer(Answer::unavailable())
                } else {
                    Posting::Wait
                }
            }
            // It took another transport meanwhile.
            Some((_, State::Claimed(carried) | State::Live(_, carried)))
                if carried.transport == Transports::WEB_SOCKETS =>
            {
                Posting::Answer(Answer::post_on_web_socket())
            }
            Some((_, State::Claimed(_))) => Posting::Wait,
            Some((_, State::Live(handle, _))) => Posting::To(handle.clone()),
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
        let Some(State::Pending { connection_id, resumable }) = self.entries.get(&token) else {
            return Err(Answer::already_attached());
        };
        let connection_id = connection_id.as_deref().map_or_else(|| Arc::clone(&token), Arc::from);
        let resumable = *resumable && transport == Transports::WEB_SOCKETS;
        self.check_room()?;
        let claimed = State::Claimed(Carried { transport, resumable });
        self.entries.insert(Arc::clone(&token), claimed);
        self.pending -= 1;
        self.tidy();
        let early = self.early.take(&token);
        Ok(Claim { connection_id, token, resumable, transport, early })
    }

    /// The connection of a request that needs an id.
    fn find(&self, query: &str) -> Result<(&Arc<str>, &State<H>), Answer> {
        let token = id(query).ok_or_else(Answer::id_required)?;
        self.entries.get_key_value(&*token).ok_or_else(Answer::unknown_id)
    }

    fn check_mask(&self, transport: Transports) -> Result<(), Answer> {
        let allowed = self.config.transports.contains(transport);
        if allowed { Ok(()) } else { Err(Answer::transport_not_supported(transport)) }
    }

    fn check_room(&self) -> Result<(), Answer> {
        let full = self.draining || self.live() >= self.config.max_live;
        if full { Err(Answer::unavailable()) } else { Ok(()) }
    }
}

/// The connection token of a request; an empty one is none.
pub(super) fn id(query: &str) -> Option<Cow<'_, str>> {
    query::value(query, "id").filter(|id| !id.is_empty())
}
