//! Made-up connections, the same in every run.

use std::sync::Arc;

use super::directory::{Directory, Outlet};

/// How many groups a connection is in.
pub(crate) const JOINED: usize = 10;

/// Connections with names like real ones, in the order in which they are used: none that memory knows.
pub(crate) struct World {
    pub(crate) connections: Vec<Connection>,
    pub(crate) groups: Vec<Arc<str>>,
}

pub(crate) struct Connection {
    pub(crate) id: Arc<str>,
    pub(crate) user: Arc<str>,
    pub(crate) outlet: Arc<Outlet>,
    /// The first of its groups; the others follow it.
    group: usize,
}

impl World {
    /// So many connections, 10 of each user, with 10 groups for 100 connections.
    pub(crate) fn new(count: usize) -> Self {
        let users: Vec<Arc<str>> =
            (0..count.div_ceil(10)).map(|user| format!("user-{user}").into()).collect();
        let groups: Vec<Arc<str>> =
            (0..count / 10).map(|group| format!("group-{group}").into()).collect();
        let mut draw = Draw(count as u64);
        let connection = |nth: usize| Connection {
            id: format!("{:011x}{:011x}", draw.next() >> 20, draw.next() >> 20).into(),
            user: Arc::clone(&users[nth / 10]),
            outlet: Arc::default(),
            group: draw.below(groups.len()),
        };
        let mut connections: Vec<Connection> = (0..count).map(connection).collect();
        draw.shuffle(&mut connections);
        Self { connections, groups }
    }

    /// Connects everybody, and half of them once more: places that were free are taken again.
    pub(crate) fn connect(&self, directory: &mut dyn Directory) {
        let connect = |directory: &mut dyn Directory, connection: &Connection| {
            directory.connect(&connection.id, &connection.user, &connection.outlet);
        };
        self.connections.iter().for_each(|connection| connect(directory, connection));
        let mut half: Vec<&Connection> = self.connections.iter().step_by(2).collect();
        half.iter().for_each(|connection| directory.disconnect(&connection.id));
        Draw(2).shuffle(&mut half);
        half.iter().for_each(|connection| connect(directory, connection));
    }

    /// The groups of a connection; from `JOINED` on such that it is not in.
    pub(crate) fn group(&self, connection: &Connection, nth: usize) -> &str {
        &self.groups[(connection.group + nth) % self.groups.len()]
    }
}

/// Numbers that follow no pattern; splitmix64.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last + 1));
        }
    }
}
