//! The wire vectors, each whole, byte by byte, and at every two-way split.
//!
//! `HUB_VECTORS` may name one more file of the same layout by its absolute path. Groups that are
//! not built yet are counted and reported as not run.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hub_proto::handshake::{self, HandshakeRequest};
use hub_proto::negotiate::{AvailableTransport, NegotiateResponse};
use hub_proto::{
    BindError, CancelInvocation, Close, Completion, DecodeError, Decoded, Elements, Encoding,
    Headers, Invocation, Message, Outcome, Payload, StreamInvocation, StreamItem, framing,
};
use serde_json::{Value, json};

const BUILT: [&str; 4] = ["json", "handshake", "negotiate", "text-framing"];

#[test]
fn every_vector_of_the_built_groups() {
    let ran = run(include_str!("vectors/wire-vectors.json"));
    assert_eq!(ran, 227);
}

#[test]
fn every_vector_of_the_file_that_the_environment_names() {
    let Ok(path) = std::env::var("HUB_VECTORS") else {
        println!("HUB_VECTORS is not set: no further file");
        return;
    };
    let file = std::fs::read_to_string(&path).expect("HUB_VECTORS names a readable file");
    run(&file);
}

/// Runs what is built, prints what is not, and returns how many ran.
fn run(file: &str) -> usize {
    let vectors: Vec<Value> = serde_json::from_str(file).expect("an array of vectors");
    let (mut ran, mut not_run, mut failures) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    for vector in &vectors {
        let protocol = text(vector, "protocol");
        if !BUILT.contains(&protocol) {
            *not_run.entry(protocol.to_owned()).or_default() += 1;
            continue;
        }
        ran += 1;
        if let Err(why) = check(vector) {
            failures.push(format!("{}: {why}", text(vector, "name")));
        }
    }
    println!("{ran} vectors ran; groups not built yet: {not_run:?}");
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    ran
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_else(|| panic!("{key} in {vector}"))
}

fn bytes(vector: &Value, key: &str) -> Vec<u8> {
    let value = text(vector, key);
    match text(vector, "encoding") {
        "utf8" => value.as_bytes().to_vec(),
        "hex" => (0..value.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&value[at..at + 2], 16).unwrap())
            .collect(),
        other => panic!("encoding {other}"),
    }
}

fn check(vector: &Value) -> Result<(), String> {
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
            return Err(format!("wrote {}", String::from_utf8_lossy(&written)));
        }
    }
    Ok(())
}

/// Feeds the chunks and compares what came out, and what is left.
fn parses(vector: &Value, chunks: &[&[u8]]) -> Result<(), String> {
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
    if rest == left { Ok(()) } else { Err(format!("left over: {}", String::from_utf8_lossy(rest))) }
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
    let Some(record) = framing::text(buffer, 0) else { return Ok(None) };
    let (body, size) = (record.body.to_vec(), record.size);
    let value = match protocol {
        "text-framing" => json!(String::from_utf8(body).expect("UTF-8")),
        "handshake" if vector["side"] == "request" => {
            let request = HandshakeRequest::parse(&body)?;
            json!({"type": "HandshakeRequest", "protocol": request.protocol, "version": request.version})
        }
        "handshake" => {
            json!({"type": "HandshakeResponse", "error": handshake::parse_response(&body)?})
        }
        _ => match Encoding::Json.decode(&body)? {
            Decoded::Skipped(kind) => json!({"type": "Ignored", "messageType": kind}),
            Decoded::Message(message) => message_value(&message, &vector["binding"])?,
        },
    };
    buffer.drain(..size);
    Ok(Some(value))
}

