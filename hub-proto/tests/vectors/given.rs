//! The messages that vectors describe, written.

use std::borrow::Cow;

use hub_proto::framing;
use hub_proto::handshake::{self, HandshakeRequest};
use hub_proto::negotiate::{AvailableTransport, NegotiateResponse};
use hub_proto::{
    CancelInvocation, Close, Completion, Decoded, Encoding, Headers, Invocation, Message, Outcome,
    Payload, StreamInvocation, StreamItem,
};
use serde_json::Value;

use super::values::Typed;
use super::{bytes, events, text, unhex};

/// Writes the message that a vector describes.
pub(super) fn write(vector: &Value) -> Vec<u8> {
    let given = vector.get("given").unwrap_or_else(|| &vector["expect"]);
    let mut out = Vec::new();
    match text(vector, "protocol") {
        "handshake" if vector["side"] == "request" => {
            let version = given["version"].as_i64().expect("a version") as i32;
            HandshakeRequest { protocol: text(given, "protocol").into(), version }.write(&mut out);
        }
        "handshake" => handshake::write_response(given["error"].as_str(), &mut out),
        "negotiate" => out = negotiate_given(given).encode(),
        "binary-framing" => binary(vector, &mut out),
        "sse" => events::write(text(given, "data"), &mut out),
        protocol => {
            let encoding =
                if protocol == "msgpack" { Encoding::MessagePack } else { Encoding::Json };
            if vector.get("payload_key_order").is_some() {
                rewrite(encoding, &bytes(vector, "bytes"), &mut out);
            } else {
                encode_given(encoding, given, &mut out);
            }
        }
    }
    out
}

/// Lengths, or records with their bodies.
fn binary(vector: &Value, out: &mut Vec<u8>) {
    if let Some(length) = vector["expect"]["length"].as_u64() {
        framing::write_length(length as usize, out);
    }
    for body in vector["expect_all"].as_array().into_iter().flatten() {
        let body = unhex(body.as_str().expect("hex"));
        framing::write_length(body.len(), out);
        out.extend_from_slice(&body);
    }
}

/// The test's own maps are sorted, so the payload comes from the wire.
fn rewrite(encoding: Encoding, whole: &[u8], out: &mut Vec<u8>) {
    let record = encoding.record(whole, 0).expect("one record");
    let Ok(Decoded::Message(message)) = encoding.decode(record.body) else { panic!("no message") };
    encoding.encode(&message, out);
}

fn raw(encoding: Encoding, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let written = match encoding {
        Encoding::MessagePack => encoding.write(&Typed(value.clone()), &mut out),
        _ => encoding.write(value, &mut out),
    };
    written.expect("serializable");
    out
}

fn encode_given(encoding: Encoding, given: &Value, out: &mut Vec<u8>) {
    let raw = |key: &str| raw(encoding, &given[key]);
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
    let arguments = Payload::new(encoding, &arguments);
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
            item: Payload::new(encoding, &item),
            headers,
        }),
        "Completion" => {
            let outcome = match text(given, "outcome") {
                "void" => Outcome::Void,
                "result" => Outcome::Result(Payload::new(encoding, &result)),
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
    encoding.encode(&message, out);
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
