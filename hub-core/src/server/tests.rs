//! A client of text, a virtual clock, and everything the connection says as lines.

mod asks;
mod calls;
mod disconnects;
mod ends;
mod faults;
mod flood;
mod greeting;
mod handshake;
mod messages;
mod msgpack;
mod parking;
mod release;
mod resume;
mod sizes;
mod streams;
mod timers;
mod uploads;

use std::io::ErrorKind;
use std::time::Duration;

use hub_proto::DecodeError;

use super::*;
use crate::limits::Limits;

const HELLO: &str = r#"{"protocol":"json","version":1}"#;
const PING: &str = r#"{"type":6}"#;
const CLOSE: &str = r#"{"type":7}"#;
const RESET: End = End::Lost(ErrorKind::ConnectionReset);

/// One connection, the time, and the calls that were reported.
struct Wire {
    connection: Connection,
    now: Timestamp,
    calls: Vec<Call>,
    reason: Option<CloseReason>,
}

impl Wire {
    fn new(config: Config) -> Self {
        Self::on(config, TransportFacts::websocket(0))
    }

    fn on(config: Config, facts: TransportFacts) -> Self {
        let now = Timestamp::from_millis(1_000);
        let connection = Connection::new(Arc::new(config), facts, now);
        Self { connection, now, calls: Vec::new(), reason: None }
    }

    /// A connection that reads messages.
    fn open(config: Config) -> Self {
        Self::new(config).opened()
    }

    fn opened(mut self) -> Self {
        self.send(&[HELLO]);
        self.connection.welcome(self.now);
        self.connection.accept(self.now);
        assert_eq!(self.drain(), ["handshake", "{}"]);
        self
    }

    fn limited(limits: Limits) -> Self {
        Self::open(Config { limits, ..Config::default() })
    }

    fn input(&mut self, bytes: &[u8]) {
        self.connection.handle_input(bytes, self.now);
    }

    /// Whole records, in one packet.
    fn send(&mut self, records: &[&str]) {
        self.input(packet(records).as_bytes());
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.connection.handle_timeout(self.now);
    }

    fn disconnect(&mut self, end: End) {
        self.connection.handle_disconnect(end, self.now);
    }

    fn close(&mut self, reason: CloseReason) {
        self.connection.close(reason, self.now);
    }

    fn admit(&mut self, call: u64) -> Admission {
        self.connection.admit(CallId(call))
    }

    fn consumed(&mut self, call: u64, nth: u32, count: usize) {
        self.connection.consumed(StreamKey { call: CallId(call), nth }, count, self.now);
    }

    fn discard(&mut self, call: u64, nth: u32) {
        self.connection.discard(StreamKey { call: CallId(call), nth }, self.now);
    }

    /// Asks something that may take `time`.
    fn ask(&mut self, ask: u64, time: Option<Duration>) -> Result<(), AskError> {
        self.connection.ask(AskId(ask), time.map(|time| self.now + time), self.now)
    }

    fn release(&mut self, call: u64) {
        self.connection.release(CallId(call), self.now);
    }

    /// Answers a call with its own number.
    fn answer(&mut self, call: u64) -> bool {
        let reply = self.calls.iter().find(|known| known.id == CallId(call));
        let frame = reply.and_then(|call| call.reply.result(&call.id.0).unwrap());
        self.connection.complete(CallId(call), frame, self.now)
    }

    /// The next event as a line.
    fn event(&mut self) -> Option<String> {
        Some(match self.connection.poll_event()? {
            Event::Handshake(_) => "handshake".to_owned(),
            Event::Invoked(call) => {
                let arguments = String::from_utf8_lossy(call.arguments().raw()).into_owned();
                let line = format!("invoked {} {}{arguments}", call.id.0, &*call.target);
                self.calls.push(*call);
                line
            }
            Event::Started(id) => format!("started {}", id.0),
            Event::Cancelled(id) => format!("cancelled {}", id.0),
            Event::Item { stream, item } => {
                let item = item.payload(self.connection.encoding());
                let item = String::from_utf8_lossy(item.raw()).into_owned();
                format!("item {}.{} {item}", stream.call.0, stream.nth)
            }
            Event::Ended { stream, error } => {
                let error = error.map(|error| format!(" {error}")).unwrap_or_default();
                format!("ended {}.{}{error}", stream.call.0, stream.nth)
            }
            Event::Answered { ask, answer } => match answer {
                Answer::Result(result) => {
                    let result = result.payload(self.connection.encoding());
                    format!("answered {ask} {}", String::from_utf8_lossy(result.raw()))
                }
                other => format!("answered {ask} {other:?}"),
            },
            Event::Closed(reason) => {
                assert_eq!(self.reason.replace(reason), None, "closed twice");
                "closed".to_owned()
            }
        })
    }

