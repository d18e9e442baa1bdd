//! A client at the other end of a pipe that a hub is served on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::task::{Context, Waker};

use http::Request;
use hub_async::Socket;
use hub_async::server::Service;
use hub_proto::Encoding;
use hub_proto::ws::{Config, Decoder, MessageType, Opcode, Piece, Role, encode};
use transport_memory::{Pipe, pipe};

/// How many bytes a pipe holds in each direction.
pub const CAPACITY: usize = 16 * 1024;

/// The key that the client masks with; any will do.
const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

/// What a client sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// One record of the hub protocol, without its separator.
    Record(String),
    /// One message of a raw connection.
    Message(MessageType, Vec<u8>),
    /// One record of MessagePack, without its length.
    Binary(Vec<u8>),
    /// A pong of the WebSocket.
    Pong(Vec<u8>),
    /// The close of the WebSocket, with its code.
    Close(Option<u16>),
    /// The end of the pipe.
    End,
}

/// Writes all of it; what the other end does not want any more is lost.
pub async fn write(pipe: &Pipe, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match pipe.try_write(&[IoSlice::new(bytes)]) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                poll_fn(|cx| pipe.poll_writable(cx)).await.expect("never fails");
            }
            Err(_) => return,
        }
    }
}

/// Appends what comes next; false at the end.
pub async fn read(pipe: &Pipe, all: &mut Vec<u8>) -> bool {
    poll_fn(|cx| pipe.poll_readable(cx)).await.expect("never fails");
    let mut buffer = [0; 4096];
    let count = pipe.try_read(&mut buffer).expect("it is readable");
    all.extend_from_slice(buffer.get(..count).unwrap_or_default());
    count > 0
}

/// A client of a hub, which speaks JSON or MessagePack over a WebSocket over a pipe.
pub struct Client {
    encoding: Encoding,
    pipe: Pipe,
    decoder: Decoder,
    partial: Vec<u8>,
    seen: VecDeque<Seen>,
    /// Whether it takes messages as they are.
    raw: bool,
}

impl Client {
    /// Opens a raw connection.
    pub fn raw(service: &Service, uri: &str) -> Self {
        Self { raw: true, ..Self::open(service, uri) }
    }

    /// Opens a WebSocket to the hub at `uri`, and says nothing.
    pub fn open(service: &Service, uri: &str) -> Self {
        let (ours, theirs) = pipe(CAPACITY);
        let request = Request::get(uri).body(()).expect("a URI");
        service.serve_socket(&request, Arc::new(theirs), b"").expect("the hub takes it");
        Self::over(ours)
    }

    /// The client at the end of a pipe that is a WebSocket already.
    pub fn over(pipe: Pipe) -> Self {
        let decoder = Decoder::new(Role::Client, Config::default());
        Self {
            encoding: Encoding::Json,
            pipe,
            decoder,
            partial: Vec::new(),
            seen: VecDeque::new(),
            raw: false,
        }
    }

    /// Opens a WebSocket and shakes hands.
    pub async fn connect(service: &Service, uri: &str) -> Self {
        let mut client = Self::open(service, uri);
        client.shake_hands().await;
        client
    }

    /// The same, to speak MessagePack from then on.
    pub async fn connect_binary(service: &Service, uri: &str) -> Self {
        let mut client = Self::open(service, uri);
        client.send(r#"{"protocol":"messagepack","version":1}"#).await;
        assert_eq!(client.next().await, Seen::Record("{}".into()));
        client.encoding = Encoding::MessagePack;
        client
    }

    /// Shakes hands.
    pub async fn shake_hands(&mut self) {
        self.send(r#"{"protocol":"json","version":1}"#).await;
        assert_eq!(self.next().await, Seen::Record("{}".into()));
    }

    /// Sends one record of the hub protocol.
    pub async fn send(&self, record: &str) {
        self.frame(Opcode::Text, format!("{record}\x1e").as_bytes()).await;
    }

    /// Calls a method; without an id nothing is answered.
    pub async fn call(&self, id: &str, target: &str, arguments: &str) {
        let id = if id.is_empty() { String::new() } else { format!(r#""invocationId":"{id}","#) };
        self.send(&format!(r#"{{"type":1,{id}"target":"{target}","arguments":{arguments}}}"#))
            .await;
    }

    /// Sends a frame that is a whole message.
    pub async fn frame(&self, opcode: Opcode, payload: &[u8]) {
        self.fragment(true, opcode, payload).await;
    }

    /// Sends a frame.
    pub async fn fragment(&self, fin: bool, opcode: Opcode, payload: &[u8]) {
        let mut bytes = Vec::new();
        encode::write_frame(&mut bytes, fin, opcode, payload, KEY);
        self.write(&bytes).await;
    }

    /// Closes the WebSocket with a code.
    pub async fn close(&self, code: u16) {
        self.frame(Opcode::Close, &code.to_be_bytes()).await;
    }

    /// Writes bytes as they are.
    pub async fn write(&self, bytes: &[u8]) {
        write(&self.pipe, bytes).await;
    }

    /// What the server says next.
    pub async fn next(&mut self) -> Seen {
        loop {
            if let Some(seen) = self.seen.pop_front() {
                return seen;
            }
            poll_fn(|cx| self.pipe.poll_readable(cx)).await.expect("never fails");
            self.read();
        }
    }

    /// The next record; panics when something else comes.
    pub async fn record(&mut self) -> String {
        match self.next().await {
            Seen::Record(record) => record,
            other => panic!("no record but {other:?}"),
        }
    }

    /// Everything that the server says until the pipe ends.
    pub async fn rest(&mut self) -> Vec<Seen> {
        let mut all = Vec::new();
        loop {
            match self.next().await {
                Seen::End => return all,
                seen => all.push(seen),
            }
        }
    }

    /// Everything that has come by now; waits for nothing.
    pub fn so_far(&mut self) -> Vec<Seen> {
        let mut cx = Context::from_waker(Waker::noop());
        while self.pipe.poll_readable(&mut cx).is_ready() && self.seen.back() != Some(&Seen::End) {
            self.read();
        }
        self.seen.drain(..).collect()
    }

    fn read(&mut self) {
        let mut buffer = [0; 4096];
        let count = match self.pipe.try_read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("a pipe never fails: {error}"),
        };
        if count == 0 {
            self.seen.push_back(Seen::End);
        }
        let mut bytes = buffer.get_mut(..count).unwrap_or_default();
        while let Some(piece) = self.decoder.next(&mut bytes).expect("the server keeps the rules") {
            match piece {
                Piece::Data { message, payload, fin } => {
                    self.partial.extend_from_slice(payload);
                    if self.raw && fin {
                        let bytes = std::mem::take(&mut self.partial);
                        self.seen.push_back(Seen::Message(message, bytes));
                    }
                }
                Piece::Pong(payload) => self.seen.push_back(Seen::Pong(payload.into_owned())),
                Piece::Ping(_) => panic!("the server has its own pings"),
                Piece::Close(close) => {
                    self.seen.push_back(Seen::Close(close.map(|close| close.code)));
                }
            }
            while !self.raw
                && let Ok(record) = self.encoding.record(&self.partial, 0)
            {
                let (body, size) = (record.body.to_vec(), record.size);
                self.seen.push_back(match self.encoding {
                    Encoding::MessagePack => Seen::Binary(body),
                    _ => Seen::Record(String::from_utf8(body).expect("text")),
                });
                self.partial.drain(..size);
            }
        }
    }
}
