//! The application: what it does with events, and the methods that clients call.

use std::sync::Arc;

use hub_core::registry::Audience;
use hub_core::server::{Admission, Answer, AskId, Call, CallFault, CallId, Event, Raw, StreamKey};
use hub_core::{CloseReason, Delivery};
use hub_proto::{BindError, Frame, Prepared};

use super::super::house::{News, Order, Outcome, PATIENCE, Place};
use super::super::step::To;
use super::seat::{Reading, Running, Stream, Work};
use super::{Core, index};

/// What a call that fails on purpose says.
const ON_PURPOSE: CallFault<'static> = CallFault::Failed(Some("HubException: On purpose."));

impl Core {
    pub(super) fn on_event(&mut self, nth: usize, event: Event) {
        let now = self.skewed();
        let seat = &mut self.seats[nth];
        assert!(!seat.closed, "{event:?} behind the end");
        match event {
            Event::Handshake(_) => {
                seat.session.connection().welcome(now);
                let user = seat.user.map(|user| user.to_string().into());
                let id = Arc::clone(&seat.claim.connection_id);
                self.hubs[index(seat.place)].registry.insert(id, user, nth).expect("a new id");
                self.news.push(News::Connected(seat.client));
                self.seats[nth].session.connection().accept(now);
            }
            Event::Invoked(call) => self.invoked(nth, *call),
            Event::Started(id) => {
                let call = seat.parked.remove(&id).expect("it was parked");
                self.start(nth, call);
            }
            Event::Cancelled(id) => self.cancelled(nth, id),
            Event::Item { stream, item } => self.item(nth, stream, &item),
            Event::Ended { stream, error } => {
                if let Some(stream) = seat.streams.get_mut(&stream) {
                    stream.ended = Some(error.is_some());
                }
            }
            Event::Answered { ask, answer } => self.answered(nth, ask, &answer),
            Event::Closed(_) => {
                let seat = &mut self.seats[nth];
                seat.closed = true;
                seat.running.clear();
                seat.ending.clear();
                seat.parked.clear();
                let hub = &mut self.hubs[index(seat.place)];
                if hub.registry.remove(&seat.claim.connection_id).is_some() {
                    self.news.push(News::Disconnected(seat.client));
                }
            }
        }
    }

    fn invoked(&mut self, nth: usize, call: Call) {
        let now = self.skewed();
        let seat = &mut self.seats[nth];
        let known = [
            "Echo", "Tell", "Join", "Leave", "Hold", "Fail", "Items", "Sum", "Sum2", "Ask", "Quit",
        ];
        let fault = match call.arguments().check() {
            Err(error) => Some(CallFault::Arguments(error)),
            Ok(()) if !known.contains(&&*call.target) => Some(CallFault::UnknownMethod),
            Ok(()) => bound(&call).err().map(CallFault::Arguments),
        };
        if let Some(fault) = fault {
            return seat.session.connection().fail(&call, &fault, now);
        }
        let admission = seat.session.connection().admit(call.id);
        if matches!(admission, Admission::Started | Admission::Parked) {
            seat.streams.extend(call.streams.iter().map(|key| (*key, Stream::default())));
        }
        match admission {
            Admission::Started => self.start(nth, call),
            Admission::Parked => drop(seat.parked.insert(call.id, call)),
            Admission::Full => {
                let fault = CallFault::TooMany(seat.place.limits().parked_calls);
                seat.session.connection().fail(&call, &fault, now);
            }
            Admission::Gone => {}
        }
    }

