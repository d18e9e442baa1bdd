//! What ought to be true, in plain vectors and maps.
//!
//! The model is told what clients send and what the application sees, and says what each client has to see,
//! in which order. It knows no bytes, links or clocks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hub_core::Timestamp;

use super::house::{Census, HUBS, News, Outcome, PATIENCE, Place, SERVERS};
use super::peer::Seen;
use super::step::{Size, To};

/// Why clients may be gone where the slow are ended: the first of all reasons, and the weakest.
pub const MAY_BE_SLOW: &str = "it may be too slow";

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as the steps of the same names")]
pub enum Method {
    Echo,
    Tell(To, Size),
    Join(u8),
    Leave(u8),
    Hold,
    Fail,
    Unknown,
    Misfit,
    Items(u8),
    Sum(u8),
    Ask,
    Quit,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The client has sent it.
    Sent,
    /// Its method runs.
    Running,
    /// Its method is over.
    Ended,
}

/// One stream of a client's.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// The number and the length of each item.
    pub sent: Vec<(u32, usize)>,
    /// Whether it is over, and whether with an error.
    pub ended: Option<bool>,
    read: usize,
    seen_end: bool,
}

/// One call of a client's.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number.
    pub number: u32,
    /// What it is for.
    pub method: Method,
    /// Whether an answer is wanted.
    pub wanted: bool,
    /// How far it has come.
    pub state: State,
    /// Whether the client has taken it back.
    pub cancelled: bool,
    /// Whether the client has an answer.
    pub answered: bool,
    /// What it sends along.
    pub uploads: Vec<Upload>,
    yielded: u32,
    /// How the application is told to end it: with an error, if so.
    pub finish: Option<bool>,
}

/// What a client has to see.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    Told(u32, usize),
    Asked(u32),
    Item(u32, u32),
    Answered(u32, Outcome),
}

/// One client.
#[derive(Debug)]
pub struct Client {
    /// Where it is.
    pub place: Place,
    user: Option<u8>,
    /// Whether the hub has it.
    pub connected: bool,
    /// Whether the hub has it no more.
    pub over: bool,
    /// What may have ended it, if anything.
    pub excuse: Option<&'static str>,
    /// What it has called, in order.
    pub calls: Vec<Call>,
    /// How many of these the application has seen or never will.
    taken: usize,
    /// What the hub sends of its own accord, and what it answers: each has an order, and together they have
    /// one, unless answers may be late.
    expected: Vec<Expected>,
    /// How many of these have come, or are left out.
    matched: usize,
    /// Answers that others have overtaken, and that are still to come, in this order.
    late: VecDeque<Expected>,
    /// The questions that were asked: when, and how the client has answered.
    questions: BTreeMap<u32, (Timestamp, Option<Option<u32>>)>,
}

impl Client {
    /// How much has happened.
    pub fn progress(&self) -> usize {
        let ended = self.calls.iter().filter(|call| call.state == State::Ended).count();
        self.taken + ended + self.expected.len()
    }
}

/// All hubs of all servers.
#[derive(Debug, Default)]
pub struct Model {
    /// By number.
    pub clients: Vec<Client>,
    groups: BTreeMap<(Place, u8), BTreeSet<usize>>,
    /// What was sent from outside and is not seen to have gone out.
    sends: BTreeMap<u32, (Place, To, Size)>,
    /// Whether a house may hold the answers to calls back, while messages wait: they keep their own order.
    pub answers_wait: bool,
}

impl Model {
    /// Somebody comes.
    pub fn arrive(&mut self, place: Place, user: Option<u8>) {
        self.clients.push(Client {
            place,
            user,
            connected: false,
            over: false,
            excuse: None,
            calls: Vec::new(),
            taken: 0,
            expected: Vec::new(),
            matched: 0,
            late: VecDeque::new(),
            questions: BTreeMap::new(),
        });
    }

    /// A client calls something.
    pub fn call(&mut self, client: usize, number: u32, method: Method, wanted: bool) {
        let streams = if let Method::Sum(streams) = method { streams.into() } else { 0 };
        self.clients[client].calls.push(Call {
            number,
            method,
            wanted,
            state: State::Sent,
            cancelled: false,
            answered: false,
            uploads: vec![Upload::default(); streams],
            yielded: 0,
            finish: None,
        });
    }

