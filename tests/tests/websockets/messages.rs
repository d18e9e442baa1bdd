//! Messages of all sizes there and back, in fragments, with control frames between them.

use hub_proto::ws::{MessageType, Opcode};
use libtest_mimic::Failed;

use super::peer::Peer;
use super::random::Random;
use super::wire::{Event, Wire};

const ROUNDS: usize = 120;

/// Sizes at which something changes, in bytes.
const EDGES: [usize; 9] = [0, 1, 125, 126, 127, 128, 65535, 65536, 65537];

pub(crate) fn run(peer: &mut Peer, seed: u32) -> Result<(), Failed> {
    let mut wire = peer.open()?;
    let mut random = Random::new(seed);
    for round in 0..ROUNDS {
        let mut sent = Sent::default();
        // What waits for an answer must fit into the sockets, so only small messages share a round.
        let count = 1 + random.below(4);
        for _ in 0..count {
            let length = match random.below(4) {
                0 if count == 1 => random.below(300_000),
                1 if count == 1 => random.pick(&EDGES),
                2 => random.pick(&EDGES[..6]),
                _ => random.below(2000),
            };
            sent.message(&mut wire, &mut random, length);
        }
        wire.write(&sent.bytes)?;
        sent.compare(&mut wire).map_err(|failed| {
            format!("round {round}: {}", failed.message().unwrap_or("no reason"))
        })?;
    }
    // With the pong, all its pings have arrived; they were answered before the question is sent.
    wire.send(true, Opcode::Ping, b"all there?")?;
    while wire.next()? != Event::Pong(b"all there?".to_vec()) {}
    wire.send(true, Opcode::Text, b"!report")?;
    let report = loop {
        match wire.next()? {
            Event::Message(MessageType::Text, report) => break String::from_utf8(report)?,
            Event::Ping(_) => {}
            other => return Err(format!("{other:?} instead of a report").into()),
        }
    };
    let (pings, answered) = report.split_once(' ').ok_or("no report")?;
    if pings == "0" || pings != answered {
        return Err(format!("{answered} pings of {pings} were answered").into());
    }
    wire.close(1000, "")?;
    match wire.next()? {
        Event::Close(Some(close)) if close.code == 1000 => Ok(()),
        other => Err(format!("{other:?} instead of a close").into()),
    }
}

/// What is sent in one round, and must come back.
#[derive(Default)]
struct Sent {
    bytes: Vec<u8>,
    messages: Vec<(MessageType, Vec<u8>)>,
    pings: Vec<Vec<u8>>,
}

impl Sent {
    fn message(&mut self, wire: &mut Wire, random: &mut Random, length: usize) {
        let (kind, payload) = match random.below(2) {
            0 => (MessageType::Text, random.text(length).into_bytes()),
            _ => (MessageType::Binary, random.bytes(length)),
        };
        let pieces = random.cut(&payload, 5);
        for (at, piece) in pieces.iter().enumerate() {
            for _ in 0..random.below(3) {
                self.control(wire, random);
            }
            let opcode = if at == 0 { kind.into() } else { Opcode::Continuation };
            wire.frame(&mut self.bytes, at + 1 == pieces.len(), opcode, piece);
        }
        self.messages.push((kind, payload));
    }

    /// A ping, or a pong that nobody asked for.
    fn control(&mut self, wire: &mut Wire, random: &mut Random) {
        let length = random.pick(&[0, 1, 13, 124, 125]);
        let payload = random.bytes(length);
        if random.below(4) == 0 {
            wire.frame(&mut self.bytes, true, Opcode::Pong, &payload);
        } else {
            wire.frame(&mut self.bytes, true, Opcode::Ping, &payload);
            self.pings.push(payload);
        }
    }

    /// Reads until all has come back, messages and pongs each in their order.
    fn compare(self, wire: &mut Wire) -> Result<(), Failed> {
        let mut messages = self.messages.into_iter();
        let mut pings = self.pings.into_iter();
        while messages.len() + pings.len() > 0 {
            let (came, due) = match wire.next()? {
                Event::Ping(_) => continue,
                event @ Event::Pong(_) => (event, pings.next().map(Event::Pong)),
                event => {
                    (event, messages.next().map(|(kind, payload)| Event::Message(kind, payload)))
                }
            };
            if Some(&came) != due.as_ref() {
                return Err(
                    format!("{} came, not {}", short(Some(&came)), short(due.as_ref())).into()
                );
            }
        }
        Ok(())
    }
}

fn short(event: Option<&Event>) -> String {
    let mut text = format!("{event:?}");
    text.truncate(200);
    text
}
