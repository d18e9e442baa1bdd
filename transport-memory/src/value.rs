//! Values of messages: as the test wants them, and as JSON shows them.

use std::any::type_name;
use std::fmt;
use std::panic::Location;

use hub_proto::values::{ByteArray, DateTime};
use hub_proto::{BindError, Encoding, Payload};
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Shows a value of either encoding.
pub(crate) fn show(payload: Payload<'_>) -> Result<Value, BindError> {
    payload.read().map(|Shown(value)| value)
}

/// The raw value of one who has answered without one.
pub(crate) fn null(encoding: Encoding) -> Vec<u8> {
    let mut raw = Vec::new();
    if let Err(error) = encoding.write(&(), &mut raw) {
        panic!("nothing cannot be written: {error}");
    }
    raw
}

/// Reads a value as what the test wants.
pub(crate) fn read<T: DeserializeOwned>(
    encoding: Encoding,
    raw: &[u8],
    at: &'static Location<'static>,
    what: impl fmt::Display,
) -> T {
    let payload = Payload::new(encoding, raw);
    payload.read().unwrap_or_else(|error| {
        let wanted = type_name::<T>();
        match show(payload) {
            Ok(value) => panic!("{at}: {what} is no {wanted} but {}: {error}", brief(&value)),
            Err(error) => panic!("{at}: {what} is no {wanted}: {error}"),
        }
    })
}

/// What a failed test says of a value, which may be large.
pub(crate) fn brief(value: &impl fmt::Display) -> String {
    const MOST: usize = 1000;
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(MOST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A value as the hub would write it in JSON: bytes of MessagePack are base64, its timestamps ISO 8601, and another
/// extension the list of its type and its bytes.
struct Shown(Value);

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f32<E>(self, value: f32) -> Result<Value, E> {
        // As a text has it: 0.1 is not the 0.10000000149011612 that an f64 makes of it.
        Ok(value.to_string().parse::<f64>().map_or(Value::Null, Value::from))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(bytes(value.to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Shown(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((Shown(key), Shown(value))) = map.next_entry()? {
            let key = match key {
                Value::String(key) => key,
                other => other.to_string(),
            };
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        let (kind, content) = <(i8, ByteArray)>::deserialize(inner)?;
        Ok(match timestamp(kind, &content) {
            Some(time) => serde_json::to_value(time).unwrap_or_default(),
            None => Value::Array(vec![kind.into(), bytes(content.0)]),
        })
    }
}

fn bytes(content: Vec<u8>) -> Value {
    serde_json::to_value(ByteArray(content)).unwrap_or_default()
}

/// The time that an extension value tells, if it tells one.
fn timestamp(kind: i8, content: &[u8]) -> Option<DateTime> {
    let length = u8::try_from(content.len()).ok()?;
    let mut raw = vec![0xC7, length, kind.cast_unsigned()];
    raw.extend_from_slice(content);
    Payload::new(Encoding::MessagePack, &raw).read().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_encodings_show_the_same() {
        let time: DateTime = "2024-05-06T07:08:09Z".parse().unwrap();
        let value = (-1, 2_u64, 0.5, 0.1_f32, "text", None::<u8>, ByteArray(vec![1, 2, 255]), time);
        let shown = Encoding::BUILT_IN.map(|encoding| {
            let mut raw = Vec::new();
            encoding.write(&value, &mut raw).unwrap();
            show(Payload::new(encoding, &raw)).unwrap()
        });
        let wanted = json!([-1, 2, 0.5, 0.1, "text", null, "AQL/", "2024-05-06T07:08:09Z"]);
        assert_eq!(shown, [wanted.clone(), wanted]);
    }

    #[test]
    fn what_json_has_not_is_shown_somehow() {
        let raw = b"\x81\x05\xc7\x01\x07\x09";
        let shown = show(Payload::new(Encoding::MessagePack, raw)).unwrap();
        assert_eq!(shown, json!({"5": [7, "CQ=="]}));
    }
}
