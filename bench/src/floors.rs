//! The least that a machine must do: raw TCP, the same bytes, no protocol; and plain maps of names.
//!
//! One thread, no delay, 64 KiB reads, one write for each read; for a broadcast, finished bytes written
//! to each socket in turn. Of several variants the fastest counts as the floor.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;

use smol::Async;
use smol::io::{AsyncReadExt, AsyncWriteExt};

/// The most that is read at once.
const READ: usize = 64 * 1024;

/// Echo on tokio: tokio's own read and write, a buffer for each connection.
pub(crate) async fn echo(listener: tokio::net::TcpListener) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        tokio::task::spawn_local(async move {
            let mut buffer = vec![0; READ];
            while let Ok(count @ 1..) =
                tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await
            {
                if tokio::io::AsyncWriteExt::write_all(&mut stream, &buffer[..count]).await.is_err()
                {
                    return;
                }
            }
        });
    }
}

/// Echo on tokio: readiness first, one buffer for all connections.
pub(crate) async fn echo_when_ready(listener: tokio::net::TcpListener) {
    let buffer = Rc::new(RefCell::new(vec![0; READ]));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let buffer = Rc::clone(&buffer);
        tokio::task::spawn_local(async move {
            while stream.readable().await.is_ok() {
                let mut buffer = buffer.borrow_mut();
                match stream.try_read(&mut buffer) {
                    Ok(0) => return,
                    // An echo that does not fit would make the floor a lie.
                    Ok(count) => {
                        assert_eq!(stream.try_write(&buffer[..count]).ok(), Some(count));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        });
    }
}

/// Echo on async-io, which smol and async-std run on: its own read and write.
pub(crate) async fn echo_on_async_io(listener: Async<TcpListener>) {
    let executor = smol::LocalExecutor::new();
    let accept = async {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { continue };
            stream.get_ref().set_nodelay(true).ok();
            executor
                .spawn(async move {
                    let mut buffer = vec![0; READ];
                    while let Ok(count @ 1..) = AsyncReadExt::read(&mut stream, &mut buffer).await {
                        if AsyncWriteExt::write_all(&mut stream, &buffer[..count]).await.is_err() {
                            return;
                        }
                    }
                })
                .detach();
        }
    };
    executor.run(accept).await
}

/// Echo on async-io: readiness first, one buffer for all connections.
pub(crate) async fn echo_on_async_io_when_ready(listener: Async<TcpListener>) {
    let executor = smol::LocalExecutor::new();
    let buffer = Rc::new(RefCell::new(vec![0; READ]));
    let accept = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            stream.get_ref().set_nodelay(true).ok();
            let buffer = Rc::clone(&buffer);
            executor
                .spawn(async move {
                    while stream.readable().await.is_ok() {
                        let mut buffer = buffer.borrow_mut();
                        match stream.get_ref().read(&mut buffer) {
                            Ok(0) => return,
                            Ok(count) => {
                                let written = stream.get_ref().write(&buffer[..count]);
                                assert_eq!(written.ok(), Some(count));
                            }
                            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                            Err(_) => return,
                        }
                    }
                })
                .detach();
        }
    };
    executor.run(accept).await
}

/// Every byte that the first connection sends, `n`, sends the message to everybody `n` times, in one
/// write each; without any runtime.
pub(crate) fn broadcast(listener: &TcpListener, connections: usize, message: &[u8]) {
    let accept = |_| {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).ok();
        stream
    };
    let mut everybody: Vec<TcpStream> = (0..connections).map(accept).collect();
    let mut times = [0];
    while let Ok(1) = everybody[0].read(&mut times) {
        let bytes = message.repeat(usize::from(times[0]));
        for peer in &mut everybody {
            peer.write_all(&bytes).expect("written");
        }
    }
}

/// Finds the end of a record and copies it: what any decoder must at least do.
pub(crate) fn find_and_copy(input: &[u8], out: &mut Vec<u8>) -> usize {
    let end = memchr::memchr(0x1E, input).unwrap_or(input.len());
    out.clear();
    out.extend_from_slice(&input[..end]);
    end
}

/// Who is connected and in which groups, in plain maps: sets of names.
pub(crate) struct Sets<O> {
    pub(crate) connections: HashMap<Arc<str>, InSets<O>>,
    pub(crate) groups: HashMap<Arc<str>, HashMap<Arc<str>, Arc<O>>>,
    pub(crate) users: HashMap<Arc<str>, HashMap<Arc<str>, Arc<O>>>,
}

