//! Messages that are no calls.

use super::*;

/// Sends it behind a running call and then a call, which shows whether the connection lives.
fn harmless(record: &str) {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), record, &call("2", "B")]);
    assert_eq!(wire.drain(), ["invoked 0 A[]", "invoked 1 B[]"], "{record}");
}

fn fatal(record: &str, error: DecodeError) {
    let mut wire = Wire::open(Config::default());
    wire.send(&[record, &call("2", "B")]);
    assert_eq!(wire.last_words(), (close_with_error(""), fault(error)), "{record}");
}

#[test]
fn messages_for_ids_that_nobody_knows_are_ignored() {
    harmless(&cancel("7"));
    harmless(r#"{"type":2,"invocationId":"7","item":{"a":[1]}}"#);
    harmless(r#"{"type":3,"invocationId":"7"}"#);
    harmless(r#"{"type":3,"invocationId":"7","result":[null]}"#);
    harmless(r#"{"type":3,"invocationId":"7","error":"x"}"#);
}

#[test]
fn a_cancel_for_a_call_that_is_over_is_ignored() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A")]);
    assert_eq!((wire.events().len(), wire.answer(0)), (1, true));
    wire.send(&[&cancel("1")]);
    assert_eq!(wire.drain(), [result("1", 0)]);
}

#[test]
fn pings_acks_sequences_and_unknown_types_are_silent() {
    harmless(PING);
    harmless(r#"{"type":8,"sequenceId":1}"#);
    harmless(r#"{"type":9,"sequenceId":-1}"#);
    harmless(r#"{"type":99,"what":{"ever":[]}}"#);
    harmless(r#"{"type":0}"#);
}

#[test]
fn a_payload_that_nobody_reads_must_still_be_well_formed() {
    fatal(r#"{"type":2,"invocationId":"7","item":nul}"#, DecodeError::Syntax);
    fatal(r#"{"type":3,"invocationId":"7","result":[1,]}"#, DecodeError::Syntax);
    fatal(r#"{"type":6,"item":[}]}"#, DecodeError::Syntax);
}

#[test]
fn a_record_without_a_message_is_a_fault() {
    fatal("", DecodeError::Syntax);
    fatal(
        "null",
        DecodeError::Unexpected {
            found: hub_proto::JsonType::Null,
            wanted: hub_proto::JsonType::Object,
        },
    );
    fatal(r#"{"type":5}"#, DecodeError::Missing("invocationId"));
}

fn syntax() -> PeerFault {
    PeerFault::Message(DecodeError::Syntax)
}

#[test]
fn a_malformed_payload_voids_what_is_behind_it_and_answers_what_is_before() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), &call("2", "Bad"), &call("3", "C"), &cancel("1")]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
    assert_eq!(wire.admit(0), Admission::Started);
    assert!(wire.answer(0));
    assert_eq!(wire.event().as_deref(), Some("invoked 1 Bad[]"));
    wire.connection.malformed(syntax(), wire.now);
    assert_eq!(wire.drain(), [result("1", 0), close_with_error("").unwrap(), "closed".to_owned()]);
    assert_eq!(wire.reason, Some(CloseReason::Peer(syntax())));
    assert!(!wire.answer(1));
}

#[test]
fn calls_parked_before_a_malformed_payload_still_run() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), &call("2", "B"), &call("3", "Bad")]);
    assert_eq!(wire.events().len(), 3);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    wire.connection.malformed(syntax(), wire.now);
    assert_eq!(wire.admit(2), Admission::Gone);
    assert!(wire.drain().is_empty());
    assert!(wire.answer(0));
    assert_eq!(wire.event().as_deref(), Some("started 1"));
    assert!(wire.answer(1));
    assert_eq!(
        wire.drain(),
        [result("1", 0), result("2", 1), close_with_error("").unwrap(), "closed".to_owned()]
    );
}

#[test]
fn a_start_that_waits_behind_a_malformed_payload_is_not_lost() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), &call("2", "B")]);
    assert_eq!(wire.events().len(), 2);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    wire.send(&[&call("3", "Bad"), &call("4", "D")]);
    assert_eq!(wire.event().as_deref(), Some("invoked 2 Bad[]"));
    assert!(wire.answer(0));
    wire.connection.malformed(syntax(), wire.now);
    assert_eq!(wire.event().as_deref(), Some("started 1"));
    assert!(wire.answer(1));
    assert_eq!(
        wire.drain(),
        [result("1", 0), result("2", 1), close_with_error("").unwrap(), "closed".to_owned()]
    );
}

#[test]
fn a_malformed_payload_is_the_reason_whatever_came_behind_it() {
    for end in [None, Some(End::Finished), Some(RESET)] {
        let mut wire = Wire::open(Config::default());
        wire.send(&[&call("1", "Bad"), CLOSE]);
        if let Some(end) = end {
            wire.disconnect(end);
        }
        assert_eq!(wire.event().as_deref(), Some("invoked 0 Bad[]"));
        wire.connection.malformed(syntax(), wire.now);
        wire.drain();
        assert_eq!(wire.reason, Some(CloseReason::Peer(syntax())), "{end:?}");
    }
}