    /// A call by its number.
    pub fn find(&mut self, client: usize, number: u32) -> &mut Call {
        let calls = &mut self.clients[client].calls;
        calls.iter_mut().find(|call| call.number == number).expect("a call that was made")
    }

    /// The application sends something, soon.
    pub fn send(&mut self, place: Place, number: u32, to: To, size: Size) {
        self.sends.insert(number, (place, to, size));
    }

    /// A client answers a question.
    pub fn answer(&mut self, client: usize, number: u32, error: bool) {
        let answer = (!error).then(|| number.wrapping_mul(2));
        let question = self.clients[client].questions.get_mut(&number).expect("it was asked");
        assert_eq!(question.1.replace(answer), None, "a question came twice");
    }

    /// Something may end a client from now on.
    pub fn excuse(&mut self, client: usize, why: &'static str) {
        let excuse = &mut self.clients[client].excuse;
        if excuse.is_none_or(|before| before == MAY_BE_SLOW) {
            *excuse = Some(why);
        }
    }

    /// The application has seen something.
    pub fn hear(&mut self, news: News, now: Timestamp) {
        match news {
            News::Connected(client) => {
                let it = &mut self.clients[client];
                assert!(!it.connected, "client {client} was connected twice");
                it.connected = true;
            }
            News::Called { client, call } => self.called(client, call),
            News::Ended { client, call, outcome } => self.ended(client, call, outcome),
            News::Yielded { client, call, item } => {
                let it = self.find(client, call);
                assert_eq!((it.state, it.yielded), (State::Running, item), "item of call {call}");
                it.yielded += 1;
                self.expect(client, Expected::Item(call, item));
            }
            News::Item { client, call, stream, item, length } => {
                let it = self.find(client, call);
                assert_eq!(it.state, State::Running, "an item for call {call}, which does not run");
                let upload = &mut it.uploads[usize::from(stream)];
                assert_eq!(
                    upload.sent.get(upload.read),
                    Some(&(item, length)),
                    "item {} of stream {call}.{stream}",
                    upload.read
                );
                upload.read += 1;
            }
            News::EndOf { client, call, stream, error } => {
                let upload = &mut self.find(client, call).uploads[usize::from(stream)];
                assert_eq!(upload.ended, Some(error), "the end of stream {call}.{stream}");
                assert_eq!(upload.read, upload.sent.len(), "stream {call}.{stream} lost items");
                assert!(!upload.seen_end, "stream {call}.{stream} ended twice");
                upload.seen_end = true;
            }
            News::Asked { client, number } => {
                let before = self.clients[client].questions.insert(number, (now, None));
                assert_eq!(before, None, "question {number} was asked twice");
                self.expect(client, Expected::Asked(number));
            }
            News::Answered { client, number, answer } => {
                let it = &self.clients[client];
                let (asked, given) = it.questions[&number];
                let late = now.since(asked) >= PATIENCE || it.over || it.excuse.is_some();
                let right = given == Some(answer) || late && answer.is_none();
                assert!(right, "question {number} was answered by {given:?}, which is {answer:?}");
            }
            News::Sent(place, number) => {
                let (where_to, to, size) = self.sends.remove(&number).expect("it was to be sent");
                assert_eq!(where_to, place);
                self.tell(place, None, to, number, size);
            }
            News::Grouped { client, group, joins } => self.group(client, group, joins),
            News::Disconnected(client) => self.disconnected(client),
        }
    }

    fn disconnected(&mut self, client: usize) {
        let it = &mut self.clients[client];
        assert!(it.connected && !it.over, "client {client} was disconnected twice");
        assert!(it.excuse.is_some(), "client {client} was disconnected for no reason");
        it.over = true;
        self.groups.values_mut().for_each(|members| {
            members.remove(&client);
        });
        self.groups.retain(|_, members| !members.is_empty());
    }

