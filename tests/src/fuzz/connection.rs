//! A hub connection on a server: a peer, a clock and an application that do anything in any order.
//!
//! The first byte of the input chooses the settings, the rest is a list of steps.

use std::io::ErrorKind;
use std::time::Duration;

use hub_core::Limits;
use hub_core::server::{Config, End};

use super::application::Verb;
use super::compared::Compared;
use super::input::Input;
use super::machine::Machine;
use super::pieces;

/// What a peer sends, mostly in good faith.
pub const WORDS: [&[u8]; 48] = [
    b"{\"protocol\":\"json\",\"version\":1}\x1e",
    b"{\"protocol\":\"json\",\"version\":9}\x1e",
    b"{\"protocol\":\"messagepack\",\"version\":1}\x1e",
    b"{\"type\":6}\x1e",
    b"{\"type\":7}\x1e",
    b"{\"type\":7,\"error\":\"bye\",\"allowReconnect\":true}\x1e",
    b"{\"type\":1,\"target\":\"Send\",\"arguments\":[]}\x1e",
    b"{\"type\":1,\"invocationId\":\"0\",\"target\":\"Add\",\"arguments\":[1,2]}\x1e",
    b"{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\",\"arguments\":[1,nul]}\x1e",
    b"{\"arguments\":[\"x\"],\"target\":\"Upload\",\"invocationId\":\"2\",\"streamIds\":[\"3\"],\"type\":1}\x1e",
    b"{\"type\":4,\"invocationId\":\"4\",\"target\":\"Count\",\"arguments\":[3]}\x1e",
    b"{\"type\":5,\"invocationId\":\"0\"}\x1e",
    b"{\"type\":5,\"invocationId\":\"4\"}\x1e",
    b"{\"type\":2,\"invocationId\":\"3\",\"item\":{\"a\":[null,true]}}\x1e",
    b"{\"type\":2,\"invocationId\":\"3\",\"item\":[1,]}\x1e",
    b"{\"type\":3,\"invocationId\":\"3\"}\x1e",
    b"{\"type\":3,\"invocationId\":\"3\",\"result\":1e999}\x1e",
    b"{\"type\":8,\"sequenceId\":1}\x1e",
    b"{\"type\":9,\"sequenceId\":1}\x1e",
    b"{\"type\":99,\"target\":{}}\x1e",
    b"{\"type\":1,\"target\":\"t\",\"arguments\":[\"\\ud83e\\udd80\",\"0123456789012345678901234567890123456789012345678901234567890123456789\"]}\x1e",
    b"{}\x1e",
    b"\x1e",
    b"\xff",
    b"{\"protocol\":\"json\",\"version\":2}\x1e",
    b"{\"protocol\":\"messagepack\",\"version\":2}\x1e",
    b"{\"type\":1,\"target\":\"Up\",\"arguments\":[],\"streamIds\":[\"5\",\"s1\"]}\x1e",
    b"{\"type\":4,\"invocationId\":\"6\",\"target\":\"Both\",\"arguments\":[],\"streamIds\":[\"3\"]}\x1e",
    b"{\"type\":1,\"invocationId\":\"7\",\"target\":\"Twice\",\"arguments\":[],\"streamIds\":[\"8\",\"8\"]}\x1e",
    b"{\"type\":2,\"invocationId\":\"5\",\"item\":\"0123456789012345678901234567890123456789\"}\x1e",
    b"{\"type\":2,\"invocationId\":\"s1\",\"item\":1}\x1e",
    b"{\"type\":3,\"invocationId\":\"5\",\"error\":\"enough\"}\x1e",
    b"{\"type\":3,\"invocationId\":\"s1\",\"result\":[1]}\x1e",
    b"{\"type\":3,\"invocationId\":\"s1\",\"error\":\"no\"}\x1e",
    b"{\"type\":3,\"invocationId\":\"s2\"}\x1e",
    b"{\"type\":3,\"invocationId\":\"s2\",\"result\":nul}\x1e",
    b"{\"type\":8,\"sequenceId\":3}\x1e",
    b"{\"type\":8,\"sequenceId\":-1}\x1e",
    b"{\"type\":9,\"sequenceId\":2}\x1e",
    b"{\"type\":9,\"sequenceId\":5}\x1e",
    b"{\"type\":9,\"sequenceId\":-9}\x1e",
    b"{\"type\":5,\"invocationId\":\"6\"}\x1e",
    b"\x0f\x96\x01\x80\xa11\xa2Up\x90\x92\xa15\xa2s1",
    b"\x06\x94\x02\x80\xa15\xc0",
    b"\x07\x95\x03\x80\xa15\x01\xa0",
    b"\x08\x95\x03\x80\xa2s1\x03\x2a",
    b"\x03\x92\x08\x01",
    b"\x02\x91\x06",
];

