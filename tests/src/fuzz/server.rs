//! A whole session on a server: frames that are cut anywhere, partial writes, links that are replaced, a
//! clock, an application, and a hub that sends more than leaves.
//!
//! The first two bytes of the input choose the settings, the rest is a list of steps.

use std::io::ErrorKind;
use std::time::Duration;

use hub_core::server::Config;
use hub_core::{Limits, SlowConsumer};
use hub_proto::ws::{Opcode, encode};

use super::application::Verb;
use super::compared::Compared;
use super::connection::{self, WORDS};
use super::input::Input;
use super::pieces;
use super::serving::Serving;

const KEY: Option<[u8; 4]> = Some([0x37, 0xFA, 0x21, 0x3D]);

const HELLOS: [&[u8]; 4] = [
    b"{\"protocol\":\"json\",\"version\":1}\x1e",
    b"{\"protocol\":\"json\",\"version\":2}\x1e",
    b"{\"protocol\":\"messagepack\",\"version\":1}\x1e",
    b"{\"protocol\":\"messagepack\",\"version\":2}\x1e",
];

const POLICIES: [SlowConsumer; 4] =
    [SlowConsumer::Wait, SlowConsumer::DropNewest, SlowConsumer::DropOldest, SlowConsumer::Close];

/// Runs `input` on one session that gets each read at once and on one that gets it in pieces.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let (settings, more) = (input.byte(), input.byte());
    let policy = POLICIES.get(usize::from(more & 3)).copied().unwrap_or_default();
    let config = config(settings, more & 4 == 4);
    let new = |()| Serving::new(config, policy, settings & 4 == 4, settings);
    let mut twins = Twins {
        sessions: [(); 2].map(new),
        wire: Vec::new(),
        parted: false,
        compared: Compared::default(),
    };
    if more & 8 == 0 {
        twins.greet(HELLOS.get(usize::from(more >> 4 & 3)).copied().unwrap_or_default());
    }
    while !input.is_empty() {
        twins.step(&mut input);
        twins.compare();
    }
    twins.sessions.into_iter().for_each(Serving::finish);
}

fn config(settings: u8, little: bool) -> Config {
    let config = connection::config(settings & 1 == 1, settings & 2 == 2, settings & 8 == 8);
    let less = Limits { soft_output: 300, hard_output: 900, unacked: 200, ..config.limits };
    Config { limits: if little { less } else { config.limits }, ..config }
}

/// The same session twice, with different cuts between its reads and other moments at which it is polled.
struct Twins {
    sessions: [Serving; 2],
    /// What the peer has sent and is not read yet.
    wire: Vec<u8>,
    /// Whether what ends them may do so at different moments.
    parted: bool,
    compared: Compared,
}

impl Twins {
    fn each(&mut self, act: impl Fn(&mut Serving)) {
        self.sessions.iter_mut().for_each(act);
    }

    fn greet(&mut self, hello: &[u8]) {
        self.frame(Opcode::Text, hello);
        self.deliver(0);
        self.each(|session| {
            session.act(&Verb::Welcome);
            session.act(&Verb::Accept);
        });
    }

