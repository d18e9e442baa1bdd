//! A hub on blocking sockets and threads: no runtime, nothing but the pure machines.
//!
//! `cargo run -p hub-core --example embed [ADDRESS]` serves a hub, whatever the path, with `Add(a, b)`,
//! `Fail()` and `Shout(text)`, which calls `Shouted(text)` on everybody. Microsoft's clients connect.
//! Each connection is a thread in the loop of [`Hub::converse`], which is all that a driver does.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "clock and sockets")]

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, thread, time::Duration, time::Instant};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use hub_core::endpoint::{Config, Fresh, Outcome, Request, Route, Table, Transports};
use hub_core::registry::{Audience, Registry};
use hub_core::server::{Admission, Call, CallFault, Event, TransportFacts};
use hub_core::{Batch, Session, Timestamp, link::Timeouts};
use hub_proto::{Frame, Prepared};
use sha1::{Digest, Sha1};

/// Appended to the client's key before it is hashed (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What all threads share: the door, who is connected, and the clock.
struct Hub {
    table: Mutex<Table<()>>,
    everybody: Mutex<Registry<Arc<Peer>>>,
    started: Instant,
}

/// One connection, as its own thread and those who send to it see it.
struct Peer {
    session: Mutex<Session>,
    stream: TcpStream,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The machines draw nothing themselves: ids, seeds and spreads are handed in.
fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap_or_else(|error| panic!("no random bytes: {error}"));
    bytes
}

impl Peer {
    /// Writes what waits. A blocking socket takes it or, 10 s after it stopped to, fails.
    fn write(&self, session: &mut Session, now: Timestamp) {
        let mut batch = Batch::new();
        session.next(&mut batch, now);
        while !batch.is_empty() {
            match (&self.stream).write_all(&batch.chunks().concat()) {
                Ok(()) => session.written(batch.len(), now),
                Err(error) => return session.handle_end(error.kind(), now),
            }
            batch.clear();
            session.next(&mut batch, now);
        }
    }
}

