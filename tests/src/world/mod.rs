//! A simulated world: servers, clients of both encodings, the network between them, and one clock.
//!
//! [`World::take`] interprets one [`Step`] after the other, against the servers of a [`House`] and against a
//! [`Model`] that says what each client must see. Whatever is wrong panics at the step that shows it.

pub mod core;
pub mod house;
pub mod model;
pub mod peer;
mod run;
pub mod step;
pub mod strategy;
pub mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use hub_core::{SlowConsumer, Timestamp};
use hub_proto::ws::Opcode;
use hub_proto::{CancelInvocation, Close, Completion, Headers, Invocation, Message, StreamInvocation, StreamItem};
use hub_proto::Outcome as Result;
use serde_json::Value;

use self::house::{House, Order, PLACES, Place};
use self::model::{Call, MAY_BE_SLOW, Method, Model};
use self::peer::{Peer, Seen};
use self::step::{Arrival, Cut, Fault, Size, Step, To, Way};
use self::wire::{Manners, Wire};

pub use self::run::{Report, check, fails};

/// How many clients there may be at once.
const CLIENTS: usize = 8;
/// Time passes in leaps that are no longer than this.
const LEAP: Duration = Duration::from_millis(250);
/// A link that is stuck for less is not given up.
const STUCK: Duration = Duration::from_secs(9);
/// A connection with stateful reconnect that has no link for less is not given up.
const DOWN: Duration = Duration::from_secs(14);

/// Why clients are gone to which nothing came through.
const TOO_LONG: &str = "its link was stuck or gone for too long";
/// Why clients are gone that nothing else has ended.
const IN_THE_END: &str = "it left in the end";

/// Everything there is.
pub struct World<H> {
    house: H,
    /// What ought to be.
    pub model: Model,
    peers: Vec<Peer>,
    /// What each client has seen, in order.
    pub transcripts: Vec<Vec<Seen>>,
    now: Timestamp,
    numbers: u32,
    /// Since when each client's link is stuck, or gone.
    stuck: Vec<Option<Timestamp>>,
    /// How many links were cut or replaced.
    pub cuts: u64,
}

impl<H: House> World<H> {
    /// A world in which nothing has happened.
    pub fn new(house: H) -> Self {
        Self {
            house,
            model: Model::default(),
            peers: Vec::new(),
            transcripts: Vec::new(),
            now: Timestamp::from_millis(10_000),
            numbers: 0,
            stuck: Vec::new(),
            cuts: 0,
        }
    }

    /// Lets one thing happen, and everything that follows from it at once. False when it was nothing.
    pub fn take(&mut self, step: Step) -> bool {
        let took = self.interpret(step).is_some();
        self.settle();
        self.compare();
        took
    }

