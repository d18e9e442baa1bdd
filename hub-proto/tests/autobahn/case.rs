//! What a row is made of, and how it runs.

use std::ops::Range;

use hub_proto::ws::Role;

use super::endpoint::{Echo, End, KEY};

/// A frame, or a part of one, by its first byte and its payload; written without the codec.
#[derive(Clone)]
pub(crate) struct Frame {
    first: u8,
    payload: Vec<u8>,
    /// Which bytes of the payload are sent, the first ones together with the header.
    part: Range<usize>,
}

pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Frame {
    let payload = payload.as_ref().to_vec();
    let part = 0..payload.len();
    Frame { first, payload, part }
}

pub(crate) fn text(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x81, payload)
}

pub(crate) fn binary(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x82, payload)
}

/// The first of several frames of a text message.
pub(crate) fn begin(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x01, payload)
}

/// A frame in the middle of a message.
pub(crate) fn more(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x00, payload)
}

/// The last of several frames.
pub(crate) fn last(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x80, payload)
}

pub(crate) fn ping(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x89, payload)
}

pub(crate) fn pong(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x8A, payload)
}

pub(crate) fn close(code: u16, reason: impl AsRef<[u8]>) -> Frame {
    frame(0x88, [&code.to_be_bytes(), reason.as_ref()].concat())
}

/// A message in frames of at most `size` bytes of payload.
pub(crate) fn fragments(message: &Frame, size: usize) -> Vec<Frame> {
    let mut frames: Vec<_> = message.payload.chunks(size).map(more).collect();
    if let Some(frame) = frames.first_mut() {
        frame.first |= message.first & 0x0F;
    }
    if let Some(frame) = frames.last_mut() {
        frame.first |= 0x80;
    }
    frames
}

impl Frame {
    /// Only some bytes of the payload; the header goes with the first of them.
    pub(crate) fn part(self, part: Range<usize>) -> Self {
        Self { part, ..self }
    }

    fn write(&self, wire: &mut Vec<u8>, key: Option<[u8; 4]>) {
        let masked = if key.is_some() { 0x80 } else { 0 };
        let key = key.unwrap_or_default();
        if self.part.start == 0 {
            wire.push(self.first);
            match self.payload.len() {
                length @ ..=125 => wire.push(masked | length as u8),
                length @ ..=0xFFFF => {
                    wire.push(masked | 126);
                    wire.extend_from_slice(&(length as u16).to_be_bytes());
                }
                length => {
                    wire.push(masked | 127);
                    wire.extend_from_slice(&(length as u64).to_be_bytes());
                }
            }
            if masked > 0 {
                wire.extend_from_slice(&key);
            }
        }
        let start = wire.len();
        wire.extend_from_slice(&self.payload[self.part.clone()]);
        if masked > 0 {
            xor(&mut wire[start..], key, self.part.start);
        }
    }
}

/// Masks bytes of a payload that begin at `offset`; in wide steps, or debug builds take long.
fn xor(bytes: &mut [u8], mut key: [u8; 4], offset: usize) {
    key.rotate_left(offset % 4);
    let wide = u128::from_ne_bytes([key; 4].concat().try_into().unwrap());
    let (blocks, tail) = bytes.as_chunks_mut();
    for block in blocks {
        *block = (u128::from_ne_bytes(*block) ^ wide).to_ne_bytes();
    }
    tail.iter_mut().zip(key.into_iter().cycle()).for_each(|(byte, key)| *byte ^= key);
}

/// How the bytes of a turn are cut into reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chops {
    /// One read for all of it.
    None,
    /// One read for each frame.
    Frames,
    /// At most so many octets a read.
    Octets(usize),
}

/// How a row ends.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// The connection is still open: a close with code 1000 is answered in kind.
    Open,
    /// The row sent a close, which was answered with this code.
    Closed(u16),
    /// The endpoint failed the connection, with this code, in the last turn.
    Failed(u16),
}

/// One row.
pub(crate) struct Case {
    number: String,
    chops: Chops,
    turns: Vec<Turn>,
    outcome: Outcome,
}

/// What is sent, and what must have come out before anything else is sent.
struct Turn {
    sent: Vec<Frame>,
    answers: Vec<Frame>,
}

fn case(number: &str, outcome: Outcome, sent: Vec<Frame>, answers: Vec<Frame>) -> Case {
    let turns = vec![Turn { sent, answers }];
    Case { number: number.to_owned(), chops: Chops::None, turns, outcome }
}

/// A row whose connection stays open.
pub(crate) fn open(
    number: &str,
    sent: impl Into<Vec<Frame>>,
    answers: impl Into<Vec<Frame>>,
) -> Case {
    case(number, Outcome::Open, sent.into(), answers.into())
}

