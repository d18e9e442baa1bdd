//! Connections that HTTP requests carry, as the load generator opens them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use hub_proto::negotiate::NegotiateResponse;
use hub_proto::{Encoding, Frame, sse};

use crate::client::TEXT;

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";

/// A connection of the hub on a stream of events, whose handshake is answered.
pub(crate) fn events(address: SocketAddr) -> TcpStream {
    let mut requests = Requests::new(address);
    let at = requests.negotiate();
    let mut stream = Requests::new(address);
    stream.send("GET", &at, "Accept: text/event-stream\r\n", "");
    requests.ask("POST", &at, HANDSHAKE);
    let mut seen = Vec::new();
    while !seen.ends_with(b"{}\x1e\r\n\r\n\r\n") {
        let mut byte = [0];
        stream.0.read_exact(&mut byte).expect("a stream of events");
        seen.push(byte[0]);
    }
    stream.0.into_inner()
}

/// A connection of the hub with a poll that waits.
pub(crate) fn polled(address: SocketAddr) -> TcpStream {
    let mut requests = Requests::new(address);
    let at = requests.negotiate();
    requests.ask("GET", &at, "");
    requests.ask("POST", &at, HANDSHAKE);
    assert_eq!(requests.ask("GET", &at, ""), b"{}\x1e");
    requests.send("GET", &at, "", "");
    requests.0.into_inner()
}

/// What a broadcast of one message sends on a stream of events: a chunk of the answer.
pub(crate) fn event() -> Vec<u8> {
    let frame = Frame::invocation(Encoding::Json, None, "Message", &(TEXT,)).expect("a text");
    let mut event = Vec::new();
    sse::write(&mut event, [&*frame.plain()]);
    let mut chunk = format!("{:X}\r\n", event.len()).into_bytes();
    chunk.extend_from_slice(&event);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// One HTTP connection.
struct Requests(BufReader<TcpStream>);

impl Requests {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self(BufReader::with_capacity(512, stream))
    }

    /// Negotiates, and gives where the connection is.
    fn negotiate(&mut self) -> String {
        let answer = self.ask("POST", "/hub/negotiate?negotiateVersion=1", "");
        let response = NegotiateResponse::parse(&answer).expect("negotiated");
        format!("/hub?id={}", response.token().expect("a token"))
    }

    fn send(&mut self, method: &str, uri: &str, header: &str, body: &str) {
        let request = format!(
            "{method} {uri} HTTP/1.1\r\nHost: localhost\r\n{header}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes()).expect("written");
    }

    /// Sends a request, and gives the body of its answer.
    fn ask(&mut self, method: &str, uri: &str, body: &str) -> Vec<u8> {
        self.send(method, uri, "", body);
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("an answer");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        body
    }
}
