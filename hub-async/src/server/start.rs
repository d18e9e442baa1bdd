//! Starting the sessions of connections that were let in.

use std::sync::Arc;

use hub_core::endpoint::Claim;
use hub_core::server::TransportFacts;

use super::carrier::Carrier;
use super::endpoint::{App, Endpoint, Ticket, random};
use super::raw::RawSession;
use super::session::Session;
use crate::facts::RequestFacts;
use crate::member::Member;
use crate::runtime::Task;
use crate::socket::Socket;

/// Runs a connection on a stream that is no WebSocket.
pub(super) fn stream(
    endpoint: &Arc<Endpoint>,
    claim: Claim,
    facts: RequestFacts,
    socket: Arc<dyn Socket>,
) {
    let (member, ticket) = endpoint.admit(claim, facts, false);
    let carrier = Carrier::stream(socket, &member.outlet, endpoint.options.timeouts);
    let [spread, ..] = random();
    start(member, ticket, carrier, &[], TransportFacts::stream(spread));
}

/// Runs a connection on a WebSocket whose upgrade is answered; `read` is what came behind the request.
pub(super) fn websocket(
    member: Arc<Member>,
    ticket: Ticket,
    resumable: bool,
    socket: Arc<dyn Socket>,
    read: &[u8],
) {
    let carrier = Carrier::websocket(socket, &member.outlet, ticket.endpoint().options.timeouts);
    let [spread, ..] = random();
    let mut facts = TransportFacts::websocket(spread);
    facts.resumable = resumable;
    start(member, ticket, carrier, read, facts);
}

fn start(
    member: Arc<Member>,
    ticket: Ticket,
    carrier: Carrier,
    read: &[u8],
    facts: TransportFacts,
) {
    let endpoint = Arc::clone(ticket.endpoint());
    let session: Task = match &endpoint.app {
        App::Hub(hub) => {
            Box::pin(Session::new(member, ticket, Arc::clone(hub), carrier, read, facts))
        }
        App::Raw(handler) => Box::pin(RawSession::new(member, ticket, handler, carrier, read)),
    };
    endpoint.runtime.spawn(session);
}
