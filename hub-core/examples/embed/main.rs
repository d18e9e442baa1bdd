//! A hub on blocking sockets and threads: no runtime, nothing but the pure machines.
//!
//! `cargo run --example embed [ADDRESS]` serves a hub at `/hub` with `Add(a, b)`, `Fail()` and
//! `Shout(text)`, which calls `Shouted(text)` on everybody. The unchanged JavaScript client connects.
//! Each connection is a thread around the loop in [`Hub::converse`], which is all a driver does.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "here are clock and sockets"
)]

mod http;
mod ids;
mod methods;

use std::error::Error;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, thread};

use hub_core::endpoint::{self, Outcome, Table};
use hub_core::link::{Link, LinkEvent, Timeouts};
use hub_core::registry::Registry;
use hub_core::server::{Admission, CallFault, Config, End, Event, TransportFacts};
use hub_core::{Batch, CloseReason, Deadline, PeerFault, Session, Timer, Timestamp};
use hub_proto::BindError;
use ids::{fresh, random};

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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Peer {
    /// Writes what waits. A blocking socket takes it or fails, and then the reader finds out too.
    fn write(&self, now: Timestamp) {
        let mut session = lock(&self.session);
        loop {
            let mut batch = Batch::new();
            session.next(&mut batch);
            if batch.is_empty() {
                return;
            }
            let slices: Vec<_> = batch.chunks().iter().map(|chunk| IoSlice::new(chunk)).collect();
            match (&self.stream).write_vectored(&slices) {
                Ok(count) if count > 0 => session.written(count, now),
                _ => session.outbox().abandon(),
            }
        }
    }
}

impl Hub {
    /// And time is handed in as well.
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.started.elapsed().as_nanos() as u64)
    }

    /// The door: the table answers, or lets the request carry a connection.
    fn request(&self, stream: TcpStream) -> io::Result<()> {
        let Some(asked) = http::read(&stream)? else { return Ok(()) };
        let outcome = lock(&self.table).attach(asked.request, &asked.query, self.now(), fresh);
        let claim = match outcome {
            Outcome::Answer(answer) => return http::respond(&stream, &answer),
            Outcome::Attach(claim) => claim,
        };
        http::upgrade(&stream, &asked)?;
        let facts = TransportFacts::websocket(random()[0]);
        let session = Mutex::new(Session::new(Arc::clone(&self.config), facts, self.now()));
        let peer = Arc::new(Peer { session, stream });
        self.converse(&peer, &claim.connection_id, asked.early);
        lock(&self.everybody).remove(&claim.connection_id);
        lock(&self.table).release(&claim.token);
        Ok(())
    }

    /// The loop: hand in bytes and time, answer every event, write, wait until the next deadline.
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
                    LinkEvent::Stuck => it.close(CloseReason::Timeout(Timer::Send), now),
                });
            }
            // The session is free while an event is answered: the answer may be for everybody.
            while let Some(event) = { lock(&peer.session).poll_event() } {
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
            let due = lock(&peer.session).poll_timeout();
            let due = Deadline::earliest(due, link.poll_timeout());
            let wait = due.map(|it| it.at.since(self.now()).max(Duration::from_millis(1)));
            bytes.resize(16 * 1024, 0);
            match peer.stream.set_read_timeout(wait).and_then(|()| (&peer.stream).read(&mut bytes))
            {
                Ok(0) => link.handle_end(ErrorKind::UnexpectedEof),
                Ok(count) => bytes.truncate(count),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    bytes.clear()
                }
                Err(error) => link.handle_end(error.kind()),
            }
        }
    }

    /// Answers an event; true when it was the last.
    fn answer(&self, event: Event, peer: &Arc<Peer>, id: &Arc<str>, now: Timestamp) -> bool {
        match event {
            Event::Handshake(_) => {
                lock(&peer.session).with(|it| it.welcome(now));
                let _ = lock(&self.everybody).insert(Arc::clone(id), None, Arc::clone(peer));
                lock(&peer.session).with(|it| it.accept(now));
            }
            Event::Invoked(call) => {
                // Methods here end at once, so that no call waits for its turn.
                if lock(&peer.session).with(|it| it.admit(call.id)) == Admission::Started {
                    let done = self.invoke(&call, now);
                    lock(&peer.session).with(|it| match done {
                        Ok(answer) => it.complete(call.id, answer, now),
                        Err(CallFault::Arguments(BindError::Syntax)) => {
                            it.malformed(call.arguments().encoding().malformed().into(), now);
                            false
                        }
                        Err(fault) => {
                            let text = fault.text(&call.target, false);
                            it.complete(call.id, call.reply.failure(&text), now)
                        }
                    });
                }
            }
            Event::Started(_) | Event::Cancelled(_) => {}
            Event::Closed(_) => return true,
        }
        false
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener =
        TcpListener::bind(env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5000".to_owned()))?;
    println!("Listening on http://{}", listener.local_addr()?);
    let hub = Arc::new(Hub {
        table: Mutex::new(Table::new(endpoint::Config::default(), random())),
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
