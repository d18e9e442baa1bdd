//! Either side closes, with every code that may be sent.

use hub_proto::ws::{Close, Opcode, Role};
use libtest_mimic::Failed;

use super::peer::Peer;
use super::random::Random;
use super::wire::{Event, Wire};

const CODES: [u16; 18] = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000,
    4001, 4999,
];

pub(crate) fn run(peer: &mut Peer, seed: u32) -> Result<(), Failed> {
    let mut random = Random::new(seed);
    for code in CODES {
        // Registered for gateways, and refused by tungstenite.
        if code == 1014 && peer.library() == "tungstenite" {
            continue;
        }
        let length = random.pick(&[0, 1, 60, 122, 123]);
        let reason = random.text(length);
        we_close(peer.open()?, code, &reason).map_err(|failed| about(code, &failed))?;
        they_close(peer.open()?, code, "over").map_err(|failed| about(code, &failed))?;
    }
    we_close_without_a_code(peer.open()?)
}

fn about(code: u16, failed: &Failed) -> String {
    format!("code {code}: {}", failed.message().unwrap_or("no reason"))
}

/// All three answer with the code that they got.
fn we_close(mut wire: Wire, code: u16, reason: &str) -> Result<(), Failed> {
    wire.close(code, reason)?;
    match wire.next()? {
        Event::Close(Some(close)) if close.code == code => ended(wire),
        other => Err(format!("{other:?} in answer to a close").into()),
    }
}

fn we_close_without_a_code(mut wire: Wire) -> Result<(), Failed> {
    wire.send(true, Opcode::Close, b"")?;
    match wire.next()? {
        Event::Close(None) => ended(wire),
        other => Err(format!("{other:?} in answer to an empty close").into()),
    }
}

fn they_close(mut wire: Wire, code: u16, reason: &str) -> Result<(), Failed> {
    wire.send(true, Opcode::Text, format!("!close {code} {reason}").as_bytes())?;
    let expected = Event::Close(Some(Close { code, reason: reason.to_owned() }));
    let came = wire.next()?;
    if came != expected {
        return Err(format!("{came:?} instead of {expected:?}").into());
    }
    wire.close(code, "")?;
    ended(wire)
}

/// The server ends the connection, be it theirs or, by the drop, ours.
fn ended(mut wire: Wire) -> Result<(), Failed> {
    match wire.role() {
        Role::Server => Ok(()),
        Role::Client => match wire.next()? {
            Event::End => Ok(()),
            other => Err(format!("{other:?} after the closes").into()),
        },
    }
}
