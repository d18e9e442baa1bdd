//! The laws of a connection, for any bytes, any order of calls and any time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use hub_core::server::{
    Admission, Answer, AskId, Call, CallFault, CallId, Config, Connection, End, Event, Raw,
    StreamKey, TransportFacts,
};
use hub_core::{CloseReason, Limits, PeerFault, Timestamp};
use hub_proto::ws::Violation;
use hub_proto::{Encoding, Frame, Message, Payload, StreamItem};

/// Where links cannot be replaced, the version does not matter.
const HELLO: &str = "{\"protocol\":\"json\",\"version\":2}\x1e";

/// What a parked item takes besides its bytes.
const OVERHEAD: usize = 64;

/// Bytes from the peer, readable in a failure.
#[derive(Clone)]
struct Packet(Vec<u8>);

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), f)
    }
}

/// One thing that the world or the application does.
#[derive(Clone, Debug)]
enum Step {
    Input(Packet),
    Wait(Duration),
    Back(Duration),
    Disconnect(End),
    Welcome,
    Refuse,
    Accept,
    Admit(usize),
    Complete(usize),
    Item(usize),
    Release(usize),
    Consume(usize, usize),
    Discard(usize),
    Ask(u64, Option<Duration>),
    Withdraw(u64),
    Relink,
    Malformed,
    Close(CloseReason),
    Wrote,
    PollEvent,
    PollTransmit,
}

/// A connection, the time, and all that was seen of it.
struct World {
    connection: Connection,
    config: Config,
    now: Timestamp,
    largest: usize,
    arrived: usize,
    calls: Vec<Call>,
    completed: Vec<CallId>,
    /// Every stream of the client's, with the items that its reader has and has not taken.
    streams: BTreeMap<StreamKey, usize>,
    ended: BTreeSet<StreamKey>,
    asks: BTreeSet<AskId>,
    events: Vec<String>,
    output: Vec<u8>,
    last_frame: bool,
    reason: Option<CloseReason>,
}

impl World {
    fn new(config: Config, keep_alive: bool, resumable: bool) -> Self {
        let facts = TransportFacts { keep_alive, resumable, ..TransportFacts::websocket(77) };
        let now = Timestamp::from_millis(60_000);
        Self {
            connection: Connection::new(Arc::new(config), facts, now),
            config,
            now,
            largest: 0,
            arrived: 0,
            calls: Vec::new(),
            completed: Vec::new(),
            streams: BTreeMap::new(),
            ended: BTreeSet::new(),
            asks: BTreeSet::new(),
            events: Vec::new(),
            output: Vec::new(),
            last_frame: false,
            reason: None,
        }
    }

    fn apply(&mut self, step: &Step) {
        let now = self.now;
        let connection = &mut self.connection;
        match step {
            Step::Input(packet) => self.input(&packet.0),
            Step::Wait(time) => {
                self.now = now + *time;
                connection.handle_timeout(self.now);
                let next = connection.poll_timeout();
                assert!(next.is_none_or(|next| next.at > self.now), "{next:?} at {:?}", self.now);
            }
            Step::Back(time) => {
                let earlier = now.as_nanos().saturating_sub(time.as_nanos() as u64);
                connection.handle_timeout(Timestamp::from_nanos(earlier));
                let next = connection.poll_timeout();
                assert!(next.is_none_or(|next| next.at > now), "{next:?} at {now:?}");
            }
            Step::Disconnect(end) => connection.handle_disconnect(*end, now),
            Step::Welcome => connection.welcome(now),
            Step::Refuse => connection.refuse("no", now),
            Step::Accept => connection.accept(now),
            Step::Admit(n) => {
                if let Some(call) = self.calls.get(*n) {
                    connection.admit(call.id);
                }
            }
            Step::Complete(n) => self.complete(*n),
            Step::Item(n) => {
                if let Some(call) = self.calls.get(*n) {
                    let sent = connection.item(call.id, item(connection.encoding()), now);
                    assert!(!sent || !self.completed.contains(&call.id), "an item behind the end");
                }
            }
            Step::Release(n) => {
                if let Some(call) = self.calls.get(*n) {
                    connection.release(call.id, now);
                }
            }
            Step::Consume(n, count) => self.consume(*n, *count),
            Step::Discard(n) => {
                if let Some(stream) = self.streams.keys().nth(*n) {
                    connection.discard(*stream, now);
                }
            }
            Step::Ask(ask, time) => {
                let until = time.map(|time| now + time);
                if connection.ask(AskId(*ask), until, now).is_ok() {
                    // An answer to the last question of that id may wait to be polled.
                    self.asks.insert(AskId(*ask));
                }
            }
            Step::Withdraw(ask) => {
                let waits = connection.withdraw(AskId(*ask));
                assert!(!waits || self.asks.contains(&AskId(*ask)), "nobody asked s{ask}");
            }
            Step::Relink => {
                let resumable = connection.is_resumable();
                let relinked = connection.relink(now);
                assert!(!relinked || resumable && !connection.is_down());
            }
            Step::Malformed => connection.malformed(PeerFault::Truncated, now),
            Step::Close(reason) => connection.close(reason.clone(), now),
            Step::Wrote => connection.wrote(now),
            Step::PollEvent => drop(self.event()),
            Step::PollTransmit => drop(self.frame()),
        }
        self.check_bounds();
    }

