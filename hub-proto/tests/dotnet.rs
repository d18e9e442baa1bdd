//! The objects of ASP.NET Core's own tests, from and to the bytes of its two encodings.

use std::fmt::Debug;

use hub_proto::values::{ByteArray, DateTime, DateTimeOffset, Names};
use hub_proto::{Decoded, Encoding, Frame, FromArguments, Message, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct CustomObject {
    string_prop: String,
    double_prop: f64,
    int_prop: i32,
    date_time_prop: DateTime,
    null_prop: Option<String>,
    byte_arr_prop: ByteArray,
}

#[expect(clippy::approx_constant, reason = "the number that ASP.NET Core's tests send")]
fn object() -> CustomObject {
    CustomObject {
        string_prop: "SignalR!".to_owned(),
        double_prop: 6.2831853071,
        int_prop: 42,
        date_time_prop: "2017-04-11".parse().expect("a date"),
        null_prop: None,
        byte_arr_prop: vec![1, 2, 3].into(),
    }
}

/// The bytes of one vector, with its framing.
fn vector(name: &str) -> Vec<u8> {
    let file: Value =
        serde_json::from_str(include_str!("vectors/wire-vectors.json")).expect("JSON");
    let vectors = file.as_array().expect("a list");
    let vector = vectors.iter().find(|vector| vector["name"] == name).expect("a vector");
    let bytes = vector["bytes"].as_str().expect("a text");
    if vector["encoding"] == "utf8" {
        return bytes.as_bytes().to_vec();
    }
    let pairs = bytes.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

fn message(encoding: Encoding, bytes: &[u8]) -> Message<'_> {
    let record = encoding.record(bytes, 0).expect("a whole record");
    match encoding.decode(record.body) {
        Ok(Decoded::Message(message)) => message,
        other => panic!("no message but {other:?}"),
    }
}

#[track_caller]
fn argument<T>(name: &str, encoding: Encoding, expected: &T)
where
    T: Debug + PartialEq + Serialize,
    (T,): for<'a> FromArguments<'a>,
{
    let bytes = vector(name);
    let Message::Invocation(call) = message(encoding, &bytes) else { panic!("no invocation") };
    let (read,) = call.arguments.bind::<(T,)>().expect("fits");
    assert_eq!(&read, expected);
    let frame = Frame::invocation(encoding, None, &call.target, &(read,)).expect("serializable");
    assert_eq!(frame.payload(), bytes);
}

#[track_caller]
fn result<T: for<'a> Deserialize<'a>>(name: &str, encoding: Encoding) -> T {
    let bytes = vector(name);
    let Message::Completion(done) = message(encoding, &bytes) else { panic!("no completion") };
    let Outcome::Result(result) = done.outcome else { panic!("no result") };
    result.read().expect("fits")
}

#[test]
fn objects_are_those_of_dotnet_byte_by_byte() {
    argument("json/invocation-object-camel", Names::CamelCase.json(), &object());
    argument("json/invocation-object-pascal", Names::PascalCase.json(), &object());
    let pascal = Names::PascalCase.message_pack();
    assert_eq!(result::<CustomObject>("msgpack/completion-object", pascal), object());
    let frame = Frame::result(pascal, "xyz", &object()).expect("serializable");
    assert_eq!(frame.payload(), vector("msgpack/completion-object"));
}

#[test]
fn bytes_and_times_are_those_of_dotnet_byte_by_byte() {
    let time = |text: &str| text.parse::<DateTime>().expect("a time");
    argument("msgpack/bin-arg", Encoding::MessagePack, &ByteArray(vec![1, 2, 255]));
    argument("msgpack/timestamp32", Encoding::MessagePack, &time("2017-04-11T00:00:00Z"));
    argument("msgpack/timestamp96", Encoding::MessagePack, &time("0001-01-01T00:00:00Z"));
    let offset: DateTimeOffset = "2018-04-09T00:00:00+10:00".parse().expect("a time");
    assert_eq!(
        result::<DateTimeOffset>("msgpack/datetimeoffset-shape", Encoding::MessagePack),
        offset
    );
    let frame = Frame::result(Encoding::MessagePack, "xyz", &offset).expect("serializable");
    assert_eq!(frame.payload(), vector("msgpack/datetimeoffset-shape"));
    let offset: DateTimeOffset = "2016-05-10T13:51:20+12:34".parse().expect("a time");
    argument("json/invocation-iso-date-string", Encoding::Json, &offset);
}