    /// The payload of the next frame, without its separator.
    fn frame(&mut self) -> Option<String> {
        let frame = self.connection.poll_transmit()?;
        let text = String::from_utf8(frame.payload().to_vec()).unwrap();
        Some(text.strip_suffix('\x1e').unwrap().to_owned())
    }

    fn frames(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.frame()).collect()
    }

    fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.event()).collect()
    }

    /// Everything it has to say: frames begin with a brace, events with a word.
    fn drain(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let events = self.events();
            let frames = self.frames();
            if events.is_empty() && frames.is_empty() {
                return lines;
            }
            lines.extend(events);
            lines.extend(frames);
        }
    }

    /// Ends it and gives the Close frame, if there is one, and the reason.
    fn last_words(&mut self) -> (Option<String>, CloseReason) {
        let mut lines = self.drain();
        assert_eq!(lines.pop().as_deref(), Some("closed"), "{lines:?}");
        assert!(self.drain().is_empty());
        (lines.pop(), self.reason.clone().unwrap())
    }

    fn deadline(&self) -> Option<(Duration, Timer)> {
        self.connection.poll_timeout().map(|deadline| (deadline.at.since(self.now), deadline.why))
    }
}

fn packet(records: &[&str]) -> String {
    records.iter().map(|record| format!("{record}\x1e")).collect()
}

fn detailed() -> Config {
    Config { detailed_errors: true, ..Config::default() }
}

fn call(id: &str, target: &str) -> String {
    format!(r#"{{"type":1,"invocationId":"{id}","target":"{target}","arguments":[]}}"#)
}

/// What a record takes while it waits.
const fn cost(record: &str) -> usize {
    record.len() + 1 + 64
}

fn cancel(id: &str) -> String {
    format!(r#"{{"type":5,"invocationId":"{id}"}}"#)
}

fn result(id: &str, call: u64) -> String {
    format!(r#"{{"type":3,"invocationId":"{id}","result":{call}}}"#)
}

/// Calls `target` with streams from the client.
fn upload(id: &str, target: &str, streams: &[&str]) -> String {
    format!(
        r#"{{"type":1,"invocationId":"{id}","target":"{target}","arguments":[],"streamIds":{streams:?}}}"#
    )
}

/// Asks `target` for a stream.
fn download(id: &str, target: &str) -> String {
    format!(r#"{{"type":4,"invocationId":"{id}","target":"{target}","arguments":[]}}"#)
}

fn item(id: &str, item: &str) -> String {
    format!(r#"{{"type":2,"invocationId":"{id}","item":{item}}}"#)
}

fn ended(id: &str) -> String {
    format!(r#"{{"type":3,"invocationId":"{id}"}}"#)
}

fn failed(id: &str, error: &str) -> String {
    format!(r#"{{"type":3,"invocationId":"{id}","error":"{error}"}}"#)
}

fn in_use(call: &str, stream: &str) -> String {
    failed(call, &format!("Invocation ID '{stream}' is already in use."))
}

/// The Close that reports a fault, with a detail where details are shown.
fn close_with_error(detail: &str) -> Option<String> {
    let space = if detail.is_empty() { "" } else { " " };
    Some(format!(
        r#"{{"type":7,"error":"Connection closed with an error.{space}{detail}","allowReconnect":true}}"#
    ))
}

fn fault(error: DecodeError) -> CloseReason {
    CloseReason::Peer(PeerFault::Message(error))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const NANO: Duration = Duration::from_nanos(1);

#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<Connection>();
    println!("Connection: {size} bytes, Event: {} bytes", size_of::<Event>());
    // With room for one event and one frame, so that neither needs the heap.
    assert!(size <= 336, "{size}");
}