    fn interpret(&mut self, step: Step) -> Option<()> {
        match step {
            Step::Connect(arrival) => self.connect(arrival),
            Step::Echo(who, size) => {
                self.call(who, Method::Echo, "Echo", true, |number| (number, size.text(number)))
            }
            Step::Tell(who, to, size, quiet) => {
                let to = self.aim(self.peer(who)?, to);
                self.call(who, Method::Tell(to, size), "Tell", !quiet, |number| {
                    (number, to, size.text(number))
                })
            }
            Step::Join(who, group) => {
                self.call(who, Method::Join(group % 4), "Join", true, |number| (number, group % 4))
            }
            Step::Leave(who, group) => {
                self.call(who, Method::Leave(group % 4), "Leave", true, |number| (number, group % 4))
            }
            Step::Hold(who) => self.call(who, Method::Hold, "Hold", true, |number| (number,)),
            Step::Fail(who) => self.call(who, Method::Fail, "Fail", true, |number| (number,)),
            Step::Unknown(who) => {
                self.call(who, Method::Unknown, "Nonsense", true, |number| (number,))
            }
            Step::Misfit(who) => self.call(who, Method::Misfit, "Echo", true, |_| ("x",)),
            Step::Items(who, count) => {
                self.call(who, Method::Items(count % 32), "Items", true, |number| {
                    (number, u32::from(count % 32))
                })
            }
            Step::Sum(who, two) => {
                let (streams, target) = if two { (2, "Sum2") } else { (1, "Sum") };
                self.call(who, Method::Sum(streams), target, true, |number| (number,))
            }
            Step::Ask(who) => self.call(who, Method::Ask, "Ask", true, |number| (number,)),
            Step::Quit(who) => {
                self.call(who, Method::Quit, "Quit", true, |number| (number,))?;
                self.excuse(who, "it called Quit")
            }
            Step::Cancel(who, nth) => self.cancel(who, nth),
            Step::Upload(who, nth, size) => self.upload(who, nth, size),
            Step::EndUpload(who, nth, error) => self.end_upload(who, nth, error),
            Step::Answer(who, nth, error) => {
                let client = self.speaker(who)?;
                let peer = &mut self.peers[client];
                let nth = usize::from(nth) % peer.questions.len().max(1);
                let (id, number) = peer.questions.get(nth).cloned()?;
                peer.questions.remove(nth);
                self.model.answer(client, number, error);
                peer.answer(&id, number, error, self.now);
                Some(())
            }
            Step::Ping(who) => {
                let client = self.speaker(who)?;
                self.peers[client].wire.as_ref()?;
                self.peers[client].say(&Message::Ping, self.now);
                Some(())
            }
            Step::Ack(who) => {
                let client = self.speaker(who)?;
                let peer = &mut self.peers[client];
                (peer.resumable && peer.ack(self.now)).then_some(())
            }
            Step::Bye(who, says) => {
                let client = self.speaker(who)?;
                let peer = &mut self.peers[client];
                peer.wire.as_ref()?;
                if says {
                    peer.say(&Message::Close(Close::default()), self.now);
                }
                peer.write(Opcode::Close, &1000_u16.to_be_bytes(), self.now);
                self.excuse(who, "it said goodbye")
            }
            Step::Break(who, fault) => self.break_rule(who, fault),
            Step::Send(who, to, size) => {
                let place = self.peers[self.peer(who)?].place;
                let to = self.aim(self.peer(who)?, to);
                let number = self.number();
                self.model.send(place, number, to, size);
                self.house.order(Order::Send { place, to, number, size });
                Some(())
            }
            Step::Question(who) => {
                let client = self.connected(who)?;
                let number = self.number();
                self.house.order(Order::Question { client, number });
                Some(())
            }
            Step::Finish(nth, error) => {
                let is_held = |it: &Call| it.method == Method::Hold && it.finish.is_none();
                let (client, call) = self.called(nth, is_held)?;
                self.model.find(client, call).finish = Some(error);
                self.house.order(Order::Finish { client, call, error });
                Some(())
            }
            Step::Read(nth, count) => {
                let (_, call) = self.called(nth, |it| matches!(it.method, Method::Sum(_)))?;
                self.house.order(Order::Read { call, count: count.into() });
                Some(())
            }
            Step::Invite(who, group) => self.group(who, group % 4, true),
            Step::Expel(who, group) => self.group(who, group % 4, false),
            Step::Kick(who, back) => {
                let client = self.connected(who)?;
                self.model.excuse(client, "it was kicked out");
                self.house.order(Order::Kick { client, back });
                Some(())
            }
            Step::Delay(who, time) => {
                let delay = Duration::from_millis(4 * u64::from(time));
                self.set_manners(who, |manners| manners.delay = delay)
            }
            Step::Split(who, most) => {
                self.set_manners(who, |manners| manners.most = usize::from(most).max(1))
            }
            Step::Merge(who) => self.set_manners(who, |manners| *manners = Manners::default()),
            Step::Freeze(who, way) => self.freeze(who, way),
            Step::Thaw(who) => {
                let client = self.peer(who)?;
                self.thaw(client).then_some(())
            }
            Step::Cut(who, cut) => {
                let client = self.peer(who)?;
                self.cut(client, cut)
            }
            Step::Relink(who) => {
                let down = self.here().filter(|client| self.peers[*client].wire.is_none());
                let down: Vec<usize> = down.collect();
                self.relink(*down.get(usize::from(who) % down.len().max(1))?)
            }
            Step::Duplicate(who) => self.duplicate(who),
            Step::Wait(time) => self.pass(Duration::from_millis(50) * time.into()),
            Step::Sleep(seconds) => self.pass(Duration::from_secs(1) * u32::from(seconds % 64)),
        }
    }

