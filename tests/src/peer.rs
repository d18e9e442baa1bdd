//! A client of a hub at `/hub` that speaks JSON, by any transport that HTTP carries.

use std::future::pending;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use hub_async::server::Service;
use hub_proto::negotiate::NegotiateResponse;
use transport_memory::{World, pipe};

use crate::http::{Answer, Coming, Http, request};
use crate::memory::{CAPACITY, Client, Seen, read, write};

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A WebSocket.
    Socket,
    /// Server-Sent Events, and POSTs.
    Events,
    /// Polls, and POSTs.
    Polls,
}

/// All that there are.
pub const TRANSPORTS: [By; 3] = [By::Socket, By::Events, By::Polls];

/// The handshake, with its separator.
pub const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";

/// Who connects, and what goes with every request.
#[derive(Clone, Debug)]
pub struct Door {
    world: World,
    service: Service,
    query: &'static str,
    headers: HeaderMap,
}

/// One connection, whose transport is there.
pub struct Peer {
    door: Door,
    at: String,
    carrier: Carrier,
    /// What has come in part.
    seen: String,
}

enum Carrier {
    Socket(Client),
    Events(Coming),
    Polls,
}

impl Door {
    /// Clients of that service, in that world.
    pub fn new(world: World, service: Service) -> Self {
        Self { world, service, query: "", headers: HeaderMap::new() }
    }

    /// With more to the query of every request.
    #[must_use]
    pub fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    /// With one header more on every request.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// Sends a request.
    pub async fn ask(&self, method: Method, uri: &str, body: &str) -> Answer {
        let mut request = request(method, uri, body.to_owned());
        request.headers_mut().extend(self.headers.clone());
        self.http().send(request).await
    }

    /// The answer to a negotiation.
    pub async fn negotiate(&self) -> Answer {
        let uri = format!("/hub/negotiate?negotiateVersion=1{}", self.query);
        self.ask(Method::POST, &uri, "").await
    }

    /// Where the connection is that a negotiation has made.
    pub async fn place(&self) -> String {
        let answer = self.negotiate().await;
        let response = NegotiateResponse::parse(answer.body.as_bytes()).expect("negotiated");
        format!("/hub?id={}{}", response.token().expect("a token"), self.query)
    }

    /// Opens a connection that is negotiated already; the status, when it is refused.
    pub async fn open_at(&self, by: By, at: &str) -> Result<Peer, u16> {
        let carrier = match by {
            By::Socket => Carrier::Socket(self.upgrade(at).await?),
            By::Events => Carrier::Events(self.events(at).await?),
            By::Polls => match self.ask(Method::GET, at, "").await.status {
                200 => Carrier::Polls,
                status => return Err(status),
            },
        };
        Ok(Peer { door: self.clone(), at: at.to_owned(), carrier, seen: String::new() })
    }

    /// Negotiates and opens a connection, and says nothing.
    pub async fn open(&self, by: By) -> Peer {
        self.open_at(by, &self.place().await).await.expect("the hub takes it")
    }

    /// Opens a connection and shakes hands.
    pub async fn connect(&self, by: By) -> Peer {
        let mut peer = self.open(by).await;
        peer.put(HANDSHAKE).await;
        assert_eq!(peer.next().await.as_deref(), Some("{}"));
        peer
    }

    fn http(&self) -> Http {
        Http::new(self.world.clone(), self.service.clone())
    }

    async fn upgrade(&self, at: &str) -> Result<Client, u16> {
        let (near, far) = pipe(CAPACITY);
        drop(self.world.spawn(self.service.clone().serve_connection(far, pending())));
        write(&near, upgrade(at, &self.headers).as_bytes()).await;
        let mut answer = Vec::new();
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            assert!(read(&near, &mut answer).await, "an answer");
        }
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1).map(str::parse);
        match status {
            Some(Ok(101)) => Ok(Client::over(near)),
            Some(Ok(status)) => Err(status),
            _ => panic!("no status"),
        }
    }

    async fn events(&self, at: &str) -> Result<Coming, u16> {
        let mut request = request(Method::GET, at, "");
        request.headers_mut().extend(self.headers.clone());
        request.headers_mut().insert("accept", HeaderValue::from_static("text/event-stream"));
        let mut stream = self.http().start(request).await;
        if stream.status != StatusCode::OK {
            return Err(stream.status.as_u16());
        }
        assert_eq!(stream.next().await.as_deref(), Some(":\r\n"));
        Ok(stream)
    }
}

/// The request for a WebSocket.
pub fn upgrade(at: &str, headers: &HeaderMap) -> String {
    let mut head = format!(
        "GET {at} HTTP/1.1\r\nhost: memory\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    for (name, value) in headers {
        head += &format!("{name}: {}\r\n", value.to_str().expect("text"));
    }
    head + "\r\n"
}

impl Peer {
    /// Where its requests go.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Sends that in one piece: a frame, or the body of a POST.
    pub async fn put(&self, piece: &str) {
        match &self.carrier {
            Carrier::Socket(client) => {
                client.frame(hub_proto::ws::Opcode::Text, piece.as_bytes()).await
            }
            Carrier::Events(_) | Carrier::Polls => {
                let answer = self.door.ask(Method::POST, &self.at, piece).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        }
    }

    /// Sends one record.
    pub async fn send(&self, record: &str) {
        self.put(&format!("{record}\x1e")).await;
    }

    /// Calls a method.
    pub async fn call(&self, id: &str, target: &str, arguments: &str) {
        self.send(&format!(
            r#"{{"type":1,"invocationId":"{id}","target":"{target}","arguments":{arguments}}}"#
        ))
        .await;
    }

    /// The next record; none at the end.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.seen.find('\x1e') {
                let record = self.seen.drain(..=end).collect::<String>();
                return Some(record.trim_end_matches('\x1e').to_owned());
            }
            match &mut self.carrier {
                Carrier::Socket(client) => match client.next().await {
                    Seen::Record(record) => return Some(record),
                    _ => return None,
                },
                // One event after the other: an event has whole records, each on the line of its data.
                Carrier::Events(stream) => {
                    let more = stream.next().await?;
                    self.seen += &more.replace("data: ", "").replace("\r\n", "");
                }
                Carrier::Polls => {
                    let answer = self.door.ask(Method::GET, &self.at, "").await;
                    if answer.status != 200 {
                        return None;
                    }
                    self.seen += &answer.body;
                }
            }
        }
    }

    /// Everything that has come by now, or comes while nothing else does.
    pub async fn so_far(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        let soon = std::time::Duration::from_millis(1);
        let world = self.door.world.clone();
        while let Some(Some(record)) = world.within(soon, self.next()).await {
            all.push(record);
        }
        all
    }
}