    fn input(&mut self, bytes: &[u8]) {
        self.largest = self.largest.max(bytes.len());
        self.arrived += bytes.len();
        self.connection.handle_input(bytes, self.now);
    }

    fn complete(&mut self, n: usize) {
        let Some(call) = self.calls.get(n) else { return };
        let answer = call.reply.failure(&CallFault::UnknownMethod.text(&call.target, false));
        if self.connection.complete(call.id, answer, self.now) {
            assert!(!self.completed.contains(&call.id), "completed twice");
            self.completed.push(call.id);
        }
    }

    /// Takes some of the items that a reader has.
    fn consume(&mut self, n: usize, count: usize) {
        let Some((stream, out)) = self.streams.iter_mut().nth(n) else { return };
        let count = count.min(*out);
        *out -= count;
        self.connection.consumed(*stream, count, self.now);
    }

    /// The next event: its place in `calls` if it is a call, its text otherwise.
    fn event(&mut self) -> Option<Event> {
        let event = self.connection.poll_event()?;
        assert_eq!(self.reason, None, "an event after the last one: {event:?}");
        let bytes = self.bytes(&event).escape_ascii().to_string();
        self.events.push(format!("{event:?} {bytes}"));
        match &event {
            Event::Invoked(call) => {
                self.streams.extend(call.streams.iter().map(|stream| (*stream, 0)));
            }
            Event::Item { stream, .. } => {
                assert!(!self.ended.contains(stream), "an item behind the end");
                let out = self.streams.get_mut(stream).expect("a stream that is known");
                *out += 1;
                assert!(*out <= self.config.limits.stream_items, "{out} items are out");
            }
            Event::Ended { stream, .. } => {
                assert!(self.streams.contains_key(stream), "the end of an unknown stream");
                assert!(self.ended.insert(*stream), "a stream ended twice");
            }
            Event::Answered { ask, .. } => assert!(self.asks.contains(ask), "nobody asked {ask}"),
            Event::Closed(reason) => self.reason = Some(reason.clone()),
            Event::Handshake(_) | Event::Started(_) | Event::Cancelled(_) => {}
        }
        Some(event)
    }

    /// The client's bytes of an event, which its text does not tell.
    fn bytes(&self, event: &Event) -> Vec<u8> {
        let encoding = self.connection.encoding();
        let bytes = |raw: &Raw| raw.payload(encoding).raw().to_vec();
        match event {
            Event::Invoked(call) => call.arguments().raw().to_vec(),
            Event::Item { item, .. } => bytes(item),
            Event::Answered { answer: Answer::Result(result), .. } => bytes(result),
            Event::Answered { .. }
            | Event::Handshake(_)
            | Event::Started(_)
            | Event::Cancelled(_)
            | Event::Ended { .. }
            | Event::Closed(_) => Vec::new(),
        }
    }

    fn frame(&mut self) -> Option<()> {
        let frame = self.connection.poll_transmit()?;
        assert_eq!(self.reason, None, "a frame after the last event");
        assert!(!self.last_frame, "a frame after Close");
        let payload = frame.payload();
        self.last_frame = payload.starts_with(b"{\"type\":7") || payload.starts_with(b"{\"error\"");
        self.output.extend_from_slice(payload);
        Some(())
    }

