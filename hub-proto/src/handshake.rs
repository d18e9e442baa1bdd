//! The first record each way. It is JSON text whatever the encoding of the messages after it.

use std::borrow::Cow;

use crate::framing::SEPARATOR;
use crate::json::{self, Scanner};
use crate::{DecodeError, JsonType};

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeRequest<'a> {
    /// The encoding's name, as the client spells it.
    pub protocol: Cow<'a, str>,
    /// The protocol version: 1, or 2 with stateful reconnect; some clients send 0.
    pub version: i32,
}

impl<'a> HandshakeRequest<'a> {
    /// Reads a request from one record.
    pub fn parse(record: &'a [u8]) -> Result<Self, DecodeError> {
        let mut scanner = Scanner::new(record);
        scanner.enter(JsonType::Object)?;
        let (mut protocol, mut version) = (None, None);
        let mut first = true;
        while let Some(key) = scanner.key(first)? {
            first = false;
            match &*key {
                "protocol" => protocol = Some(json::string_property(&mut scanner, "protocol")?),
                "version" => version = json::nullable_integer(&mut scanner, "version")?,
                _ => scanner.skip(1)?,
            }
        }
        let missing = |name| DecodeError::MissingInHandshake {
            name,
            content: String::from_utf8_lossy(record).into_owned(),
        };
        let protocol = protocol.ok_or_else(|| missing("protocol"))?;
        let version = version.ok_or_else(|| missing("version"))?;
        Ok(Self { protocol, version })
    }

    /// Appends the request and the separator.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"protocol\":");
        json::string(out, &self.protocol);
        out.extend_from_slice(b",\"version\":");
        out.extend_from_slice(self.version.to_string().as_bytes());
        out.extend_from_slice(&[b'}', SEPARATOR]);
    }
}

/// Appends a response and the separator; `{}` is success.
///
/// An `error` member that is empty or null is success to one client and failure to another, so an
/// empty text must not be passed.
pub fn write_response(error: Option<&str>, out: &mut Vec<u8>) {
    out.push(b'{');
    if let Some(error) = error {
        out.extend_from_slice(b"\"error\":");
        json::string(out, error);
    }
    out.extend_from_slice(&[b'}', SEPARATOR]);
}

/// Reads a response from one record: the error, if it has one, even an empty one.
pub fn parse_response(record: &[u8]) -> Result<Option<Cow<'_, str>>, DecodeError> {
    let mut scanner = Scanner::new(record);
    scanner.enter(JsonType::Object)?;
    let mut error = None;
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        match &*key {
            "type" => return Err(DecodeError::NotHandshakeResponse),
            "error" => error = Some(json::string_property(&mut scanner, "error")?),
            _ => scanner.skip(1)?,
        }
    }
    Ok(error)
}
