//! What nobody may send: the same bytes for the other side and for our codec in its place.

use hub_proto::ws::{Config, Decoder, MessageType, Piece, Role, mask};
use libtest_mimic::Failed;

use super::peer::Peer;
use super::random::Random;
use super::wire::{Event, Wire};

/// How many random sequences there are for each side.
const SEQUENCES: usize = 150;

/// How a side takes what it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// As if nothing had happened.
    Open,
    /// As a close in order.
    Closed,
    /// By failing the connection, with a code if it says one.
    Failed(Option<u16>),
}

/// A frame as it goes over the wire, but for the mask.
#[derive(Clone)]
struct Raw {
    first: u8,
    /// The bytes of the length, if they are not as they should be.
    length: Option<&'static [u8]>,
    /// Whether the frame is masked although it should not be, or the other way round.
    wrong_mask: bool,
    payload: Vec<u8>,
}

const fn raw(first: u8, payload: Vec<u8>) -> Raw {
    Raw { first, length: None, wrong_mask: false, payload }
}

impl Raw {
    fn write(&self, wire: &mut Wire, out: &mut Vec<u8>) {
        let key = match (wire.key(), self.wrong_mask) {
            (None, true) => Some([1, 2, 3, 4]),
            (Some(_), true) => None,
            (key, false) => key,
        };
        out.push(self.first);
        let at = out.len();
        match (self.length, self.payload.len()) {
            (Some(length), _) => out.extend_from_slice(length),
            (None, length @ ..=125) => out.push(length as u8),
            (None, length) => {
                out.push(126);
                out.extend_from_slice(&(length as u16).to_be_bytes());
            }
        }
        if let Some(key) = key {
            out[at] |= 0x80;
            out.extend_from_slice(&key);
        }
        let at = out.len();
        out.extend_from_slice(&self.payload);
        if let Some(key) = key {
            mask::apply(key, &mut out[at..]);
        }
    }
}

/// The message behind the frames: what comes back if the connection lives. A ping would not do, as
/// `websockets` answers pings before it looks at the text in front of them.
const PROBE: &[u8] = b"still there?";

/// Sends frames and a probe behind them, and returns our verdict and theirs.
fn verdicts(wire: &mut Wire, frames: &[Raw]) -> Result<(Verdict, Verdict), Failed> {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| frame.write(wire, &mut bytes));
    let ours = ours(wire.role(), &bytes);
    raw(0x82, PROBE.to_vec()).write(wire, &mut bytes);
    // The other side may be gone before all is written.
    wire.write(&bytes).ok();
    Ok((ours, theirs(wire, frames)?))
}

fn ours(sender: Role, bytes: &[u8]) -> Verdict {
    let receiver = match sender {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    };
    let (mut decoder, mut bytes) = (Decoder::new(receiver, Config::default()), bytes.to_vec());
    let mut input = bytes.as_mut_slice();
    loop {
        match decoder.next(&mut input) {
            Ok(None) => return Verdict::Open,
            Ok(Some(Piece::Close(_))) => return Verdict::Closed,
            Ok(Some(_)) => {}
            Err(violation) => return Verdict::Failed(Some(violation.close_code())),
        }
    }
}

fn theirs(wire: &mut Wire, frames: &[Raw]) -> Result<Verdict, Failed> {
    loop {
        return Ok(match wire.next()? {
            Event::Message(MessageType::Binary, payload) if payload == PROBE => Verdict::Open,
            Event::Message(..) | Event::Ping(_) | Event::Pong(_) => continue,
            Event::Close(close) => {
                let code = close.map(|close| close.code);
                let sent = frames.iter().find(|frame| frame.first == 0x88);
                let sent = sent.map(|frame| frame.payload.first_chunk());
                if sent == Some(code.map(u16::to_be_bytes).as_ref()) {
                    Verdict::Closed
                } else {
                    Verdict::Failed(code)
                }
            }
            Event::End => Verdict::Failed(None),
            Event::Failed(violation) => return Err(violation.to_string().into()),
        });
    }
}

