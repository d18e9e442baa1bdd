//! What the codec allocates: nothing for envelopes, the values for binding, and never more than a multiple of what a
//! peer has sent. The only test of its program: others would be counted.

use std::alloc::System;
use std::hint::black_box;

use hub_proto::ws::{Config, Decoder, Role};
use hub_proto::{Decoded, Encoding, Message, Payload, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tests::linear::shapes;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes allocated for each byte sent, at most, by any one operation.
///
/// The worst is `"",` in a list of stream ids: three bytes that become a text of 24, in a list that doubles as it grows.
const MULTIPLE: usize = 16;

const RECORDS: [&str; 10] = [
    r#"{"type":1,"invocationId":"17","target":"SendMessage","arguments":["some user","a text"]}"#,
    r#"{"target":"SendMessage","arguments":["some user","a text"],"invocationId":"17","type":1}"#,
    r#"{ "arguments" : [ { "a" : [ ] } ] , "target" : "t" , "unknown" : { "b" : "\n" } , "type" : 4 , "invocationId" : "1" }"#,
    r#"{"type":2,"invocationId":"1","item":{"a":"b\"c"}}"#,
    r#"{"type":3,"invocationId":"1","result":[1,2,3]}"#,
    r#"{"type":3,"invocationId":"1","error":"an error"}"#,
    r#"{"type":5,"invocationId":"1"}"#,
    r#"{"type":6}"#,
    r#"{"type":7,"error":"an error","allowReconnect":true}"#,
    r#"{"type":8,"sequenceId":9223372036854775807}"#,
];

fn counted<T>(work: impl FnOnce() -> T) -> (T, Stats) {
    let region = Region::new(GLOBAL);
    let done = work();
    (done, region.change())
}

#[track_caller]
fn allocates_nothing<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (done, change) = counted(work);
    assert_eq!(change, Stats::default(), "{what}");
    done
}

#[test]
fn envelopes_allocate_nothing_and_nothing_allocates_more_than_a_multiple_of_what_was_sent() {
    let mut out = Vec::with_capacity(1024);
    for record in RECORDS {
        let decoded = allocates_nothing(record, || Encoding::Json.decode(record.as_bytes()));
        let Ok(Decoded::Message(message)) = decoded else { panic!("{record}") };
        out.clear();
        allocates_nothing(record, || Encoding::Json.encode(&message, &mut out));
        if let Message::Invocation(call) = &message {
            allocates_nothing(record, || call.arguments.check()).expect("JSON");
            allocates_nothing(record, || call.arguments.bind::<(&str, &str)>()).expect("texts");
            let (bound, change) = counted(|| call.arguments.bind::<(String, String)>());
            let (user, text) = bound.expect("two texts");
            assert_eq!((change.allocations, change.reallocations), (2, 0));
            assert_eq!(change.bytes_allocated, user.len() + text.len());
            out.clear();
            allocates_nothing("write", || {
                json::write_invocation(
                    Some("17"),
                    "SendMessage",
                    &(&user, &text, 1.5, -7),
                    &mut out,
                )
            })
            .expect("texts and numbers");
        }
    }

    // The check of a payload allocates nothing, whatever is in it, whether it is JSON or not.
    for raw in
        [r#"{"a":[1,"\u00e9",{"b":null}]}"#, "[[[[", r#"["\ud83d"]"#, "[1,]", &"[".repeat(1000)]
    {
        allocates_nothing(raw, || Payload::new(Encoding::Json, raw.as_bytes()).check()).ok();
    }

    // A declared length is only a number: nothing is set aside for it.
    let mut header = *b"\x82\xFF\x3F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0";
    allocates_nothing("a frame of 2^62 bytes", || {
        let mut decoder = Decoder::new(Role::Server, Config::default());
        black_box(decoder.next(&mut &mut header[..])).ok();
    });

    for shape in shapes() {
        for size in [64, 1024, 32 * 1024] {
            let mut input = (shape.input)(size);
            let ((), change) = counted(|| (shape.run)(&mut input));
            let (allocated, sent) = (change.bytes_allocated, input.len());
            // Values that applications ask for are theirs: a list of JSON values is as large as serde_json makes it.
            if shape.name != "bind: objects" {
                assert!(
                    allocated <= MULTIPLE * sent,
                    "{}: {allocated} bytes for {sent}",
                    shape.name
                );
            }
        }
    }
}
