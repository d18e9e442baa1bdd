//! Our reader of JSON messages against one that is plain: serde_json splits the object into its
//! members, and the rules of ASP.NET Core's `JsonHubProtocol` are applied to them one by one.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use hub_proto::{
    CancelInvocation, Close, Completion, Decoded, Encoding, Headers, Invocation, Message, Outcome,
    Payload, StreamInvocation, StreamItem,
};
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::nests_too_deep;
use super::message::payload_of;

/// Takes `input` for the body of a record.
pub fn run(input: &[u8]) {
    let plain = plainly(input);
    let ours = Encoding::Json.decode(input).ok();
    let payload = match &ours {
        Some(Decoded::Message(message)) => payload_of(message),
        _ => None,
    };
    if payload.is_some_and(|payload| payload.check().is_err()) {
        // The fault is in what has not been looked at yet.
        return assert_eq!(plain, None, "only we find a fault in {payload:?}");
    }
    assert_eq!(ours, plain);
    if let Some(payload) = payload {
        values(payload);
    }
}

/// Values are read as serde_json reads them.
fn values(payload: Payload<'_>) {
    same::<Value>(payload);
    same::<i8>(payload);
    same::<u64>(payload);
    same::<f64>(payload);
    same::<String>(payload);
    same::<Vec<Option<i64>>>(payload);
    same::<Vec<String>>(payload);
    same::<(bool, char)>(payload);
    same::<BTreeMap<String, f32>>(payload);
}

fn same<T: DeserializeOwned + PartialEq + fmt::Debug>(payload: Payload<'_>) {
    assert_eq!(payload.read::<T>().ok(), serde_json::from_slice(payload.raw()).ok());
}

/// The members of an object as they stand there, duplicates included.
struct Members<'a, T>(Vec<(String, T)>, PhantomData<&'a ()>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<'de, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(Vec::new(), PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<'de, T> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(member) = map.next_entry()? {
            self.0.push(member);
        }
        Ok(self)
    }
}

/// Every property of a message, the last of its name.
#[derive(Default)]
struct Envelope<'a> {
    kind: Option<i32>,
    id: Option<String>,
    target: Option<String>,
    error: Option<String>,
    arguments: Option<&'a str>,
    item: Option<&'a str>,
    result: Option<&'a str>,
    stream_ids: Option<Vec<String>>,
    headers: Vec<(String, String)>,
    allow_reconnect: bool,
    sequence_id: Option<i64>,
}

fn plainly(body: &[u8]) -> Option<Decoded<'_>> {
    // What stands behind the object is not read.
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let members = deserializer.deserialize_map(Members::<&RawValue>(Vec::new(), PhantomData));
    let mut envelope = Envelope::default();
    for (name, value) in members.ok()?.0 {
        let raw = value.get();
        if nests_too_deep(raw.as_bytes()) {
            return None;
        }
        match name.as_str() {
            "type" => envelope.kind = Some(raw.parse().ok()?),
            "invocationId" => envelope.id = Some(read(raw)?),
            "target" => envelope.target = Some(read(raw)?),
            "error" => envelope.error = Some(read(raw)?),
            "arguments" => envelope.arguments = Some(raw.starts_with('[').then_some(raw)?),
            "item" => envelope.item = Some(raw),
            "result" => envelope.result = Some(raw),
            "streamIds" => envelope.stream_ids = Some(read(raw)?),
            "headers" => {
                envelope.headers = serde_json::from_str::<Members<'_, String>>(raw).ok()?.0;
            }
            "allowReconnect" => envelope.allow_reconnect = read(raw)?,
            // Null is none here, and nowhere else.
            "sequenceId" if raw == "null" => envelope.sequence_id = None,
            "sequenceId" => envelope.sequence_id = Some(raw.parse().ok()?),
            _ => {}
        }
    }
    envelope.message()
}

fn read<T: DeserializeOwned>(raw: &str) -> Option<T> {
    serde_json::from_str(raw).ok()
}

impl<'a> Envelope<'a> {
    fn message(self) -> Option<Decoded<'a>> {
        let id = self.id.filter(|id| !id.is_empty()).map(Into::into);
        let target = self.target.filter(|target| !target.is_empty()).map(Into::into);
        let payload = |raw: &'a str| Payload::new(Encoding::Json, raw.as_bytes());
        let arguments = self.arguments.map(payload);
        let stream_ids = self.stream_ids.map(|ids| ids.into_iter().map(Into::into).collect());
        let mut headers = Headers::default();
        for (name, value) in self.headers {
            headers.push(name.into(), value.into());
        }
        Some(Decoded::Message(match self.kind? {
            1 => Message::Invocation(Invocation {
                id,
                target: target?,
                arguments: arguments?,
                stream_ids,
                headers,
            }),
            2 => Message::StreamItem(StreamItem { id: id?, item: payload(self.item?), headers }),
            3 => {
                let outcome = match (self.error, self.result) {
                    (Some(_), Some(_)) => return None,
                    (Some(error), None) => Outcome::Error(error.into()),
                    (None, Some(result)) => Outcome::Result(payload(result)),
                    (None, None) => Outcome::Void,
                };
                Message::Completion(Completion { id: id?, outcome, headers })
            }
            4 => Message::StreamInvocation(StreamInvocation {
                id: id?,
                target: target?,
                arguments: arguments?,
                stream_ids,
                headers,
            }),
            5 => Message::CancelInvocation(CancelInvocation { id: id?, headers }),
            6 => Message::Ping,
            7 => Message::Close(Close {
                error: self.error.map(Into::into),
                allow_reconnect: self.allow_reconnect,
            }),
            8 => Message::Ack(self.sequence_id?),
            9 => Message::Sequence(self.sequence_id?),
            unknown => return Some(Decoded::Skipped(unknown)),
        }))
    }
}
