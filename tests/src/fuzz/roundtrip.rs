//! Messages that every encoding can carry: written, read, and the same in both.

use hub_proto::{Decoded, Encoding, Message, Payload};
use serde_json::Value;

use crate::messages::{Neutral, Source, payload};

/// Takes `input` for the choices that make one message.
pub fn run(input: &[u8]) {
    let message = Source::new(input).message();
    for encoding in Encoding::BUILT_IN {
        identity(&message, encoding);
    }
    agreement(&message);
}

/// What is written is one record, reads as it was, and is written the same again.
pub fn identity(neutral: &Neutral, encoding: Encoding) {
    let bytes = neutral.encode(encoding);
    let mut read = decode(encoding, &bytes);
    let raw = neutral.raw(encoding);
    assert_eq!(read, neutral.message(encoding, &raw));
    let mut again = Vec::new();
    encoding.encode(&read, &mut again);
    assert!(again == bytes, "written differently the second time");
    if let Some(payload) = payload(&mut read) {
        assert_eq!(payload.check(), Ok(()));
        assert_eq!(payload.read::<Value>().as_ref(), Ok(&neutral.value));
    }
}

/// The message reads as the same one from every encoding.
pub fn agreement(neutral: &Neutral) {
    let written = Encoding::BUILT_IN.map(|encoding| (encoding, neutral.encode(encoding)));
    let [text, binary] = written.each_ref().map(|(encoding, bytes)| {
        let mut message = decode(*encoding, bytes);
        let value = payload(&mut message).map(|payload| {
            let value = payload.read::<Value>();
            // What is left is the same in every encoding.
            *payload = Payload::new(Encoding::Json, b"");
            value
        });
        (message, value)
    });
    assert_eq!(text, binary);
}

fn decode(encoding: Encoding, bytes: &[u8]) -> Message<'_> {
    let record = encoding.record(bytes, 0).expect("a whole record");
    assert_eq!(record.size, bytes.len(), "one record");
    match encoding.decode(record.body) {
        Ok(Decoded::Message(message)) => message,
        other => panic!("no message but {other:?}"),
    }
}