    fn check_bounds(&self) {
        let limits = &self.config.limits;
        let message = limits.message.unwrap_or(usize::MAX);
        let most = limits.unread.max(limits.read_ahead).max(message).saturating_add(self.largest);
        assert!(self.connection.unread() <= most, "{} unread", self.connection.unread());
        // Those that run, that have given their slot back, that wait, and that nobody has bound.
        let calls = limits.parallel_calls + 2 * limits.parked_calls + limits.events;
        let calls = calls + limits.streams + limits.parked_calls;
        assert!(self.connection.open_calls() <= calls, "{} calls", self.connection.open_calls());
        let streams = self.connection.open_streams();
        assert!(streams <= limits.streams, "{streams} streams");
        let parked =
            limits.parked.saturating_mul(2).saturating_add(message.min(self.arrived) + OVERHEAD);
        assert!(self.connection.parked() <= parked, "{} parked", self.connection.parked());
        let asks = self.connection.open_asks();
        assert!(asks <= limits.asks, "{asks} questions");
    }

    /// What an application that answers every event at once does.
    fn react(&mut self, event: Event, manners: &[Manner]) {
        match event {
            Event::Handshake(_) => {
                self.connection.welcome(self.now);
                self.connection.accept(self.now);
            }
            Event::Invoked(call) => {
                let (n, id) = (self.calls.len(), call.id);
                self.calls.push(*call);
                match manners.get(n % manners.len()).copied() {
                    Some(Manner::Malformed) => self.apply(&Step::Malformed),
                    Some(Manner::Refused) => self.complete(n),
                    Some(Manner::Held) => drop(self.connection.admit(id)),
                    Some(Manner::Quick) | None => {
                        if self.connection.admit(id) == Admission::Started {
                            self.complete(n);
                        }
                    }
                }
            }
            Event::Started(id) => {
                self.complete(self.calls.iter().position(|call| call.id == id).unwrap_or_default());
            }
            Event::Cancelled(_) => self.complete_all(),
            Event::Item { stream, .. } => {
                let n = self.streams.keys().position(|known| *known == stream).unwrap_or_default();
                // Some readers take every item at once, some two by two, some none.
                match n % 3 {
                    0 => self.consume(n, 1),
                    1 if self.streams.get(&stream) == Some(&2) => self.consume(n, 2),
                    _ => {}
                }
            }
            Event::Closed(_) | Event::Ended { .. } | Event::Answered { .. } => {}
        }
    }

    fn complete_all(&mut self) {
        (0..self.calls.len()).for_each(|n| self.complete(n));
    }

    /// Polls until there is nothing more.
    fn drain(&mut self, manners: &[Manner]) {
        loop {
            let event = self.event();
            let silent = event.is_none();
            if let Some(event) = event {
                self.react(event, manners);
            }
            while self.frame().is_some() {}
            if silent && (self.reason.is_some() || !self.connection.is_ending()) {
                return;
            }
        }
    }
}

fn item(encoding: Encoding) -> Frame {
    let item = StreamItem {
        id: "s".into(),
        item: Payload::new(encoding, b"0"),
        headers: Default::default(),
    };
    Frame::message(encoding, &Message::StreamItem(item))
}

/// How the application treats a call.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Quick,
    Held,
    Refused,
    Malformed,
}

fn manners() -> impl Strategy<Value = Vec<Manner>> {
    let manner = prop_oneof![
        12 => Just(Manner::Quick),
        8 => Just(Manner::Held),
        4 => Just(Manner::Refused),
        1 => Just(Manner::Malformed),
    ];
    vec(manner, 1..12)
}

