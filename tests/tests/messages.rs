//! What holds for every message, in each encoding and between them.

use hub_proto::{BindError, Decoded, Encoding, Payload};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::IgnoredAny;
use serde_json::Value;

use tests::fuzz::records::Records;
use tests::fuzz::roundtrip;
use tests::messages::{Neutral, Source, payload};

/// Bytes for a [`Source`]; more make larger messages.
fn choices() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

fn encoding() -> impl Strategy<Value = Encoding> {
    select(&Encoding::BUILT_IN[..])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_it_was(choices in choices(), encoding in encoding()) {
        roundtrip::identity(&Source::new(&choices).message(), encoding);
    }

    #[test]
    fn a_message_is_the_same_in_every_encoding(choices in choices()) {
        roundtrip::agreement(&Source::new(&choices).message());
    }

    #[test]
    fn any_chunks_give_the_same_records(
        choices in choices(),
        cuts in vec(1..60_usize, 1..50),
        noise in vec(any::<u8>(), 0..20),
        encoding in encoding(),
    ) {
        let mut source = Source::new(&choices);
        let mut bytes: Vec<_> = (0..3).flat_map(|_| source.message().encode(encoding)).collect();
        bytes.extend_from_slice(&noise);
        let whole = Records::read(encoding, [&bytes[..]]);
        prop_assert!(whole.bodies.len() >= 3);
        let (mut chunks, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, behind) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk);
            rest = behind;
        }
        Records::read(encoding, chunks).assert_same(&whole);
    }

    #[test]
    fn what_is_behind_a_record_is_not_read(
        choices in choices(),
        noise in vec(any::<u8>(), 0..20),
        encoding in encoding(),
    ) {
        let neutral = Source::new(&choices).message();
        let bytes = neutral.encode(encoding);
        let more = [&bytes[..], &noise].concat();
        let record = encoding.record(&more, 0).expect("a whole record");
        prop_assert_eq!(record.size, bytes.len());
        prop_assert_eq!(record.body, encoding.record(&bytes, 0).expect("a whole record").body);
        for cut in 0..bytes.len().min(200) {
            prop_assert!(encoding.record(&bytes[..cut], 0).is_err());
        }
    }

    /// Broken messages, and bytes that never were one.
    #[test]
    fn messagepack_reads_any_bytes_without_a_panic_and_agrees_with_itself(
        choices in choices(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
    ) {
        let neutral: Neutral = Source::new(&choices).message();
        let mut body = neutral.encode(Encoding::MessagePack);
        body.drain(..body.len().min(1));
        body.truncate(length.index(body.len() + 1).max(body.len() / 2));
        for (at, byte) in edits {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
        }
        if let Ok(Decoded::Message(mut message)) = Encoding::MessagePack.decode(&body)
            && let Some(payload) = payload(&mut message)
        {
            agrees(*payload);
        }
        agrees(Payload::new(Encoding::MessagePack, &choices));
    }
}

/// `check` decides what is well-formed, and every way to read a payload agrees with it. One that is
/// missing, or no list, has the wrong shape before anybody asks for its grammar.
fn agrees(payload: Payload<'_>) {
    let well_formed = payload.check().is_ok();
    let errors = [
        payload.read::<Value>().err(),
        payload.read::<IgnoredAny>().err(),
        payload.read::<Option<String>>().err(),
        payload.read::<Vec<f32>>().err(),
        payload.bind::<()>().err(),
        payload.bind::<(Value,)>().err(),
        payload.bind::<(IgnoredAny, IgnoredAny)>().err(),
        payload.bind::<(i32, String, Vec<u8>)>().err(),
    ];
    for error in errors {
        if well_formed {
            assert_ne!(error, Some(BindError::Syntax));
        } else {
            let shape = payload.raw().is_empty().then_some(BindError::Shape);
            assert!(
                [Some(BindError::Syntax), Some(BindError::NotAList), shape].contains(&error)
                    && error.is_some(),
                "{error:?} for malformed bytes"
            );
        }
    }
}
