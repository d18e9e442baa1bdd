//! The committed corpora of the fuzz targets, replayed on stable.
//!
//! Each target is one test, with the number of its inputs in brackets. The seeds are made from
//! the wire vectors by `cargo test -p tests --test corpus -- --ignored`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hub_proto::framing;
use hub_proto::ws::{Opcode, encode};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use tests::fuzz::{TARGETS, Target};

const VECTORS: &str = include_str!("../../hub-proto/tests/vectors/wire-vectors.json");

/// A client's key; a server has none.
const KEY: Option<[u8; 4]> = Some([0x37, 0xFA, 0x21, 0x3D]);

/// How many messages are made up for the `roundtrip` target.
const CHOICES: u8 = 45;

/// Steps of a session that were hard to take.
const SESSIONS: [(&str, &[u8]); 4] = [
    ("oldest-dropped-while-it-is-written", b"\x00\x06\x20\x00\x1c\x23\x01\x0f"),
    ("answer-without-room", b"\x00\x06\x23\x0a\x00\x1c"),
    ("broken-frame-behind-a-call", b"\x00\x00\x05\x06\xff\x07\x06\x83\x80\x00\x00\x00\x00"),
    ("close-at-an-older-time", b"\x00\x00\x24\x01\x06\x05\x0f"),
];

/// Steps of a connection whose links do not hold.
const LINKS: [(&str, &[u8]); 6] = [
    ("cut-inside-a-message", b"\x00\x00\x09\x05\x07\x06\x08\x03\x0c\x03\x02\x05\x0f\x09"),
    ("replaced-while-it-holds", b"\x06\x00\x09\x02\x09\x00\x01\x09\x0f\x00\x02\x09"),
    ("half-open", b"\x01\x00\x09\x04\x0c\x02\x00\x09\x04\x0f\x09"),
    ("ack-before-the-report", b"\x00\x00\x09\x05\xff\x08\xff\x0a\x0a\x07\xff\x06\x0c\x00\x0f\x09"),
    ("ack-too-late-for-the-link", b"\x04\x00\x0e\x00\x00\x09\x0a\x5a"),
    ("message-too-late-for-the-link", b"\x04\x00\x0e\x00\x00\x0b\x04\x0a\x5a"),
];

/// How many lists of steps are made up for the targets that take nothing else.
const STEPS: u8 = 6;

