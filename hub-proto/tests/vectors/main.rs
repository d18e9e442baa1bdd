//! The wire vectors, each whole, byte by byte, and at every two-way split.
//!
//! `HUB_VECTORS` may name one more file of the same layout by its absolute path.

mod describe;
mod events;
mod given;
mod values;

use hub_proto::framing::{self, NoRecord};
use hub_proto::handshake::{self, HandshakeRequest};
use hub_proto::negotiate::NegotiateResponse;
use hub_proto::{DecodeError, Decoded, Encoding};
use serde_json::{Value, json};

use describe::{message_value, negotiate_value};
use given::write;

/// What vectors are about.
const GROUPS: [&str; 7] =
    ["json", "msgpack", "handshake", "negotiate", "text-framing", "binary-framing", "sse"];

#[test]
fn every_vector() {
    let files = [include_str!("wire-vectors.json"), include_str!("sse-vectors.json")];
    assert_eq!(files.map(run), [394, 20]);
}

#[test]
fn every_vector_of_the_file_that_the_environment_names() {
    #[expect(clippy::disallowed_methods, reason = "a test may look at its environment")]
    let Ok(path) = std::env::var("HUB_VECTORS") else {
        println!("HUB_VECTORS is not set: no further file");
        return;
    };
    let file = std::fs::read_to_string(&path).expect("HUB_VECTORS names a readable file");
    run(&file);
}

/// Runs every vector of the file and returns how many there are.
fn run(file: &str) -> usize {
    let vectors: Vec<Value> = serde_json::from_str(file).expect("an array of vectors");
    let failed = |vector| Some(format!("{}: {}", text(vector, "name"), check(vector).err()?));
    let failures: Vec<_> = vectors.iter().filter_map(failed).collect();
    println!("{} of {} vectors hold", vectors.len() - failures.len(), vectors.len());
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    vectors.len()
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_else(|| panic!("{key} in {vector}"))
}

