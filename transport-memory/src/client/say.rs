//! Messages of a client that fail the test when nobody can send them.

use hub_proto::{Completion, Headers, Message, Outcome};
use serde::Serialize;

use super::state::Inner;

#[track_caller]
pub(super) fn write(inner: &Inner, value: &impl Serialize, what: &str) -> Vec<u8> {
    let mut raw = Vec::new();
    if let Err(error) = inner.options.encoding.write(value, &mut raw) {
        panic!("{what} cannot be written: {error}");
    }
    raw
}

#[track_caller]
pub(super) fn complete(inner: &Inner, id: &str, outcome: Outcome<'_>) {
    let headers = Headers::default();
    say(inner, &Message::Completion(Completion { id: id.into(), outcome, headers }));
}

/// Sends what nobody can send when the connection has ended.
#[track_caller]
pub(super) fn say(inner: &Inner, message: &Message<'_>) {
    if let Err(ended) = inner.say(message) {
        panic!("the client cannot send any more: {ended}");
    }
}