fn message_value(message: &Message<'_>, binding: &Value) -> Result<Value, DecodeError> {
    let syntax = |_| DecodeError::Syntax;
    Ok(match message {
        Message::Invocation(Invocation { id, target, arguments, stream_ids, headers }) => {
            let head = ("Invocation", id.as_deref());
            call_value(head, target, *arguments, stream_ids.as_deref(), headers, binding)?
        }
        Message::StreamInvocation(StreamInvocation {
            id,
            target,
            arguments,
            stream_ids,
            headers,
        }) => {
            let head = ("StreamInvocation", Some(&**id));
            call_value(head, target, *arguments, stream_ids.as_deref(), headers, binding)?
        }
        Message::StreamItem(item) => match bind_one(item.item, &binding["streamItem"]) {
            Ok(value) => {
                json!({"type": "StreamItem", "invocationId": item.id, "item": value, "headers": headers_value(&item.headers)})
            }
            Err(BindError::Syntax) => return Err(DecodeError::Syntax),
            Err(error) => {
                json!({"type": "StreamBindingFailure", "invocationId": item.id, "error": error.to_string()})
            }
        },
        Message::Completion(completion) => {
            let mut value = json!({"type": "Completion", "invocationId": completion.id, "headers": headers_value(&completion.headers)});
            match &completion.outcome {
                Outcome::Void => value["outcome"] = json!("void"),
                Outcome::Error(error) => {
                    value["outcome"] = json!("error");
                    value["error"] = json!(error);
                }
                Outcome::Result(result) if binding["return"] == "unknown" => {
                    result.check().map_err(syntax)?;
                    value["outcome"] = json!("void");
                }
                Outcome::Result(result) => match bind_one(*result, &binding["return"]) {
                    Ok(result) => {
                        value["outcome"] = json!("result");
                        value["result"] = result;
                    }
                    Err(BindError::Syntax) => return Err(DecodeError::Syntax),
                    Err(error) => {
                        value["outcome"] = json!("error");
                        value["error"] =
                            json!(format!("Error trying to deserialize result to Int32. {error}"));
                    }
                },
            }
            value
        }
        Message::CancelInvocation(CancelInvocation { id, headers }) => {
            json!({"type": "CancelInvocation", "invocationId": id, "headers": headers_value(headers)})
        }
        Message::Ping => json!({"type": "Ping"}),
        Message::Close(Close { error, allow_reconnect }) => {
            json!({"type": "Close", "error": error, "allowReconnect": allow_reconnect})
        }
        Message::Ack(number) => json!({"type": "Ack", "sequenceId": number}),
        Message::Sequence(number) => json!({"type": "Sequence", "sequenceId": number}),
    })
}

