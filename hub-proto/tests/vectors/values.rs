//! Values of MessagePack that JSON has no word for, as the vectors write them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::{hex, unhex};

/// A value with `$f32`, `$f64`, `$bin` and `$timestamp` in the place of what they mean.
pub(super) struct Typed(pub(super) Value);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Typed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Typed, E> {
        Ok(Typed(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Typed, E> {
        Ok(Typed(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Typed, E> {
        Ok(Typed(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Typed, E> {
        Ok(Typed(value.into()))
    }

    fn visit_f32<E>(self, value: f32) -> Result<Typed, E> {
        Ok(Typed(json!({ "$f32": value })))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Typed, E> {
        Ok(Typed(json!({ "$f64": value })))
    }

    fn visit_str<E>(self, value: &str) -> Result<Typed, E> {
        Ok(Typed(value.into()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Typed, E> {
        Ok(Typed(json!({ "$bin": hex(value) })))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Typed, A::Error> {
        let mut values = Vec::new();
        while let Some(Typed(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Typed(values.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Typed, A::Error> {
        let mut values = serde_json::Map::new();
        while let Some((name, Typed(value))) = map.next_entry()? {
            values.insert(name, value);
        }
        Ok(Typed(values.into()))
    }

    /// An extension value: its type, and its bytes. The only one is the timestamp.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Typed, D::Error> {
        let Typed(pair) = Typed::deserialize(inner)?;
        assert_eq!(pair[0], -1);
        let bytes = unhex(pair[1]["$bin"].as_str().expect("bytes"));
        let (nanos, seconds) = match bytes.len() {
            4 => (0, u32::from_be_bytes(bytes.try_into().unwrap()).into()),
            12 => (
                u32::from_be_bytes(bytes[..4].try_into().unwrap()),
                i64::from_be_bytes(bytes[4..].try_into().unwrap()),
            ),
            other => panic!("a timestamp of {other} bytes"),
        };
        Ok(Typed(json!({ "$timestamp": { "seconds": seconds, "nanos": nanos } })))
    }
}

impl Serialize for Typed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Array(values) => {
                serializer.collect_seq(values.iter().map(|value| Self(value.clone())))
            }
            Value::Object(values) => {
                let mark = values.iter().next().filter(|(name, _)| name.starts_with('$'));
                match mark.map(|(name, value)| (name.as_str(), value)) {
                    Some(("$f32", value)) => {
                        serializer.serialize_f32(value.as_f64().unwrap() as f32)
                    }
                    Some(("$f64", value)) => serializer.serialize_f64(value.as_f64().unwrap()),
                    Some(("$bin", value)) => {
                        serializer.serialize_bytes(&unhex(value.as_str().unwrap()))
                    }
                    Some((_, value)) => timestamp(value, serializer),
                    None => {
                        let mut map = serializer.serialize_map(Some(values.len()))?;
                        for (name, value) in values {
                            map.serialize_entry(name, &Self(value.clone()))?;
                        }
                        map.end()
                    }
                }
            }
            plain => plain.serialize(serializer),
        }
    }
}

fn timestamp<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    let (seconds, nanos) = (value["seconds"].as_i64().unwrap(), value["nanos"].as_u64().unwrap());
    let bytes = match u32::try_from(seconds) {
        Ok(seconds) if nanos == 0 => seconds.to_be_bytes().to_vec(),
        _ => [&(nanos as u32).to_be_bytes()[..], &seconds.to_be_bytes()].concat(),
    };
    serializer.serialize_newtype_struct("_ExtStruct", &(-1_i8, Bytes(bytes)))
}

struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}