/// One frame for each rule that a peer can break.
const BAD_FRAMES: [(&str, &[u8]); 13] = [
    ("bad-reserved-bit", b"\xc1\x80\0\0\0\0"),
    ("bad-opcode", b"\x83\x80\0\0\0\0"),
    ("bad-continuation", b"\x80\x80\0\0\0\0"),
    ("bad-interleaving", b"\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b"),
    ("bad-fragmented-ping", b"\x09\x80\0\0\0\0"),
    ("bad-long-ping", b"\x89\xfe\0\x7e\0\0\0\0"),
    ("bad-length-of-two-bytes", b"\x82\xfe\0\x7d\0\0\0\0"),
    ("bad-length-of-eight-bytes", b"\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0"),
    ("bad-length-over-63-bits", b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0"),
    ("bad-close-of-one-byte", b"\x88\x81\0\0\0\0\x03"),
    ("bad-close-code", b"\x88\x82\0\0\0\0\x03\xed"),
    ("bad-text", b"\x81\x84\0\0\0\0ab\xc3("),
    ("bad-text-cut-off", b"\x81\x81\0\0\0\0\xc3"),
];

/// A frame that tungstenite judges otherwise, and others that it nearly does.
const ODD_FRAMES: [(&str, &[u8]); 6] = [
    ("close-1004", b"\x88\x82\0\0\0\0\x03\xec"),
    ("close-1014", b"\x88\x82\0\0\0\0\x03\xf6"),
    ("close-1015", b"\x88\x82\0\0\0\0\x03\xf7"),
    ("close-5000", b"\x88\x82\0\0\0\0\x13\x88"),
    ("close-with-bad-reason", b"\x88\x83\0\0\0\0\x03\xe8\xff"),
    ("text-in-three-bytes", b"\x01\x81\0\0\0\0\xe2\x00\x81\0\0\0\0\x82\x80\x81\0\0\0\0\xac"),
];

/// Bodies of MessagePack that are nearly messages.
const ODD_BODIES: [(&str, &[u8]); 12] = [
    ("reserved-head-as-item", b"\x94\x02\x80\xa11\xc1"),
    ("reserved-head-in-list", b"\x96\x01\x80\xc0\xa1m\x92\x01\xc1\x90"),
    ("reserved-head-as-id", b"\x96\x01\x80\xc1\xa1m\x90\x90"),
    ("reserved-byte-in-text", b"\x94\x02\x80\xa11\xa2\xc1\xc1"),
    ("arguments-are-a-number", b"\x96\x01\x80\xc0\xa1m\x2a\x91\xa11"),
    ("arguments-cut-off", b"\x96\x01\x80\xc0\xa1m\x92\x01"),
    ("more-elements-than-bytes", b"\xdd\xff\xff\xff\xff\x06"),
    ("more-stream-ids-than-bytes", b"\x96\x01\x80\xc0\xa1m\x90\xdd\xff\xff\xff\xff"),
    ("headers-twice-after-replacement", b"\x93\x05\x82\xa1\xff\xa1v\xa1\xfe\xa1v\xa11"),
    ("item-is-not-a-number", b"\x94\x02\x80\xa11\xca\x7f\xc1\x00\x00"),
    ("type-over-32-bits", b"\x91\xce\xff\xff\xff\xff"),
    ("item-missing", b"\x93\x02\x80\xa11"),
];

/// How many lists can be in each other inside an item, and one more.
const NESTED: [(&str, usize); 2] = [("nested-as-deep-as-may-be", 63), ("nested-too-deep", 64)];

/// Streams of events: every end of a line, every kind of field, and what is cut off.
const EVENT_STREAMS: [(&str, &[u8]); 12] = [
    ("preamble-and-event", b":\r\ndata: {\"type\":6}\x1e\r\n\r\n"),
    ("two-events", b"data: a\n\ndata: b\n\n"),
    ("two-lines", b"data: a\r\ndata: b\r\n\r\n"),
    ("line-feeds-in-data", b"a\nb\r\n\n\r\nc\n"),
    ("lone-returns", b"data:a\rdata\rdata:\r\r"),
    ("no-space", b"data:a\n\n"),
    ("two-spaces", b"data:  a\n\n"),
    ("no-value", b"data\n\n"),
    ("other-fields", b"id: 1\nevent: x\nretry: 5\ndat: a\ndatax: b\n: c\ndata: d\n\n"),
    ("mark", b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n"),
    ("cut-off", b"data: a\n\ndata: b\n"),
    ("too-big", b"data: 0123456789\ndata: 0123456789abcdef\n\ndata: b\n\n"),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<_> = TARGETS.into_iter().map(replay).collect();
    trials.push(Trial::test("every_target_is_built_by_the_fuzzer", every_target_is_built));
    trials.push(Trial::test("write_the_seeds", write_seeds).with_ignored_flag(true));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn replay(target: Target) -> Trial {
    let inputs = inputs(target.name);
    let count = inputs.as_ref().map_or(0, Vec::len);
    let run = move || {
        let inputs = inputs?;
        if inputs.is_empty() {
            return Err(format!("no inputs in fuzz/corpus/{}", target.name).into());
        }
        for path in inputs {
            let bytes = fs::read(&path)?;
            panic::catch_unwind(|| (target.run)(&bytes))
                .map_err(|_| format!("{} breaks a law; see above", path.display()))?;
        }
        Ok(())
    };
    Trial::test(target.name, run).with_kind(format!("{count} inputs"))
}

/// The files of a corpus, in the order of their names.
fn inputs(target: &str) -> Result<Vec<PathBuf>, String> {
    let folder = fuzz().join("corpus").join(target);
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    Ok(paths)
}

fn every_target_is_built() -> Result<(), Failed> {
    let manifest: toml::Table = fs::read_to_string(fuzz().join("Cargo.toml"))?.parse()?;
    let binaries = manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    let built: BTreeSet<_> = binaries.filter_map(|binary| binary.get("name")?.as_str()).collect();
    let listed: BTreeSet<_> = TARGETS.iter().map(|target| target.name).collect();
    if built == listed {
        Ok(())
    } else {
        Err(format!("fuzz/Cargo.toml builds {built:?}, tests::fuzz lists {listed:?}").into())
    }
}

/// Writes the seeds beside whatever else is in the corpora.
fn write_seeds() -> Result<(), Failed> {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS)?;
    let (mut chosen, mut kinds) = (BTreeMap::new(), BTreeSet::new());
    for vector in &vectors {
        let Some(name) = vector["name"].as_str().map(|name| name.replace('/', "-")) else {
            continue;
        };
        if kinds.insert(kind(vector)) {
            chosen.insert(name, (vector["protocol"].as_str().unwrap_or_default(), bytes(vector)));
        }
    }
    for (name, (protocol, bytes)) in &chosen {
        match *protocol {
            "json" => {
                seed("json", name, bytes)?;
                seed("json_diff", name, bytes.strip_suffix(b"\x1e").unwrap_or(bytes))?;
                seed("connection", name, &session(bytes))?;
            }
            "msgpack" => {
                seed("msgpack", name, bytes)?;
                let body = framing::binary(bytes).map_or(&bytes[..], |record| record.body);
                seed("msgpack_diff", name, body)?;
            }
            "handshake" => {
                seed("handshake", name, bytes)?;
                for target in ["ws", "ws_diff"] {
                    seed(target, name, &frames(bytes, KEY))?;
                    seed(target, &format!("server-{name}"), &frames(bytes, None))?;
                }
            }
            "negotiate" => seed("negotiate", name, bytes)?,
            "text-framing" => {
                seed("json", name, bytes)?;
                seed("framing", name, bytes)?;
            }
            "binary-framing" => seed("framing", name, bytes)?,
            other => return Err(format!("no target for {other}").into()),
        }
    }
    for (name, bytes) in BAD_FRAMES.into_iter().chain(ODD_FRAMES) {
        seed("ws", name, bytes)?;
        seed("ws_diff", name, bytes)?;
    }
    for (name, body) in ODD_BODIES {
        message_pack(name, body)?;
    }
    for (name, depth) in NESTED {
        let item = [vec![0x91; depth - 1], vec![0x90]].concat();
        message_pack(name, &[b"\x94\x02\x80\xa11", &item[..]].concat())?;
        let record = [b"{\"type\":2,\"invocationId\":\"1\",\"item\":", &b"[".repeat(depth)[..]];
        let record = [&record.concat()[..], &b"]".repeat(depth), b"}"].concat();
        seed("json", name, &record)?;
        seed("json_diff", name, &record)?;
    }
    for (name, bytes) in EVENT_STREAMS {
        seed("sse", name, bytes)?;
    }
    for n in 0..CHOICES {
        seed("roundtrip", &format!("choices-{n:02}"), &choices(n, 64))?;
    }
    for (name, steps) in SESSIONS {
        seed("server", name, steps)?;
    }
    for (name, steps) in LINKS {
        seed("resume", name, steps)?;
    }
    for target in ["exchange", "registry", "resume", "server", "world"] {
        for n in 0..STEPS {
            seed(target, &format!("choices-{n:02}"), &choices(n, 600))?;
        }
    }
    Ok(())
}

/// One vector of a kind is enough: the same outcome for a message of the same properties.
///
/// Of binary ones all are taken: what they have is not told that easily.
fn kind(vector: &Value) -> String {
    if vector["encoding"] == "hex" {
        return vector["name"].to_string();
    }
    let bytes = bytes(vector);
    let text = String::from_utf8_lossy(&bytes);
    let body = text.split('\x1e').next().unwrap_or_default();
    let properties = match serde_json::from_str(body) {
        Ok(Value::Object(object)) => object.keys().cloned().collect::<Vec<_>>().join(" "),
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    };
    let outcome = vector["error"]
        .as_str()
        .map_or_else(|| vector["expect"]["type"].to_string(), str::to_owned);
    format!("{} {outcome} {properties}", vector["protocol"])
}

fn bytes(vector: &Value) -> Vec<u8> {
    let text = vector["bytes"].as_str().unwrap_or_default();
    if vector["encoding"] != "hex" {
        return text.as_bytes().to_vec();
    }
    let digits: Vec<_> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8))
        .collect()
}

