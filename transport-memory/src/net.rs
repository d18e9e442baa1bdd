//! Addresses in memory: who listens where, and pipes between the two ends of a connection.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use hub_async::server::Listener;

use crate::pipe::{Pipe, pipe};

/// How many bytes a connection of a [`World`](crate::World) holds in each direction.
pub(crate) const CAPACITY: usize = 64 * 1024;
/// How many connections may wait to be accepted.
const BACKLOG: usize = 1024;
/// The first port that is given out, as operating systems do.
const FIRST_PORT: u16 = 49152;

/// Everybody who listens in one world.
#[derive(Clone, Default)]
pub(crate) struct Net(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    listening: BTreeMap<SocketAddr, Arc<Backlog>>,
    given: u16,
}

impl State {
    fn next_port(&mut self) -> u16 {
        let port = FIRST_PORT + self.given;
        self.given = (self.given + 1) % (u16::MAX - FIRST_PORT);
        port
    }
}

/// Connections that wait to be accepted.
#[derive(Default)]
struct Backlog(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    connections: VecDeque<(Pipe, SocketAddr)>,
    listener: Option<Waker>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Net {
    pub(crate) fn listen(&self, mut address: SocketAddr) -> io::Result<MemoryListener> {
        let mut state = lock(&self.0);
        if address.port() == 0 {
            address.set_port(state.next_port());
        }
        if state.listening.contains_key(&address) {
            return Err(ErrorKind::AddrInUse.into());
        }
        let backlog = Arc::<Backlog>::default();
        state.listening.insert(address, Arc::clone(&backlog));
        drop(state);
        Ok(MemoryListener { net: self.clone(), address, backlog })
    }

    pub(crate) fn connect(&self, address: SocketAddr) -> io::Result<Pipe> {
        let mut state = lock(&self.0);
        let Some(backlog) = state.listening.get(&address).map(Arc::clone) else {
            return Err(ErrorKind::ConnectionRefused.into());
        };
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), state.next_port());
        drop(state);
        let mut waiting = lock(&backlog.0);
        if waiting.connections.len() >= BACKLOG {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        let (ours, theirs) = pipe(CAPACITY);
        waiting.connections.push_back((theirs, peer));
        let listener = waiting.listener.take();
        drop(waiting);
        if let Some(listener) = listener {
            listener.wake();
        }
        Ok(ours)
    }
}

/// Where the connections of a [`World`](crate::World) come in. Dropped, it frees its address, and those
/// who wait are cut off.
pub struct MemoryListener {
    net: Net,
    address: SocketAddr,
    backlog: Arc<Backlog>,
}

impl MemoryListener {
    fn poll_accept(&self, cx: &Context<'_>) -> Poll<(Pipe, SocketAddr)> {
        let mut waiting = lock(&self.backlog.0);
        if let Some(connection) = waiting.connections.pop_front() {
            return Poll::Ready(connection);
        }
        let before = waiting.listener.replace(cx.waker().clone());
        drop(waiting);
        drop(before);
        Poll::Pending
    }
}

impl Listener for MemoryListener {
    type Io = Pipe;

    async fn accept(&self) -> io::Result<(Pipe, SocketAddr)> {
        Ok(poll_fn(|cx| self.poll_accept(cx)).await)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        let freed = lock(&self.net.0).listening.remove(&self.address);
        let waiting = std::mem::take(&mut *lock(&self.backlog.0));
        drop((freed, waiting));
    }
}

impl fmt::Debug for MemoryListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryListener").field("address", &self.address).finish_non_exhaustive()
    }
}
