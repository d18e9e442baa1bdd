//! Just enough HTTP for one request: negotiate, or the upgrade to a WebSocket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hub_core::endpoint::{Answer, Request, Route};
use sha1::{Digest, Sha1};

/// What a request asks of the hub at `/hub`.
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) query: String,
    /// The client's key, of which an upgrade is answered with a hash.
    key: String,
    /// What was read behind the header.
    pub(crate) early: Vec<u8>,
}

/// Reads the header of a request; `None` when it is not for the hub.
pub(crate) fn read(stream: &TcpStream) -> io::Result<Option<Asked>> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        let length = (&mut reader).take(8192).read_line(&mut line)?;
        match line.trim_end() {
            "" if length > 0 => break,
            line if length > 0 && lines.len() < 100 => lines.push(line.to_owned()),
            _ => return Ok(None),
        }
    }
    let header = |name: &str| {
        let mut headers = lines.iter().filter_map(|line| line.split_once(':'));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let mut first = lines.first().map(String::as_str).unwrap_or_default().split(' ');
    let (method, url) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let route = match path {
        "/hub" => Route::Endpoint,
        "/hub/negotiate" => Route::Negotiate,
        _ => return Ok(None),
    };
    let key = header("Sec-WebSocket-Key");
    let request = Request::classify(route, method, header("Accept"), key.is_some());
    let key = key.unwrap_or_default().to_owned();
    Ok(Some(Asked { request, query: query.to_owned(), key, early: reader.buffer().to_vec() }))
}

/// Agrees to an upgrade (RFC 6455 §4.2.2).
pub(crate) fn upgrade(mut stream: &TcpStream, asked: &Asked) -> io::Result<()> {
    let guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let accept =
        STANDARD.encode(Sha1::new().chain_update(&asked.key).chain_update(guid).finalize());
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    write!(stream, "{head}Sec-WebSocket-Accept: {accept}\r\n\r\n")
}

/// Answers and is done.
pub(crate) fn respond(mut stream: &TcpStream, answer: &Answer) -> io::Result<()> {
    let (kind, length) = (answer.content_type.unwrap_or("text/plain"), answer.body.len());
    let head = format!("HTTP/1.1 {} \r\nConnection: close\r\n", answer.status);
    write!(stream, "{head}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n")?;
    stream.write_all(&answer.body)
}
