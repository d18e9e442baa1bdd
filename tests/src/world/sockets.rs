//! Servers made of hubs, over TCP and in real time, on tokio or on smol.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use futures_util::future::join_all;
use hub_async::server::{Server, Transport};
use hub_async::{Hub, MemoryBudget, Task};
use hub_core::Timestamp;
use smol::channel::{Receiver, Sender, unbounded};
use transport_async_std::SmolRuntime;
use transport_tokio::TokioRuntime;

use super::house::{Census, House, LinkId, News, Order, PATIENCE, Place, SERVERS};
use super::hubs::{Hubs, path};

/// The servers, on a thread of their own.
pub struct Sockets {
    hubs: Hubs,
    addresses: Vec<SocketAddr>,
    links: Vec<Line>,
    spawn: Box<dyn Fn(Task)>,
    /// Dropped, it lets the servers end.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The client's end of a link.
struct Line {
    stream: Option<TcpStream>,
    /// The server has ended it, and everything before that was read.
    over: bool,
}

/// What a thread needs to serve.
struct Service {
    servers: Vec<Vec<(String, Hub)>>,
    budget: MemoryBudget,
    listening: mpsc::Sender<SocketAddr>,
    stopped: Receiver<()>,
}

impl Service {
    async fn run<T: Transport>(self, transport: T) {
        let mut serving = Vec::new();
        for hubs in self.servers {
            let server = Server::on(transport.clone()).memory_budget(&self.budget);
            let server = hubs.into_iter().fold(server, |server, (path, hub)| server.hub(path, hub));
            let bound = server.bind("127.0.0.1:0").await.expect("a free port");
            self.listening.send(bound.local_addr()).expect("somebody waits");
            let stopped = self.stopped.clone();
            serving.push(bound.serve_until(async move {
                // Nothing is ever sent.
                stopped.recv().await.ok();
            }));
        }
        join_all(serving).await;
    }
}

impl Sockets {
    /// Servers on tokio, on one thread.
    pub fn tokio() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let handle = runtime.handle().clone();
        let spawn_task = Box::new(move |task| drop(handle.spawn(task)));
        Self::start(spawn_task, move |service| runtime.block_on(service.run(TokioRuntime)))
    }

    /// Servers on smol, on one thread.
    pub fn smol() -> Self {
        let executor = Arc::new(smol::Executor::new());
        let spawner = Arc::clone(&executor);
        let spawn_task = Box::new(move |task| spawner.spawn(task).detach());
        Self::start(spawn_task, move |service| {
            smol::block_on(executor.run(service.run(SmolRuntime::on(&executor))));
        })
    }

    fn start(spawn_task: Box<dyn Fn(Task)>, run: impl FnOnce(Service) + Send + 'static) -> Self {
        let hubs = Hubs::new();
        let (listening, addresses) = mpsc::channel();
        let (stop, stopped) = unbounded();
        let servers = (0..SERVERS).map(|server| hubs.of(server).collect()).collect();
        let service = Service { servers, budget: hubs.budget.clone(), listening, stopped };
        let thread = Some(spawn(move || run(service)));
        let addresses = addresses.iter().take(SERVERS).collect();
        Self { hubs, addresses, links: Vec::new(), spawn: spawn_task, stop: Some(stop), thread }
    }

    /// Sends a request to the server of a place.
    fn request(&self, place: Place, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addresses[place.server]).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.write_all(request.as_bytes()).expect("a request is small");
        stream
    }
}

/// The status of an answer.
fn status(head: &str) -> u16 {
    head.get(9..12).and_then(|status| status.parse().ok()).expect("a status")
}

impl House for Sockets {
    fn negotiate(&mut self, place: Place, query: &str) -> (u16, Vec<u8>) {
        let path = path(place);
        let mut stream = self.request(
            place,
            &format!(
                "POST {path}/negotiate?{query} HTTP/1.1\r\nhost: tcp\r\nconnection: close\r\n\
                 content-length: 0\r\n\r\n"
            ),
        );
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        (status(head), body.as_bytes().to_vec())
    }

    fn open(&mut self, place: Place, query: &str) -> Result<LinkId, u16> {
        let path = path(place);
        let mut stream = self.request(
            place,
            &format!(
                "GET {path}?{query} HTTP/1.1\r\nhost: tcp\r\nconnection: upgrade\r\n\
                 upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                 sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            ),
        );
        // What comes behind the head is the WebSocket's.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            head.extend(byte);
        }
        match status(&String::from_utf8_lossy(&head)) {
            101 => {}
            refused => return Err(refused),
        }
        stream.set_nonblocking(true).expect("a socket");
        self.links.push(Line { stream: Some(stream), over: false });
        Ok(self.links.len() - 1)
    }

    fn write(&mut self, link: LinkId, bytes: &[u8]) -> usize {
        let Some(stream) = &mut self.links[link].stream else { return bytes.len() };
        match stream.write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            // Whatever is sent to somebody who is gone is lost.
            Err(_) => bytes.len(),
        }
    }

    fn read(&mut self, link: LinkId, most: usize) -> Vec<u8> {
        let line = &mut self.links[link];
        let Some(stream) = &mut line.stream else { return Vec::new() };
        let mut buffer = vec![0; most];
        let read = stream.read(&mut buffer);
        line.over |= match &read {
            Ok(count) => *count == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        buffer.truncate(read.unwrap_or(0));
        buffer
    }

    fn is_over(&self, link: LinkId) -> bool {
        self.links[link].over
    }

    fn end(&mut self, link: LinkId, reset: bool) {
        let line = &mut self.links[link];
        match &line.stream {
            _ if reset => line.stream = None,
            Some(stream) => drop(stream.shutdown(Shutdown::Write)),
            None => {}
        }
    }

    fn order(&mut self, order: Order) {
        self.hubs.obey(order, &*self.spawn);
    }

    /// Time passes by itself.
    fn advance(&mut self, _: Timestamp) {}

    fn news(&mut self) -> Vec<News> {
        self.hubs.news()
    }

    /// A hub forgets a client a little later than it says so.
    fn census(&mut self, _: Place) -> Option<Census> {
        None
    }

    fn leftovers(&mut self) -> Vec<String> {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let (done, ended) = mpsc::channel();
            spawn(move || done.send(thread.join()));
            let ended = ended.recv_timeout(PATIENCE).expect("the servers end in time");
            ended.expect("the servers end well");
        }
        self.hubs.leftovers()
    }

    fn pause(&mut self) {
        std::thread::sleep(Duration::from_millis(1));
    }
}