impl Hub {
    /// And time is handed in as well.
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.started.elapsed().as_nanos() as u64)
    }

    /// The door, with just enough HTTP for one request: the table answers it, or lets it carry a connection.
    fn request(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut head = BufReader::new(stream.try_clone()?).take(16 * 1024);
        let mut lines = head.by_ref().lines().map_while(Result::ok).take_while(|it| !it.is_empty());
        let first = lines.next().unwrap_or_default();
        let key = lines.filter(|it| it.to_lowercase().starts_with("sec-websocket-key:")).last();
        let [method, url] = [0, 1].map(|n| first.split(' ').nth(n).unwrap_or_default());
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let route = if path.ends_with("/negotiate") { Route::Negotiate } else { Route::Endpoint };
        let draw = || BASE64_URL_SAFE_NO_PAD.encode(random());
        let fresh = || Fresh { connection_id: draw(), connection_token: draw() };
        let request = Request::classify(route, method, None, key.is_some());
        let outcome = lock(&self.table).attach(request, query, self.now(), fresh);
        let claim = match outcome {
            Outcome::Attach(claim) => claim,
            Outcome::Answer(answer) => {
                write!(stream, "HTTP/1.1 {} \r\nConnection: close\r\n\r\n", answer.status)?;
                return stream.write_all(&answer.body);
            }
            _ => return Ok(()), // only WebSockets are let in, and nobody was granted another one
        };
        let key = key.as_deref().and_then(|it| it.split_once(':')).unwrap_or_default().1.trim();
        let accept = BASE64_STANDARD.encode(Sha1::digest(key.to_owned() + GUID));
        write!(stream, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n")?;
        write!(stream, "Upgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")?;
        // What was read behind the header is the WebSocket's already.
        let early = head.get_ref().buffer().to_vec();
        stream.set_write_timeout(Some(Timeouts::default().send))?;
        let facts = TransportFacts::websocket(random()[0]);
        let session = Session::websocket(Arc::default(), Timeouts::default(), facts, self.now());
        let peer = Arc::new(Peer { session: Mutex::new(session), stream });
        self.converse(&peer, &claim.connection_id, early);
        lock(&self.everybody).remove(&claim.connection_id);
        lock(&self.table).release(&claim.token);
        Ok(())
    }

    /// The loop: hand in bytes and time, answer every event, write, and wait for more bytes or for the
    /// next deadline, whichever comes first.
    fn converse(&self, peer: &Arc<Peer>, id: &Arc<str>, mut bytes: Vec<u8>) {
        let mut buffer = [0; 16 * 1024];
        lock(&peer.session).handle_input(&mut bytes, self.now());
        loop {
            let now = self.now();
            lock(&peer.session).handle_timeout(now);
            // The session is free while an event is answered: the answer may be for everybody.
            while let Some(event) = { lock(&peer.session).poll_event(now) } {
                self.answer(event, peer, id, now);
            }
            peer.write(&mut lock(&peer.session), now);
            if lock(&peer.session).is_done() {
                return drop(peer.stream.shutdown(Shutdown::Both));
            }
            let due = lock(&peer.session).poll_timeout();
            let wait = due.map(|it| it.at.since(self.now()).max(Duration::from_millis(1)));
            let read =
                peer.stream.set_read_timeout(wait).and_then(|()| (&peer.stream).read(&mut buffer));
            let (mut session, now) = (lock(&peer.session), self.now());
            match read.map_err(|error| error.kind()) {
                Ok(0) => session.handle_end(ErrorKind::UnexpectedEof, now),
                Ok(count) => session.handle_input(buffer.get_mut(..count).unwrap_or_default(), now),
                Err(ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(kind) => session.handle_end(kind, now),
            }
        }
    }

    fn answer(&self, event: Event, peer: &Arc<Peer>, id: &Arc<str>, now: Timestamp) {
        match event {
            Event::Handshake(_) => {
                lock(&peer.session).connection().welcome(now);
                let _ = lock(&self.everybody).insert(Arc::clone(id), None, Arc::clone(peer));
                lock(&peer.session).connection().accept(now);
            }
            // Methods here end at once, so that no call waits for its turn.
            Event::Invoked(call)
                if lock(&peer.session).connection().admit(call.id) == Admission::Started =>
            {
                let (done, mut session) = (self.invoke(&call, now), lock(&peer.session));
                match done {
                    Ok(answer) => drop(session.connection().complete(call.id, answer, now)),
                    Err(fault) => session.connection().fail(&call, &fault, now),
                }
            }
            _ => {}
        }
    }

    /// What clients can call: binds the arguments, runs the method and encodes its answer.
    fn invoke(&self, call: &Call, now: Timestamp) -> Result<Option<Frame>, CallFault<'static>> {
        let arguments = call.arguments();
        let answer = match call.target.to_ascii_lowercase().as_str() {
            "add" => call.reply.result(&arguments.bind().map(|(a, b): (f64, f64)| a + b)?),
            "shout" => call.reply.result(&self.shout(&arguments.bind::<(String,)>()?, now)),
            "fail" => return Err(CallFault::Failed(Some("HubException: It failed."))),
            _ => return arguments.check().map_err(Into::into).and(Err(CallFault::UnknownMethod)),
        };
        answer.map_err(|_| CallFault::Failed(None))
    }

    /// A broadcast: encoded once per encoding, and written outside of the registry's lock.
    fn shout(&self, text: &(String,), now: Timestamp) {
        let (mut message, mut peers) = (Prepared::new("Shouted", text), Vec::new());
        lock(&self.everybody).each(&Audience::All, &[], |peer| peers.push(Arc::clone(peer)));
        for peer in peers {
            let mut session = lock(&peer.session);
            let encoding = session.connection().encoding();
            if message.encode(encoding).is_ok() {
                message.frame(encoding).map(|frame| session.send(frame, now));
            }
            peer.write(&mut session, now);
        }
    }
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:5000"))?;
    println!("Listening on http://{}", listener.local_addr()?);
    let door = Config { transports: Transports::WEB_SOCKETS, ..Config::default() };
    let hub = Arc::new(Hub {
        table: Mutex::new(Table::new(door, random())),
        everybody: Mutex::new(Registry::new(random())),
        started: Instant::now(),
    });
    for stream in listener.incoming().filter_map(Result::ok) {
        let hub = Arc::clone(&hub);
        thread::spawn(move || hub.request(stream));
    }
    Ok(())
}