    /// Does one thing: what, says the first byte.
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 40 {
            0..=2 => {
                let word = input.one_of(&WORDS);
                self.frame(Opcode::Text, word);
                self.deliver(0);
            }
            3 => {
                for _ in 0..input.byte() % 16 {
                    let word = input.one_of(&WORDS);
                    self.frame(Opcode::Binary, word);
                }
                self.deliver(input.byte());
            }
            4 => self.fragments(input),
            5 => {
                let word = input.one_of(&WORDS);
                self.frame(Opcode::Text, word);
                self.deliver(input.byte());
            }
            6 => self.control(input),
            7 => {
                let bytes = input.bytes();
                self.wire.extend_from_slice(bytes);
                self.deliver(0);
            }
            13 => {
                let step = Duration::from_millis(u64::from(input.byte()) * 250);
                self.time(|session| session.time(session.now() + step));
            }
            14 => self
                .time(|session| session.time(session.deadline().unwrap_or_else(|| session.now()))),
            15 => self.each(Serving::flush),
            19 => self.each(|session| session.end(ErrorKind::UnexpectedEof)),
            26 => self.each(|session| session.end(ErrorKind::ConnectionReset)),
            27 => self.relink(),
            28 => self.each(Serving::take),
            29..=30 => {
                let count = usize::from(input.byte());
                self.each(|session| {
                    session.take();
                    session.report(count);
                });
            }
            31 => {
                let count = usize::from(input.byte());
                self.each(|session| session.report(count));
            }
            32..=34 => {
                let size = usize::from(input.byte());
                self.each(|session| session.send(size));
            }
            35 => {
                let size = usize::from(input.byte()) * 300;
                self.each(|session| session.send(size));
            }
            36 => {
                let behind = Duration::from_millis(u64::from(input.byte()) * 250);
                self.time(|session| session.time(session.now()));
                let [_, late] = &mut self.sessions;
                late.behind = behind;
            }
            37 => {
                let bytes = input.bytes();
                self.frame(Opcode::Binary, bytes);
                self.deliver(0);
            }
            verb => {
                if let Some(verb) = Verb::read(verb, input) {
                    self.each(|session| session.act(&verb));
                }
            }
        }
    }

    /// Lets time pass, from when on both are told the same.
    fn time(&mut self, pass: impl Fn(&mut Serving)) {
        self.each(|session| {
            session.behind = Duration::ZERO;
            pass(session);
        });
    }

    // The peer.

    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        encode::write_frame(&mut self.wire, true, opcode, payload, KEY);
    }

    /// One message in some frames, with others between them.
    fn fragments(&mut self, input: &mut Input<'_>) {
        let (one, two) = (input.one_of(&WORDS), input.one_of(&WORDS));
        let (front, back) = one.split_at(usize::from(input.byte()) % one.len());
        encode::write_frame(&mut self.wire, false, Opcode::Binary, front, KEY);
        self.frame(Opcode::Ping, front.split_at(front.len().min(9)).0);
        encode::write_frame(&mut self.wire, false, Opcode::Continuation, back, KEY);
        self.frame(Opcode::Continuation, two);
        self.deliver(input.byte());
    }

    fn control(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0..=3 => self.frame(Opcode::Ping, &[input.byte()]),
            4 => self.frame(Opcode::Pong, &[0; 125]),
            5 => self.frame(Opcode::Close, b""),
            6 => self.frame(Opcode::Close, &[3, 232 + input.byte() % 16]),
            _ => self.frame(Opcode::Ping, &[0; 126]),
        }
        self.deliver(0);
    }

    /// Hands over what the peer has sent, but for the last `kept` bytes: they come with what follows.
    fn deliver(&mut self, kept: u8) {
        let length = self.wire.len().saturating_sub(kept.into());
        let bytes: Vec<u8> = self.wire.drain(..length).collect();
        let [whole, cut] = &mut self.sessions;
        for read in bytes.chunks(whole.longest_read()) {
            whole.read(read);
            whole.drain();
        }
        for (nth, piece) in pieces(&bytes).into_iter().enumerate() {
            if !cut.wants_input() {
                cut.drain();
            }
            cut.read(piece);
            cut.poll(nth % 3);
        }
        cut.drain();
    }

    fn relink(&mut self) {
        self.wire.clear();
        self.each(Serving::relink);
    }

    /// Both were told and have sent the same, unless bytes were pressed on one of them.
    fn compare(&mut self) {
        let [whole, cut] = &self.sessions;
        // A full queue ends a connection at once, wherever the reading is by then.
        self.parted |= whole.is_slow() || cut.is_slow();
        if self.parted || whole.pressed || cut.pressed {
            return;
        }
        self.compared.compare(whole.seen(), cut.seen());
        // Whether the peer's close came before the end was told decides how long the farewell may take.
        self.parted = whole.deadline() != cut.deadline();
        assert!(!self.parted || whole.application.is_closed(), "timers depend on the reads");
    }
}