fn bytes(vector: &Value, key: &str) -> Vec<u8> {
    let value = text(vector, key);
    match text(vector, "encoding") {
        "utf8" => value.as_bytes().to_vec(),
        "hex" => unhex(value),
        other => panic!("encoding {other}"),
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shown(vector: &Value, bytes: &[u8]) -> String {
    if vector["encoding"] == "hex" {
        hex(bytes)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    }
}

fn check(vector: &Value) -> Result<(), String> {
    if !GROUPS.contains(&text(vector, "protocol")) {
        return Err("nobody knows this group".to_owned());
    }
    let whole = bytes(vector, "bytes");
    let direction = text(vector, "direction");
    if direction != "write" {
        let mut splits = vec![vec![&whole[..]], whole.chunks(1).collect()];
        splits.extend((1..whole.len()).map(|at| vec![&whole[..at], &whole[at..]]));
        for chunks in splits {
            parses(vector, &chunks).map_err(|why| format!("in {} chunks: {why}", chunks.len()))?;
        }
    }
    if direction != "parse" || vector.get("given").is_some() {
        let written = write(vector);
        if written != whole {
            return Err(format!("wrote {}", shown(vector, &written)));
        }
    }
    Ok(())
}

/// Feeds the chunks and compares what came out, and what is left.
fn parses(vector: &Value, chunks: &[&[u8]]) -> Result<(), String> {
    if text(vector, "protocol") == "sse" {
        return events::parses(vector, chunks);
    }
    let (mut buffer, mut seen, mut failed) = (Vec::new(), Vec::new(), None);
    'feed: for chunk in chunks {
        buffer.extend_from_slice(chunk);
        loop {
            match next(vector, &mut buffer, seen.len()) {
                Ok(Some(value)) => seen.push(value),
                Ok(None) => break,
                Err(error) => {
                    failed = Some(error);
                    break 'feed;
                }
            }
        }
    }
    if text(vector, "protocol") == "negotiate" {
        (seen, failed) = match NegotiateResponse::parse(&buffer) {
            Ok(response) => (vec![negotiate_value(&response)], None),
            Err(error) => (vec![], Some(error.0)),
        };
        buffer.clear();
    }
    compare(vector, &seen, failed.as_ref(), &buffer)
}

fn compare(
    vector: &Value,
    seen: &[Value],
    failed: Option<&DecodeError>,
    rest: &[u8],
) -> Result<(), String> {
    if let Some(wanted) = vector.get("error").and_then(Value::as_str) {
        let error = failed.ok_or_else(|| format!("no error but {seen:?}"))?;
        let class = text(vector, "error_type");
        // What System.Text.Json throws for bad grammar is called JsonReaderException in some places.
        let same_class = error.exception() == class
            || class == "JsonReaderException"
            || *error == DecodeError::Syntax;
        let same_text = wanted == "*" || error.to_string() == wanted;
        return if same_class && same_text {
            Ok(())
        } else {
            Err(format!("{}: {error}", error.exception()))
        };
    }
    if let Some(error) = failed {
        return Err(format!("failed: {error}"));
    }
    if vector["expect"]["type"] == "LengthPrefix" {
        return length_prefix(vector, rest);
    }
    let wanted: Vec<Value> = match (vector.get("expect_all"), &vector["expect"]) {
        (Some(all), _) => all.as_array().expect("a list").clone(),
        (None, one) if one["type"] == "Incomplete" => vec![],
        (None, one) => vec![one.clone()],
    };
    if wanted.len() != seen.len()
        || !wanted.iter().zip(seen).all(|(wanted, seen)| same(wanted, seen))
    {
        return Err(format!("got {}", Value::from(seen.to_vec())));
    }
    let incomplete = vector["expect"]["type"] == "Incomplete";
    let left = if incomplete { bytes(vector, "bytes") } else { bytes_or_empty(vector) };
    if rest == left { Ok(()) } else { Err(format!("left over: {}", shown(vector, rest))) }
}

/// The prefix alone: everything behind it is still to come.
fn length_prefix(vector: &Value, prefix: &[u8]) -> Result<(), String> {
    let length = vector["expect"]["length"].as_u64().expect("a length") as usize;
    let wanted = Err(NoRecord::Incomplete { size: prefix.len() + length });
    let seen = framing::binary(prefix);
    if seen == wanted { Ok(()) } else { Err(format!("{seen:?}")) }
}

fn bytes_or_empty(vector: &Value) -> Vec<u8> {
    if vector.get("rest").is_some() { bytes(vector, "rest") } else { Vec::new() }
}

/// Equality, but `*text` in a binding failure is a prefix of any text.
fn same(wanted: &Value, seen: &Value) -> bool {
    match (wanted["error"].as_str().and_then(|text| text.strip_prefix('*')), seen["error"].as_str())
    {
        (Some(prefix), Some(text)) => {
            let mut copy = seen.clone();
            copy["error"] = wanted["error"].clone();
            text.starts_with(prefix) && copy == *wanted
        }
        _ => wanted == seen,
    }
}

/// Takes one record off the buffer, if there is a whole one, and describes it.
fn next(vector: &Value, buffer: &mut Vec<u8>, seen: usize) -> Result<Option<Value>, DecodeError> {
    let protocol = text(vector, "protocol");
    if protocol == "negotiate" || (protocol == "handshake" && seen == 1) {
        return Ok(None);
    }
    let encoding = match protocol {
        "msgpack" | "binary-framing" => Encoding::MessagePack,
        _ => Encoding::Json,
    };
    let record = match encoding.record(buffer, 0) {
        Ok(record) => record,
        Err(NoRecord::Incomplete { .. }) => return Ok(None),
        Err(NoRecord::TooLong) => return Err(DecodeError::TooLong),
    };
    let (body, size) = (record.body.to_vec(), record.size);
    let value = match protocol {
        "binary-framing" => json!(hex(&body)),
        "text-framing" => json!(String::from_utf8(body).expect("UTF-8")),
        "handshake" if vector["side"] == "request" => {
            let request = HandshakeRequest::parse(&body)?;
            json!({"type": "HandshakeRequest", "protocol": request.protocol, "version": request.version})
        }
        "handshake" => {
            json!({"type": "HandshakeResponse", "error": handshake::parse_response(&body)?})
        }
        _ => match encoding.decode(&body)? {
            Decoded::Skipped(kind) => json!({"type": "Ignored", "messageType": kind}),
            Decoded::Message(message) => message_value(&message, &vector["binding"])?,
        },
    };
    buffer.drain(..size);
    Ok(Some(value))
}