    fn start(&mut self, nth: usize, call: Call) {
        let now = self.skewed();
        let number = bound(&call).expect("it was bound before");
        let seat = &self.seats[nth];
        let (client, place) = (seat.client, seat.place);
        self.news.push(News::Called { client, call: number });
        let arguments = call.arguments();
        let work = match &*call.target {
            "Echo" => return self.end(nth, &call, number, Outcome::Number(number)),
            "Tell" => {
                let (_, to, text) = arguments.bind::<(u32, To, String)>().expect("bound before");
                self.tell(place, Some(nth), to, number, &text);
                return self.end(nth, &call, number, Outcome::Void);
            }
            "Join" | "Leave" => {
                let (_, group) = arguments.bind::<(u32, u8)>().expect("bound before");
                self.group(nth, group, &*call.target == "Join");
                return self.end(nth, &call, number, Outcome::Void);
            }
            "Fail" => return self.end(nth, &call, number, Outcome::Error),
            "Quit" => {
                self.seats[nth].session.connection().close(CloseReason::Aborted, now);
                return;
            }
            "Hold" => match self.finishes.get(&number) {
                Some(outcome) => return self.end(nth, &call, number, *outcome),
                None if self.seats[nth].cancelled.remove(&call.id) => {
                    return self.end(nth, &call, number, Outcome::Error);
                }
                None => Work::Held,
            },
            "Items" => {
                let (_, end) = arguments.bind::<(u32, u32)>().expect("bound before");
                Work::Items { next: 0, end }
            }
            "Ask" => {
                if !self.ask(nth, number, true) {
                    return self.end(nth, &call, number, Outcome::Error);
                }
                self.seats[nth].session.connection().release(call.id, now);
                Work::Asking
            }
            _ => Work::Sum(Reading::default()),
        };
        self.seats[nth].running.insert(number, Running { call, work });
    }

    fn end(&mut self, nth: usize, call: &Call, number: u32, outcome: Outcome) {
        let now = self.skewed();
        let seat = &mut self.seats[nth];
        self.news.push(News::Ended { client: seat.client, call: number, outcome });
        seat.streams.retain(|key, _| key.call() != call.id);
        let connection = seat.session.connection();
        match outcome {
            Outcome::Void => drop(connection.complete(call.id, call.reply.void(), now)),
            Outcome::Number(number) => {
                let answer = call.reply.result(&number).expect("a number");
                connection.complete(call.id, answer, now);
            }
            Outcome::Error => connection.fail(call, &ON_PURPOSE, now),
        }
    }

    fn cancelled(&mut self, nth: usize, id: CallId) {
        let seat = &mut self.seats[nth];
        if seat.parked.contains_key(&id) {
            seat.cancelled.insert(id);
        }
        let running = seat.running.iter().find(|(_, running)| running.call.id == id);
        let Some(number) = running.map(|(number, _)| *number) else { return };
        match seat.running.get(&number).map(|running| &running.work) {
            Some(Work::Held) => seat.ending.push((number, Outcome::Error)),
            Some(Work::Items { .. }) => seat.ending.push((number, Outcome::Void)),
            _ => {}
        }
    }

    /// Ends the calls whose end has come; false when there are none.
    pub(super) fn end_calls(&mut self, nth: usize) -> bool {
        let ending = std::mem::take(&mut self.seats[nth].ending);
        let moved = !ending.is_empty();
        for (number, outcome) in ending {
            if self.seats[nth].running.contains_key(&number) {
                self.done(nth, number, outcome);
            }
        }
        moved
    }

    /// Ends a call that went on.
    fn done(&mut self, nth: usize, number: u32, outcome: Outcome) {
        let running = self.seats[nth].running.remove(&number).expect("it runs");
        self.end(nth, &running.call, number, outcome);
    }

    fn item(&mut self, nth: usize, key: StreamKey, item: &Raw) {
        let encoding = self.seats[nth].session.connection().encoding();
        let item = item.payload(encoding).read::<(u32, String)>().expect("a number and a text");
        if let Some(stream) = self.seats[nth].streams.get_mut(&key) {
            stream.items.push((item.0, item.1.len()));
            assert!(stream.items.len() <= 3, "more items than the reader asked for");
        }
    }

    fn answered(&mut self, nth: usize, ask: AskId, answer: &Answer) {
        let seat = &mut self.seats[nth];
        let encoding = seat.session.connection().encoding();
        let (number, called) = seat.questions.remove(&ask).expect("it was asked");
        let answer = match answer {
            Answer::Result(result) => Some(result.payload(encoding).read().expect("a number")),
            _ => None,
        };
        self.news.push(News::Answered { client: seat.client, number, answer });
        if called {
            seat.ending.push((number, answer.map_or(Outcome::Error, Outcome::Number)));
        }
    }

