//! A simulated world: servers, clients of both encodings, the network between them, and one clock.
//!
//! [`World::take`] interprets one [`Step`] after the other, against the servers of a [`House`] and against a
//! [`Model`] that says what each client must see. Whatever is wrong panics at the step that shows it.
//!
//! Where each law of the machines would be seen to be broken:
//!
//! | law | where |
//! |---|---|
//! | 1. Total: nothing panics | anywhere |
//! | 2. No drain duty: it makes no difference when they are polled | [`check`]: once eagerly, once one event at a time |
//! | 3. Idle is free | not here: `linear::polls` counts instructions |
//! | 4. Honest timers: none is due after it ran out, nothing queued waits for one | `core`: each turn |
//! | 5. Monotone: an older time is the last one | [`check`]: once with a clock that goes back |
//! | 6. Chunk-blind | [`check`]: once in pieces of seven bytes |
//! | 7. Deterministic | [`World::digest`] of two worlds |
//! | 8. Closed once, and last | `core::methods`, and what clients see |
//! | 9. Bounded | `core::seat`: each turn |
//! | 10. Answered once | [`Model::see`] |
//! | 11. No loss, no reorder | [`Model::see`], [`Model::hear`], [`World::finish`] |

pub mod chosen;
mod clients;
pub mod core;
mod ending;
mod equal;
pub mod house;
pub mod hub;
pub mod hubs;
pub mod memory;
pub mod model;
mod network;
pub mod pace;
mod passing;
pub mod peer;
mod run;
pub mod sockets;
pub mod step;
pub mod strategy;
pub mod wire;

use std::time::Duration;

use hub_core::Timestamp;
use hub_proto::ws::Opcode;
use hub_proto::{Close, Message};

use self::house::{House, Order};
use self::model::{Call, Method, Model};
use self::pace::Pace;
use self::peer::{Peer, Seen};
use self::step::{Step, To};
use self::wire::Manners;

pub use self::equal::{agree, follow};
pub use self::run::{Failure, Played, Report, Sequences, Story, check, play, quietly, same};

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
    /// Since when the server can know that each client's link is gone.
    lost: Vec<Option<Timestamp>>,
    /// How many links were cut or replaced.
    pub cuts: u64,
    /// Of every byte that clients got, in order.
    pub digest: u64,
    /// How it comes to rest.
    pub pace: Pace,
    /// How many news there were.
    heard: usize,
    /// Whether somebody may be somewhere else than before.
    changed: bool,
    /// Whom the steps were about, and whether they took effect.
    chosen: Vec<usize>,
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
            lost: Vec::new(),
            cuts: 0,
            digest: 0,
            pace: Pace::Alone,
            heard: 0,
            changed: false,
            chosen: Vec::new(),
        }
    }

    /// Lets one thing happen, and everything that follows from it at once. False when it was nothing.
    pub fn take(&mut self, step: Step) -> bool {
        let took = self.interpret(step).is_some();
        self.chosen.push(took.into());
        self.settle();
        if std::mem::take(&mut self.changed) {
            self.compare();
        }
        took
    }

    fn interpret(&mut self, step: Step) -> Option<()> {
        match step {
            Step::Connect(arrival) => self.connect(arrival),
            Step::Echo(who, size) => {
                self.call(who, Method::Echo, "Echo", true, |number| (number, size.text(number)))
            }
            Step::Tell(who, to, size, quiet) => {
                let client = self.peer(who)?;
                let to = self.aim(client, to);
                self.call(who, Method::Tell(to, size), "Tell", !quiet, |number| {
                    (number, to, size.text(number))
                })
            }
            Step::Join(who, group) => {
                self.call(who, Method::Join(group % 4), "Join", true, |number| (number, group % 4))
            }
            Step::Leave(who, group) => {
                self.call(who, Method::Leave(group % 4), "Leave", true, |number| {
                    (number, group % 4)
                })
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
                let client = self.peer(who)?;
                let (place, to) = (self.peers[client].place, self.aim(client, to));
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
                let (client, call) = self.called(nth, |it| matches!(it.method, Method::Sum(_)))?;
                self.house.order(Order::Read { client, call, count: count.into() });
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
                let delay = network::SLOWEST * time.into() / u8::MAX.into();
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

    fn peer(&mut self, who: u8) -> Option<usize> {
        let count = self.here().count();
        let peer = self.here().nth(usize::from(who) % count.max(1));
        self.chosen.extend(peer);
        peer
    }

    /// One that can say something, now or later.
    fn speaker(&mut self, who: u8) -> Option<usize> {
        self.peer(who).filter(|client| self.peers[*client].open)
    }

    /// One that the hub knows.
    fn connected(&mut self, who: u8) -> Option<usize> {
        self.peer(who).filter(|client| {
            let it = &self.model.clients[*client];
            it.connected && !it.over
        })
    }

    /// A call, also of somebody who is gone: the application may not know that.
    fn called(&mut self, nth: u8, is_meant: impl Fn(&Call) -> bool) -> Option<(usize, u32)> {
        let calls = (0..self.peers.len()).flat_map(|client| {
            self.model.clients[client].calls.iter().map(move |call| (client, call))
        });
        let meant = calls.filter(|(_, call)| is_meant(call));
        let meant: Vec<_> = meant.map(|(client, call)| (client, call.number)).collect();
        let called = meant.get(usize::from(nth) % meant.len().max(1)).copied();
        self.chosen.extend(called.map(|(_, call)| call as usize));
        called
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
}