/// A row in which the same message comes back.
pub(crate) fn echo(number: &str, message: Frame) -> Case {
    open(number, [message.clone()], [message])
}

/// A row that sends a close itself, to be answered with `code`.
pub(crate) fn closed(
    number: &str,
    code: u16,
    sent: impl Into<Vec<Frame>>,
    answers: impl Into<Vec<Frame>>,
) -> Case {
    case(number, Outcome::Closed(code), sent.into(), answers.into())
}

/// A row that breaks a rule: its last turn fails the connection with `code`.
pub(crate) fn failed(
    number: &str,
    code: u16,
    sent: impl Into<Vec<Frame>>,
    answers: impl Into<Vec<Frame>>,
) -> Case {
    case(number, Outcome::Failed(code), sent.into(), answers.into())
}

impl Case {
    pub(crate) fn number(&self) -> &str {
        &self.number
    }

    /// A further turn, after what was due has come out.
    pub(crate) fn then(
        mut self,
        sent: impl Into<Vec<Frame>>,
        answers: impl Into<Vec<Frame>>,
    ) -> Self {
        self.turns.push(Turn { sent: sent.into(), answers: answers.into() });
        self
    }

    pub(crate) fn in_frames(self) -> Self {
        Self { chops: Chops::Frames, ..self }
    }

    pub(crate) fn in_chops(self, octets: usize) -> Self {
        Self { chops: Chops::Octets(octets), ..self }
    }

    /// Runs the row in its own chops and, if it is small, in every other kind as well.
    #[track_caller]
    pub(crate) fn run(&self, role: Role) {
        let small = self.turns.iter().flat_map(|turn| &turn.sent).all(|f| f.payload.len() < 2000);
        let others = [Chops::None, Chops::Frames, Chops::Octets(1)];
        let others = others.into_iter().filter(|chops| small && *chops != self.chops);
        for chops in [self.chops].into_iter().chain(others) {
            if let Err(why) = self.run_chopped(role, chops) {
                panic!("case {} as {role:?}, chops {chops:?}: {why}", self.number);
            }
        }
    }

    fn run_chopped(&self, role: Role, chops: Chops) -> Result<(), String> {
        let (sender, receiver) = match role {
            Role::Server => (Some([0x37, 0xFA, 0x21, 0x3D]), None),
            Role::Client => (None, Some(KEY)),
        };
        let mut endpoint = Echo::new(role);
        for (at, turn) in self.turns.iter().enumerate() {
            if let Some(end) = endpoint.end() {
                return Err(format!("{end:?} before turn {at}"));
            }
            let mut answers = turn.answers.clone();
            if at + 1 == self.turns.len()
                && let Outcome::Closed(code) | Outcome::Failed(code) = self.outcome
            {
                answers.push(close(code, ""));
            }
            exchange(&mut endpoint, chops, &turn.sent, sender, &answers, receiver)?;
        }
        if let Outcome::Open = self.outcome {
            let goodbye = [close(1000, "")];
            exchange(&mut endpoint, chops, &goodbye, sender, &goodbye, receiver)?;
        }
        match (endpoint.end(), self.outcome) {
            (Some(End::Failed(violation)), Outcome::Failed(code))
                if violation.close_code() == code => {}
            (Some(End::Closed), Outcome::Open | Outcome::Closed(_)) => {}
            (end, outcome) => return Err(format!("{end:?}, not {outcome:?}")),
        }
        Ok(())
    }
}

/// Sends frames and compares what comes out with `answers`.
fn exchange(
    endpoint: &mut Echo,
    chops: Chops,
    sent: &[Frame],
    sender: Option<[u8; 4]>,
    answers: &[Frame],
    receiver: Option<[u8; 4]>,
) -> Result<(), String> {
    let mut wire = Vec::new();
    for frame in sent {
        if chops != Chops::None {
            wire.clear();
        }
        frame.write(&mut wire, sender);
        match chops {
            Chops::None => {}
            Chops::Frames => endpoint.read(&mut wire),
            Chops::Octets(octets) => {
                wire.chunks_mut(octets).for_each(|chop| endpoint.read(chop));
            }
        }
    }
    if chops == Chops::None {
        endpoint.read(&mut wire);
    }

    let mut due = Vec::new();
    answers.iter().for_each(|frame| frame.write(&mut due, receiver));
    let written = endpoint.written();
    if written == due {
        return Ok(());
    }
    let same = written.iter().zip(&due).take_while(|(byte, other)| byte == other).count();
    let shown =
        |wire: &[u8]| wire[same..].iter().take(20).map(|b| format!("{b:02x}")).collect::<String>();
    Err(format!("after {same} equal bytes {} came out, not {}", shown(&written), shown(&due)))
}
