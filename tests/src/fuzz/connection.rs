//! A hub connection on a server: a peer, a clock and an application that do anything in any order.
//!
//! The first byte of the input chooses the settings, the rest is a list of steps.

use std::io::ErrorKind;
use std::time::Duration;

use hub_core::server::{Config, End};
use hub_core::{CloseReason, Limits, PeerFault, Timer};

use super::machine::Machine;
use super::pieces;

/// What a peer sends, mostly in good faith.
pub const WORDS: [&[u8]; 24] = [
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
];

/// Runs `input` on one connection that gets each read at once and on one that gets it in pieces.
pub fn run(input: &[u8]) {
    let mut input = Input(input);
    let settings = input.byte();
    let config = config(settings & 1 == 1, settings & 2 == 2);
    let mut twins = Twins([Machine::new(config, settings), Machine::new(config, settings)]);
    while !input.0.is_empty() {
        twins.step(&mut input);
        twins.compare();
    }
    twins.each(|machine| machine.disconnect(End::Lost(ErrorKind::BrokenPipe)));
    twins.compare();
}

fn config(small: bool, detailed_errors: bool) -> Config {
    let limits = Limits {
        message: Some(150),
        parallel_calls: 2,
        parked_calls: 2,
        events: 2,
        read_ahead: 64,
        parked: 300,
        ..Limits::default()
    };
    let limits = if small { limits } else { Limits::default() };
    Config { detailed_errors, limits, ..Config::default() }
}

/// The same connection twice, with different cuts between its reads.
struct Twins([Machine; 2]);

impl Twins {
    fn each(&mut self, act: impl Fn(&mut Machine)) {
        self.0.iter_mut().for_each(act);
    }

    /// Does one thing: what, says the first byte.
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 20 {
            0..=3 => {
                let word = input.word();
                self.read(word);
            }
            4 => {
                let words: Vec<&[u8]> = (0..input.byte() % 16).map(|_| input.word()).collect();
                self.read(&words.concat());
            }
            5 => {
                let (word, at) = (input.word(), usize::from(input.byte()));
                self.read(word.split_at(at % word.len()).0);
            }
            6 => {
                let (word, at) = (input.word(), usize::from(input.byte()));
                self.read(word.split_at(at % word.len()).1);
            }
            7 => {
                let bytes = input.bytes();
                self.read(bytes);
            }
            8 => self.each(Machine::welcome),
            9 => self.each(Machine::accept),
            10 => self.each(Machine::serve),
            11 => {
                let nth = input.byte().into();
                self.each(|machine| machine.complete(nth));
            }
            12 => {
                let nth = input.byte().into();
                self.each(|machine| machine.admit(nth));
            }
            13 => {
                let step = Duration::from_millis(u64::from(input.byte()) * 250);
                self.each(|machine| machine.time(machine.now() + step));
            }
            14 => self.each(|machine| machine.time(machine.deadline().unwrap_or_default())),
            15 => self.each(Machine::wrote),
            16 => self.end(input.byte()),
            17 => self.each(Machine::malformed),
            18 => self.each(Machine::refuse),
            _ => self.each(|machine| machine.disconnect(End::Finished)),
        }
    }

    fn end(&mut self, why: u8) {
        let reason = || match why % 8 {
            0 => CloseReason::Aborted,
            1 => CloseReason::Closed { allow_reconnect: true },
            2 => CloseReason::SlowConsumer,
            3 => CloseReason::Rejected(Some("no".to_owned())),
            4 => CloseReason::AuthExpired,
            5 => CloseReason::Shutdown,
            6 => CloseReason::Timeout(Timer::Send),
            _ => CloseReason::Peer(PeerFault::Truncated),
        };
        self.each(|machine| machine.close(reason()));
    }

    fn read(&mut self, bytes: &[u8]) {
        let [whole, cut] = &mut self.0;
        whole.read(bytes);
        for piece in pieces(bytes) {
            cut.read(piece);
        }
    }

    /// Both were told and have sent the same, unless bytes were pressed on one of them.
    fn compare(&self) {
        let [whole, cut] = &self.0;
        if !whole.pressed && !cut.pressed {
            assert_eq!(whole.events, cut.events, "events depend on the reads");
            assert_eq!(whole.output, cut.output, "output depends on the reads");
        }
    }
}

/// What is left of the input; after its end come zeros.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    fn word(&mut self) -> &'static [u8] {
        WORDS.get(usize::from(self.byte()) % WORDS.len()).copied().unwrap_or_default()
    }

    /// As many bytes as the next one says.
    fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        self.0.split_off(..length).unwrap_or_default()
    }
}
