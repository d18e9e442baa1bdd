//! The case list of the Autobahn test suite (crossbario/autobahn-testsuite 25.10.1), sections 1–7,
//! 9 and 10, for both roles of the codec.
//!
//! A row says what is sent, in what chops, and what must come out; its number is the suite's. The
//! codec has no behaviour of its own, so each row runs against a small echo endpoint over it, and
//! the bytes that this endpoint puts on the wire are compared with frames written by hand. Timing
//! is no part of a row: where the suite waits, a row has a further turn, and what is due by then
//! must have come out. The suite's section 8 is empty, and 12 and 13 are about compression, which
//! the codec does not speak.

mod case;
mod closing;
mod endpoint;
mod fragmentation;
mod framing;
mod limits;
mod opcodes;
mod pings;
mod utf8;

use std::collections::BTreeSet;

use case::Case;
use hub_proto::ws::Role;

/// Runs a section in both roles, and prints how many cases it has.
#[track_caller]
fn section(number: u32, name: &str, count: usize, cases: impl IntoIterator<Item = Case>) {
    let mut numbers = BTreeSet::new();
    for case in cases {
        case.run(Role::Server);
        case.run(Role::Client);
        assert!(case.number().starts_with(&format!("{number}.")), "{} is elsewhere", case.number());
        assert!(numbers.insert(case.number().to_owned()), "{} appears twice", case.number());
    }
    assert_eq!(numbers.len(), count, "cases of section {number}");
    println!("cases of section {number}, {name}: {count}, each as server and as client");
}

#[test]
fn section_1_framing() {
    section(1, "framing", 16, framing::cases());
}

#[test]
fn section_2_pings_and_pongs() {
    section(2, "pings and pongs", 11, pings::cases());
}

#[test]
fn section_3_reserved_bits() {
    section(3, "reserved bits", 7, opcodes::reserved_bits());
}

#[test]
fn section_4_opcodes() {
    section(4, "opcodes", 10, opcodes::cases());
}

#[test]
fn section_5_fragmentation() {
    section(5, "fragmentation", 20, fragmentation::cases());
}

#[test]
fn section_6_utf8() {
    section(6, "UTF-8", 145, utf8::cases());
}

#[test]
fn section_7_close_handling() {
    section(7, "close handling", 37, closing::cases());
}

#[test]
fn section_9_limits() {
    section(9, "limits and performance", 54, limits::cases());
}

#[test]
fn section_10_auto_fragmentation() {
    section(10, "auto-fragmentation", 1, limits::auto_fragmentation());
}
