//! A hub on blocking sockets and threads: no runtime, nothing but the pure machines.
//!
//! `cargo run --example embed [ADDRESS]` serves a hub at `/hub` with `Add(a, b)`, `Fail()` and
//! `Shout(text)`, which calls `Shouted(text)` on everybody. The unchanged JavaScript client connects.
//!
//! Each connection is a thread around the same loop, which is all that any driver does:
//!
//! 1. wait for bytes, at most until the next deadline,
//! 2. hand in the bytes, or the time,
//! 3. answer every event,
//! 4. write what is to be written.

use std::error::Error;
use std::io::{self, BufRead, BufReader, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, thread};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hub_core::endpoint::{Answer, Fresh, Outcome, Request, Route, Table};
use hub_core::link::{Link, LinkEvent, Timeouts};
use hub_core::registry::{Audience, Registry};
use hub_core::server::{Admission, Call, CallFault, Config, End, Event, TransportFacts};
use hub_core::{Batch, Deadline, PeerFault, Session, Timestamp};
use hub_proto::{BindError, DecodeError, Encoding, Frame, Prepared};
use sha1::{Digest, Sha1};

/// What all threads share: the door, who is connected, and the clock.
struct Hub {
    table: Mutex<Table<()>>,
    everybody: Mutex<Registry<Arc<Peer>>>,
    config: Arc<Config>,
    started: Instant,
}

