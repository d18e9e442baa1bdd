//! One encoded hub message, ready for every transport.

use std::fmt;

use bytes::Bytes;

use crate::message::{Close, Completion, Message, Outcome};
use crate::ws::Opcode;
use crate::ws::encode::{MAX_SERVER_HEADER, write_server_header};
use crate::{EncodeError, Encoding, TransferFormat, codec, handshake, json, msgpack};

/// What a frame is to whoever sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The answer to the handshake: nothing leaves before it.
    Handshake,
    /// A message that stateful reconnect counts: types 1 to 5.
    Counted,
    /// Ping, Ack or Sequence.
    Uncounted,
    /// Close: nothing leaves after it.
    Close,
}

/// Exactly one encoded hub message, in one allocation with its WebSocket header in front.
///
/// A server's frames are not masked, so one frame serves every connection of that encoding;
/// a clone shares the bytes. Its `Debug` does not show them: they are the application's.
#[derive(Clone)]
pub struct Frame {
    bytes: Bytes,
    payload: u8,
    kind: Kind,
}

impl Frame {
    /// Encodes any message.
    pub fn message(encoding: Encoding, message: &Message<'_>) -> Self {
        let kind = match message {
            Message::Close(_) => Kind::Close,
            _ if message.is_counted() => Kind::Counted,
            _ => Kind::Uncounted,
        };
        Self::build(encoding.format(), kind, |out| encoding.encode(message, out))
    }

    /// Encodes an invocation with typed arguments.
    pub fn invocation(
        encoding: Encoding,
        id: Option<&str>,
        target: &str,
        arguments: &dyn crate::Arguments,
    ) -> Result<Self, EncodeError> {
        Self::try_build(encoding.format(), Kind::Counted, |out| match encoding {
            Encoding::Json => json::write_invocation(id, target, arguments, out),
            Encoding::MessagePack => msgpack::write_invocation(id, target, arguments, out),
            Encoding::Custom(codec) => codec::write_invocation(codec, id, target, arguments, out),
        })
    }

    /// Encodes the result of the call `id`.
    pub fn result<T: serde::Serialize + ?Sized>(
        encoding: Encoding,
        id: &str,
        value: &T,
    ) -> Result<Self, EncodeError> {
        Self::try_build(encoding.format(), Kind::Counted, |out| match encoding {
            Encoding::Json => write_json((b'3', b",\"result\":"), id, value, out),
            Encoding::MessagePack => msgpack::write_result(id, value, out),
            Encoding::Custom(codec) => codec::write_result(codec, id, &value, out),
        })
    }

    /// Encodes the end of the call or stream `id` without a result.
    pub fn void(encoding: Encoding, id: &str) -> Self {
        let completion =
            Completion { id: id.into(), outcome: Outcome::Void, headers: Default::default() };
        Self::message(encoding, &Message::Completion(completion))
    }

    /// Encodes one item of the stream `id`.
    pub fn item<T: serde::Serialize + ?Sized>(
        encoding: Encoding,
        id: &str,
        item: &T,
    ) -> Result<Self, EncodeError> {
        Self::try_build(encoding.format(), Kind::Counted, |out| match encoding {
            Encoding::Json => write_json((b'2', b",\"item\":"), id, item, out),
            Encoding::MessagePack => msgpack::write_item(id, item, out),
            Encoding::Custom(codec) => codec::write_item(codec, id, &item, out),
        })
    }

    /// Encodes the failure of the call `id`. In JSON an empty text cannot be told from success: do not
    /// pass one.
    pub fn failure(encoding: Encoding, id: &str, error: &str) -> Self {
        let outcome = Outcome::Error(error.into());
        Self::message(
            encoding,
            &Message::Completion(Completion {
                id: id.into(),
                outcome,
                headers: Default::default(),
            }),
        )
    }

    /// Encodes a Close.
    pub fn close(encoding: Encoding, close: Close<'_>) -> Self {
        Self::message(encoding, &Message::Close(close))
    }

    /// Encodes the answer to a handshake; `format` is that of the protocol asked for.
    pub fn handshake(format: TransferFormat, error: Option<&str>) -> Self {
        Self::build(format, Kind::Handshake, |out| handshake::write_response(error, out))
    }

    fn build(format: TransferFormat, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut buffer = Vec::with_capacity(128);
        buffer.resize(MAX_SERVER_HEADER, 0);
        write(&mut buffer);
        Self::finish(buffer, format, kind)
    }