    fn called(&mut self, client: usize, number: u32) {
        let it = &mut self.clients[client];
        assert!(it.connected && !it.over, "client {client} calls, and is not connected");
        // Calls begin in the order in which they were made. Some never do.
        let call = loop {
            let next = it.calls.get_mut(it.taken);
            let next =
                next.unwrap_or_else(|| panic!("call {number} was never made, or came twice"));
            it.taken += 1;
            if next.number == number {
                break next;
            }
            let fails = matches!(next.method, Method::Unknown | Method::Misfit);
            assert!(
                fails || next.answered || next.cancelled,
                "call {} got lost, or is behind call {number}",
                next.number
            );
        };
        assert_eq!(call.state, State::Sent);
        call.state = State::Running;
        let (place, method) = (it.place, call.method);
        let runs = |call: &&Call| call.state == State::Running && call.method == Method::Hold;
        let running = it.calls.iter().filter(runs).count();
        assert!(running <= place.limits().parallel_calls, "{running} calls run at once");
        match method {
            Method::Tell(to, size) => self.tell(place, Some(client), to, number, size),
            Method::Join(group) => self.group(client, group, true),
            Method::Leave(group) => self.group(client, group, false),
            Method::Unknown | Method::Misfit => panic!("call {number} cannot run"),
            _ => {}
        }
    }

    fn ended(&mut self, client: usize, number: u32, outcome: Outcome) {
        let over = self.clients[client].over;
        let questions = self.clients[client].questions.clone();
        let call = self.find(client, number);
        assert_eq!(call.state, State::Running, "call {number} ends");
        call.state = State::Ended;
        let right = match call.method {
            Method::Echo => outcome == Outcome::Number(number),
            Method::Tell(..) | Method::Join(_) | Method::Leave(_) | Method::Quit => {
                outcome == Outcome::Void
            }
            Method::Fail => outcome == Outcome::Error,
            Method::Hold if call.finish == Some(false) && outcome == Outcome::Number(number) => {
                true
            }
            Method::Hold => {
                outcome == Outcome::Error && (call.finish == Some(true) || call.cancelled)
            }
            Method::Items(count) => {
                let all = call.yielded == u32::from(count);
                outcome == Outcome::Void && (all || call.cancelled || over)
            }
            Method::Sum(_) if call.uploads.iter().any(|upload| upload.ended == Some(true)) => {
                outcome == Outcome::Error
            }
            Method::Sum(_) => {
                let items = call.uploads.iter().flat_map(|upload| &upload.sent);
                let sum = items.fold(0_u32, |sum, (item, _)| sum.wrapping_add(*item));
                call.uploads.iter().all(|upload| upload.seen_end) && outcome == Outcome::Number(sum)
            }
            Method::Ask => match questions.get(&number).and_then(|it| it.1).flatten() {
                Some(answer) => {
                    matches!(outcome, Outcome::Number(it) if it == answer)
                        || outcome == Outcome::Error
                }
                None => outcome == Outcome::Error,
            },
            Method::Unknown | Method::Misfit => false,
        };
        assert!(right || over, "call {number} ends as {outcome:?}: {call:?}");
        if call.wanted {
            self.expect(client, Expected::Answered(number, outcome));
        }
    }

    fn group(&mut self, client: usize, group: u8, joins: bool) {
        let it = &self.clients[client];
        if !it.connected || it.over {
            return;
        }
        let key = (it.place, group);
        if joins {
            self.groups.entry(key).or_default().insert(client);
        } else if let Some(members) = self.groups.get_mut(&key) {
            members.remove(&client);
        }
        self.groups.retain(|_, members| !members.is_empty());
    }

    /// Those whom a message is for, each as often as it gets a copy.
    fn audience(&self, place: Place, caller: Option<usize>, to: To) -> Vec<usize> {
        let here = |client: &usize| {
            self.clients
                .get(*client)
                .is_some_and(|it| it.place == place && it.connected && !it.over)
        };
        let all = || (0..self.clients.len()).filter(here);
        let of = |user: u8| all().filter(move |client| self.clients[*client].user == Some(user));
        let members = |group: u8| self.groups.get(&(place, group)).into_iter().flatten().copied();
        match to {
            To::All => all().collect(),
            To::Except(one) => all().filter(|client| *client != usize::from(one)).collect(),
            To::Caller => caller.into_iter().filter(here).collect(),
            To::Others => all().filter(|client| Some(*client) != caller).collect(),
            To::Client(one) => Some(usize::from(one)).into_iter().filter(here).collect(),
            To::Clients(one, other) => {
                BTreeSet::from([one.into(), other.into()]).into_iter().filter(here).collect()
            }
            To::Group(group) => members(group).collect(),
            To::GroupExcept(group, one) => {
                members(group).filter(|client| *client != usize::from(one)).collect()
            }
            To::OthersIn(group) => {
                members(group).filter(|client| Some(*client) != caller).collect()
            }
            To::Groups(one, other) => members(one).chain(members(other)).collect(),
            To::User(user) => of(user).collect(),
            To::Users(one, other) => {
                of(one).chain(of(other)).collect::<BTreeSet<_>>().into_iter().collect()
            }
        }
    }

