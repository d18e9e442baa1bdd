//! Every cause of an end: its Close, its reason, and that nothing follows.

use super::*;

fn closed_by(act: impl FnOnce(&mut Wire)) -> (Option<String>, CloseReason) {
    let mut wire = Wire::open(Config::default());
    act(&mut wire);
    wire.last_words()
}

fn text(close: &str) -> Option<String> {
    Some(close.to_owned())
}

#[test]
fn each_close_by_the_application_has_its_text() {
    let quiet = text(CLOSE);
    let again = text(r#"{"type":7,"allowReconnect":true}"#);
    let table = [
        (CloseReason::Aborted, quiet.clone()),
        (CloseReason::Closed { allow_reconnect: false }, quiet),
        (CloseReason::Closed { allow_reconnect: true }, again.clone()),
        (CloseReason::AuthExpired, again.clone()),
        (CloseReason::Shutdown, again),
        (CloseReason::SlowConsumer, close_with_error("")),
        (CloseReason::Lost(ErrorKind::TimedOut), None),
    ];
    for (reason, close) in table {
        assert_eq!(closed_by(|wire| wire.close(reason.clone())), (close, reason));
    }
}

#[test]
fn a_clients_close_is_answered_without_its_error() {
    assert_eq!(closed_by(|wire| wire.send(&[CLOSE])), (text(CLOSE), CloseReason::PeerClosed(None)));
    assert_eq!(
        closed_by(|wire| wire.send(&[r#"{"type":7,"error":"mine","allowReconnect":true}"#])),
        (text(CLOSE), CloseReason::PeerClosed(text("mine")))
    );
}

#[test]
fn messages_behind_a_close_are_ignored() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), CLOSE, &call("2", "B"), "nonsense"]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
    assert_eq!(wire.connection.unread(), 0);
    wire.send(&[&call("3", "C")]);
    assert_eq!(wire.admit(0), Admission::Started);
    assert_eq!(wire.drain(), [CLOSE, "closed"]);
    assert_eq!(wire.reason, Some(CloseReason::PeerClosed(None)));
}

#[test]
fn messages_behind_a_close_are_ignored_even_when_the_input_is_over() {
    for end in [End::Finished, RESET] {
        let mut wire = Wire::open(Config::default());
        wire.send(&[CLOSE, &call("1", "A")]);
        wire.disconnect(end);
        assert_eq!(wire.events().iter().find(|event| event.contains("invoked")), None);
    }
}

#[test]
fn a_bad_message_is_told_and_its_detail_only_with_detailed_errors() {
    assert_eq!(
        closed_by(|wire| wire.send(&["nonsense"])),
        (close_with_error(""), fault(DecodeError::Syntax))
    );
    let table = [
        ("{", "InvalidDataException: Error reading JSON."),
        ("{}", "InvalidDataException: Missing required property 'type'."),
        (
            r#"{"type":1.5}"#,
            "FormatException: Either the JSON value of 'type' is not in a supported format, or is out of bounds.",
        ),
        (
            r#"{"type":1,"invocationId":"1"}"#,
            "InvalidDataException: Missing required property 'target'.",
        ),
        (
            r#"{"type":3,"invocationId":"1","error":"x","result":1}"#,
            "InvalidDataException: The 'error' and 'result' properties are mutually exclusive.",
        ),
    ];
    for (record, detail) in table {
        let mut wire = Wire::open(detailed());
        wire.send(&[record]);
        assert_eq!(wire.last_words().0, close_with_error(detail), "{record}");
    }
}

#[test]
fn a_fault_waits_for_the_calls_before_it_and_voids_what_is_behind() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), &call("2", "B"), "nonsense", &call("3", "C")]);
    assert_eq!(wire.drain(), ["invoked 0 A[]", "invoked 1 B[]"]);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
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
fn a_close_is_handled_at_once_though_calls_wait() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), &call("2", "B")]);
    assert_eq!(wire.events().len(), 2);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    wire.send(&[CLOSE]);
    assert_eq!(wire.drain(), [CLOSE, "closed"]);
}

#[test]
fn a_running_call_is_not_waited_for() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), CLOSE]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
    assert_eq!(wire.admit(0), Admission::Started);
    assert_eq!(wire.drain(), [CLOSE, "closed"]);
    assert!(!wire.answer(0));
    assert!(wire.drain().is_empty());
}

#[test]
fn nothing_is_kept_of_what_came_with_or_after_a_fault() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), "nonsense", &call("2", "B")]);
    assert_eq!(wire.connection.unread(), 0);
    wire.send(&[PING, PING]);
    assert_eq!(wire.connection.unread(), 0);
    let mut kept = Wire::open(Config::default());
    kept.input(b"non");
    kept.input(b"sense\x1eand more");
    assert_eq!(kept.connection.unread(), 0);
}

#[test]
fn the_first_end_is_the_only_one() {
    let mut wire = Wire::open(Config::default());
    wire.close(CloseReason::Aborted);
    wire.close(CloseReason::Shutdown);
    wire.send(&["nonsense"]);
    wire.wait(seconds(1_000));
    wire.connection.malformed(PeerFault::Truncated, wire.now);
    wire.disconnect(End::Finished);
    assert_eq!(wire.last_words(), (text(CLOSE), CloseReason::Aborted));
    wire.close(CloseReason::Shutdown);
    assert!(wire.drain().is_empty());
}

#[test]
fn closed_waits_until_the_last_frame_is_taken() {
    let mut wire = Wire::open(Config::default());
    wire.close(CloseReason::Aborted);
    assert!(wire.events().is_empty());
    assert_eq!(wire.frames(), [CLOSE]);
    assert_eq!(wire.events(), ["closed"]);
}

#[test]
fn an_abort_discards_events_that_nobody_has_taken() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), &call("2", "B")]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
    wire.close(CloseReason::Aborted);
    assert_eq!(wire.connection.open_calls(), 0);
    assert_eq!(wire.admit(0), Admission::Gone);
    assert!(!wire.answer(0));
    assert_eq!(wire.drain(), [CLOSE, "closed"]);
}

#[test]
fn answers_before_an_abort_leave_before_the_close() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A")]);
    assert_eq!(wire.events(), ["invoked 0 A[]"]);
    assert!(wire.answer(0));
    wire.close(CloseReason::Aborted);
    assert_eq!(wire.frames(), [result("1", 0).as_str(), CLOSE]);
}
