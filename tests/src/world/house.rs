//! What the world asks of the servers in it, whatever they are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hub_core::{Limits, SlowConsumer, Timestamp};

use super::step::To;

/// A hub of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The server.
    pub server: usize,
    /// The hub.
    pub hub: usize,
}

/// How many servers there are.
pub const SERVERS: usize = 2;
/// How many hubs each of them has.
pub const HUBS: usize = 3;
/// How many bytes a socket holds in each direction.
pub const SOCKET: usize = 2_048;
/// How long an answer is waited for, wherever one is.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The places; most clients meet at the first one.
pub const PLACES: [Place; 10] = [
    Place { server: 0, hub: 0 },
    Place { server: 0, hub: 0 },
    Place { server: 0, hub: 0 },
    Place { server: 0, hub: 0 },
    Place { server: 0, hub: 1 },
    Place { server: 0, hub: 1 },
    Place { server: 0, hub: 2 },
    Place { server: 1, hub: 0 },
    Place { server: 1, hub: 1 },
    Place { server: 1, hub: 2 },
];

impl Place {
    /// What becomes of messages that do not leave fast enough.
    pub const fn policy(self) -> SlowConsumer {
        match (self.hub, self.server) {
            (0, _) => SlowConsumer::Wait,
            (1, _) => SlowConsumer::DropOldest,
            (_, 0) => SlowConsumer::DropNewest,
            _ => SlowConsumer::Close,
        }
    }

    /// Whether what the hub sends may be left out.
    pub const fn drops(self) -> bool {
        matches!(self.policy(), SlowConsumer::DropOldest | SlowConsumer::DropNewest)
    }

    /// How much there may be of everything: little, so that it is reached.
    pub fn limits(self) -> Limits {
        let limits = Limits {
            message: Some(8 * 1024),
            stream_items: 3,
            read_ahead: 1_000,
            hard_output: 1 << 20,
            ..Limits::default()
        };
        match self.hub {
            0 => Limits { soft_output: 8_000, unacked: 3_000, ..limits },
            1 => Limits { soft_output: 2_000, unacked: 500, parallel_calls: 3, ..limits },
            _ => Limits { soft_output: 1_500, unacked: 10_000, parallel_calls: 2, ..limits },
        }
    }
}

/// Names a link of a house.
pub type LinkId = usize;

/// What the application does from outside of its methods. Clients are named by their numbers.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "numbers of clients, calls and messages, as they are called")]
pub enum Order {
    /// Sends a message with that number to clients of a hub.
    Send { place: Place, to: To, number: u32, size: super::step::Size },
    /// Asks a client something.
    Question { client: usize, number: u32 },
    /// Lets a call that is held end, with an error if so; it may not even have begun.
    Finish { client: usize, call: u32, error: bool },
    /// Lets the reader of a call's streams take so many items more.
    Read { client: usize, call: u32, count: usize },
    /// Adds a client to a group, or takes it out.
    Group { client: usize, group: u8, joins: bool },
    /// Ends a connection, which may come back if so.
    Kick { client: usize, back: bool },
}

/// What the application saw, in the order in which it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "numbers of clients, calls and messages, as they are called")]
pub enum News {
    /// A client is connected.
    Connected(usize),
    /// A method begins to run.
    Called { client: usize, call: u32 },
    /// A method or a stream is over, in whatever way; its answer is on its way, if it wants one.
    Ended { client: usize, call: u32, outcome: Outcome },
    /// A stream yields an item.
    Yielded { client: usize, call: u32, item: u32 },
    /// A method reads an item of a stream, with that number and so long a text.
    Item { client: usize, call: u32, stream: u8, item: u32, length: usize },
    /// A method sees the end of a stream, which is an error if so.
    EndOf { client: usize, call: u32, stream: u8, error: bool },
    /// A client is asked something.
    Asked { client: usize, number: u32 },
    /// A client has answered: with that number, or not at all.
    Answered { client: usize, number: u32, answer: Option<u32> },
    /// A message from outside goes out.
    Sent(Place, u32),
    /// A client's groups have changed.
    Grouped { client: usize, group: u8, joins: bool },
    /// A client is gone.
    Disconnected(usize),
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Without a result.
    Void,
    /// With a number.
    Number(u32),
    /// With an error of the application's.
    Error,
}

/// Who is where, at one hub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// The clients by number.
    pub clients: BTreeSet<usize>,
    /// The members of each group that has some.
    pub groups: BTreeMap<u8, BTreeSet<usize>>,
    /// The clients of each user.
    pub users: BTreeMap<u8, BTreeSet<usize>>,
}

/// Servers with their hubs, which all serve the same methods.
pub trait House {
    /// The answer to a negotiation: its status and its body.
    fn negotiate(&mut self, place: Place, query: &str) -> (u16, Vec<u8>);

    /// Opens a WebSocket, or tells the status that refuses it. The query has the client's number as `client`,
    /// and its user as `user` if it has one.
    fn open(&mut self, place: Place, query: &str) -> Result<LinkId, u16>;

    /// Hands bytes from the client over, and says how many there was room for.
    fn write(&mut self, link: LinkId, bytes: &[u8]) -> usize;

    /// Takes up to so many bytes that are for the client.
    fn read(&mut self, link: LinkId, most: usize) -> Vec<u8>;

    /// Whether the server has ended a link, and everything before that was read.
    fn is_over(&self, link: LinkId) -> bool;

    /// The client's end is gone: in order as far as TCP knows, or not.
    fn end(&mut self, link: LinkId, reset: bool);

    /// The application does something.
    fn order(&mut self, order: Order);

    /// Lets time pass until then, and everybody do what there is to do.
    fn advance(&mut self, to: Timestamp);

    /// What the application has seen since it was last asked.
    fn news(&mut self) -> Vec<News>;

    /// How many bytes wait to leave for a client, as far as the house can tell.
    fn usage(&mut self, _client: usize) -> usize {
        0
    }

    /// Who is there, as far as the house can tell.
    fn census(&mut self, place: Place) -> Option<Census>;

    /// What is left when everybody has gone, in words; nothing, it should be.
    fn leftovers(&mut self) -> Vec<String>;

    /// Lets others run who do so in real time.
    fn pause(&mut self) {}
}
