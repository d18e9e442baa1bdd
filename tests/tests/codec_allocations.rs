//! Reading a message and writing one into a buffer that is there cost no heap memory. The only test of its
//! program: others would be counted.

use std::alloc::System;

use hub_proto::{Decoded, Encoding, Frame, Message};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn messages_are_read_and_written_again_without_allocations() {
    for encoding in Encoding::BUILT_IN {
        let arguments = ("some user", 1.5, [1, 2, 300], None::<u8>, "é".repeat(500));
        let call = Frame::invocation(encoding, Some("17"), "SendMessage", &arguments);
        let result = Frame::result(encoding, "17", &("a", [true, false]));
        let failure = Frame::failure(encoding, "17", "It failed.");
        let ping = Frame::message(encoding, &Message::Ping);
        let mut out = Vec::with_capacity(4096);
        for frame in [call.expect("texts"), result.expect("texts"), failure, ping] {
            let region = Region::new(GLOBAL);
            out.clear();
            let record = encoding.record(frame.payload(), 0).expect("a whole record");
            let Ok(Decoded::Message(message)) = encoding.decode(record.body) else {
                panic!("no message")
            };
            encoding.encode(&message, &mut out);
            let change = region.change();
            assert_eq!(
                change.allocations + change.reallocations,
                0,
                "{encoding:?}, {} bytes",
                out.len()
            );
            assert_eq!(out, frame.payload());
        }
    }
}
