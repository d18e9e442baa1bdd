//! Servers made of the pure machines alone: tables, registries, sessions, and sockets of a few bytes.

mod methods;
mod seat;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::ErrorKind;
use std::sync::Arc;

use hub_core::endpoint::{self, Fresh, Outcome as Door, Request, Table, query_value};
use hub_core::link::Timeouts;
use hub_core::registry::Registry;
use hub_core::server::{Config, TransportFacts};
use hub_core::{Deadline, Session, Timestamp};

use self::seat::Seat;
use super::house::{Census, HUBS, House, LinkId, News, Order, Outcome, Place, SOCKET};
use super::model::Model;

/// How the machines are driven, which must make no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How many bytes are read at once at most.
    pub read: usize,
    /// How many events are polled before something else is done.
    pub events: usize,
    /// Whether the clock that inputs come with goes back and forth.
    pub skewed: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { read: usize::MAX, events: usize::MAX, skewed: false }
    }
}

/// The servers.
pub struct Core {
    hubs: Vec<Hub>,
    sockets: Vec<Socket>,
    seats: Vec<Seat>,
    now: Timestamp,
    /// How many ids were drawn.
    drawn: u64,
    news: Vec<News>,
    /// How calls that are held end, and how many items readers may take; by the calls' numbers.
    finishes: BTreeMap<u32, Outcome>,
    permits: BTreeMap<u32, usize>,
    manner: Manner,
    /// Whether calls go on only once there are no events, as tasks do.
    patient: bool,
    /// The seats that may have something to do.
    awake: BTreeSet<usize>,
    turns: u64,
}

struct Hub {
    config: Arc<Config>,
    table: Table<usize>,
    registry: Registry<usize>,
}

/// A socket between a link and its session.
#[derive(Debug, Default)]
struct Socket {
    /// From the client.
    up: VecDeque<u8>,
    /// To the client.
    down: VecDeque<u8>,
    /// How the client's end has ended.
    ended: Option<ErrorKind>,
    /// The server has ended it.
    shut: bool,
}

const fn index(place: Place) -> usize {
    place.server * HUBS + place.hub
}

impl Core {
    /// Servers that nobody has come to.
    pub fn new(manner: Manner) -> Self {
        let hub = |place: Place| Hub {
            config: Arc::new(Config { limits: place.limits(), ..Config::default() }),
            table: Table::new(
                endpoint::Config { allow_stateful_reconnects: true, ..endpoint::Config::default() },
                [7; 16],
            ),
            registry: Registry::new([7; 16]),
        };
        Self {
            hubs: Model::places().map(hub).collect(),
            sockets: Vec::new(),
            seats: Vec::new(),
            now: Timestamp::from_millis(10_000),
            drawn: 0,
            news: Vec::new(),
            finishes: BTreeMap::new(),
            permits: BTreeMap::new(),
            manner,
            patient: false,
            awake: BTreeSet::new(),
            turns: 0,
        }
    }

    /// The same, but calls go on only once there are no events, as tasks do.
    #[must_use]
    pub const fn patient(mut self) -> Self {
        self.patient = true;
        self
    }

    /// The time as it is handed in with bytes and verbs.
    fn skewed(&self) -> Timestamp {
        let behind = if self.manner.skewed { self.turns % 3 * 700 } else { 0 };
        Timestamp::from_nanos(self.now.as_nanos().saturating_sub(behind * 1_000_000))
    }

    /// Lets those who have something to do do it, until nobody has.
    fn settle(&mut self) {
        for _ in 0..100_000 {
            let Some(seat) = self.awake.first().copied() else { return };
            if !self.turn(seat) {
                self.awake.remove(&seat);
            }
        }
        panic!("the machines never come to rest");
    }

    /// Whoever is at a link has something to do.
    fn wake(&mut self, link: LinkId) {
        let seat = self.seats.iter().position(|seat| seat.link == Some(link));
        self.awake.extend(seat);
    }

    /// Lets timers run out in their order, up to then.
    fn pass(&mut self, to: Timestamp) {
        for seat in 0..self.seats.len() {
            assert!(!self.turn(seat), "seat {seat} has waited for the time to pass");
        }
        for _ in 0..10_000 {
            let seats = self.seats.iter().filter(|seat| !seat.gone);
            let seats = seats.filter_map(|seat| seat.session.poll_timeout());
            let tables = self.hubs.iter().filter_map(|hub| hub.table.poll_timeout());
            let next = seats.chain(tables).min_by_key(|deadline| deadline.at);
            let Some(Deadline { at, .. }) = next.filter(|deadline| deadline.at <= to) else {
                self.now = to;
                return;
            };
            assert!(at > self.now, "{next:?} is due, and it is {:?}", self.now);
            self.now = at;
            let due = |seat: &Seat| seat.session.poll_timeout().is_some_and(|due| due.at <= at);
            let seats = self.seats.iter().enumerate().filter(|(_, seat)| !seat.gone && due(seat));
            self.awake.extend(seats.map(|(seat, _)| seat));
            self.hubs.iter_mut().for_each(|hub| hub.table.handle_timeout(at));
            self.settle();
        }
        panic!("timers never come to rest");
    }
}

