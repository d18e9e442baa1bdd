//! What a server tells its clients.

use std::any::type_name;
use std::fmt;

use hub_proto::{Arguments, Encoding, Payload};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::value::{self, brief};

/// A message that a hub has sent to a client: the method of the client and its arguments.
///
/// Arguments are shown as they are in JSON, whatever the encoding of the client. To compare, [`call`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method of the client, as the hub spells it.
    pub target: String,
    /// The arguments.
    pub arguments: Vec<Value>,
}

/// What a client sees of `send(target, arguments)`: `call("Said", ("hello",))`.
///
/// # Panics
///
/// When the arguments cannot be written as JSON.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "callers hand a tuple over, as to any call")]
pub fn call(target: &str, arguments: impl Arguments) -> Call {
    let mut raw = Vec::new();
    if let Err(error) = arguments.write(Encoding::Json, &mut raw) {
        panic!("the arguments of {target} cannot be written: {error}");
    }
    Call::new(target, Payload::new(Encoding::Json, &raw))
}

impl Call {
    /// From a message.
    pub(crate) fn new(target: &str, arguments: Payload<'_>) -> Self {
        let arguments = match value::show(arguments) {
            Ok(Value::Array(arguments)) => arguments,
            other => panic!("{target} is called with no list of arguments: {other:?}"),
        };
        Self { target: target.to_owned(), arguments }
    }

    /// The arguments as a tuple: `let (who, text): (String, String) = call.read();`.
    ///
    /// # Panics
    ///
    /// When they are others.
    #[track_caller]
    pub fn read<T: DeserializeOwned>(&self) -> T {
        let arguments = Value::Array(self.arguments.clone());
        serde_json::from_value(arguments).unwrap_or_else(|error| {
            panic!("the arguments of {} are no {}: {error}", brief(self), type_name::<T>())
        })
    }
}

/// As the hub calls it: `Said("hello")`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.target)?;
        for (n, argument) in self.arguments.iter().enumerate() {
            let comma = if n > 0 { ", " } else { "" };
            write!(f, "{comma}{argument}")?;
        }
        f.write_str(")")
    }
}