    fn try_build(
        format: TransferFormat,
        kind: Kind,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<Self, EncodeError> {
        let mut buffer = Vec::with_capacity(128);
        buffer.resize(MAX_SERVER_HEADER, 0);
        write(&mut buffer)?;
        Ok(Self::finish(buffer, format, kind))
    }

    /// Puts the WebSocket header right in front of the payload.
    fn finish(mut buffer: Vec<u8>, format: TransferFormat, kind: Kind) -> Self {
        let opcode = match format {
            TransferFormat::Text => Opcode::Text,
            TransferFormat::Binary => Opcode::Binary,
        };
        let length = buffer.len().saturating_sub(MAX_SERVER_HEADER);
        let start = buffer
            .first_chunk_mut()
            .map_or(0, |space| write_server_header(space, true, opcode, length));
        buffer.shrink_to_fit();
        Self {
            bytes: Bytes::from(buffer).slice(start..),
            payload: (MAX_SERVER_HEADER - start) as u8,
            kind,
        }
    }

    /// The whole WebSocket frame.
    pub const fn websocket(&self) -> &Bytes {
        &self.bytes
    }

    /// The hub message with its own framing, without the WebSocket header.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(usize::from(self.payload)..).unwrap_or_default()
    }

    /// The same, as a part of the frame's own bytes.
    pub fn plain(&self) -> Bytes {
        self.bytes.slice(usize::from(self.payload).min(self.bytes.len())..)
    }

    /// What it is to whoever sends it.
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("kind", &self.kind).field("len", &self.bytes.len()).finish()
    }
}

/// Writes a message of an id and one typed member.
fn write_json<T: serde::Serialize + ?Sized>(
    (kind, member): (u8, &[u8]),
    id: &str,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    out.extend_from_slice(b"{\"type\":");
    out.push(kind);
    out.extend_from_slice(b",\"invocationId\":");
    json::string(out, id);
    out.extend_from_slice(member);
    Encoding::Json.write(value, out)?;
    out.extend_from_slice(&[b'}', crate::framing::SEPARATOR]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_one_buffer_seen_as_websocket_and_as_payload() {
        let ping = Frame::message(Encoding::Json, &Message::Ping);
        assert_eq!(ping.payload(), b"{\"type\":6}\x1e");
        assert_eq!(&ping.websocket()[..2], [0x81, 11]);
        assert_eq!(ping.kind(), Kind::Uncounted);
        let long = Frame::result(Encoding::Json, "1", &"x".repeat(70_000)).expect("serializable");
        assert_eq!(long.websocket()[..2], [0x81, 127]);
        assert_eq!(long.websocket().len(), long.payload().len() + 10);
        assert_eq!(long.kind(), Kind::Counted);
    }

    #[test]
    fn a_frame_is_shown_without_its_bytes() {
        let frame = Frame::result(Encoding::Json, "1", "secret").expect("serializable");
        assert_eq!(format!("{frame:?}"), "Frame { kind: Counted, len: 50 }");
    }

    #[test]
    fn items_and_ends_of_streams() {
        let item = |encoding| Frame::item(encoding, "s", &[1, 2]).expect("serializable");
        assert_eq!(
            item(Encoding::Json).payload(),
            b"{\"type\":2,\"invocationId\":\"s\",\"item\":[1,2]}\x1e"
        );
        assert_eq!(item(Encoding::MessagePack).payload(), b"\x08\x94\x02\x80\xa1s\x92\x01\x02");
        assert_eq!(item(Encoding::Json).kind(), Kind::Counted);
        assert_eq!(
            Frame::void(Encoding::Json, "s").payload(),
            b"{\"type\":3,\"invocationId\":\"s\"}\x1e"
        );
        assert_eq!(Frame::void(Encoding::MessagePack, "s").payload(), b"\x06\x94\x03\x80\xa1s\x02");
    }

    #[test]
    fn a_frame_of_messagepack_is_binary_whatever_its_length() {
        let ping = Frame::message(Encoding::MessagePack, &Message::Ping);
        assert_eq!(ping.payload(), b"\x02\x91\x06");
        assert_eq!(&ping.websocket()[..2], [0x82, 3]);
        let id = "1";
        for (length, payload) in [(110, 119), (120, 130), (17_000, 17_012)] {
            let text = "x".repeat(length);
            let frame = Frame::result(Encoding::MessagePack, id, &text).expect("serializable");
            assert_eq!(frame.payload().len(), payload);
            let record = Encoding::MessagePack.record(frame.payload(), 0).expect("whole");
            assert_eq!(record.size, payload);
            assert_eq!(frame.kind(), Kind::Counted);
        }
    }
}