pub(crate) struct InSets<O> {
    pub(crate) outlet: Arc<O>,
    id: Arc<str>,
    user: Arc<str>,
    groups: HashSet<Arc<str>>,
}

impl<O> Sets<O> {
    pub(crate) fn new() -> Self {
        Self { connections: HashMap::new(), groups: HashMap::new(), users: HashMap::new() }
    }

    pub(crate) fn insert(&mut self, id: Arc<str>, user: Arc<str>, outlet: Arc<O>) {
        let same = (Arc::clone(&id), Arc::clone(&outlet));
        self.users.entry(Arc::clone(&user)).or_default().extend([same]);
        let connection = InSets { outlet, id: Arc::clone(&id), user, groups: HashSet::new() };
        self.connections.insert(id, connection);
    }

    pub(crate) fn remove(&mut self, id: &str) {
        let Some(connection) = self.connections.remove(id) else { return };
        for group in &connection.groups {
            Self::take(&mut self.groups, group, id);
        }
        Self::take(&mut self.users, &connection.user, id);
    }

    pub(crate) fn join(&mut self, id: &str, group: &str) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let id = Arc::clone(&connection.id);
        let outlet = Arc::clone(&connection.outlet);
        if let Some(members) = self.groups.get_mut(group) {
            // The name is kept twice, for a second search of it would cost more.
            if connection.groups.insert(group.into()) {
                members.insert(id, outlet);
            }
            return;
        }
        let name: Arc<str> = group.into();
        connection.groups.insert(Arc::clone(&name));
        self.groups.entry(name).or_default().insert(id, outlet);
    }

    pub(crate) fn leave(&mut self, id: &str, group: &str) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.groups.remove(group) {
            Self::take(&mut self.groups, group, id);
        }
    }

    fn take(sets: &mut HashMap<Arc<str>, HashMap<Arc<str>, Arc<O>>>, name: &str, id: &str) {
        let Some(members) = sets.get_mut(name) else { return };
        members.remove(id);
        if members.is_empty() {
            sets.remove(name);
        }
    }
}

/// The same with lists, searched from end to end: fast as long as they are short.
pub(crate) struct Lists<O> {
    connections: HashMap<Arc<str>, InLists<O>>,
    pub(crate) groups: HashMap<Arc<str>, Vec<Arc<O>>>,
    pub(crate) users: HashMap<Arc<str>, Vec<Arc<O>>>,
}

struct InLists<O> {
    outlet: Arc<O>,
    user: Arc<str>,
    groups: Vec<Arc<str>>,
}

impl<O> Lists<O> {
    pub(crate) fn new() -> Self {
        Self { connections: HashMap::new(), groups: HashMap::new(), users: HashMap::new() }
    }

    pub(crate) fn insert(&mut self, id: Arc<str>, user: Arc<str>, outlet: Arc<O>) {
        self.users.entry(Arc::clone(&user)).or_default().push(Arc::clone(&outlet));
        self.connections.insert(id, InLists { outlet, user, groups: Vec::new() });
    }

    pub(crate) fn remove(&mut self, id: &str) {
        let Some(connection) = self.connections.remove(id) else { return };
        for group in &connection.groups {
            Self::take(&mut self.groups, group, &connection.outlet);
        }
        Self::take(&mut self.users, &connection.user, &connection.outlet);
    }

    pub(crate) fn join(&mut self, id: &str, group: &str) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.groups.iter().any(|name| **name == *group) {
            return;
        }
        let name: Arc<str> = match self.groups.get_key_value(group) {
            Some((name, _)) => Arc::clone(name),
            None => group.into(),
        };
        connection.groups.push(Arc::clone(&name));
        self.groups.entry(name).or_default().push(Arc::clone(&connection.outlet));
    }

    pub(crate) fn leave(&mut self, id: &str, group: &str) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let Some(at) = connection.groups.iter().position(|name| **name == *group) else { return };
        connection.groups.swap_remove(at);
        Self::take(&mut self.groups, group, &connection.outlet);
    }

    fn take(lists: &mut HashMap<Arc<str>, Vec<Arc<O>>>, name: &str, outlet: &Arc<O>) {
        let Some(members) = lists.get_mut(name) else { return };
        if let Some(at) = members.iter().position(|member| Arc::ptr_eq(member, outlet)) {
            members.swap_remove(at);
        }
        if members.is_empty() {
            lists.remove(name);
        }
    }
}
