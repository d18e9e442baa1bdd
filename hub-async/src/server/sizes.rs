//! The parts of an idle connection, and what each may take.
//!
//! All of them together, with what a runtime adds and the allocator's own, have to stay below 2.5 KB;
//! the slope of the resident memory is measured by the `idle` part of the benchmarks.

use hub_core::Outbox;
use hub_core::link::Link;
use hub_core::server::Connection;

use super::alarm::Alarm;
use super::carrier::Carrier;
use super::raw::RawSession;
use super::running::Running;
use super::session::Session;
use crate::facts::RequestFacts;
use crate::inbox::Inbox;
use crate::inlet::Inlet;
use crate::items::Items;
use crate::member::Member;
use crate::outlet::Outlet;

#[test]
fn each_part_of_an_idle_connection_keeps_to_its_budget() {
    macro_rules! budget {
        ($($part:ty: $most:literal,)*) => {
            $(
                let size = size_of::<$part>();
                println!("{size:>4} of {:>4}  {}", $most, stringify!($part));
                assert!(size <= $most, "{}: {size} bytes", stringify!($part));
            )*
        };
    }
    budget! {
        // The task, and what is inside of it.
        Session: 640,
        Carrier: 192,
        Link: 176,
        Connection: 336,
        Running: 8,
        Alarm: 24,
        // What the rest of the server holds.
        Member: 288,
        Outlet: 144,
        Outbox: 96,
        Inbox: 24,
        Items: 16,
        RequestFacts: 8,
        // Raw connections have these instead.
        RawSession: 288,
        Inlet: 72,
    }
}