/// What the others do with a length that is too long for what it says, which RFC 6455 §5.2 forbids,
/// and with one over 63 bits.
const EXCEPTIONS: [(&str, &str, Verdict); 8] = [
    ("tungstenite", "two bytes for a length of 125", Verdict::Open),
    ("tungstenite", "eight bytes for a length of 125", Verdict::Open),
    ("ws", "two bytes for a length of 125", Verdict::Open),
    ("ws", "eight bytes for a length of 125", Verdict::Open),
    ("ws", "a length of 64 bits", Verdict::Failed(Some(1009))),
    ("websockets", "two bytes for a length of 125", Verdict::Open),
    ("websockets", "eight bytes for a length of 125", Verdict::Open),
    ("websockets", "a length of 64 bits", Verdict::Failed(Some(1009))),
];

/// Both must have failed the connection, with the same code if both say one.
fn agree(ours: Verdict, theirs: Verdict) -> bool {
    match (ours, theirs) {
        (Verdict::Failed(Some(our)), Verdict::Failed(Some(their))) => our == their,
        (Verdict::Failed(_), Verdict::Failed(_)) => true,
        _ => ours == theirs,
    }
}

/// One row for each rule, all of which fail the connection.
fn rows() -> Vec<(String, Vec<Raw>)> {
    let mut rows = Vec::new();
    let mut row = |name: &str, frames: Vec<Raw>| rows.push((name.to_owned(), frames));
    for bit in [0x10, 0x20, 0x40] {
        row(&format!("reserved bit {bit:x} of a text"), vec![raw(0x81 | bit, b"x".to_vec())]);
        row(&format!("reserved bit {bit:x} of a ping"), vec![raw(0x89 | bit, b"x".to_vec())]);
    }
    for opcode in (3..8).chain(11..16) {
        row(&format!("opcode {opcode}"), vec![raw(0x80 | opcode, b"x".to_vec())]);
    }
    for opcode in [8, 9, 10] {
        row(&format!("opcode {opcode} without FIN"), vec![raw(opcode, Vec::new())]);
        row(&format!("opcode {opcode} of 126 bytes"), vec![raw(0x80 | opcode, vec![b'x'; 126])]);
    }
    row("a last frame of nothing", vec![raw(0x80, b"x".to_vec())]);
    row("a middle frame of nothing", vec![raw(0x00, b"x".to_vec())]);
    row("a text inside a text", vec![raw(0x01, b"a".to_vec()), raw(0x81, b"b".to_vec())]);
    row("a binary inside a text", vec![raw(0x01, b"a".to_vec()), raw(0x02, b"b".to_vec())]);
    for (name, text) in [
        ("a continuation byte", &b"ab\x80"[..]),
        ("an overlong slash", b"\xC0\xAF"),
        ("a surrogate", b"\xED\xA0\x80"),
        ("more than Unicode", b"\xF4\x90\x80\x80"),
        ("half a character", b"ab\xC3"),
    ] {
        row(&format!("{name} in a text"), vec![raw(0x81, text.to_vec())]);
        row(
            &format!("{name} in a fragment"),
            vec![raw(0x01, text.to_vec()), raw(0x80, Vec::new())],
        );
        let close = [&[3, 0xE8], text].concat();
        row(&format!("{name} in a close"), vec![raw(0x88, close)]);
    }
    for (name, first) in [("a text", 0x81), ("a ping", 0x89), ("a close", 0x88)] {
        row(
            &format!("the wrong mask of {name}"),
            vec![Raw { wrong_mask: true, ..raw(first, Vec::new()) }],
        );
    }
    row("a close of one byte", vec![raw(0x88, vec![3])]);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535_u16] {
        row(&format!("close code {code}"), vec![raw(0x88, code.to_be_bytes().to_vec())]);
    }
    let length = |length, payload| Raw { length: Some(length), ..raw(0x82, payload) };
    row("two bytes for a length of 125", vec![length(&[126, 0, 125], vec![0; 125])]);
    let eight = &[127, 0, 0, 0, 0, 0, 0, 0, 125];
    row("eight bytes for a length of 125", vec![length(eight, vec![0; 125])]);
    row("a length of 64 bits", vec![length(&[127, 0x80, 0, 0, 0, 0, 0, 0, 0], Vec::new())]);
    rows
}

