//! A client at the other end of a pipe that a hub is served on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::Request;
use hub_async::server::Service;
use hub_proto::Encoding;
use hub_proto::ws::{MessageType, Opcode};
use transport_memory::{Heard, Pipe, WebSocket, pipe};

/// How many bytes a pipe holds in each direction.
pub const CAPACITY: usize = 16 * 1024;

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
pub async fn write(pipe: &Pipe, bytes: &[u8]) {
    pipe.write_all(bytes).await;
}

/// Appends what comes next; false at the end.
pub async fn read(pipe: &Pipe, all: &mut Vec<u8>) -> bool {
    pipe.read_some(all).await
}

/// A client of a hub, which speaks JSON or MessagePack over a WebSocket over a pipe.
pub struct Client {
    encoding: Encoding,
    socket: WebSocket,
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
        Self {
            encoding: Encoding::Json,
            socket: WebSocket::over(pipe),
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
        self.socket.fragment(fin, opcode, payload).await;
    }

    /// Closes the WebSocket with a code.
    pub async fn close(&self, code: u16) {
        self.frame(Opcode::Close, &code.to_be_bytes()).await;
    }

    /// Writes bytes as they are.
    pub async fn write(&self, bytes: &[u8]) {
        self.socket.pipe().write_all(bytes).await;
    }

    /// What the server says next.
    pub async fn next(&mut self) -> Seen {
        loop {
            if let Some(seen) = self.seen.pop_front() {
                return seen;
            }
            let heard = self.socket.next().await;
            self.hear(heard);
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
        while self.seen.back() != Some(&Seen::End)
            && let Poll::Ready(heard) = self.socket.poll_next(&mut cx)
        {
            self.hear(heard);
        }
        self.seen.drain(..).collect()
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Data { message, bytes, fin } => {
                self.partial.extend_from_slice(&bytes);
                if self.raw && fin {
                    let bytes = std::mem::take(&mut self.partial);
                    self.seen.push_back(Seen::Message(message, bytes));
                }
            }
            Heard::Pong(payload) => self.seen.push_back(Seen::Pong(payload)),
            Heard::Ping(_) => panic!("the server has its own pings"),
            Heard::Close(close) => {
                self.seen.push_back(Seen::Close(close.map(|close| close.code)));
            }
            Heard::End => self.seen.push_back(Seen::End),
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
