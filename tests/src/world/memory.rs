//! Servers made of hubs, over pipes in memory and in virtual time.

use std::io;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::Request;
use hub_async::server::{Server, Service};
use hub_async::{Runtime, Socket};
use hub_core::Timestamp;
use transport_memory::{Pipe, World, pipe};

use super::house::{Census, House, LinkId, News, Order, Place, SERVERS, SOCKET};
use super::hubs::{Hubs, path};
use super::passing::Passing;

/// The servers.
pub struct Memory {
    world: World,
    hubs: Hubs,
    services: Vec<Service>,
    links: Vec<Line>,
    now: Timestamp,
}

/// The client's end of a link.
struct Line {
    pipe: Option<Pipe>,
    reset: Arc<AtomicBool>,
    /// The server has ended it, and everything before that was read.
    over: bool,
}

/// The server's end of a link: a pipe that breaks when the client's end is gone without a word.
struct Cable {
    pipe: Pipe,
    reset: Arc<AtomicBool>,
}

impl Memory {
    /// Servers that nobody has come to.
    pub fn new() -> Self {
        Self::made(Hubs::new(), |server| server)
    }

    /// The same with filters around everything, which only pass it on.
    pub fn filtered() -> Self {
        Self::made(Hubs::filtered(), |server| server.filter(Passing))
    }

    fn made(hubs: Hubs, finish: fn(Server<World>) -> Server<World>) -> Self {
        let world = World::new();
        let service = |server| {
            let routes = finish(Server::on(world.clone()).memory_budget(&hubs.budget));
            let routes = hubs.of(server).fold(routes, |routes, (path, hub)| routes.hub(path, hub));
            routes.into_service().expect("hubs that can be served")
        };
        let services = (0..SERVERS).map(service).collect();
        Self { world, hubs, services, links: Vec::new(), now: Timestamp::from_millis(10_000) }
    }

    fn settle(&self) {
        self.world.run(self.world.settle());
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl House for Memory {
    fn negotiate(&mut self, place: Place, query: &str) -> (u16, Vec<u8>) {
        let path = path(place);
        let request = format!(
            "POST {path}/negotiate?{query} HTTP/1.1\r\nhost: memory\r\nconnection: close\r\n\
             content-length: 0\r\n\r\n"
        );
        let (ours, theirs) = pipe(SOCKET);
        let service = self.services[place.server].clone();
        drop(self.world.spawn(service.serve_connection(theirs, std::future::pending())));
        let answer = self.world.run(async {
            ours.write_all(request.as_bytes()).await;
            let mut answer = Vec::new();
            while ours.read_some(&mut answer).await {}
            answer
        });
        let answer = String::from_utf8(answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        (status.expect("a status"), body.as_bytes().to_vec())
    }

    fn open(&mut self, place: Place, query: &str) -> Result<LinkId, u16> {
        let (pipe, theirs) = pipe(SOCKET);
        let request = Request::get(format!("{}?{query}", path(place))).body(()).expect("a URI");
        let reset = Arc::new(AtomicBool::new(false));
        let socket = Arc::new(Cable { pipe: theirs, reset: Arc::clone(&reset) });
        let taken = self.services[place.server].serve_socket(&request, socket, b"");
        taken.map_err(|status| status.as_u16())?;
        self.links.push(Line { pipe: Some(pipe), reset, over: false });
        self.settle();
        Ok(self.links.len() - 1)
    }

    fn write(&mut self, link: LinkId, bytes: &[u8]) -> usize {
        let Some(pipe) = &self.links[link].pipe else { return bytes.len() };
        let count = match pipe.try_write(&[IoSlice::new(bytes)]) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            // Whatever is sent to somebody who is gone is lost.
            Err(_) => bytes.len(),
        };
        self.settle();
        count
    }

    fn read(&mut self, link: LinkId, most: usize) -> Vec<u8> {
        let line = &mut self.links[link];
        let Some(pipe) = &line.pipe else { return Vec::new() };
        let mut buffer = vec![0; most];
        let read = pipe.try_read(&mut buffer);
        line.over |= matches!(read, Ok(0));
        let count = read.unwrap_or(0);
        buffer.truncate(count);
        if count > 0 {
            self.settle();
        }
        buffer
    }

    fn is_over(&self, link: LinkId) -> bool {
        self.links[link].over
    }

    fn end(&mut self, link: LinkId, reset: bool) {
        let line = &mut self.links[link];
        if reset {
            line.reset.store(true, Ordering::Relaxed);
            line.pipe = None;
        } else if let Some(pipe) = &line.pipe {
            pipe.shutdown();
        }
        self.settle();
    }

    fn order(&mut self, order: Order) {
        self.hubs.obey(order, &|task| Runtime::spawn(&self.world, task));
        self.settle();
    }

    fn advance(&mut self, to: Timestamp) {
        self.world.run(self.world.advance(to - self.now));
        self.now = to;
    }

    fn news(&mut self) -> Vec<News> {
        self.hubs.news()
    }

    fn census(&mut self, place: Place) -> Option<Census> {
        Some(self.hubs.census(place))
    }

    fn leftovers(&mut self) -> Vec<String> {
        let mut left = self.hubs.leftovers();
        for (server, service) in self.services.iter().enumerate() {
            if !self.world.run(service.drain(std::time::Duration::ZERO)) {
                left.push(format!("sessions of server {server}"));
            }
        }
        left
    }
}

impl Cable {
    fn check(&self) -> io::Result<()> {
        match self.reset.load(Ordering::Relaxed) {
            true => Err(ErrorKind::ConnectionReset.into()),
            false => Ok(()),
        }
    }
}

impl Socket for Cable {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_readable(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_writable(cx)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.pipe.try_read(buffer)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.check()?;
        self.pipe.try_write(slices)
    }

    fn shutdown(&self) {
        self.pipe.shutdown();
    }
}
