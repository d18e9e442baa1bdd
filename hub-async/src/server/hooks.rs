//! `identify`, `on_connected` and `on_disconnected`: the hub's own code around a connection.

use std::sync::Arc;

use hub_core::CloseReason;
use hub_proto::{Encoding, Payload, Reply};

use crate::ask::Place;
use crate::builder::HubCore;
use crate::caller::Caller;
use crate::caught::caught;
use crate::context::Context;
use crate::error::HubError;
use crate::filter::{self, Event, Filters};
use crate::handler::{Answer, Bound};
use crate::member::Member;
use crate::reader::Readers;
use crate::registered::{Binding, Method};
use crate::user::Identity;

/// Who the client is; an error when the hub's code panicked.
pub(super) fn identify(hub: &HubCore, member: &Member) -> Result<Identity, HubError> {
    let Some(find) = &hub.identify else { return Ok(Identity::anonymous()) };
    caught(|| find(&member.facts)).ok_or_else(HubError::panicked)
}

/// Starts `on_connected` and what is around it, if there is any of it.
pub(super) fn on_connected(
    hub: &Arc<HubCore>,
    member: &Arc<Member>,
    filters: &Filters,
) -> Option<Answer> {
    let bound = hub.on_connected.as_deref().and_then(|hook| bind(hook, member, None));
    let caller = caller(hub, member, Place::OnConnected);
    start(bound, caller, filters, || Event::Connected)
}

/// Starts `on_disconnected` and what is around it, if there is any of it.
pub(super) fn on_disconnected(
    hub: &Arc<HubCore>,
    member: &Arc<Member>,
    filters: &Filters,
    reason: &CloseReason,
) -> Option<Answer> {
    let bound = hub.on_disconnected.as_deref().and_then(|hook| bind(hook, member, Some(reason)));
    let caller = caller(hub, member, Place::OnDisconnected);
    start(bound, caller, filters, || Event::Disconnected(reason.clone()))
}

fn start(
    bound: Option<Box<dyn Bound>>,
    caller: Caller,
    filters: &Filters,
    event: impl FnOnce() -> Event,
) -> Option<Answer> {
    if filters.is_empty() {
        return bound.map(|bound| bound.start(caller));
    }
    Some(filter::hook(filters.clone(), event(), caller, bound))
}

/// A hook takes no arguments: `build` has seen to it, so that binding it succeeds.
fn bind(
    hook: &dyn Method,
    member: &Arc<Member>,
    reason: Option<&CloseReason>,
) -> Option<Box<dyn Bound>> {
    let arguments = Payload::new(Encoding::Json, b"[]");
    let (mut readers, mut cancel) = (Readers::new(&[], member, 0), None);
    hook.bind(Binding { arguments, readers: &mut readers, cancel: &mut cancel, reason }).ok()
}

fn caller(hub: &Arc<HubCore>, member: &Arc<Member>, place: Place) -> Caller {
    Caller {
        context: Context::new(Arc::clone(hub), Arc::clone(member), place),
        reply: Reply::new(Encoding::Json, None),
        target: "".into(),
        detailed: false,
        spawned: false,
        dropped: false,
        rare: None,
    }
}
