//! What a client reads of all that a server writes, over one link after another.

use hub_proto::handshake::parse_response;
use hub_proto::ws::{Config, Decoder, MessageType, Piece, Role};
use hub_proto::{Decoded, Encoding, Message, TransferFormat};

/// The target of what a hub sends here: a number, which is one more each time, and a filling.
pub(super) const TARGET: &str = "N";

/// What a client has to know of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Sequence(u64),
    Ack(u64),
    /// One that counts, and whether it has not come before.
    Counted(bool),
    Other,
}

/// Decodes a server's bytes, and asserts their order: the answer to the handshake, messages, Close, and the
/// WebSocket's close; on further links, a Sequence and everything from that number on.
#[derive(Debug)]
pub(super) struct Reading {
    decoder: Decoder,
    /// What there is of a message whose frames are not all here.
    message: Vec<u8>,
    /// What has to come first.
    first: Option<First>,
    /// Whether a Close has come, or the refusal of the handshake.
    ended: bool,
    /// Whether the WebSocket is closed.
    closed: bool,
    /// The number of the next message that counts.
    next: u64,
    /// Every message that counts, once, from number 1 on.
    counted: Vec<Vec<u8>>,
    /// The numbers of the hub's messages among them.
    pub(super) told: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Answer,
    Sequence,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self {
            decoder: decoder(),
            message: Vec::new(),
            first: Some(First::Answer),
            ended: false,
            closed: false,
            next: 1,
            counted: Vec::new(),
            told: Vec::new(),
        }
    }

    /// What comes from now on comes by another link.
    pub(super) fn relink(&mut self) {
        self.decoder = decoder();
        self.message.clear();
        self.first = Some(First::Sequence);
        self.closed = false;
    }

    /// How many messages that count have come.
    pub(super) const fn count(&self) -> usize {
        self.counted.len()
    }

    /// The bytes of those behind the first so many.
    pub(super) fn size_behind(&self, number: u64) -> usize {
        self.counted.iter().skip(number as usize).map(Vec::len).sum()
    }

    pub(super) fn read(&mut self, bytes: &[u8], encoding: Encoding) -> Vec<Heard> {
        let mut bytes = bytes.to_vec();
        let (mut rest, mut heard) = (&mut bytes[..], Vec::new());
        while let Some(piece) = self.decoder.next(&mut rest).expect("frames in good order") {
            assert!(!self.closed, "{piece:?} behind the close");
            match piece {
                Piece::Data { message, payload, fin } => {
                    self.message.extend_from_slice(payload);
                    if fin {
                        let whole = std::mem::take(&mut self.message);
                        heard.push(self.message(message, whole, encoding));
                    }
                }
                Piece::Ping(_) => panic!("a ping that no hub sends"),
                Piece::Pong(_) => {}
                Piece::Close(_) => self.closed = true,
            }
        }
        heard
    }

    fn message(&mut self, format: MessageType, payload: Vec<u8>, encoding: Encoding) -> Heard {
        assert!(!self.ended, "a message behind Close");
        let first = self.first.take();
        let answers = first == Some(First::Answer);
        let framing = if answers { Encoding::Json } else { encoding };
        let record = framing.record(&payload, 0).expect("a whole record");
        assert_eq!(record.size, payload.len(), "more than one record in a message");
        if answers {
            self.ended = parse_response(record.body).expect("an answer").is_some();
            return Heard::Other;
        }
        let binary = encoding.format() == TransferFormat::Binary;
        assert_eq!(format == MessageType::Binary, binary, "the wrong opcode");
        let Ok(Decoded::Message(message)) = encoding.decode(record.body) else {
            panic!("{:?} was sent", payload.escape_ascii().to_string())
        };
        let sequence = matches!(message, Message::Sequence(_));
        assert_eq!(first == Some(First::Sequence), sequence, "a link begins with its Sequence");
        match message {
            Message::Sequence(number) => {
                let number = u64::try_from(number).expect("a number");
                assert!(number > 0, "no message has the number 0");
                self.next = number;
                Heard::Sequence(number)
            }
            Message::Ack(number) => Heard::Ack(u64::try_from(number).expect("a number")),
            Message::Close(_) => {
                self.ended = true;
                Heard::Other
            }
            message if message.is_counted() => {
                let number = hub_number(&message);
                Heard::Counted(self.count_one(number, payload))
            }
            _ => Heard::Other,
        }
    }

    /// Takes the next message that counts: it is a new one, or the same as before.
    fn count_one(&mut self, number: Option<u32>, payload: Vec<u8>) -> bool {
        let at = self.next as usize - 1;
        self.next += 1;
        if let Some(before) = self.counted.get(at) {
            assert_eq!(before, &payload, "message {} is another one now", at + 1);
            return false;
        }
        // Whoever has lost something by its own lie does not count on.
        if at == self.counted.len() {
            self.counted.push(payload);
            self.told.extend(number);
        }
        true
    }

    /// Whether the next message leaves out others that never came.
    pub(super) const fn has_gap(&self) -> bool {
        self.next as usize > self.counted.len() + 1
    }
}

fn hub_number(message: &Message<'_>) -> Option<u32> {
    match message {
        Message::Invocation(call) if call.target == TARGET => {
            let (number, _): (u32, String) = call.arguments.bind().expect("what was sent");
            Some(number)
        }
        _ => None,
    }
}

fn decoder() -> Decoder {
    Decoder::new(Role::Client, Config::default())
}