    fn tell(&mut self, place: Place, caller: Option<usize>, to: To, number: u32, size: Size) {
        let length = size.text(number).len();
        for client in self.audience(place, caller, to) {
            self.expect(client, Expected::Told(number, length));
        }
    }

    fn expect(&mut self, client: usize, what: Expected) {
        if self.clients[client].connected && !self.clients[client].over {
            self.clients[client].expected.push(what);
        }
    }

    /// A client sees something that the hub has sent.
    pub fn see(&mut self, client: usize, seen: &Seen) {
        let answers_wait = self.answers_wait;
        let it = &mut self.clients[client];
        let wanted = match seen {
            Seen::Told(number, length) => Expected::Told(*number, *length),
            Seen::Asked(number) => Expected::Asked(*number),
            Seen::Item(call, item) => Expected::Item(*call, *item),
            Seen::Answered(call, outcome) => Expected::Answered(*call, *outcome),
            Seen::Refused(call, text) => return self.refused(client, *call, text),
            Seen::Welcome | Seen::Close(..) | Seen::Closed(_) | Seen::Over => return,
        };
        if let Expected::Answered(call, _) = wanted {
            let call = it.calls.iter_mut().find(|it| it.number == call).expect("it was made");
            assert!(!call.answered, "call {} was answered twice", call.number);
            call.answered = true;
        }
        if it.late.front() == Some(&wanted) {
            it.late.pop_front();
            return;
        }
        let is_answer = |what: &Expected| matches!(what, Expected::Answered(..));
        while let Some(next) = it.expected.get(it.matched) {
            it.matched += 1;
            if *next == wanted {
                let first = it.late.front().filter(|_| is_answer(&wanted));
                assert_eq!(first, None, "client {client} sees {seen:?} first");
                return;
            }
            if answers_wait && is_answer(next) {
                it.late.push_back(next.clone());
                continue;
            }
            let is_told = matches!(next, Expected::Told(..));
            assert!(
                is_told && it.place.drops(),
                "client {client} sees {seen:?}, but {next:?} comes first"
            );
        }
        panic!("client {client} sees {seen:?}, which nobody sent it, or sees it twice");
    }

    fn refused(&mut self, client: usize, number: u32, text: &str) {
        let waiting = self.clients[client].calls.iter().filter(|call| !call.answered).count();
        let call = self.find(client, number);
        let right = match call.method {
            Method::Unknown => text.contains("Method does not exist"),
            Method::Misfit => text.contains("error on the server"),
            _ => call.state == State::Sent && waiting > 60 && text.contains("wait"),
        };
        assert!(right, "call {number} is refused: {text}; {call:?}");
        assert!(!call.answered && call.wanted, "call {number} was answered twice");
        call.answered = true;
    }

    /// Everything is as it has to be once a client has had time to see it all.
    pub fn settled(&self, client: usize) {
        let it = &self.clients[client];
        let missing: Vec<_> = it.expected[it.matched..]
            .iter()
            .chain(&it.late)
            .filter(|what| !(it.place.drops() && matches!(what, Expected::Told(..))))
            .collect();
        assert!(missing.is_empty(), "client {client} never saw {missing:?}");
        for call in &it.calls {
            assert!(call.answered || !call.wanted, "client {client} got no answer: {call:?}");
        }
    }

    /// Whether all that was to be sent from outside has gone out.
    pub fn has_sent_all(&self) -> bool {
        self.sends.is_empty()
    }

    /// Who is at a hub.
    pub fn census(&self, place: Place) -> Census {
        let here = |it: &Client| it.place == place && it.connected && !it.over;
        let mut census = Census::default();
        for (number, it) in self.clients.iter().enumerate().filter(|(_, it)| here(it)) {
            census.clients.insert(number);
            if let Some(user) = it.user {
                census.users.entry(user).or_default().insert(number);
            }
        }
        let groups = self.groups.iter().filter(|((at, _), _)| *at == place);
        census.groups = groups.map(|((_, group), members)| (*group, members.clone())).collect();
        census
    }

    /// Every hub.
    pub fn places() -> impl Iterator<Item = Place> {
        (0..SERVERS).flat_map(|server| (0..HUBS).map(move |hub| Place { server, hub }))
    }
}