pub(crate) fn table(peer: &mut Peer, _seed: u32) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for (name, frames) in rows() {
        let verdicts = verdicts(&mut peer.open()?, &frames);
        let (ours, theirs) = verdicts.map_err(|failed| format!("{name}: {failed:?}"))?;
        if !matches!(ours, Verdict::Failed(_)) {
            wrong.push(format!("{name}: ours {ours:?}"));
        }
        let expected = EXCEPTIONS
            .iter()
            .find(|(library, row, _)| (*library, *row) == (peer.library(), name.as_str()));
        if !expected.map_or_else(|| agree(ours, theirs), |(.., verdict)| *verdict == theirs) {
            wrong.push(format!("{name}: ours {ours:?}, theirs {theirs:?}"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Sequences of frames, half of them with something wrong in one place.
pub(crate) fn random(peer: &mut Peer, seed: u32) -> Result<(), Failed> {
    let mut random = Random::new(seed);
    let mut failures = 0;
    for sequence in 0..SEQUENCES {
        let mut frames = frames(&mut random);
        if random.below(2) == 0 {
            spoil(&mut frames, &mut random);
        }
        let mut wire = peer.open()?;
        let (ours, theirs) = verdicts(&mut wire, &frames)?;
        failures += usize::from(ours != Verdict::Open);
        // By the time that `websockets` looks at a text, it has read on, and may have another reason.
        let late = peer.library() == "websockets" && ours == Verdict::Failed(Some(1007));
        let theirs = if late && theirs == Verdict::Failed(Some(1002)) { ours } else { theirs };
        if !agree(ours, theirs) {
            let frames: Vec<_> = frames
                .iter()
                .map(|frame| format!("{:02x} {:02x?}", frame.first, frame.payload))
                .collect();
            return Err(format!(
                "sequence {sequence}: ours {ours:?}, theirs {theirs:?}: {frames:?}"
            )
            .into());
        }
    }
    if (SEQUENCES / 5..SEQUENCES).contains(&failures) {
        Ok(())
    } else {
        Err(format!("{failures} of {SEQUENCES} sequences fail: that tells little").into())
    }
}

/// A few messages in order, with control frames between fragments.
fn frames(random: &mut Random) -> Vec<Raw> {
    let mut frames = Vec::new();
    for _ in 0..1 + random.below(3) {
        let length = random.pick(&[0, 1, 5, 125, 126, 300]);
        let (opcode, payload) = match random.below(3) {
            0 => (2, random.bytes(length)),
            _ => (1, random.text(length).into_bytes()),
        };
        let pieces = random.cut(&payload, 4);
        for (at, piece) in pieces.iter().enumerate() {
            let fin = if at + 1 == pieces.len() { 0x80 } else { 0 };
            frames.push(raw(fin | if at == 0 { opcode } else { 0 }, piece.to_vec()));
            if random.below(3) == 0 {
                let length = random.below(126);
                frames.push(raw(random.pick(&[0x89, 0x8A]), random.bytes(length)));
            }
        }
    }
    frames
}

/// Changes one thing, and ends the message that may be open after it.
fn spoil(frames: &mut Vec<Raw>, random: &mut Random) {
    let at = random.below(frames.len());
    match random.below(6) {
        0 => frames[at].first ^= random.pick(&[0x10, 0x20, 0x40, 0x80]),
        1 => {
            frames[at].first =
                frames[at].first & 0xF0 | random.pick(&[0, 1, 2, 3, 7, 9, 10, 11, 15])
        }
        2 => frames[at].wrong_mask = true,
        3 => drop(frames.remove(at)),
        4 => frames.insert(at, frames[at].clone()),
        _ => {
            let byte = random.pick(&[0x80, 0xBF, 0xC3, 0xED, 0xF5, 0xFF]);
            let place = random.below(frames[at].payload.len() + 1);
            frames[at].payload.insert(place, byte);
        }
    }
    // A text that is never ended is no text yet, which sides may judge early or late.
    let mut data = frames.iter().filter(|frame| frame.first & 0x08 == 0);
    if data.next_back().is_some_and(|frame| frame.first & 0x80 == 0) {
        frames.push(raw(0x80, Vec::new()));
    }
}
