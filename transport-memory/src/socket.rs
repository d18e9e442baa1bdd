//! The client's end of a WebSocket.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::task::{Context, Poll};

use hub_async::Socket;
use hub_proto::ws::{Close, Config, Decoder, MessageType, Opcode, Piece, Role, encode};

use crate::pipe::Pipe;

/// The key that everything is masked with; between two ends of a pipe any will do.
const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

/// What a [`WebSocket`] hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A piece of a message, as it has come.
    Data {
        /// What the message is.
        message: MessageType,
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether the message ends with them.
        fin: bool,
    },
    /// A ping, with its payload.
    Ping(Vec<u8>),
    /// A pong, with its payload.
    Pong(Vec<u8>),
    /// The close, with its code and reason.
    Close(Option<Close>),
    /// The end of the pipe, told as often as it is asked for.
    End,
}

/// The client's end of a WebSocket over a [`Pipe`], from [`ClientOptions::socket`](crate::ClientOptions::socket), for
/// [raw connections](hub_async::server::Server::raw) and for clients that break the rules. It says and answers nothing by itself; [`Client`](crate::Client) does.
pub struct WebSocket {
    pipe: Pipe,
    decoder: Decoder,
    heard: VecDeque<Heard>,
}

impl WebSocket {
    /// Over a pipe that is a WebSocket already.
    pub fn over(pipe: Pipe) -> Self {
        let decoder = Decoder::new(Role::Client, Config::default());
        Self { pipe, decoder, heard: VecDeque::new() }
    }

    /// Sends a frame that is a whole message.
    pub async fn frame(&self, opcode: Opcode, payload: &[u8]) {
        self.fragment(true, opcode, payload).await;
    }

    /// Sends a frame.
    pub async fn fragment(&self, fin: bool, opcode: Opcode, payload: &[u8]) {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, fin, opcode, payload);
        self.pipe.write_all(&bytes).await;
    }

    /// The pipe, to write bytes as they are.
    pub const fn pipe(&self) -> &Pipe {
        &self.pipe
    }

    /// What the server says next.
    ///
    /// # Panics
    ///
    /// When the server breaks the rules of WebSockets.
    pub async fn next(&mut self) -> Heard {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same, for one who waits for other things as well.
    ///
    /// # Panics
    ///
    /// When the server breaks the rules of WebSockets.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Poll::Ready(heard);
            }
            let mut buffer = [0; 4096];
            match self.pipe.try_read(&mut buffer) {
                Ok(0) => return Poll::Ready(Heard::End),
                Ok(count) => self.hear(buffer.get_mut(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.pipe.poll_readable(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                Err(_) => return Poll::Ready(Heard::End),
            }
        }
    }

    fn hear(&mut self, mut bytes: &mut [u8]) {
        loop {
            let piece = match self.decoder.next(&mut bytes) {
                Ok(Some(piece)) => piece,
                Ok(None) => return,
                Err(violation) => panic!("the server breaks the rules: {violation}"),
            };
            self.heard.push_back(match piece {
                Piece::Data { message, payload, fin } => {
                    Heard::Data { message, bytes: payload.to_vec(), fin }
                }
                Piece::Ping(payload) => Heard::Ping(payload.into_owned()),
                Piece::Pong(payload) => Heard::Pong(payload.into_owned()),
                Piece::Close(close) => Heard::Close(close),
            });
        }
    }
}

/// Appends a frame of a client.
pub(crate) fn write_frame(out: &mut Vec<u8>, fin: bool, opcode: Opcode, payload: &[u8]) {
    encode::write_frame(out, fin, opcode, payload, KEY);
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").finish_non_exhaustive()
    }
}
