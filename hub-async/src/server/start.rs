//! Starting the sessions of connections that were let in.

use std::sync::Arc;

use hub_core::endpoint::{Claim, Transports};
use hub_core::server::TransportFacts;

use super::carrier::Carrier;
use super::endpoint::{App, Endpoint, Ticket, random};
use super::raw::RawSession;
use super::session::Session;
use crate::facts::RequestFacts;
use crate::member::Member;
use crate::runtime::Task;
use crate::socket::Socket;

/// What has come from the client before the session is there.
#[derive(Clone, Copy, Default)]
pub(super) struct Arrived<'a> {
    /// What was posted before the transport came.
    pub(super) early: &'a [u8],
    /// What came on the socket behind the request.
    pub(super) read: &'a [u8],
}

/// Runs a connection on a stream that is no WebSocket.
pub(super) fn stream(
    endpoint: &Arc<Endpoint>,
    claim: Claim,
    facts: RequestFacts,
    socket: Arc<dyn Socket>,
) {
    let (member, ticket) = endpoint.admit(claim, facts);
    let carrier = Carrier::stream(socket, &member.outlet, endpoint.options.timeouts);
    let [spread, ..] = random();
    start(member, ticket, carrier, Arrived::default(), TransportFacts::stream(spread));
}

/// Runs a connection that requests carry, the first of which is here.
pub(super) fn requests(endpoint: &Arc<Endpoint>, claim: Claim, facts: RequestFacts) -> Arc<Member> {
    let (member, ticket) = endpoint.admit(claim, facts);
    let [spread, ..] = random();
    let facts = match member.transport() {
        Transports::LONG_POLLING => TransportFacts::polls(),
        _ => TransportFacts::events(spread),
    };
    let carrier = Carrier::requests(Arc::clone(&member));
    start(Arc::clone(&member), ticket, carrier, Arrived::default(), facts);
    member
}

/// Runs a connection on a WebSocket whose upgrade is answered.
pub(super) fn websocket(
    member: Arc<Member>,
    ticket: Ticket,
    resumable: bool,
    socket: Arc<dyn Socket>,
    arrived: Arrived<'_>,
) {
    let carrier = Carrier::websocket(socket, &member.outlet, ticket.endpoint().options.timeouts);
    let [spread, ..] = random();
    let mut facts = TransportFacts::websocket(spread);
    facts.resumable = resumable;
    start(member, ticket, carrier, arrived, facts);
}

fn start(
    member: Arc<Member>,
    ticket: Ticket,
    carrier: Carrier,
    arrived: Arrived<'_>,
    facts: TransportFacts,
) {
    let endpoint = Arc::clone(ticket.endpoint());
    let session: Task = match &endpoint.app {
        App::Hub(hub) => {
            Box::pin(Session::new(member, ticket, Arc::clone(hub), carrier, arrived, facts))
        }
        App::Raw(handler) => Box::pin(RawSession::new(member, ticket, handler, carrier, arrived)),
    };
    endpoint.runtime.spawn(session);
}