fn record() -> impl Strategy<Value = String> {
    let call = (0..9, "[a-z]{0,40}").prop_map(|(id, target)| {
        format!(r#"{{"type":1,"invocationId":"{id}","target":"t{target}","arguments":[{id}]}}"#)
    });
    let cancel = (0..9).prop_map(|id| format!(r#"{{"type":5,"invocationId":"{id}"}}"#));
    let other = select(vec![
        r#"{"type":1,"target":"forget","arguments":[]}"#,
        r#"{"type":6}"#,
        r#"{"type":8,"sequenceId":1}"#,
        r#"{"type":8,"sequenceId":-1}"#,
        r#"{"type":9,"sequenceId":1}"#,
        r#"{"type":9,"sequenceId":3}"#,
        r#"{"type":9,"sequenceId":-3}"#,
        r#"{"type":99}"#,
        r#"{"type":3,"invocationId":"s1","result":[1]}"#,
        r#"{"type":3,"invocationId":"s1","error":"no"}"#,
        r#"{"type":3,"invocationId":"s2"}"#,
        r#"{"type":3,"invocationId":"s3","result":0}"#,
    ]);
    let opened = select(vec![
        r#"{"type":1,"invocationId":"0","target":"up","arguments":[],"streamIds":["u"]}"#,
        r#"{"type":1,"target":"up","arguments":[1],"streamIds":["v","w"]}"#,
        r#"{"type":1,"invocationId":"1","target":"twice","arguments":[],"streamIds":["x","x"]}"#,
        r#"{"type":1,"invocationId":"2","target":"ask","arguments":[],"streamIds":["s1"]}"#,
        r#"{"type":4,"invocationId":"s","target":"down","arguments":[]}"#,
        r#"{"type":4,"invocationId":"t","target":"both","arguments":[],"streamIds":["u"]}"#,
        r#"{"type":5,"invocationId":"s"}"#,
    ]);
    let streamed = (select(vec!["u", "v", "w", "s1"]), 0..30, 0..100_u32).prop_map(
        |(id, kind, n)| match kind {
            0..24 => format!(r#"{{"type":2,"invocationId":"{id}","item":{n}}}"#),
            24 => format!(r#"{{"type":3,"invocationId":"{id}","error":"{n}"}}"#),
            25 => format!(r#"{{"type":3,"invocationId":"{id}","result":{n}}}"#),
            _ => format!(r#"{{"type":3,"invocationId":"{id}"}}"#),
        },
    );
    let last = select(vec![
        r#"{"type":7}"#,
        r#"{"type":7,"error":"why"}"#,
        r#"{"type":2,"invocationId":"u","item":nul}"#,
        r#"{"type":1"#,
        "",
    ]);
    prop_oneof![
        30 => call,
        6 => cancel,
        8 => other.prop_map(str::to_owned),
        8 => opened.prop_map(str::to_owned),
        24 => streamed,
        1 => last.prop_map(str::to_owned),
    ]
    .prop_map(|record| record + "\x1e")
}

/// Mostly records, now and then anything.
fn bytes() -> impl Strategy<Value = Packet> {
    prop_oneof![
        20 => vec(record(), 1..9).prop_map(|records| records.concat().into_bytes()),
        3 => Just(HELLO.as_bytes().to_vec()),
        2 => vec(any::<u8>(), 0..60),
        1 => vec(select(b"{}[]\",:0\x1etype".to_vec()), 0..400),
    ]
    .prop_map(Packet)
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        Just(End::Finished),
        Just(End::Violated(Violation::Unmasked)),
        Just(End::Lost(ErrorKind::ConnectionReset)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let time = prop_oneof![0..50_000_000_u64, 0..40_000_000_000_u64].prop_map(Duration::from_nanos);
    let reason = select(vec![
        CloseReason::Aborted,
        CloseReason::Shutdown,
        CloseReason::SlowConsumer,
        CloseReason::Rejected(None),
        CloseReason::Lost(ErrorKind::TimedOut),
    ]);
    prop_oneof![
        30 => bytes().prop_map(Step::Input),
        12 => time.clone().prop_map(Step::Wait),
        2 => time.clone().prop_map(Step::Back),
        1 => end().prop_map(Step::Disconnect),
        6 => Just(Step::Welcome),
        1 => Just(Step::Refuse),
        6 => Just(Step::Accept),
        20 => (0..60_usize).prop_map(Step::Admit),
        20 => (0..60_usize).prop_map(Step::Complete),
        4 => (0..60_usize).prop_map(Step::Item),
        4 => (0..60_usize).prop_map(Step::Release),
        16 => (0..8_usize, 0..12_usize).prop_map(|(n, count)| Step::Consume(n, count)),
        2 => (0..8_usize).prop_map(Step::Discard),
        8 => (0..4_u64, prop::option::of(time)).prop_map(|(ask, time)| Step::Ask(ask, time)),
        2 => (0..4_u64).prop_map(Step::Withdraw),
        3 => Just(Step::Relink),
        1 => Just(Step::Malformed),
        1 => reason.prop_map(Step::Close),
        4 => Just(Step::Wrote),
        60 => Just(Step::PollEvent),
        20 => Just(Step::PollTransmit),
    ]
}

prop_compose! {
    fn config()(
        message in select(vec![None, Some(96), Some(32 * 1024)]),
        parallel_calls in 1..4_usize,
        parked_calls in select(vec![1, 3, 64]),
        events in select(vec![1, 3, 64]),
        read_ahead in select(vec![1, 100, 64 * 1024]),
        parked in select(vec![1, 500, 256 * 1024]),
        interval in select(vec![Duration::from_nanos(1), Duration::from_secs(15), Duration::MAX]),
        silence in select(vec![Duration::from_nanos(1), Duration::from_secs(30), Duration::MAX]),
        detailed_errors: bool,
        (streams, stream_items, asks) in select(vec![(1, 1, 1), (3, 2, 2), (100, 10, 1_000)]),
        (flood_rate, flood_burst) in select(vec![(1, 1), (10, 3), (1_000, 10_000)]),
        message_timeout in select(vec![Duration::from_nanos(1), Duration::from_secs(60)]),
        resume_timeout in select(vec![Duration::from_nanos(1), Duration::from_secs(15)]),
    ) -> Config {
        let limits = Limits {
            message,
            parallel_calls,
            parked_calls,
            events,
            read_ahead,
            unread: parked,
            parked,
            streams,
            stream_items,
            asks,
            flood_rate,
            flood_burst,
            ..Limits::default()
        };
        Config {
            limits,
            detailed_errors,
            keep_alive_interval: interval,
            client_timeout_interval: silence,
            message_timeout,
            resume_timeout,
            ..Config::default()
        }
    }
}

/// Takes every step as it comes; calls are known once they were polled.
fn run(config: Config, keep_alive: bool, resumable: bool, steps: &[Step]) -> World {
    let mut world = World::new(config, keep_alive, resumable);
    for step in steps {
        match step {
            Step::PollEvent => {
                if let Some(Event::Invoked(call)) = world.event() {
                    world.calls.push(*call);
                }
            }
            step => world.apply(step),
        }
    }
    world
}

/// Hands in every chunk and polls as `polls` says: that many events after each, 9 for all.
fn feed(config: Config, manners: &[Manner], chunks: &[&[u8]], polls: &[u8], end: End) -> World {
    let mut world = World::new(config, true, true);
    // What the server has asked before anything is read.
    for ask in 1..3 {
        world.apply(&Step::Ask(ask, None));
    }
    for (n, chunk) in chunks.iter().enumerate() {
        world.input(chunk);
        match polls.get(n % polls.len()).copied().unwrap_or(9) {
            9 => world.drain(manners),
            count => {
                for _ in 0..count {
                    if let Some(event) = world.event() {
                        world.react(event, manners);
                    }
                }
                if count % 2 == 1 {
                    world.frame();
                }
            }
        }
    }
    world.connection.handle_disconnect(end, world.now);
    world.drain(manners);
    if world.connection.is_down() {
        world.apply(&Step::Wait(config.resume_timeout));
        world.drain(manners);
    }
    world
}

/// Cuts `bytes` at every place of `cuts`.
fn split<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).filter_map(|pair| bytes.get(*pair.first()?..*pair.last()?)).collect()
}

/// Room for all input, so that only its content matters.
fn roomy(config: Config) -> Config {
    Config {
        limits: Limits { unread: usize::MAX / 2, parked: usize::MAX / 2, ..config.limits },
        ..config
    }
}

/// Nothing is ever too much of anything cheap.
fn patient(config: Config) -> Config {
    Config { limits: Limits { flood_burst: 10_000, ..config.limits }, ..config }
}

fn conversation() -> impl Strategy<Value = Packet> {
    (prop::bool::weighted(0.95), vec(bytes(), 0..8)).prop_map(|(greets, parts)| {
        let hello = if greets { HELLO } else { "" };
        Packet(parts.into_iter().fold(hello.into(), |so_far, part| [so_far, part.0].concat()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn no_input_order_or_time_breaks_it_and_it_closes_once_and_last(
        config in config(), keep_alive: bool, resumable: bool, greets: bool,
        steps in vec(step(), 0..120),
    ) {
        let hello = [Step::Input(Packet(HELLO.into())), Step::PollEvent, Step::Welcome, Step::Accept];
        let steps = [if greets { &hello[..] } else { &[] }, &steps].concat();
        let mut world = run(config, keep_alive, resumable, &steps);
        world.connection.close(CloseReason::Aborted, world.now);
        world.drain(&[Manner::Quick]);
        prop_assert!(world.reason.is_some());
        prop_assert!(world.connection.is_ending());
        let connection = &world.connection;
        let usage = [
            connection.unread(),
            connection.parked(),
            connection.open_calls(),
            connection.open_streams(),
            connection.open_asks(),
        ];
        prop_assert_eq!(usage, [0; 5]);
        prop_assert_eq!(world.connection.poll_timeout(), None);
        prop_assert_eq!(world.connection.poll_acked(), None);
        prop_assert!(!world.connection.is_down() && !world.connection.is_resumable());
        prop_assert!(!world.connection.wants_input());
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs_and_time_never_runs_backwards(
        config in config(), resumable: bool, steps in vec(step(), 0..120),
    ) {
        let clamped: Vec<_> = steps
            .iter()
            .map(|step| match step {
                Step::Back(_) => Step::Wait(Duration::ZERO),
                step => step.clone(),
            })
            .collect();
        let one = run(config, true, resumable, &steps);
        let two = run(config, true, resumable, &clamped);
        prop_assert_eq!(one.events, two.events);
        prop_assert_eq!(one.output, two.output);
        prop_assert_eq!(one.connection.poll_timeout(), two.connection.poll_timeout());
    }

    #[test]
    fn chunks_do_not_matter(
        config in config(), manners in manners(), bytes in conversation(),
        cuts in vec(any::<prop::sample::Index>(), 0..30), end in end(),
    ) {
        let config = roomy(config);
        let whole = feed(config, &manners, &[&bytes.0], &[9], end);
        let cut = feed(config, &manners, &split(&bytes.0, &cuts), &[9], end);
        prop_assert_eq!(whole.events, cut.events);
        prop_assert_eq!(whole.output, cut.output);
    }

    #[test]
    fn nobody_has_to_poll_at_any_moment(
        config in config(), manners in manners(), bytes in conversation(),
        cuts in vec(any::<prop::sample::Index>(), 0..30), polls in vec(0..10_u8, 1..30),
        end in end(),
    ) {
        let config = roomy(config);
        let chunks = split(&bytes.0, &cuts);
        let eager = feed(config, &manners, &chunks, &[9], end);
        let lazy = feed(config, &manners, &chunks, &polls, end);
        prop_assert_eq!(eager.events, lazy.events);
        if !matches!(end, End::Lost(_)) {
            prop_assert_eq!(eager.output, lazy.output);
        } else {
            // What was not taken before the loss cannot be sent any more.
            prop_assert!(eager.output.starts_with(&lazy.output));
        }
    }

    #[test]
    fn every_call_with_an_id_is_answered_once(
        config in config(), manners in manners(), parts in vec(record(), 0..60),
        polls in vec(0..10_u8, 1..30),
    ) {
        let mut world = World::new(patient(roomy(config)), true, false);
        for (n, part) in [HELLO].into_iter().chain(parts.iter().map(|part| &**part)).enumerate() {
            world.input(part.as_bytes());
            for _ in 0..polls.get(n % polls.len()).copied().unwrap_or_default() {
                if let Some(event) = world.event() {
                    world.react(event, &manners);
                }
            }
        }
        for _ in 0..=parts.len() {
            world.drain(&manners);
            world.complete_all();
        }
        world.drain(&manners);
        let wanted = world.calls.iter().filter(|call| {
            call.reply.is_wanted() && world.completed.contains(&call.id)
        });
        let output = String::from_utf8_lossy(&world.output).into_owned();
        let refused = [" is already in use.", " streams are open, which is the limit."];
        let refused = refused.map(|text| output.matches(text).count()).iter().sum::<usize>();
        prop_assert_eq!(output.matches("\"type\":3").count(), wanted.count() + refused);
        if world.reason.is_none() {
            prop_assert_eq!(world.connection.open_calls(), 0);
            prop_assert_eq!(world.completed.len(), world.calls.len());
        }
    }
}