fn call_value(
    (kind, id): (&str, Option<&str>),
    target: &str,
    arguments: Payload<'_>,
    stream_ids: Option<&[Cow<'_, str>]>,
    headers: &Headers<'_>,
    binding: &Value,
) -> Result<Value, DecodeError> {
    match bind_list(arguments, &binding["parameters"]) {
        Ok(arguments) => Ok(json!({
            "type": kind, "invocationId": id, "target": target, "arguments": arguments,
            "streamIds": stream_ids, "headers": headers_value(headers),
        })),
        Err(BindError::Syntax) => Err(DecodeError::Syntax),
        Err(error) => Ok(json!({
            "type": "InvocationBindingFailure", "invocationId": id, "target": target, "error": error.to_string(),
        })),
    }
}

fn headers_value(headers: &Headers<'_>) -> Value {
    if headers.is_empty() {
        return Value::Null;
    }
    headers
        .iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn bind_list(arguments: Payload<'_>, parameters: &Value) -> Result<Value, BindError> {
    match parameters {
        Value::Array(kinds) => {
            let mut elements = arguments.elements()?;
            let values = kinds.iter().map(|kind| bind_element(&mut elements, kind, kinds.len()));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            elements.finish(kinds.len())?;
            Ok(values.into())
        }
        Value::Null => arguments.read(),
        throws => {
            assert_eq!(throws, "throws");
            arguments.check()?;
            Err(BindError::Shape)
        }
    }
}

fn bind_element(
    elements: &mut Elements<'_>,
    kind: &Value,
    expected: usize,
) -> Result<Value, BindError> {
    Ok(match kind.as_str().expect("a kind") {
        "int32" => json!(elements.next::<i32>(expected)?),
        "string" | "datetime" => json!(elements.next::<Option<String>>(expected)?),
        "float32" => match elements.next::<f32>(expected)? {
            whole if whole.fract() == 0.0 => json!(whole as i64),
            other => json!(other),
        },
        "int32[]" => json!(elements.next::<Vec<i32>>(expected)?),
        _ => elements.next(expected)?,
    })
}

fn bind_one(payload: Payload<'_>, kind: &Value) -> Result<Value, BindError> {
    match kind.as_str() {
        Some("int32") => payload.read::<i32>().map(Value::from),
        Some("string" | "datetime") => payload.read::<Option<String>>().map(Value::from),
        Some("throws" | "unknown") => payload.check().and(Err(BindError::Shape)),
        _ => payload.read(),
    }
}

fn negotiate_value(response: &NegotiateResponse) -> Value {
    let transports = response.available_transports.as_ref().map(|offered| {
        offered
            .iter()
            .map(|one| json!({"transport": one.transport, "transferFormats": one.transfer_formats}))
            .collect::<Vec<_>>()
    });
    json!({
        "type": "NegotiateResponse", "connectionId": response.connection_id,
        "connectionToken": response.connection_token, "negotiateVersion": response.negotiate_version,
        "availableTransports": transports, "url": response.url, "accessToken": response.access_token,
        "error": response.error, "useStatefulReconnect": response.use_stateful_reconnect,
    })
}

/// Writes the message that a vector describes.
fn write(vector: &Value) -> Vec<u8> {
    let given = vector.get("given").unwrap_or(&vector["expect"]);
    let mut out = Vec::new();
    match text(vector, "protocol") {
        "handshake" if vector["side"] == "request" => {
            let version = given["version"].as_i64().expect("a version") as i32;
            HandshakeRequest { protocol: text(given, "protocol").into(), version }.write(&mut out);
        }
        "handshake" => handshake::write_response(given["error"].as_str(), &mut out),
        "negotiate" => out = negotiate_given(given).encode(),
        _ if vector.get("payload_key_order").is_some() => {
            // The test's own JSON maps are sorted, so the payload comes from the wire.
            let whole = bytes(vector, "bytes");
            let record = framing::text(&whole, 0).expect("one record");
            let Ok(Decoded::Message(message)) = Encoding::Json.decode(record.body) else {
                panic!("no message")
            };
            Encoding::Json.encode(&message, &mut out);
        }
        _ => encode_given(given, &mut out),
    }
    out
}

fn encode_given(given: &Value, out: &mut Vec<u8>) {
    let raw = |key: &str| given[key].to_string().into_bytes();
    let (arguments, item, result) = (raw("arguments"), raw("item"), raw("result"));
    let id = || Cow::Owned(given["invocationId"].as_str().unwrap_or_default().to_owned());
    let target = || Cow::Owned(text(given, "target").to_owned());
    let stream_ids = given["streamIds"]
        .as_array()
        .map(|ids| ids.iter().map(|id| Cow::Owned(id.as_str().unwrap().to_owned())).collect());
    let mut headers = Headers::default();
    for (name, value) in given["headers"].as_object().into_iter().flatten() {
        headers.push(name.clone().into(), value.as_str().unwrap().to_owned().into());
    }
    let arguments = Payload::new(Encoding::Json, &arguments);
    let message = match text(given, "type") {
        "Invocation" => Message::Invocation(Invocation {
            id: Some(id()),
            target: target(),
            arguments,
            stream_ids,
            headers,
        }),
        "StreamInvocation" => Message::StreamInvocation(StreamInvocation {
            id: id(),
            target: target(),
            arguments,
            stream_ids,
            headers,
        }),
        "StreamItem" => Message::StreamItem(StreamItem {
            id: id(),
            item: Payload::new(Encoding::Json, &item),
            headers,
        }),
        "Completion" => {
            let outcome = match text(given, "outcome") {
                "void" => Outcome::Void,
                "result" => Outcome::Result(Payload::new(Encoding::Json, &result)),
                _ => Outcome::Error(text(given, "error").to_owned().into()),
            };
            Message::Completion(Completion { id: id(), outcome, headers })
        }
        "CancelInvocation" => Message::CancelInvocation(CancelInvocation { id: id(), headers }),
        "Ping" => Message::Ping,
        "Close" => Message::Close(Close {
            error: given["error"].as_str().map(|error| error.to_owned().into()),
            allow_reconnect: given["allowReconnect"].as_bool().unwrap(),
        }),
        "Ack" => Message::Ack(given["sequenceId"].as_i64().unwrap()),
        "Sequence" => Message::Sequence(given["sequenceId"].as_i64().unwrap()),
        other => panic!("cannot write {other}"),
    };
    Encoding::Json.encode(&message, out);
}

fn negotiate_given(given: &Value) -> NegotiateResponse {
    let string = |value: &Value| value.as_str().map(str::to_owned);
    let transports = given["availableTransports"].as_array().map(|offered| {
        offered
            .iter()
            .map(|one| AvailableTransport {
                transport: string(&one["transport"]),
                transfer_formats: one["transferFormats"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(string)
                    .collect(),
            })
            .collect()
    });
    NegotiateResponse {
        use_stateful_reconnect: given["useStatefulReconnect"].as_bool().unwrap_or_default(),
        negotiate_version: given["negotiateVersion"].as_i64().unwrap_or_default() as i32,
        url: string(&given["url"]),
        access_token: string(&given["accessToken"]),
        connection_id: string(&given["connectionId"]),
        connection_token: string(&given["connectionToken"]),
        available_transports: transports,
        error: string(&given["error"]),
    }
}
