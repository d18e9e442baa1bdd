//! A client with stateful reconnect: it keeps everything that it ever sent, and all that it got.

use hub_core::{Received, Timestamp};
use hub_proto::ws::{Opcode, encode};
use hub_proto::{Encoding, Frame, Message};

use super::reading::{Heard, Reading, TARGET};

const KEY: Option<[u8; 4]> = Some([0x37, 0xFA, 0x21, 0x3D]);

pub(super) struct Client {
    encoding: Encoding,
    /// Every message that counts, from number 1 on.
    sent: Vec<Frame>,
    /// So many of them have arrived, says the server.
    pub(super) acked: usize,
    pub(super) reading: Reading,
    received: Received,
    /// The highest number that it has acknowledged.
    pub(super) thanked: u64,
    /// What it writes, until the network takes it; nothing while it knows of no link.
    pub(super) out: Vec<u8>,
    pub(super) is_linked: bool,
    /// Whether it has acknowledged what it has not got: some of that is lost for it.
    pub(super) has_lied: bool,
}

impl Client {
    /// One that is about to shake hands on its first link.
    pub(super) fn new(encoding: Encoding) -> Self {
        let mut client = Self {
            encoding,
            sent: Vec::new(),
            acked: 0,
            reading: Reading::new(),
            received: Received::new(),
            thanked: 0,
            out: Vec::new(),
            is_linked: true,
            has_lied: false,
        };
        let name = encoding.name();
        client.write(format!("{{\"protocol\":\"{name}\",\"version\":2}}\x1e").as_bytes());
        client
    }

    /// How many messages it has sent.
    pub(super) const fn count(&self) -> usize {
        self.sent.len()
    }

    pub(super) fn send(&mut self, size: usize) {
        let arguments = (self.sent.len() as u32, "x".repeat(size));
        let frame = Frame::invocation(self.encoding, None, TARGET, &arguments).expect("encodes");
        self.write(frame.payload());
        self.sent.push(frame);
    }

    /// Says something that does not count.
    pub(super) fn say(&mut self, message: &Message<'_>) {
        self.write(Frame::message(self.encoding, message).payload());
    }

    /// Sends everything from that number on once more.
    pub(super) fn resend(&mut self, number: usize) {
        self.say(&Message::Sequence(number as i64));
        for frame in self.sent.split_off(number - 1) {
            self.write(frame.payload());
            self.sent.push(frame);
        }
    }

    /// Opens a new link.
    pub(super) fn open(&mut self) {
        self.is_linked = true;
        self.out.clear();
        self.reading.relink();
        self.received.expect_sequence();
        self.resend(self.acked + 1);
    }

    /// Its link is gone.
    pub(super) fn lose(&mut self) {
        self.is_linked = false;
        self.out.clear();
    }

    pub(super) fn read(&mut self, bytes: &[u8], now: Timestamp) {
        for heard in self.reading.read(bytes, self.encoding) {
            match heard {
                Heard::Sequence(number) => {
                    let taken = self.received.sequence(number, now);
                    assert!(self.has_lied || taken.is_ok(), "a Sequence of {number} too high");
                }
                Heard::Counted(new) => {
                    let taken = self.received.counted(now);
                    assert!(self.has_lied || taken == new, "new is {new}, and taken for {taken}");
                }
                Heard::Ack(number) => {
                    let number = number as usize;
                    assert!(number <= self.sent.len(), "an Ack of what was never sent: {number}");
                    self.acked = self.acked.max(number);
                }
                Heard::Other => {}
            }
        }
        let told = &self.reading.told;
        assert!(told.iter().copied().eq(0..told.len() as u32), "out of order: {told:?}");
    }

    /// Acknowledges what is due.
    pub(super) fn time(&mut self, now: Timestamp) {
        if self.is_linked
            && let Some(number) = self.received.take_ack(now)
        {
            self.thanked = self.thanked.max(number);
            self.say(&Message::Ack(number as i64));
        }
    }

    fn write(&mut self, payload: &[u8]) {
        if self.is_linked {
            encode::write_frame(&mut self.out, true, Opcode::Binary, payload, KEY);
        }
    }
}