    /// Asks a client; false when that cannot be.
    fn ask(&mut self, nth: usize, number: u32, called: bool) -> bool {
        let now = self.skewed();
        let seat = &mut self.seats[nth];
        let ask = AskId(seat.asked);
        if seat.session.connection().ask(ask, Some(self.now + PATIENCE), now).is_err() {
            return false;
        }
        seat.asked += 1;
        seat.questions.insert(ask, (number, called));
        self.news.push(News::Asked { client: seat.client, number });
        let encoding = seat.session.connection().encoding();
        let frame = Frame::invocation(encoding, Some(&ask.to_string()), "Asked", &(number,));
        seat.session.push(&frame.expect("a number"), Delivery::Own, now);
        true
    }

    /// Lets streams to the client go on, item by item.
    pub(super) fn yield_on(&mut self, nth: usize) -> bool {
        let numbers: Vec<u32> = self.seats[nth].running.keys().copied().collect();
        numbers.into_iter().fold(false, |moved, number| moved | self.yield_item(nth, number))
    }

    /// Lets readers read what they may.
    pub(super) fn read_on(&mut self, nth: usize) -> bool {
        let numbers: Vec<u32> = self.seats[nth].running.keys().copied().collect();
        let mut moved = false;
        for number in numbers {
            while self.read_item(nth, number) {
                moved = true;
            }
        }
        moved
    }

    fn yield_item(&mut self, nth: usize, number: u32) -> bool {
        let now = self.skewed();
        let seat = &mut self.seats[nth];
        let Some(Running { call, work: Work::Items { next, end } }) = seat.running.get_mut(&number)
        else {
            return false;
        };
        if seat.session.connection().is_ending() || !seat.session.wants_items() {
            return false;
        }
        if next == end {
            self.done(nth, number, Outcome::Void);
            return true;
        }
        let item = call.reply.item(next).expect("a number").expect("a stream has an id");
        self.news.push(News::Yielded { client: seat.client, call: number, item: *next });
        *next += 1;
        let runs = seat.session.connection().item(call.id, item, now);
        assert!(runs, "a stream that is over goes on");
        true
    }

    fn read_item(&mut self, nth: usize, number: u32) -> bool {
        let now = self.skewed();
        let seat = &mut self.seats[nth];
        let client = seat.client;
        let Some(Running { work: Work::Sum(reading), call }) = seat.running.get_mut(&number) else {
            return false;
        };
        let nth_stream = reading.nth;
        let Some(key) = call.streams.get(nth_stream).copied() else {
            let sum = reading.sum;
            self.done(nth, number, Outcome::Number(sum));
            return true;
        };
        let stream = seat.streams.get_mut(&key).expect("it is open as long as its call");
        if stream.items.is_empty() {
            let Some(error) = stream.ended else { return false };
            reading.nth += 1;
            let stream = nth_stream as u8;
            self.news.push(News::EndOf { client, call: number, stream, error });
            if error {
                self.done(nth, number, Outcome::Error);
            }
            return true;
        }
        let Some(permits) = self.permits.get_mut(&number).filter(|permits| **permits > 0) else {
            return false;
        };
        *permits -= 1;
        let (item, length) = stream.items.remove(0);
        reading.sum = reading.sum.wrapping_add(item);
        let stream = nth_stream as u8;
        self.news.push(News::Item { client, call: number, stream, item, length });
        seat.session.connection().consumed(key, 1, now);
        true
    }

    fn group(&mut self, nth: usize, group: u8, joins: bool) {
        let seat = &self.seats[nth];
        let registry = &mut self.hubs[index(seat.place)].registry;
        let (id, group) = (&*seat.claim.connection_id, group.to_string());
        if joins {
            registry.join(id, &group);
        } else {
            registry.leave(id, &group);
        }
    }

