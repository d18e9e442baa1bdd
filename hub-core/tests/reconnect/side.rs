//! One side of a connection: what it sends, what it receives, and its clock.

use std::time::Duration;

use hub_core::{Batch, Delivery, Limits, Outbox, Pushed, Received, SlowConsumer, Timestamp};
use hub_proto::{
    Completion, Decoded, Encoding, Frame, Headers, Invocation, Message, Outcome, Payload,
    StreamItem,
};
use serde_json::Value;

use super::{knows, text};

pub(super) struct Side {
    encoding: Encoding,
    outbox: Outbox,
    received: Received,
    now: Timestamp,
    /// Whether it opens the links, and so drops everything on a new one before the Sequence.
    opens: bool,
}

impl Side {
    /// One whose handshake is answered, and whose peer counts.
    pub(super) fn new(encoding: Encoding, unacked: usize, opens: bool) -> Self {
        let limits = Limits { unacked, ..Limits::default() };
        let now = Timestamp::ZERO;
        let mut outbox = Outbox::new(&limits, SlowConsumer::Wait, now);
        outbox.push(&Frame::handshake(encoding.format(), None), Delivery::Own);
        outbox.resumable(&limits);
        outbox.spoke();
        let mut side = Self { encoding, outbox, received: Received::new(), now, opens };
        side.leave();
        side
    }

    /// Sends a message, and says what became of it.
    pub(super) fn send(&mut self, message: &Value) -> &'static str {
        let frame = encode(self.encoding, message);
        assert_eq!(self.outbox.push(&frame, Delivery::Hub), Pushed::Queued);
        let left = self.leave();
        match (self.outbox.is_unlinked(), left.is_empty()) {
            (false, false) => {
                assert_eq!(left, &frame.websocket()[..]);
                "written"
            }
            (false, true) => "blocked",
            (true, _) => {
                assert!(left.is_empty());
                "buffered"
            }
        }
    }

    /// Receives a message, and says what becomes of it.
    pub(super) fn receive(&mut self, message: &Value) -> Result<&'static str, String> {
        let frame = encode(self.encoding, message);
        let body = self.encoding.record(frame.payload(), 0).expect("one record").body;
        let Ok(Decoded::Message(message)) = self.encoding.decode(body) else {
            panic!("no message: {message}")
        };
        let told = |delivered| if delivered { "deliver" } else { "drop" };
        match message {
            Message::Sequence(number) => {
                let number = u64::try_from(number).expect("a number");
                let taken = self.received.sequence(number, self.now);
                taken.map(|()| "consumed").map_err(|error| error.to_string())
            }
            Message::Ack(number) => {
                self.outbox.acked(u64::try_from(number).expect("a number"));
                Ok("consumed")
            }
            message if message.is_counted() => Ok(told(self.received.counted(self.now))),
            _ => Ok(told(!self.received.expects_sequence())),
        }
    }

    pub(super) fn disconnect(&mut self) {
        assert!(self.outbox.unlink());
    }

    pub(super) fn reconnect(&mut self) {
        let sequence = Message::Sequence(self.outbox.sequence() as i64);
        assert!(self.outbox.relink(&Frame::message(self.encoding, &sequence)));
        if self.opens {
            self.received.expect_sequence();
        }
    }

    /// Lets so many milliseconds pass, and sends the Ack that is due at the end.
    pub(super) fn wait(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
        if let Some(number) = self.received.take_ack(self.now) {
            let ack = Frame::message(self.encoding, &Message::Ack(number as i64));
            assert_eq!(self.outbox.push(&ack, Delivery::Own), Pushed::Queued);
        }
    }

    /// Everything that may leave.
    pub(super) fn leave(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while !self.outbox.is_empty() {
            let mut batch = Batch::new();
            self.outbox.next(&mut batch);
            out.extend(batch.chunks().concat());
            self.outbox.written(batch.len(), self.now);
        }
        out
    }

    /// The bytes of a message.
    pub(super) fn frame(&self, message: &Value) -> Vec<u8> {
        encode(self.encoding, message).websocket().to_vec()
    }
}

fn encode(encoding: Encoding, message: &Value) -> Frame {
    let kind = text(message, "type");
    let has = |keys: &[&str]| knows(message, kind, &[&["type"], keys].concat(), &[]);
    let absent = |key: &str| assert!(message[key].is_null(), "{key} in {message}");
    let id = || text(message, "invocationId").into();
    let number = || message["sequenceId"].as_i64().expect("a number");
    let raw = |key: &str| {
        let mut out = Vec::new();
        encoding.write(&message[key], &mut out).expect("serializable");
        out
    };
    let headers = Headers::default();
    let value;
    let message = match kind {
        "Invocation" => {
            has(&["invocationId", "target", "arguments", "streamIds", "headers"]);
            ["invocationId", "streamIds", "headers"].iter().for_each(|key| absent(key));
            value = raw("arguments");
            Message::Invocation(Invocation {
                id: None,
                target: text(message, "target").into(),
                arguments: Payload::new(encoding, &value),
                stream_ids: None,
                headers,
            })
        }
        "StreamItem" => {
            has(&["invocationId", "item", "headers"]);
            absent("headers");
            value = raw("item");
            let item = Payload::new(encoding, &value);
            Message::StreamItem(StreamItem { id: id(), item, headers })
        }
        "Completion" => {
            has(&["invocationId", "outcome", "result", "headers"]);
            absent("headers");
            assert_eq!(text(message, "outcome"), "result");
            value = raw("result");
            let outcome = Outcome::Result(Payload::new(encoding, &value));
            Message::Completion(Completion { id: id(), outcome, headers })
        }
        "Ping" => {
            has(&[]);
            Message::Ping
        }
        "Ack" => {
            has(&["sequenceId"]);
            Message::Ack(number())
        }
        "Sequence" => {
            has(&["sequenceId"]);
            Message::Sequence(number())
        }
        other => panic!("nobody knows {other}"),
    };
    Frame::message(encoding, &message)
}
