//! A client: what it sends, what it sees, and what it remembers for its next link.

use std::time::Duration;

use hub_core::Timestamp;
use hub_proto::handshake::{HandshakeRequest, parse_response};
use hub_proto::ws::{Config, Decoder, Opcode, Piece, Role, encode};
use hub_proto::{Completion, Decoded, Encoding, Headers, Message, Outcome as Result, Payload};
use serde::Serialize;

use super::house::{Outcome, Place};
use super::wire::{Manners, Wire};

/// The key that a client masks with; any will do.
const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);
/// How often a client gives a sign of life.
const PING: Duration = Duration::from_secs(15);
/// How long what has come waits for its Ack.
const ACK: Duration = Duration::from_secs(1);

/// What a client sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The answer to its handshake.
    Welcome,
    /// A message of the hub's, with its number and the length of its text.
    Told(u32, usize),
    /// A question, with its number.
    Asked(u32),
    /// An item of a stream.
    Item(u32, u32),
    /// The answer to a call.
    Answered(u32, Outcome),
    /// An error that the hub made itself.
    Refused(u32, String),
    /// A Close: its error, and whether the client may come back.
    Close(Option<String>, bool),
    /// The close of the WebSocket, with its code.
    Closed(Option<u16>),
    /// The end of the link.
    Over,
}

/// A client, with whatever link it has.
#[derive(Debug)]
pub struct Peer {
    /// Its number.
    pub number: usize,
    /// Where it is.
    pub place: Place,
    /// Which user it is.
    pub user: Option<u8>,
    /// Who may carry its connection on.
    pub token: Option<String>,
    /// Whether its links can be replaced.
    pub resumable: bool,
    /// How the network treats it.
    pub manners: Manners,
    /// The link, unless it is cut.
    pub wire: Option<Wire>,
    /// Whether its handshake was answered.
    pub open: bool,
    /// It has no connection any more, nor will it.
    pub gone: bool,
    /// The questions that it has not answered: their ids, and their numbers.
    pub questions: Vec<(String, u32)>,
    encoding: Encoding,
    decoder: Decoder,
    partial: Vec<u8>,
    /// When bytes came, or could have begun to come.
    pub last_heard: Timestamp,
    last_sent: Timestamp,
    memory: Memory,
}

/// What stateful reconnect makes a client remember.
#[derive(Debug, Default)]
struct Memory {
    /// What was sent and not acked, with its number.
    unacked: Vec<(u64, Vec<u8>)>,
    sent: u64,
    /// The number of the next message on this link.
    next: u64,
    latest: u64,
    /// Everything is dropped until there is one.
    expects_sequence: bool,
    ack_at: Option<Timestamp>,
}

impl Peer {
    /// A client that has opened its first link.
    pub fn new(
        number: usize,
        place: Place,
        user: Option<u8>,
        binary: bool,
        wire: Wire,
        now: Timestamp,
    ) -> Self {
        Self {
            number,
            place,
            user,
            token: None,
            resumable: false,
            manners: Manners::default(),
            wire: Some(wire),
            open: false,
            gone: false,
            questions: Vec::new(),
            encoding: if binary { Encoding::MessagePack } else { Encoding::Json },
            decoder: decoder(),
            partial: Vec::new(),
            last_heard: now,
            last_sent: now,
            memory: Memory { next: 1, ..Memory::default() },
        }
    }

    // Sending.

    /// Shakes hands.
    pub fn greet(&mut self, now: Timestamp) {
        let mut record = Vec::new();
        let version = if self.resumable { 2 } else { 1 };
        HandshakeRequest { protocol: self.encoding.name().into(), version }.write(&mut record);
        self.write(Opcode::Text, &record, now);
    }

    /// Says something, now or, when it can be said again, on the next link.
    pub fn say(&mut self, message: &Message<'_>, now: Timestamp) {
        let mut record = Vec::new();
        self.encoding.encode(message, &mut record);
        if message.is_counted() {
            self.say_counted(&record, now);
        } else {
            self.write(Opcode::Binary, &record, now);
        }
    }