impl House for Core {
    fn negotiate(&mut self, place: Place, query: &str) -> (u16, Vec<u8>) {
        let (now, drawn) = (self.now, &mut self.drawn);
        let answer = self.hubs[index(place)].table.negotiate(query, now, || draw(drawn));
        (answer.status, answer.body.to_vec())
    }

    fn open(&mut self, place: Place, query: &str) -> Result<LinkId, u16> {
        let (now, drawn) = (self.now, &mut self.drawn);
        let hub = &mut self.hubs[index(place)];
        let link = self.sockets.len();
        match hub.table.attach(Request::WebSocket, query, now, || draw(drawn)) {
            Door::Answer(answer) => return Err(answer.status),
            Door::Attach(claim) => {
                let number = |key: &str| query_value(query, key)?.parse().ok();
                let facts = TransportFacts::websocket((link * 37) as u8);
                let facts = if claim.resumable { facts.resumable() } else { facts };
                let config = Arc::clone(&hub.config);
                let session = Session::websocket(config, Timeouts::default(), facts, now)
                    .slow_consumer(place.policy());
                hub.table.bind(&claim.token, self.seats.len()).expect("it was just claimed");
                let client = number("client").expect("every client has a number");
                let user = number("user").map(|user| user as u8);
                self.seats.push(Seat::new(place, client, user, claim, session, link));
            }
            Door::Post(_) | Door::Delete(_) => unreachable!("only WebSockets are asked for"),
            Door::Resume(seat) => {
                let seat = &mut self.seats[seat];
                if !seat.session.relink(now) {
                    return Err(409);
                }
                if let Some(before) = seat.link.replace(link) {
                    self.sockets[before].shut = true;
                }
            }
        }
        self.sockets.push(Socket::default());
        self.wake(link);
        self.settle();
        Ok(link)
    }

    fn write(&mut self, link: LinkId, bytes: &[u8]) -> usize {
        let socket = &mut self.sockets[link];
        let room = SOCKET - socket.up.len();
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        if !socket.shut {
            socket.up.extend(taken);
        }
        let count = taken.len();
        self.wake(link);
        self.settle();
        count
    }

    fn read(&mut self, link: LinkId, most: usize) -> Vec<u8> {
        let down = &mut self.sockets[link].down;
        let bytes: Vec<u8> = down.drain(..most.min(down.len())).collect();
        if !bytes.is_empty() {
            self.wake(link);
            self.settle();
        }
        bytes
    }

    fn is_over(&self, link: LinkId) -> bool {
        let socket = &self.sockets[link];
        socket.shut && socket.down.is_empty()
    }

    fn end(&mut self, link: LinkId, reset: bool) {
        let kind = if reset { ErrorKind::ConnectionReset } else { ErrorKind::UnexpectedEof };
        let socket = &mut self.sockets[link];
        socket.ended.get_or_insert(kind);
        if reset {
            socket.up.clear();
            socket.down.clear();
        }
        self.wake(link);
        self.settle();
    }

    fn order(&mut self, order: Order) {
        self.obey(order);
        self.settle();
    }

    fn advance(&mut self, to: Timestamp) {
        self.pass(to);
    }

    fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    fn usage(&mut self, client: usize) -> usize {
        let seats = self.seats.iter().filter(|seat| seat.client == client && !seat.gone);
        seats.map(|seat| seat.session.usage()).sum()
    }

    fn census(&mut self, place: Place) -> Option<Census> {
        let registry = &self.hubs[index(place)].registry;
        let number = |id: &str| {
            let seat = *registry.outlet(id).expect("it is registered");
            self.seats[seat].client
        };
        let mut census = Census::default();
        for seat in self.seats.iter().filter(|seat| registry.contains(&seat.claim.connection_id)) {
            if seat.place != place {
                // Ids are drawn once for all hubs.
                panic!("client {} is at the wrong hub", seat.client);
            }
            census.clients.insert(seat.client);
            for group in registry.groups_of(&seat.claim.connection_id) {
                let members = registry.members(group).map(number).collect();
                census.groups.insert(group.parse().expect("a number"), members);
            }
            if let Some(user) = registry.user_of(&seat.claim.connection_id) {
                let clients = registry.connections_of(user).map(number).collect();
                census.users.insert(user.parse().expect("a number"), clients);
            }
        }
        assert_eq!(census.clients.len(), registry.len());
        assert_eq!(census.groups.len(), registry.group_count());
        assert_eq!(census.users.len(), registry.user_count());
        Some(census)
    }

    fn leftovers(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        for hub in &self.hubs {
            let counts = [
                hub.table.live(),
                hub.table.pending(),
                hub.registry.len(),
                hub.registry.group_count(),
            ];
            if counts != [0; 4] || hub.table.poll_timeout().is_some() {
                left.push(format!("{:?} {:?}", hub.table, hub.registry));
            }
        }
        left.extend(self.seats.iter_mut().filter_map(Seat::leftovers));
        let open = self.sockets.iter().filter(|socket| !socket.shut).count();
        if open > 0 {
            left.push(format!("{open} sockets"));
        }
        left
    }
}

fn draw(drawn: &mut u64) -> Fresh {
    *drawn += 1;
    Fresh { connection_id: format!("id{drawn}"), connection_token: format!("token{drawn}") }
}