const LOST: End = End::Lost(ErrorKind::BrokenPipe);

/// Runs `input` on one connection that gets each read at once and on one that gets it in pieces.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let settings = input.byte();
    let config = config(settings & 1 == 1, settings & 2 == 2, settings & 8 == 8);
    let machines = [(); 2].map(|()| Machine::new(config, settings, settings & 4 == 4));
    let mut twins = Twins { machines, compared: Compared::default() };
    while !input.is_empty() {
        twins.step(&mut input);
        twins.compare();
    }
    twins.each(|machine| machine.vanish(LOST));
    twins.compare();
}

pub(super) fn config(small: bool, detailed_errors: bool, tight: bool) -> Config {
    let few = Limits {
        streams: 3,
        stream_items: 2,
        asks: 2,
        flood_rate: 10,
        flood_burst: 6,
        ..Limits::default()
    };
    let limits = if tight { few } else { Limits::default() };
    let less = Limits {
        message: Some(150),
        parallel_calls: 2,
        parked_calls: 2,
        events: 2,
        read_ahead: 64,
        unread: 300,
        parked: 300,
        ..limits
    };
    let limits = if small { less } else { limits };
    Config { detailed_errors, limits, ..Config::default() }
}

/// The same connection twice, with different cuts between its reads.
struct Twins {
    machines: [Machine; 2],
    compared: Compared,
}

impl Twins {
    fn each(&mut self, act: impl Fn(&mut Machine)) {
        self.machines.iter_mut().for_each(act);
    }

    /// Does one thing: what, says the first byte.
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 28 {
            0..=3 => {
                let word = input.one_of(&WORDS);
                self.read(word);
            }
            4 => {
                let words: Vec<&[u8]> =
                    (0..input.byte() % 16).map(|_| input.one_of(&WORDS)).collect();
                self.read(&words.concat());
            }
            5 => {
                let (word, at) = (input.one_of(&WORDS), usize::from(input.byte()));
                self.read(word.split_at(at % word.len()).0);
            }
            6 => {
                let (word, at) = (input.one_of(&WORDS), usize::from(input.byte()));
                self.read(word.split_at(at % word.len()).1);
            }
            7 => {
                let bytes = input.bytes();
                self.read(bytes);
            }
            13 => {
                let step = Duration::from_millis(u64::from(input.byte()) * 250);
                self.each(|machine| machine.time(machine.now() + step));
            }
            14 => self.each(|machine| machine.time(machine.deadline().unwrap_or_default())),
            15 => self.each(Machine::wrote),
            19 => self.each(|machine| machine.disconnect(End::Finished)),
            26 => self.each(|machine| machine.disconnect(LOST)),
            27 => self.each(Machine::relink),
            verb => {
                if let Some(verb) = Verb::read(verb, input) {
                    self.each(|machine| machine.act(&verb));
                }
            }
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let [whole, cut] = &mut self.machines;
        whole.read(bytes);
        for piece in pieces(bytes) {
            cut.read(piece);
        }
    }

    /// Both were told and have sent the same, unless bytes were pressed on one of them.
    fn compare(&mut self) {
        let [whole, cut] = &self.machines;
        if whole.pressed || cut.pressed {
            return;
        }
        self.compared.compare(whole.seen(), cut.seen());
        if !whole.is_closed() {
            assert_eq!(whole.acked, cut.acked, "news of arrivals depends on the reads");
        }
    }
}