    // Who is meant.

    /// The clients that are not gone.
    fn here(&self) -> impl Iterator<Item = usize> + Clone {
        (0..self.peers.len()).filter(|client| !self.peers[*client].gone)
    }

    fn peer(&self, who: u8) -> Option<usize> {
        let count = self.here().count();
        self.here().nth(usize::from(who) % count.max(1))
    }

    /// One that can say something, now or later.
    fn speaker(&self, who: u8) -> Option<usize> {
        self.peer(who).filter(|client| self.peers[*client].open)
    }

    /// One that the hub knows.
    fn connected(&self, who: u8) -> Option<usize> {
        self.peer(who).filter(|client| {
            let it = &self.model.clients[*client];
            it.connected && !it.over
        })
    }

    /// A call, also of somebody who is gone: the application may not know that.
    fn called(&self, nth: u8, is_meant: impl Fn(&Call) -> bool) -> Option<(usize, u32)> {
        let calls = (0..self.peers.len()).flat_map(|client| {
            self.model.clients[client].calls.iter().map(move |call| (client, call))
        });
        let meant = calls.filter(|(_, call)| is_meant(call));
        let meant: Vec<_> = meant.map(|(client, call)| (client, call.number)).collect();
        meant.get(usize::from(nth) % meant.len().max(1)).copied()
    }

    /// The same audience, with clients of that place by their numbers.
    fn aim(&self, client: usize, to: To) -> To {
        let place = self.peers[client].place;
        let there: Vec<usize> =
            (0..self.peers.len()).filter(|client| self.peers[*client].place == place).collect();
        let number = |one: u8| there[usize::from(one) % there.len()] as u8;
        match to {
            To::All | To::Caller | To::Others => to,
            To::Except(one) => To::Except(number(one)),
            To::Client(one) => To::Client(number(one)),
            To::Clients(one, other) => To::Clients(number(one), number(other)),
            To::Group(group) => To::Group(group % 4),
            To::GroupExcept(group, one) => To::GroupExcept(group % 4, number(one)),
            To::OthersIn(group) => To::OthersIn(group % 4),
            To::Groups(one, other) => To::Groups(one % 4, other % 4),
            To::User(user) => To::User(user % 4),
            To::Users(one, other) => To::Users(one % 4, other % 4),
        }
    }

    const fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    fn excuse(&mut self, who: u8, why: &'static str) -> Option<()> {
        let client = self.peer(who)?;
        self.model.excuse(client, why);
        Some(())
    }

    // What clients do.

