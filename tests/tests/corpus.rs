//! The committed corpora of the fuzz targets, replayed on stable.
//!
//! Each target is one test, with the number of its inputs in brackets. The seeds are made from
//! the wire vectors by `cargo test -p tests --test corpus -- --ignored`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hub_proto::ws::{Opcode, encode};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use tests::fuzz::{TARGETS, Target};

const VECTORS: &str = include_str!("../../hub-proto/tests/vectors/wire-vectors.json");

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
        let target = if *protocol == "text-framing" { "json" } else { protocol };
        if TARGETS.iter().any(|known| known.name == target) {
            seed(target, name, bytes)?;
        }
        if *protocol == "json" {
            seed("connection", name, &session(bytes))?;
        }
        if *protocol == "handshake" {
            seed("ws", name, &frames(bytes))?;
        }
    }
    BAD_FRAMES.into_iter().try_for_each(|(name, bytes)| seed("ws", name, bytes))
}

/// One vector of a kind is enough: the same outcome for a message of the same properties.
fn kind(vector: &Value) -> String {
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

/// The record as a client sends it: a ping, two fragments around a pong, and a close.
fn frames(record: &[u8]) -> Vec<u8> {
    let key = Some([0x37, 0xFA, 0x21, 0x3D]);
    let (front, back) = record.split_at(record.len() / 2);
    let mut wire = encode::ping(b"?", key).to_vec();
    encode::write_frame(&mut wire, false, Opcode::Text, front, key);
    wire.extend_from_slice(&encode::pong(b"", key));
    encode::write_frame(&mut wire, true, Opcode::Continuation, back, key);
    encode::write_frame(&mut wire, true, Opcode::Binary, record, key);
    wire.extend_from_slice(&encode::close(1000, "bye", key));
    wire
}