/// One connection, as its own thread and those who send to it see it.
struct Peer {
    session: Mutex<Session>,
    stream: TcpStream,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

fn fresh() -> Fresh {
    let draw = || URL_SAFE_NO_PAD.encode(random());
    Fresh { connection_id: draw(), connection_token: draw() }
}

impl Peer {
    /// Step 4. Blocking sockets take everything at once or fail; then the reading thread finds out too.
    fn write(&self, now: Timestamp) {
        let mut session = lock(&self.session);
        let mut batch = Batch::new();
        session.next(&mut batch);
        while !batch.is_empty() {
            let slices: Vec<IoSlice<'_>> =
                batch.chunks().iter().map(|chunk| IoSlice::new(chunk)).collect();
            match (&self.stream).write_vectored(&slices) {
                Ok(count) if count > 0 => session.written(count, now),
                _ => return session.outbox().abandon(),
            }
            batch.clear();
            session.next(&mut batch);
        }
    }
}

impl Hub {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.started.elapsed().as_nanos() as u64)
    }

    /// Speaks just enough HTTP for one request: negotiate, or the upgrade to a WebSocket.
    fn request(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(&stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if (&mut reader).take(8192).read_line(&mut line)? == 0 || lines.len() > 100 {
                return Ok(());
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut first = lines.first().map(String::as_str).unwrap_or_default().split(' ');
        let (method, url) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let header = |name: &str| {
            let headers = lines.iter().filter_map(|line| line.split_once(':'));
            headers
                .filter(|(found, _)| found.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
                .next()
        };
        let route = match path {
            "/hub" => Route::Endpoint,
            "/hub/negotiate" => Route::Negotiate,
            _ => {
                return respond(
                    &stream,
                    &Answer { status: 404, content_type: None, headers: &[], body: "".into() },
                );
            }
        };
        let key = header("Sec-WebSocket-Key");
        let request = Request::classify(route, method, header("Accept"), key.is_some());
        let outcome = lock(&self.table).attach(request, query, self.now(), fresh);
        let claim = match outcome {
            Outcome::Answer(answer) => return respond(&stream, &answer),
            Outcome::Attach(claim) => claim,
        };
        let hash = Sha1::new()
            .chain_update(key.unwrap_or_default())
            .chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        let accept = STANDARD.encode(hash.finalize());
        write!(
            &stream,
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        )?;
        let early = reader.buffer().to_vec();
        let session = Session::new(
            Arc::clone(&self.config),
            TransportFacts::websocket(random()[0]),
            self.now(),
        );
        let peer = Arc::new(Peer { session: Mutex::new(session), stream });
        self.converse(&peer, &claim.connection_id, early);
        lock(&self.everybody).remove(&claim.connection_id);
        lock(&self.table).release(&claim.token);
        Ok(())
    }

    /// The loop.
    fn converse(&self, peer: &Arc<Peer>, id: &Arc<str>, mut bytes: Vec<u8>) {
        let mut link = Link::websocket(Timeouts::default());
        let mut closed = false;
        loop {
            let now = self.now();
            link.handle_input(&mut bytes, |payload| {
                lock(&peer.session).with(|it| it.handle_input(payload, now))
            });
            link.handle_timeout(now);
            lock(&peer.session).with(|it| it.handle_timeout(now));
            if let Some(event) = link.poll_event() {
                lock(&peer.session).with(|it| match event {
                    LinkEvent::Finished => it.handle_disconnect(End::Finished, now),
                    LinkEvent::Violated(fault) => it.malformed(PeerFault::WebSocket(fault), now),
                    LinkEvent::Lost(kind) => it.handle_disconnect(End::Lost(kind), now),
                    LinkEvent::Stuck => it.handle_disconnect(End::Lost(ErrorKind::TimedOut), now),
                });
            }
            loop {
                // The session is free again before the event is answered: an answer may send to everybody.
                let event = lock(&peer.session).poll_event();
                let Some(event) = event else { break };
                closed |= self.answer(event, peer, id, now);
            }
            if let Some(pong) = link.poll_transmit() {
                lock(&peer.session).outbox().push_control(pong);
            }
            if closed {
                let close = link.close(now);
                lock(&peer.session).outbox().seal(close);
            }
            peer.write(now);
            if link.is_done() {
                let _ = peer.stream.shutdown(Shutdown::Both);
                return;
            }
            let deadline =
                Deadline::earliest(lock(&peer.session).poll_timeout(), link.poll_timeout());
            let wait = deadline
                .map(|deadline| deadline.at.since(self.now()).max(Duration::from_millis(1)));
            bytes.resize(16 * 1024, 0);
            let read =
                peer.stream.set_read_timeout(wait).and_then(|()| (&peer.stream).read(&mut bytes));
            match read {
                Ok(count) => {
                    bytes.truncate(count);
                    if count == 0 {
                        link.handle_end(ErrorKind::UnexpectedEof);
                    }
                }
                Err(error) => {
                    bytes.clear();
                    if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
                        link.handle_end(error.kind());
                    }
                }
            }
        }
    }

    /// Step 3. True when it was the last event.
    fn answer(&self, event: Event, peer: &Arc<Peer>, id: &Arc<str>, now: Timestamp) -> bool {
        match event {
            Event::Handshake(_) => {
                lock(&peer.session).with(|it| it.welcome(now));
                let _ = lock(&self.everybody).insert(Arc::clone(id), None, Arc::clone(peer));
                lock(&peer.session).with(|it| it.accept(now));
            }
            Event::Invoked(call) => {
                // Methods here end at once, so no call ever waits for its turn.
                if lock(&peer.session).with(|it| it.admit(call.id)) == Admission::Started {
                    let done = self.invoke(&call, now);
                    lock(&peer.session).with(|it| match done {
                        Err(CallFault::Arguments(BindError::Syntax)) => {
                            it.malformed(PeerFault::Message(DecodeError::Syntax), now);
                        }
                        Err(fault) => {
                            it.complete(
                                call.id,
                                call.reply.failure(&fault.text(&call.target, false)),
                                now,
                            );
                        }
                        Ok(answer) => {
                            it.complete(call.id, answer, now);
                        }
                    });
                }
            }
            Event::Started(_) | Event::Cancelled(_) => {}
            Event::Closed(_) => return true,
        }
        false
    }

    fn invoke(&self, call: &Call, now: Timestamp) -> Result<Option<Frame>, CallFault<'static>> {
        let bad = CallFault::Arguments;
        match call.target.to_ascii_lowercase().as_str() {
            "add" => {
                let (a, b) = call.arguments().bind::<(i32, i32)>().map_err(bad)?;
                call.reply.result(&(a + b)).map_err(|_| CallFault::Failed(None))
            }
            "shout" => {
                let (text,) = call.arguments().bind::<(String,)>().map_err(bad)?;
                let arguments = (text,);
                let mut message = Prepared::new("Shouted", &arguments);
                message.encode(Encoding::Json).map_err(|_| CallFault::Failed(None))?;
                let mut peers = Vec::new();
                lock(&self.everybody)
                    .each(&Audience::All, &[], |peer| peers.push(Arc::clone(peer)));
                for (peer, frame) in
                    peers.iter().zip(std::iter::repeat(message.frame(Encoding::Json)))
                {
                    frame.map(|frame| lock(&peer.session).send(frame, now));
                    peer.write(now);
                }
                call.reply.result(&()).map_err(|_| CallFault::Failed(None))
            }
            "fail" => Err(CallFault::Failed(Some("HubException: It failed."))),
            _ => call.arguments().check().map_err(bad).and(Err(CallFault::UnknownMethod)),
        }
    }
}

fn respond(mut stream: &TcpStream, answer: &Answer) -> io::Result<()> {
    let kind = answer.content_type.unwrap_or("text/plain");
    write!(
        stream,
        "HTTP/1.1 {} \r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.status,
        answer.body.len()
    )?;
    stream.write_all(&answer.body)
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener =
        TcpListener::bind(env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5000".to_owned()))?;
    println!("Listening on http://{}", listener.local_addr()?);
    let hub = Arc::new(Hub {
        table: Mutex::new(Table::new(hub_core::endpoint::Config::default(), random())),
        everybody: Mutex::new(Registry::new(random())),
        config: Arc::new(Config::default()),
        started: Instant::now(),
    });
    for stream in listener.incoming().filter_map(Result::ok) {
        let hub = Arc::clone(&hub);
        thread::spawn(move || hub.request(stream));
    }
    Ok(())
}
