//! The laws of a connection, for any bytes, any order of calls and any time.

use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use hub_core::server::{
    Admission, Call, CallFault, CallId, Config, Connection, End, Event, TransportFacts,
};
use hub_core::{CloseReason, Limits, PeerFault, Timestamp};

const HELLO: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";

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
    calls: Vec<Call>,
    completed: Vec<CallId>,
    events: Vec<String>,
    output: Vec<u8>,
    last_frame: bool,
    reason: Option<CloseReason>,
}

impl World {
    fn new(config: Config, keep_alive: bool) -> Self {
        let facts = TransportFacts { keep_alive, ..TransportFacts::websocket(77) };
        let now = Timestamp::from_millis(60_000);
        Self {
            connection: Connection::new(Arc::new(config), facts, now),
            config,
            now,
            largest: 0,
            calls: Vec::new(),
            completed: Vec::new(),
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

    /// The next event: its place in `calls` if it is a call, its text otherwise.
    fn event(&mut self) -> Option<Event> {
        let event = self.connection.poll_event()?;
        assert_eq!(self.reason, None, "an event after the last one: {event:?}");
        self.events.push(format!("{event:?}"));
        if let Event::Closed(reason) = &event {
            self.reason = Some(reason.clone());
        }
        Some(event)
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
        let most = limits.parked.max(limits.read_ahead).max(message).saturating_add(self.largest);
        assert!(self.connection.unread() <= most, "{} unread", self.connection.unread());
        let calls = limits.parked_calls + limits.parallel_calls;
        assert!(self.connection.open_calls() <= calls, "{} calls", self.connection.open_calls());
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
            Event::Closed(_)
            | Event::Item { .. }
            | Event::Ended { .. }
            | Event::Answered { .. } => {}
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
        r#"{"type":4,"invocationId":"s","target":"stream","arguments":[],"streamIds":["u"]}"#,
        r#"{"type":2,"invocationId":"u","item":1}"#,
        r#"{"type":3,"invocationId":"u","result":1}"#,
        r#"{"type":6}"#,
        r#"{"type":8,"sequenceId":1}"#,
        r#"{"type":99}"#,
    ]);
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
        12 => other.prop_map(str::to_owned),
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
    prop_oneof![Just(End::Finished), Just(End::Lost(ErrorKind::ConnectionReset))]
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
        2 => time.prop_map(Step::Back),
        1 => end().prop_map(Step::Disconnect),
        6 => Just(Step::Welcome),
        1 => Just(Step::Refuse),
        6 => Just(Step::Accept),
        20 => (0..60_usize).prop_map(Step::Admit),
        20 => (0..60_usize).prop_map(Step::Complete),
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
    ) -> Config {
        let limits = Limits {
            message, parallel_calls, parked_calls, events, read_ahead, parked, ..Limits::default()
        };
        Config {
            limits,
            detailed_errors,
            keep_alive_interval: interval,
            client_timeout_interval: silence,
            ..Config::default()
        }
    }
}

/// Takes every step as it comes; calls are known once they were polled.
fn run(config: Config, keep_alive: bool, steps: &[Step]) -> World {
    let mut world = World::new(config, keep_alive);
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
    let mut world = World::new(config, true);
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
    Config { limits: Limits { parked: usize::MAX / 2, ..config.limits }, ..config }
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
        config in config(), keep_alive: bool, greets: bool, steps in vec(step(), 0..120),
    ) {
        let hello = [Step::Input(Packet(HELLO.into())), Step::PollEvent, Step::Welcome, Step::Accept];
        let steps = [if greets { &hello[..] } else { &[] }, &steps].concat();
        let mut world = run(config, keep_alive, &steps);
        world.connection.close(CloseReason::Aborted, world.now);
        world.drain(&[Manner::Quick]);
        prop_assert!(world.reason.is_some());
        prop_assert!(world.connection.is_ending());
        prop_assert_eq!((world.connection.unread(), world.connection.open_calls()), (0, 0));
        prop_assert_eq!(world.connection.poll_timeout(), None);
        prop_assert!(!world.connection.wants_input());
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs_and_time_never_runs_backwards(
        config in config(), steps in vec(step(), 0..120),
    ) {
        let clamped: Vec<_> = steps
            .iter()
            .map(|step| match step {
                Step::Back(_) => Step::Wait(Duration::ZERO),
                step => step.clone(),
            })
            .collect();
        let (one, two) = (run(config, true, &steps), run(config, true, &clamped));
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
        if end == End::Finished {
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
        let mut world = World::new(roomy(config), true);
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
        prop_assert_eq!(output.matches("\"type\":3").count(), wanted.count());
        if world.reason.is_none() {
            prop_assert_eq!(world.connection.open_calls(), 0);
            prop_assert_eq!(world.completed.len(), world.calls.len());
        }
    }
}