    /// Sends a message; who is in its audience is for the registry to say.
    fn tell(&mut self, place: Place, caller: Option<usize>, to: To, number: u32, text: &str) {
        let now = self.skewed();
        let id = |client: u8| {
            let seat = self.seats.iter().find(|seat| seat.client == usize::from(client));
            seat.map_or("nobody", |seat| &*seat.claim.connection_id)
        };
        let me = caller.map_or("nobody", |nth| &*self.seats[nth].claim.connection_id);
        let name = |number: u8| number.to_string();
        let mut receivers: Vec<usize> = Vec::new();
        let registry = &self.hubs[index(place)].registry;
        let mut to_all = |audience: Audience<'_>, except: &[&str]| {
            registry.each(&audience, except, |seat| receivers.push(*seat));
        };
        match to {
            To::All => to_all(Audience::All, &[]),
            To::Except(one) => to_all(Audience::All, &[id(one)]),
            To::Caller => to_all(Audience::Client(me), &[]),
            To::Others => to_all(Audience::All, &[me]),
            To::Client(one) => to_all(Audience::Client(id(one)), &[]),
            To::Clients(one, other) => to_all(Audience::Clients(&[id(one), id(other)]), &[]),
            To::Group(group) => to_all(Audience::Group(&name(group)), &[]),
            To::GroupExcept(group, one) => to_all(Audience::Group(&name(group)), &[id(one)]),
            To::OthersIn(group) => to_all(Audience::Group(&name(group)), &[me]),
            To::Groups(one, other) => {
                let (one, other) = (name(one), name(other));
                to_all(Audience::Groups { names: &[&one, &other], distinct: false }, &[]);
            }
            To::User(user) => to_all(Audience::User(&name(user)), &[]),
            To::Users(one, other) => to_all(Audience::Users(&[&name(one), &name(other)]), &[]),
        }
        let arguments = (number, text);
        let mut message = Prepared::new("Told", &arguments);
        for nth in receivers {
            self.awake.insert(nth);
            let session = &mut self.seats[nth].session;
            let encoding = session.connection().encoding();
            message.encode(encoding).expect("a number and a text");
            session.send(message.frame(encoding).expect("just encoded"), now);
        }
    }

    pub(super) fn obey(&mut self, order: Order) {
        let now = self.skewed();
        match order {
            Order::Send { place, to, number, size } => {
                self.news.push(News::Sent(place, number));
                self.tell(place, None, to, number, &size.text(number));
            }
            Order::Question { client, number } => {
                if let Some(nth) = self.seat(client) {
                    self.ask(nth, number, false);
                }
            }
            Order::Finish { client, call, error } => {
                let outcome = if error { Outcome::Error } else { Outcome::Number(call) };
                self.finishes.insert(call, outcome);
                if let Some(nth) = self.seat(client)
                    && self.seats[nth].running.contains_key(&call)
                {
                    self.done(nth, call, outcome);
                }
            }
            Order::Read { client, call, count } => {
                self.seat(client);
                *self.permits.entry(call).or_default() += count;
            }
            Order::Group { client, group, joins } => {
                if let Some(nth) = self.seat(client) {
                    self.news.push(News::Grouped { client, group, joins });
                    self.group(nth, group, joins);
                }
            }
            Order::Kick { client, back } => {
                if let Some(nth) = self.seat(client) {
                    let reason = CloseReason::Closed { allow_reconnect: back };
                    self.seats[nth].session.connection().close(reason, now);
                }
            }
        }
    }

    /// The seat of a client that is connected, which has something to do now.
    fn seat(&mut self, client: usize) -> Option<usize> {
        let seat = self.seats.iter().position(|seat| seat.client == client && !seat.closed);
        self.awake.extend(seat);
        seat
    }
}

/// The number of a call, if its arguments fit its method.
fn bound(call: &Call) -> Result<u32, BindError> {
    let arguments = call.arguments();
    match &*call.target {
        "Echo" => arguments.bind::<(u32, String)>().map(|it| it.0),
        "Tell" => arguments.bind::<(u32, To, String)>().map(|it| it.0),
        "Join" | "Leave" => arguments.bind::<(u32, u8)>().map(|it| it.0),
        "Items" => arguments.bind::<(u32, u32)>().map(|it| it.0),
        _ => arguments.bind::<(u32,)>().map(|it| it.0),
    }
}
