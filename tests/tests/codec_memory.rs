//! What the codec allocates: nothing for envelopes, the values for binding, and never more than a multiple of what a
//! peer has sent. The only test of its program: others would be counted.

use std::alloc::System;
use std::hint::black_box;

use hub_proto::ws::{Config, Decoder, Role};
use hub_proto::{Decoded, Encoding, Frame, Message, Payload, json, msgpack};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tests::linear::shapes;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes allocated for each byte sent, at most, by any one operation.
///
/// The worst is a stream id of one letter in MessagePack: two bytes that become a text of 24, in a list that doubles as
/// it grows.
const MULTIPLE: usize = 24;

const JSON: [&str; 10] = [
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

const MESSAGE_PACK: [&[u8]; 10] = [
    b"\x96\x01\x80\xa217\xabSendMessage\x92\xa9some user\xa6a text\x90",
    b"\x95\x01\x80\xc0\xabSendMessage\x92\xa9some user\xa6a text",
    b"\x96\x04\x80\xa217\xa1t\x91\x81\xa1a\x92\xc4\x01\xff\xd6\xff\x58\xec\x1c\x80\x90",
    b"\x94\x02\x80\xa11\x81\xa1a\xa1b",
    b"\x95\x03\x80\xa11\x03\x93\x01\x02\x03",
    b"\x95\x03\x80\xa11\x01\xa8an error",
    b"\x93\x05\x80\xa11",
    b"\x91\x06",
    b"\x93\x07\xa8an error\xc3",
    b"\x92\x08\xcf\x7f\xff\xff\xff\xff\xff\xff\xff",
];

/// Counts and lengths that are not there.
const DECLARED: [&[u8]; 8] = [
    b"\xdd\xff\xff\xff\xff",
    b"\x93\x05\xdf\x7f\xff\xff\xff",
    b"\x93\x05\x80\xdb\xff\xff\xff\xff",
    b"\x96\x01\x80\xc0\xa1t\xdd\xff\xff\xff\xff",
    b"\x96\x01\x80\xc0\xa1t\x91\xc6\xff\xff\xff\xff",
    b"\x96\x01\x80\xc0\xa1t\x91\xc9\xff\xff\xff\xff\x01",
    b"\x96\x01\x80\xc0\xa1t\x90\xdd\xff\xff\xff\xff",
    b"\x96\x01\x80\xc0\xa1t\x90\xdc\0\x02\xc0\xc0",
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
    JSON.iter().for_each(|record| envelope(Encoding::Json, record.as_bytes()));
    MESSAGE_PACK.iter().for_each(|record| envelope(Encoding::MessagePack, record));
    Encoding::BUILT_IN.into_iter().for_each(written_again);

    // The check of a payload allocates nothing, whatever is in it, whether it is well-formed or not.
    for raw in
        [r#"{"a":[1,"\u00e9",{"b":null}]}"#, "[[[[", r#"["\ud83d"]"#, "[1,]", &"[".repeat(1000)]
    {
        allocates_nothing(raw, || Payload::new(Encoding::Json, raw.as_bytes()).check()).ok();
    }
    for raw in [&b"\x81\xa1a\x92\x01\xc4\x01\xff"[..], b"\x9f\x9f", b"\xc1", &[0x91; 1000]] {
        allocates_nothing("MessagePack", || Payload::new(Encoding::MessagePack, raw).check()).ok();
    }

    // A declared length is only a number: nothing is set aside for it.
    let mut header = *b"\x82\xFF\x3F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0";
    allocates_nothing("a frame of 2^62 bytes", || {
        let mut decoder = Decoder::new(Role::Server, Config::default());
        black_box(decoder.next(&mut &mut header[..])).ok();
    });

    for record in DECLARED {
        let what = format!("{record:x?}");
        allocates_nothing(&what, || match Encoding::MessagePack.decode(record) {
            Ok(Decoded::Message(Message::Invocation(call))) => {
                assert!(call.arguments.bind::<(Vec<u64>,)>().is_err());
                assert!(call.arguments.check().is_err());
            }
            other => assert!(other.is_err(), "{other:?}"),
        });
    }

    for shape in shapes() {
        for size in [64, 1024, 32 * 1024] {
            let mut input = (shape.input)(size);
            let ((), change) = counted(|| (shape.run)(&mut input));
            let (allocated, sent) = (change.bytes_allocated, input.len());
            // Values that applications ask for are theirs: a list of JSON values is as large as serde_json makes it.
            if !["bind: objects", "msgpack bind: maps"].contains(&shape.name) {
                assert!(
                    allocated <= MULTIPLE * sent,
                    "{}: {allocated} bytes for {sent}",
                    shape.name
                );
            }
        }
    }
}

/// Reads an envelope, writes it, and reads and writes its arguments.
fn envelope(encoding: Encoding, record: &[u8]) {
    let what = String::from_utf8_lossy(record);
    let decoded = allocates_nothing(&what, || encoding.decode(record));
    let Ok(Decoded::Message(message)) = decoded else { panic!("{what}") };
    let mut out = Vec::with_capacity(1024);
    allocates_nothing(&what, || encoding.encode(&message, &mut out));
    let Message::Invocation(call) = &message else { return };
    allocates_nothing(&what, || call.arguments.check()).expect("well-formed");
    allocates_nothing(&what, || call.arguments.bind::<(&str, &str)>()).expect("texts");
    let (bound, change) = counted(|| call.arguments.bind::<(String, String)>());
    let (user, text) = bound.expect("two texts");
    assert_eq!((change.allocations, change.reallocations), (2, 0));
    assert_eq!(change.bytes_allocated, user.len() + text.len());
    out.clear();
    allocates_nothing("write", || {
        let (id, target, arguments) = (Some("17"), "SendMessage", &(&user, &text, 1.5, -7));
        match encoding {
            Encoding::Json => json::write_invocation(id, target, arguments, &mut out),
            _ => msgpack::write_invocation(id, target, arguments, &mut out),
        }
    })
    .expect("texts and numbers");
}

/// Reads frames and writes the same bytes again.
fn written_again(encoding: Encoding) {
    let arguments = ("some user", 1.5, [1, 2, 300], None::<u8>, "é".repeat(500));
    let call = Frame::invocation(encoding, Some("17"), "SendMessage", &arguments);
    let result = Frame::result(encoding, "17", &("a", [true, false]));
    let failure = Frame::failure(encoding, "17", "It failed.");
    let mut out = Vec::with_capacity(4096);
    for frame in [call.expect("texts"), result.expect("texts"), failure] {
        out.clear();
        allocates_nothing("a frame", || {
            let record = encoding.record(frame.payload(), 0).expect("a whole record");
            let Ok(Decoded::Message(message)) = encoding.decode(record.body) else {
                panic!("no message")
            };
            encoding.encode(&message, &mut out);
        });
        assert_eq!(out, frame.payload());
    }
}