    fn connect(&mut self, arrival: Arrival) -> Option<()> {
        if self.here().count() >= CLIENTS || self.peers.len() >= 200 {
            return None;
        }
        let place = PLACES[usize::from(arrival.place) % PLACES.len()];
        let number = self.peers.len();
        let user = Some(arrival.user % 4).filter(|user| *user > 0);
        let resumable = arrival.negotiates && arrival.resumable;
        let mut query = format!("client={number}");
        if let Some(user) = user {
            query += &format!("&user={user}");
        }
        let token = arrival.negotiates.then(|| {
            let asks = if resumable { "&useStatefulReconnect=true" } else { "" };
            let (status, body) = self.house.negotiate(place, &format!("negotiateVersion=1{asks}"));
            assert_eq!(status, 200, "the negotiation is refused");
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body["useStatefulReconnect"] == true, resumable);
            body["connectionToken"].as_str().expect("a token").to_owned()
        });
        let id = token.as_ref().map_or_else(String::new, |token| format!("&id={token}"));
        let link = self.house.open(place, &(query + &id)).expect("it is let in");
        let wire = Wire::new(link, Manners::default());
        let mut peer = Peer::new(number, place, user, arrival.binary, wire, self.now);
        peer.token = token;
        peer.resumable = resumable;
        peer.greet(self.now);
        self.peers.push(peer);
        self.transcripts.push(Vec::new());
        self.stuck.push(None);
        self.model.arrive(place, user);
        if place.policy() == SlowConsumer::Close {
            self.model.excuse(number, MAY_BE_SLOW);
        }
        Some(())
    }

    fn call<A: serde::Serialize>(
        &mut self,
        who: u8,
        method: Method,
        target: &str,
        wanted: bool,
        arguments: impl FnOnce(u32) -> A,
    ) -> Option<()> {
        let client = self.speaker(who)?;
        let number = self.number();
        let peer = &mut self.peers[client];
        let bytes = peer.encoded(&arguments(number));
        let id = number.to_string();
        let arguments = peer.payload(&bytes);
        let headers = Headers::default();
        let (target, streams) = (target.into(), if let Method::Sum(count) = method { count } else { 0 });
        let stream_ids: Vec<_> = (0..streams).map(|nth| format!("{number}.{nth}").into()).collect();
        let stream_ids = (streams > 0).then_some(stream_ids);
        let message = match method {
            Method::Items(_) => {
                let id = id.into();
                Message::StreamInvocation(StreamInvocation { id, target, arguments, stream_ids, headers })
            }
            _ => {
                let id = wanted.then(|| id.into());
                Message::Invocation(Invocation { id, target, arguments, stream_ids, headers })
            }
        };
        peer.say(&message, self.now);
        self.model.call(client, number, method, wanted);
        Some(())
    }

    fn cancel(&mut self, who: u8, nth: u8) -> Option<()> {
        let client = self.speaker(who)?;
        let calls = self.model.clients[client].calls.iter().filter(|call| {
            let may = matches!(call.method, Method::Hold | Method::Items(_));
            may && !call.cancelled
        });
        let calls: Vec<u32> = calls.map(|call| call.number).collect();
        let number = *calls.get(usize::from(nth) % calls.len().max(1))?;
        self.model.find(client, number).cancelled = true;
        let id = number.to_string().into();
        let message = CancelInvocation { id, headers: Headers::default() };
        self.peers[client].say(&Message::CancelInvocation(message), self.now);
        Some(())
    }

    /// An open stream of a client: the number of its call, and which of its streams.
    fn open_stream(&self, client: usize, nth: u8) -> Option<(u32, usize)> {
        let streams = self.model.clients[client].calls.iter().flat_map(|call| {
            let open = call.uploads.iter().enumerate().filter(|(_, it)| it.ended.is_none());
            open.map(|(stream, _)| (call.number, stream))
        });
        let streams: Vec<_> = streams.collect();
        streams.get(usize::from(nth) % streams.len().max(1)).copied()
    }

    fn upload(&mut self, who: u8, nth: u8, size: Size) -> Option<()> {
        let client = self.speaker(who)?;
        let (call, stream) = self.open_stream(client, nth)?;
        let number = self.number();
        let text = size.text(number);
        let peer = &mut self.peers[client];
        let bytes = peer.encoded(&(number, &text));
        let (id, item) = (format!("{call}.{stream}").into(), peer.payload(&bytes));
        let message = StreamItem { id, item, headers: Headers::default() };
        peer.say(&Message::StreamItem(message), self.now);
        self.model.find(client, call).uploads[stream].sent.push((number, text.len()));
        Some(())
    }

    fn end_upload(&mut self, who: u8, nth: u8, error: bool) -> Option<()> {
        let client = self.speaker(who)?;
        let (call, stream) = self.open_stream(client, nth)?;
        let outcome = if error { Result::Error("enough".into()) } else { Result::Void };
        let id = format!("{call}.{stream}").into();
        let message = Completion { id, outcome, headers: Headers::default() };
        self.peers[client].say(&Message::Completion(message), self.now);
        self.model.find(client, call).uploads[stream].ended = Some(error);
        Some(())
    }

    fn break_rule(&mut self, who: u8, fault: Fault) -> Option<()> {
        let client = self.speaker(who).filter(|client| !self.ends(*client))?;
        let peer = &mut self.peers[client];
        peer.wire.as_ref()?;
        let json = peer.encoding() == hub_proto::Encoding::Json;
        let record: &[u8] = match (fault, json) {
            (Fault::Record, true) => b"{\"type\":}\x1e",
            (Fault::Record, false) => b"\x02\x91\xc1",
            (Fault::Arguments, true) => b"{\"type\":1,\"target\":\"Echo\",\"arguments\":[nul]}\x1e",
            (Fault::Arguments, false) => b"\x0b\x96\x01\x80\xc0\xa4Echo\x91\xc1\x90",
            (Fault::Frame, _) => b"",
            (Fault::Length, _) => &[b' '; 9_000],
        };
        match fault {
            Fault::Frame => peer.write_raw(b"\x81\x02hi".to_vec(), self.now),
            Fault::Length if !json => peer.write(Opcode::Binary, b"\xff\xff\x7f", self.now),
            Fault::Arguments => peer.say_counted(record, self.now),
            _ => peer.write(Opcode::Binary, record, self.now),
        }
        self.excuse(who, "it broke the rules")
    }

    /// Whether something ends a client, or may.
    fn ends(&self, client: usize) -> bool {
        self.model.clients[client].excuse.is_some()
    }

    // What the application does.

    fn group(&mut self, who: u8, group: u8, joins: bool) -> Option<()> {
        let client = self.connected(who)?;
        self.house.order(Order::Group { client, group, joins });
        Some(())
    }

    // What the network does.

    fn set_manners(&mut self, who: u8, change: impl FnOnce(&mut Manners)) -> Option<()> {
        let client = self.peer(who)?;
        let peer = &mut self.peers[client];
        change(&mut peer.manners);
        peer.wire.as_mut()?.set_manners(peer.manners);
        Some(())
    }

    fn freeze(&mut self, who: u8, way: Way) -> Option<()> {
        let client = self.peer(who)?;
        self.peers[client].wire.as_mut()?.freeze(way);
        let now = self.now;
        self.stuck[client].get_or_insert(now);
        Some(())
    }

    fn thaw(&mut self, client: usize) -> bool {
        let Some(wire) = &mut self.peers[client].wire else { return false };
        let thawed = wire.thaw();
        if thawed {
            self.stuck[client] = None;
        }
        thawed
    }

    fn cut(&mut self, client: usize, cut: Cut) -> Option<()> {
        let peer = &mut self.peers[client];
        let wire = peer.wire.take()?;
        match cut {
            Cut::Reset => self.house.end(wire.link, true),
            Cut::End => self.house.end(wire.link, false),
            Cut::Unseen => {}
        }
        self.cuts += 1;
        let now = self.now;
        self.stuck[client].get_or_insert(now);
        if !(peer.resumable && peer.open) {
            self.leave(client, "its link was cut");
        }
        Some(())
    }

    /// A client is gone for good.
    fn leave(&mut self, client: usize, why: &'static str) {
        let peer = &mut self.peers[client];
        peer.gone = true;
        peer.wire = None;
        self.model.excuse(client, why);
    }

    fn relink(&mut self, client: usize) -> Option<()> {
        let token = self.peers[client].token.clone()?;
        let place = self.peers[client].place;
        match self.house.open(place, &format!("id={token}")) {
            Ok(link) => {
                let peer = &mut self.peers[client];
                let wire = Wire::new(link, peer.manners);
                peer.relink(wire, self.now);
                self.stuck[client] = None;
            }
            Err(status) => {
                let it = &self.model.clients[client];
                assert!(it.excuse.is_some(), "client {client} may not come back: {status}");
                self.leave(client, "it may not come back");
            }
        }
        Some(())
    }

    fn duplicate(&mut self, who: u8) -> Option<()> {
        let client = self.speaker(who)?;
        let peer = &self.peers[client];
        peer.wire.as_ref()?;
        let token = peer.token.clone()?;
        if peer.resumable {
            self.cuts += 1;
            return self.relink(client);
        }
        let status = self.house.open(peer.place, &format!("id={token}"));
        let ended = self.model.clients[client].excuse.is_some();
        let refused = status == Err(409) || ended && status == Err(404);
        assert!(refused, "a second link is answered by {status:?}");
        Some(())
    }

    // Time.

    fn pass(&mut self, time: Duration) -> Option<()> {
        let until = self.now + time;
        while self.now < until {
            self.now = until.min(self.now + LEAP);
            for client in 0..self.peers.len() {
                let peer = &self.peers[client];
                let least = if peer.wire.is_some() { STUCK } else { DOWN };
                let too_long = |since| self.now.since(since) >= least;
                // A farewell is not waited for as long.
                let ends = self.ends(client) && !peer.gone;
                if self.stuck[client].is_some_and(|since| ends || too_long(since)) {
                    self.model.clients[client].excuse = Some(TOO_LONG);
                }
            }
            self.house.advance(self.now);
            self.settle();
            for client in 0..self.peers.len() {
                self.peers[client].tick(self.now);
            }
            self.settle();
        }
        (time > Duration::ZERO).then_some(())
    }

    /// Lets bytes arrive until none is due, one link at a time.
    fn settle(&mut self) {
        for _ in 0..100_000 {
            let mut moved = false;
            for client in 0..self.peers.len() {
                moved |= self.deliver(client);
            }
            if !moved {
                return;
            }
        }
        panic!("the world never comes to rest");
    }

    fn deliver(&mut self, client: usize) -> bool {
        self.hear();
        let peer = &mut self.peers[client];
        let Some(wire) = &mut peer.wire else { return false };
        let mut moved = wire.deliver_up(&mut self.house, self.now);
        let bytes = wire.deliver_down(&mut self.house, self.now);
        let is_over = wire.is_over(&self.house);
        self.hear();
        if !bytes.is_empty() {
            moved = true;
            let seen = self.peers[client].receive(bytes, self.now);
            for seen in seen {
                self.see(client, seen);
            }
        }
        if is_over && self.peers[client].wire.is_some() {
            moved = true;
            self.see(client, Seen::Over);
        }
        moved
    }

    fn hear(&mut self) {
        for news in self.house.news() {
            self.model.hear(news, self.now);
        }
    }

    fn see(&mut self, client: usize, seen: Seen) {
        let peer = &mut self.peers[client];
        let transcript = &mut self.transcripts[client];
        let closed = transcript.iter().any(|seen| matches!(seen, Seen::Close(..) | Seen::Closed(_)));
        let excuse = self.model.clients[client].excuse;
        match &seen {
            Seen::Over if closed => self.leave(client, "it is over"),
            Seen::Over => {
                // The server has noticed before the client that the link is gone.
                assert!(excuse.is_some() || peer.resumable, "client {client} lost its link");
                peer.wire = None;
                let now = self.now;
                self.stuck[client].get_or_insert(now);
                if !(peer.resumable && peer.open) {
                    self.leave(client, "it lost its link");
                }
            }
            Seen::Close(..) => {
                assert!(excuse.is_some(), "client {client} sees {seen:?} for no reason");
                assert!(!closed, "client {client} sees {seen:?} behind the end");
            }
            Seen::Closed(_) => {
                assert!(excuse.is_some(), "client {client} sees {seen:?} for no reason");
                // It answers, unless it was the first to say so.
                peer.write(Opcode::Close, &1000_u16.to_be_bytes(), self.now);
            }
            _ => assert!(!closed, "client {client} sees {seen:?} behind the end"),
        }
        self.model.see(client, &seen);
        self.transcripts[client].push(seen);
    }

    /// The house and the model agree on who is where.
    fn compare(&mut self) {
        for place in Model::places() {
            if let Some(census) = self.house.census(place) {
                assert_eq!(census, self.model.census(place), "who is at {place:?}");
            }
        }
    }

    /// What a client has seen that does not depend on how fast anybody was: everything but streams, in order,
    /// and what was seen of each stream. Nothing, where the slow lose something, or when the link was lost for
    /// good: how much had come by then does depend on it.
    pub fn story(&self, client: usize) -> (Vec<Seen>, BTreeMap<u32, Vec<Seen>>) {
        let it = &self.model.clients[client];
        if it.place.policy() != SlowConsumer::Wait || it.excuse == Some(TOO_LONG) {
            return Default::default();
        }
        let stream = |number: &u32| {
            let call = it.calls.iter().find(|call| call.number == *number);
            call.filter(|call| matches!(call.method, Method::Items(_)))
        };
        let (mut said, mut streams) = (Vec::new(), BTreeMap::<u32, Vec<Seen>>::new());
        for seen in &self.transcripts[client] {
            match seen {
                Seen::Item(call, _) | Seen::Answered(call, _) if let Some(stream) = stream(call) => {
                    if !stream.cancelled && it.excuse == Some(IN_THE_END) {
                        streams.entry(*call).or_default().push(seen.clone());
                    }
                }
                seen => said.push(seen.clone()),
            }
        }
        (said, streams)
    }

    // The end.

    /// Lets everything come to a good end: the network behaves, every call is let go, everybody sees
    /// everything, and leaves. Nothing is left then.
    pub fn finish(&mut self) {
        for client in 0..self.peers.len() {
            self.peers[client].manners = Manners::default();
            if let Some(wire) = &mut self.peers[client].wire {
                wire.set_manners(Manners::default());
            }
            self.thaw(client);
            if !self.peers[client].gone && self.peers[client].wire.is_none() {
                self.relink(client);
            }
        }
        self.settle();
        // Whatever goes on is let go: uploads end, calls that wait for their turn begin, and so on.
        let mut quiet = 0;
        while quiet < 3 {
            let mut moved = false;
            for client in self.here().collect::<Vec<_>>() {
                let who = self.here().position(|it| it == client).expect("it is here") as u8;
                while self.end_upload(who, 0, false).is_some() {
                    moved = true;
                }
                while self.interpret(Step::Answer(who, 0, false)).is_some() {
                    moved = true;
                }
            }
            while self.interpret(Step::Finish(0, false)).is_some() {
                moved = true;
                self.settle();
            }
            let reads = |it: &Call| matches!(it.method, Method::Sum(_)) && !it.answered;
            for nth in 0..u8::MAX {
                let Some((_, call)) = self.called(nth, reads) else { break };
                self.house.order(Order::Read { call, count: 1_000 });
                self.settle();
            }
            self.settle();
            quiet = if moved { 0 } else { quiet + 1 };
            // What has come is acked after a second, and then more may come.
            self.pass(Duration::from_millis(1_250));
        }
        self.compare();
        for client in self.here().collect::<Vec<_>>() {
            if self.model.clients[client].excuse.is_none_or(|why| why == MAY_BE_SLOW)
                && self.model.clients[client].connected
                && !self.model.clients[client].over
            {
                self.model.settled(client);
                assert_eq!(self.peers[client].unacked(), 0, "client {client} got no Ack");
            }
        }
        for client in self.here().collect::<Vec<_>>() {
            self.model.excuse(client, IN_THE_END);
            self.peers[client].write(Opcode::Close, &1000_u16.to_be_bytes(), self.now);
        }
        self.settle();
        self.pass(Duration::from_secs(60));
        self.compare();
        for client in &self.model.clients {
            assert!(client.over || !client.connected, "somebody is left");
        }
        let left = self.house.leftovers();
        assert!(left.is_empty(), "something is left: {left:?}");
    }
}

/// A place by its number.
pub fn place(number: u8) -> Place {
    PLACES[usize::from(number) % PLACES.len()]
}
