//! Our side: the codec over a socket, with a hand-made upgrade.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hub_proto::ws::{Close, Config, Decoder, MessageType, Opcode, Piece, Role, Violation, encode};
use tungstenite::handshake::derive_accept_key;

use super::random::Random;

/// How long the other side may be silent while something is due.
const PATIENCE: Duration = Duration::from_secs(10);

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Message(MessageType, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<Close>),
    Failed(Violation),
    /// The socket ended, in order or not.
    End,
}

pub(crate) struct Wire {
    stream: TcpStream,
    role: Role,
    decoder: Decoder,
    message: Vec<u8>,
    events: VecDeque<Event>,
    random: Random,
}

impl Wire {
    /// Opens a WebSocket on a socket that was connected or accepted.
    pub(crate) fn open(mut stream: TcpStream, role: Role, seed: u32) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        match role {
            Role::Server => {
                let request = head(&mut stream)?;
                let key = field(&request, "sec-websocket-key")?;
                let accept = derive_accept_key(key.as_bytes());
                let lines = [
                    "HTTP/1.1 101 Switching Protocols",
                    "Upgrade: websocket",
                    "Connection: Upgrade",
                    &format!("Sec-WebSocket-Accept: {accept}"),
                ];
                write!(stream, "{}\r\n\r\n", lines.join("\r\n"))?;
            }
            Role::Client => {
                let key = "AAECAwQFBgcICQoLDA0ODw==";
                let lines = [
                    "GET / HTTP/1.1",
                    &format!("Host: {}", stream.peer_addr()?),
                    "Upgrade: websocket",
                    "Connection: Upgrade",
                    "Sec-WebSocket-Version: 13",
                    &format!("Sec-WebSocket-Key: {key}"),
                ];
                write!(stream, "{}\r\n\r\n", lines.join("\r\n"))?;
                let response = head(&mut stream)?;
                if field(&response, "sec-websocket-accept")? != derive_accept_key(key.as_bytes()) {
                    return Err(io::Error::other(response));
                }
            }
        }
        let decoder = Decoder::new(role, Config::default());
        let (message, events) = (Vec::new(), VecDeque::new());
        Ok(Self { stream, role, decoder, message, events, random: Random::new(seed) })
    }

    /// Answers the request of a client with a status that tells it to go.
    pub(crate) fn refuse(mut stream: TcpStream) -> io::Result<()> {
        head(&mut stream)?;
        stream.write_all(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn key(&mut self) -> Option<[u8; 4]> {
        match self.role {
            Role::Server => None,
            Role::Client => Some(self.random.key()),
        }
    }

    /// Appends a frame of ours.
    pub(crate) fn frame(&mut self, out: &mut Vec<u8>, fin: bool, opcode: Opcode, payload: &[u8]) {
        let key = self.key();
        encode::write_frame(out, fin, opcode, payload, key);
    }

    /// Writes bytes as they are, in a few writes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let chops = self.random.cut(bytes, 6);
        chops.into_iter().try_for_each(|chop| self.stream.write_all(chop))
    }

    pub(crate) fn send(&mut self, fin: bool, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        let mut frame = Vec::new();
        self.frame(&mut frame, fin, opcode, payload);
        self.write(&frame)
    }

    pub(crate) fn close(&mut self, code: u16, reason: &str) -> io::Result<()> {
        let frame = encode::close(code, reason, self.key());
        self.write(&frame)
    }

    /// The next event; pings were answered by the time they are handed out.
    pub(crate) fn next(&mut self) -> io::Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let most = self.random.pick(&[1, 7, 100, 4096, 1 << 16]);
            let mut buffer = vec![0; most];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(Event::End),
                Ok(read) => self.take(&mut buffer[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Err(io::Error::other(format!("nothing arrived within {PATIENCE:?}")));
                }
                Err(_) => return Ok(Event::End),
            }
        }
    }

    fn take(&mut self, mut input: &mut [u8]) {
        loop {
            let event = match self.decoder.next(&mut input) {
                Ok(None) => return,
                Ok(Some(Piece::Data { message, payload, fin })) => {
                    self.message.extend_from_slice(payload);
                    if !fin {
                        continue;
                    }
                    Event::Message(message, std::mem::take(&mut self.message))
                }
                Ok(Some(Piece::Ping(payload))) => {
                    let payload = payload.into_owned();
                    let pong = encode::pong(&payload, self.key());
                    // Who is gone needs no answer, and the end is read in its turn.
                    self.write(&pong).ok();
                    Event::Ping(payload)
                }
                Ok(Some(Piece::Pong(payload))) => Event::Pong(payload.into_owned()),
                Ok(Some(Piece::Close(close))) => Event::Close(close),
                Err(violation) => {
                    self.events.push_back(Event::Failed(violation));
                    return;
                }
            };
            self.events.push_back(event);
        }
    }
}

/// Reads the head of a request or a response, and nothing behind it.
fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        bytes.extend_from_slice(&byte);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The value of a header field.
fn field<'a>(head: &'a str, name: &str) -> io::Result<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut named = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
    let value = named.next().map(|(_, value)| value.trim());
    value.ok_or_else(|| io::Error::other(format!("no {name} in {head}")))
}