fn seed(target: &str, name: &str, bytes: &[u8]) -> Result<(), Failed> {
    let folder = fuzz().join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), bytes)?)
}

fn message_pack(name: &str, body: &[u8]) -> Result<(), Failed> {
    seed("msgpack", name, body)?;
    seed("msgpack_diff", name, body)
}

/// Steps of the connection target: a handshake, the record, both its calls served, time, the end.
fn session(record: &[u8]) -> Vec<u8> {
    let mut steps = vec![0, 0, 0, 8, 9];
    for part in record.chunks(255) {
        steps.extend([7, part.len() as u8]);
        steps.extend_from_slice(part);
    }
    steps.extend([10, 10, 11, 0, 11, 1, 14, 14, 19]);
    steps
}

/// The record as a side sends it: a ping, two fragments around a pong, and a close.
fn frames(record: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let (front, back) = record.split_at(record.len() / 2);
    let mut wire = encode::ping(b"?", key).to_vec();
    encode::write_frame(&mut wire, false, Opcode::Text, front, key);
    wire.extend_from_slice(&encode::pong(b"", key));
    encode::write_frame(&mut wire, true, Opcode::Continuation, back, key);
    encode::write_frame(&mut wire, true, Opcode::Binary, record, key);
    wire.extend_from_slice(&encode::close(1000, "bye", key));
    wire
}

/// Some choices that follow from `n`, the first of which makes messages of every type.
fn choices(n: u8, count: usize) -> Vec<u8> {
    let mut state = u32::from(n);
    let rest = (1..count).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    [n].into_iter().chain(rest).collect()
}