    /// The same, for a record that counts.
    pub fn say_counted(&mut self, record: &[u8], now: Timestamp) {
        if self.resumable {
            self.memory.sent += 1;
            self.memory.unacked.push((self.memory.sent, record.to_vec()));
        }
        self.write(Opcode::Binary, record, now);
    }

    /// Writes bytes as one WebSocket message.
    pub fn write(&mut self, opcode: Opcode, payload: &[u8], now: Timestamp) {
        let mut bytes = Vec::new();
        encode::write_frame(&mut bytes, true, opcode, payload, KEY);
        self.write_raw(bytes, now);
    }

    /// Writes bytes as they are.
    pub fn write_raw(&mut self, bytes: Vec<u8>, now: Timestamp) {
        if let Some(wire) = &mut self.wire {
            wire.send(bytes, now);
            self.last_sent = now;
        }
    }

    /// A value in this client's encoding.
    pub fn encoded<T: Serialize>(&self, value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encoding.write(value, &mut bytes).expect("a value that can be serialized");
        bytes
    }

    /// Bytes as a value of this client's encoding.
    pub const fn payload<'a>(&self, bytes: &'a [u8]) -> Payload<'a> {
        Payload::new(self.encoding, bytes)
    }

    /// How this client writes.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Answers a question by twice its number, or by an error.
    pub fn answer(&mut self, id: &str, number: u32, error: bool, now: Timestamp) {
        let result = self.encoded(&number.wrapping_mul(2));
        let outcome = match error {
            true => Result::Error("no".into()),
            false => Result::Result(self.payload(&result)),
        };
        let headers = Headers::default();
        self.say(&Message::Completion(Completion { id: id.into(), outcome, headers }), now);
    }

    /// Says what has come; false when nothing has.
    pub fn ack(&mut self, now: Timestamp) -> bool {
        let has_come = self.memory.latest > 0 && !self.memory.expects_sequence;
        if has_come && self.wire.is_some() {
            self.memory.ack_at = None;
            self.say(&Message::Ack(self.memory.latest as i64), now);
        }
        has_come
    }

    /// Does what it does by the clock.
    pub fn tick(&mut self, now: Timestamp) {
        if !self.open || self.wire.is_none() {
            return;
        }
        if self.memory.ack_at.is_some_and(|at| at <= now) {
            self.ack(now);
        }
        if now.since(self.last_sent) >= PING {
            self.say(&Message::Ping, now);
        }
    }

    /// Goes on with another link.
    pub fn relink(&mut self, wire: Wire, now: Timestamp) {
        self.wire = Some(wire);
        self.last_heard = now;
        self.decoder = decoder();
        self.partial.clear();
        self.memory.expects_sequence = true;
        let first = self.memory.unacked.first().map_or(self.memory.sent + 1, |(number, _)| *number);
        self.say(&Message::Sequence(first as i64), now);
        for (_, record) in self.memory.unacked.clone() {
            self.write(Opcode::Binary, &record, now);
        }
    }

    /// Whether its new link has not been taken up.
    pub const fn is_offering(&self) -> bool {
        self.memory.expects_sequence
    }

    /// How many of its messages are not acked.
    pub const fn unacked(&self) -> usize {
        self.memory.unacked.len()
    }

    // Receiving.

    /// What bytes from the server mean. Pings, Acks and Sequences mean nothing to anybody else.
    pub fn receive(&mut self, mut bytes: Vec<u8>, now: Timestamp) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut bytes = bytes.as_mut_slice();
        let mut decoder = std::mem::replace(&mut self.decoder, decoder());
        while let Some(piece) = decoder.next(&mut bytes).expect("the server keeps the rules") {
            match piece {
                Piece::Data { payload, .. } => {
                    self.partial.extend_from_slice(payload);
                    self.records(&mut seen, now);
                }
                Piece::Close(close) => seen.push(Seen::Closed(close.map(|close| close.code))),
                Piece::Ping(_) | Piece::Pong(_) => panic!("nobody pinged"),
            }
        }
        self.decoder = decoder;
        seen
    }

    fn records(&mut self, seen: &mut Vec<Seen>, now: Timestamp) {
        loop {
            let encoding = if self.open { self.encoding } else { Encoding::Json };
            let partial = std::mem::take(&mut self.partial);
            let Ok(record) = encoding.record(&partial, 0) else {
                self.partial = partial;
                return;
            };
            if self.open {
                match encoding.decode(record.body).expect("the server speaks the protocol") {
                    Decoded::Message(message) => seen.extend(self.read(&message, now)),
                    Decoded::Skipped(kind) => panic!("{kind:?} from the server"),
                }
            } else {
                let error = parse_response(record.body).expect("an answer to the handshake");
                assert_eq!(error, None, "the handshake was refused");
                self.open = true;
                // Whoever can be resumed has to say something before anything counts; and silence means
                // something only of those who have pinged.
                self.say(&Message::Ping, now);
                seen.push(Seen::Welcome);
            }
            self.partial = partial.get(record.size..).unwrap_or_default().to_vec();
        }
    }

    fn read(&mut self, message: &Message<'_>, now: Timestamp) -> Option<Seen> {
        match message {
            Message::Ping => return None,
            Message::Ack(number) => {
                let number = u64::try_from(*number).expect("a number");
                assert!(number <= self.memory.sent, "an Ack for what was never sent");
                self.memory.unacked.retain(|(sent, _)| *sent > number);
                return None;
            }
            Message::Sequence(number) => {
                assert!(self.resumable, "a Sequence without stateful reconnect");
                let number = u64::try_from(*number).expect("a number");
                assert!(number <= self.memory.latest + 1, "a Sequence that leaves something out");
                self.memory.next = number.max(1);
                self.memory.expects_sequence = false;
                self.memory.ack_at.get_or_insert(now + ACK);
                return None;
            }
            Message::Close(close) => {
                let error = close.error.as_deref().map(str::to_owned);
                return Some(Seen::Close(error, close.allow_reconnect));
            }
            _ if self.resumable => {
                if self.memory.expects_sequence {
                    return None;
                }
                let number = self.memory.next;
                self.memory.next += 1;
                self.memory.ack_at.get_or_insert(now + ACK);
                if number <= self.memory.latest {
                    return None;
                }
                self.memory.latest = number;
            }
            _ => {}
        }
        Some(self.understand(message))
    }

    fn understand(&mut self, message: &Message<'_>) -> Seen {
        let call = |id: &str| id.parse().unwrap_or_else(|_| panic!("nobody called {id}"));
        match message {
            Message::Invocation(invocation) if invocation.target == "Told" => {
                let (number, text) = invocation.arguments.bind::<(u32, String)>().expect("ours");
                assert_eq!(invocation.id, None);
                Seen::Told(number, text.len())
            }
            Message::Invocation(invocation) if invocation.target == "Asked" => {
                let (number,) = invocation.arguments.bind::<(u32,)>().expect("ours");
                let id = invocation.id.as_deref().expect("a question has an id");
                self.questions.push((id.to_owned(), number));
                Seen::Asked(number)
            }
            Message::StreamItem(item) => {
                Seen::Item(call(&item.id), item.item.read().expect("a number"))
            }
            Message::Completion(completion) => {
                let call = call(&completion.id);
                match &completion.outcome {
                    Result::Void => Seen::Answered(call, Outcome::Void),
                    Result::Result(result) => {
                        let number = result.read::<Option<u32>>().expect("a number, or nothing");
                        Seen::Answered(call, number.map_or(Outcome::Void, Outcome::Number))
                    }
                    Result::Error(text) if text.contains("On purpose") => {
                        Seen::Answered(call, Outcome::Error)
                    }
                    Result::Error(text) => Seen::Refused(call, text.to_string()),
                }
            }
            other => panic!("{other:?} from the server"),
        }
    }
}

fn decoder() -> Decoder {
    Decoder::new(Role::Client, Config::default())
}
