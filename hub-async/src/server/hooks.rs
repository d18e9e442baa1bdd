//! `user_id`, `on_connected` and `on_disconnected`: the hub's own code around a connection.

use std::sync::Arc;

use hub_core::CloseReason;
use hub_core::server::Admission;
use hub_proto::{Encoding, Payload, Reply};

use crate::ask::Place;
use crate::caller::Caller;
use crate::caught::caught;
use crate::context::Context;
use crate::error::HubError;
use crate::handler::{Answer, Invoked, Method, Surroundings};
use crate::hub::HubCore;
use crate::member::Member;
use crate::reader::Readers;

/// The user of a connection; an error when the hub's code panicked.
pub(super) fn user_id(hub: &HubCore, member: &Member) -> Result<Option<Arc<str>>, HubError> {
    let Some(find) = &hub.user_id else { return Ok(None) };
    let found = caught(|| find(&member.facts)).ok_or_else(HubError::panicked)?;
    Ok(found.map(Into::into))
}

/// Starts `on_connected`, if there is one.
pub(super) fn on_connected(hub: &Arc<HubCore>, member: &Arc<Member>) -> Option<Answer> {
    start(hub.on_connected.as_deref()?, hub, member, Place::OnConnected, None)
}

/// Starts `on_disconnected`, if there is one.
pub(super) fn on_disconnected(
    hub: &Arc<HubCore>,
    member: &Arc<Member>,
    reason: &CloseReason,
) -> Option<Answer> {
    start(hub.on_disconnected.as_deref()?, hub, member, Place::OnDisconnected, Some(reason))
}

fn start(
    method: &dyn Method,
    hub: &Arc<HubCore>,
    member: &Arc<Member>,
    place: Place,
    reason: Option<&CloseReason>,
) -> Option<Answer> {
    let context = Context::new(Arc::clone(hub), Arc::clone(member), place);
    let (mut cancel, mut readers) = (None, Readers::new(&[], member, 0));
    let around = Surroundings {
        context: &context,
        states: &hub.states,
        reason,
        cancel: &mut cancel,
        readers: &mut readers,
    };
    let nothing = Payload::new(Encoding::Json, b"[]");
    let nobody = Caller {
        member: Arc::clone(member),
        reply: Reply::new(Encoding::Json, None),
        target: "".into(),
        detailed: false,
        spawned: false,
        stop: None,
    };
    match method.invoke(around, nothing, &nobody, &mut || Admission::Started) {
        Ok(Invoked::Running(answer)) => Some(answer),
        // `build` refuses hooks that take arguments, and nothing parks them.
        Ok(Invoked::Parked(_) | Invoked::Full | Invoked::Gone) | Err(_) => None,
    }
}
