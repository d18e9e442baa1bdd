//! Encodings that somebody else implements.

use std::vec;

use serde::Deserialize;

use crate::framing::{NoRecord, Record};
use crate::message::{Completion, Headers, Invocation, Message, Outcome, StreamItem};
use crate::{
    Arguments, BindError, DecodeError, Decoded, EncodeError, Encoding, Payload, TransferFormat,
};

/// A third encoding, to be used as [`Encoding::Custom`].
///
/// It is a pure function of its input: the same bytes give the same answer at any time, and no bytes
/// make it panic. Values go through [`erased_serde`], which costs an allocation or two a message; the
/// built-in encodings do not.
pub trait Codec: Send + Sync {
    /// The `protocol` of the handshake. Names tell encodings apart.
    fn name(&self) -> &'static str;

    /// What the transport must carry.
    fn format(&self) -> TransferFormat;

    /// Cuts the first whole record off `input`; see [`Encoding::record`].
    fn record<'a>(&self, input: &'a [u8], searched: usize) -> Result<Record<'a>, NoRecord>;

    /// Reads one record, without its framing. Payloads stay raw, as [`Payload`]s of this encoding.
    fn decode<'a>(&self, record: &'a [u8]) -> Result<Decoded<'a>, DecodeError>;

    /// Appends one message with its framing.
    fn encode(&self, message: &Message<'_>, out: &mut Vec<u8>);

    /// Appends one value. A list of arguments is a sequence.
    fn write(
        &self,
        value: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError>;

    /// Hands a deserializer of the raw value to `visit`, and tells its failure from bad grammar.
    fn read<'a>(&self, raw: &'a [u8], visit: Visit<'_, 'a>) -> Result<(), BindError>;

    /// Cuts a raw list of arguments into its raw elements, all of them well-formed.
    fn elements<'a>(&self, raw: &'a [u8]) -> Result<Vec<&'a [u8]>, BindError>;

    /// Checks the grammar of a raw value that nobody reads.
    fn check(&self, raw: &[u8]) -> Result<(), BindError>;
}

/// Takes a value out of a deserializer.
pub type Visit<'v, 'a> =
    &'v mut dyn FnMut(&mut dyn erased_serde::Deserializer<'a>) -> Result<(), erased_serde::Error>;

/// The elements of a raw list, read one by one.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'a> {
    encoding: Encoding,
    raw: vec::IntoIter<&'a [u8]>,
    count: usize,
}

impl<'a> Elements<'a> {
    pub(crate) fn new(codec: &'static dyn Codec, raw: &'a [u8]) -> Result<Self, BindError> {
        let elements = codec.elements(raw)?;
        let count = elements.len();
        Ok(Self { encoding: Encoding::Custom(codec), raw: elements.into_iter(), count })
    }

    pub(crate) fn next<T: Deserialize<'a>>(&mut self, expected: usize) -> Result<T, BindError> {
        let raw = self.raw.next().ok_or(BindError::Count { provided: self.count, expected })?;
        Payload::new(self.encoding, raw).read()
    }

    pub(crate) fn finish(self, expected: usize) -> Result<(), BindError> {
        if self.count == expected {
            Ok(())
        } else {
            Err(BindError::Count { provided: self.count, expected })
        }
    }
}

pub(crate) fn read<'a, T: Deserialize<'a>>(
    codec: &dyn Codec,
    raw: &'a [u8],
) -> Result<T, BindError> {
    let mut value = None;
    codec.read(raw, &mut |deserializer| {
        value = Some(erased_serde::deserialize(deserializer)?);
        Ok(())
    })?;
    value.ok_or(BindError::Shape)
}

pub(crate) fn write_invocation(
    codec: &'static dyn Codec,
    id: Option<&str>,
    target: &str,
    arguments: &dyn Arguments,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let encoding = Encoding::Custom(codec);
    let mut raw = Vec::new();
    arguments.write(encoding, &mut raw)?;
    let call = Invocation {
        id: id.map(Into::into),
        target: target.into(),
        arguments: Payload::new(encoding, &raw),
        stream_ids: None,
        headers: Headers::default(),
    };
    codec.encode(&Message::Invocation(call), out);
    Ok(())
}

pub(crate) fn write_result(
    codec: &'static dyn Codec,
    id: &str,
    value: &dyn erased_serde::Serialize,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut raw = Vec::new();
    codec.write(value, &mut raw)?;
    let completion = Completion {
        id: id.into(),
        outcome: Outcome::Result(Payload::new(Encoding::Custom(codec), &raw)),
        headers: Headers::default(),
    };
    codec.encode(&Message::Completion(completion), out);
    Ok(())
}

pub(crate) fn write_item(
    codec: &'static dyn Codec,
    id: &str,
    item: &dyn erased_serde::Serialize,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut raw = Vec::new();
    codec.write(item, &mut raw)?;
    let item = StreamItem {
        id: id.into(),
        item: Payload::new(Encoding::Custom(codec), &raw),
        headers: Headers::default(),
    };
    codec.encode(&Message::StreamItem(item), out);
    Ok(())
}
