//! The end of the input, in good order or not, in every phase.

use super::*;

/// A connection in each phase before its end, the messages being read in the last one only.
fn phases() -> [Wire; 4] {
    let handshake = Wire::new(Config::default());
    let mut deciding = Wire::new(Config::default());
    deciding.send(&[HELLO]);
    assert_eq!(deciding.drain(), ["handshake"]);
    let mut greeting = Wire::new(Config::default());
    greeting.send(&[HELLO]);
    greeting.connection.welcome(greeting.now);
    assert_eq!(greeting.drain(), ["handshake", "{}"]);
    [handshake, deciding, greeting, Wire::open(Config::default())]
}

#[test]
fn an_end_in_good_order_gets_a_close_once_the_handshake_was_answered() {
    let close = Some(r#"{"type":7,"allowReconnect":true}"#.to_owned());
    for (mut wire, frame) in phases().into_iter().zip([None, None, close.clone(), close]) {
        wire.disconnect(End::Finished);
        assert_eq!(wire.last_words(), (frame, CloseReason::Ended));
    }
}

#[test]
fn a_loss_is_reported_without_a_frame_in_every_phase() {
    for mut wire in phases() {
        wire.disconnect(RESET);
        assert_eq!(wire.events(), ["closed"]);
        assert!(wire.frames().is_empty());
        assert_eq!(wire.reason, Some(CloseReason::Lost(ErrorKind::ConnectionReset)));
    }
}

#[test]
fn a_loss_while_closing_frees_the_frames_and_keeps_the_reason() {
    let mut wire = Wire::open(Config::default());
    wire.close(CloseReason::Aborted);
    wire.disconnect(RESET);
    assert_eq!(wire.events(), ["closed"]);
    assert!(wire.frames().is_empty());
    assert_eq!(wire.reason, Some(CloseReason::Aborted));
}

#[test]
fn what_came_before_the_end_is_handled_before_it() {
    for (end, close) in [
        (End::Finished, vec![r#"{"type":7,"allowReconnect":true}"#.to_owned()]),
        (RESET, Vec::new()),
    ] {
        let limits = Limits { events: 1, ..Limits::default() };
        let mut wire = Wire::limited(limits);
        wire.send(&[&call("1", "A"), &call("2", "B")]);
        wire.disconnect(end);
        assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
        assert_eq!(wire.admit(0), Admission::Started);
        assert!(wire.answer(0));
        assert_eq!(wire.event().as_deref(), Some("invoked 1 B[]"));
        assert_eq!(wire.frames(), [result("1", 0)]);
        assert_eq!(wire.event().is_some(), end == RESET);
        assert_eq!(wire.frames(), close);
    }
}

#[test]
fn a_client_that_closed_and_left_has_closed() {
    for end in [End::Finished, RESET] {
        let mut wire = Wire::open(Config::default());
        wire.send(&[r#"{"type":7,"error":"mine"}"#]);
        wire.disconnect(end);
        wire.drain();
        assert_eq!(wire.reason, Some(CloseReason::PeerClosed(Some("mine".to_owned()))));
    }
}

#[test]
fn a_last_word_that_is_read_after_the_end_still_came_before_it() {
    let closed = CloseReason::PeerClosed(None);
    for (last, reason) in [(CLOSE, closed), ("nonsense", fault(DecodeError::Syntax))] {
        let mut wire = Wire::limited(Limits { events: 1, ..Limits::default() });
        wire.send(&[&call("1", "A"), last, &call("2", "B")]);
        wire.disconnect(End::Finished);
        assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
        assert!(wire.answer(0));
        assert_eq!(wire.drain().len(), 3);
        assert_eq!(wire.reason, Some(reason));
    }
}

#[test]
fn a_client_at_fault_that_left_is_still_to_blame() {
    for end in [End::Finished, RESET] {
        let mut wire = Wire::open(Config::default());
        wire.send(&["nonsense"]);
        wire.disconnect(end);
        wire.drain();
        assert_eq!(wire.reason, Some(fault(DecodeError::Syntax)), "{end:?}");
    }
}

#[test]
fn after_a_loss_no_frame_has_to_be_taken_before_closed() {
    for last in [CLOSE, "nonsense"] {
        let mut wire = Wire::open(Config::default());
        wire.send(&[last]);
        wire.disconnect(RESET);
        assert_eq!(wire.events(), ["closed"]);
        assert!(wire.frames().is_empty());
    }
}

#[test]
fn an_end_that_nobody_has_noticed_yet_stops_the_timers() {
    for end in [End::Finished, RESET] {
        for mut wire in phases() {
            wire.disconnect(end);
            assert_eq!(wire.deadline(), None);
            wire.wait(seconds(1_000));
            assert!(wire.frames().is_empty());
            wire.drain();
            let reason = wire.reason.unwrap();
            assert!(matches!(reason, CloseReason::Ended | CloseReason::Lost(_)), "{reason:?}");
        }
    }
}

#[test]
fn the_first_of_two_ends_is_reported() {
    let mut wire = Wire::open(Config::default());
    wire.disconnect(End::Finished);
    wire.disconnect(RESET);
    assert_eq!(wire.events(), ["closed"]);
    assert_eq!(wire.reason, Some(CloseReason::Ended));
}

#[test]
fn input_behind_the_end_is_ignored() {
    let mut wire = Wire::open(Config::default());
    wire.disconnect(End::Finished);
    wire.send(&[&call("1", "A")]);
    assert_eq!(wire.drain(), [r#"{"type":7,"allowReconnect":true}"#, "closed"]);
}

#[test]
fn late_completions_are_discarded() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A")]);
    assert_eq!(wire.drain(), ["invoked 0 A[]"]);
    assert_eq!(wire.admit(0), Admission::Started);
    wire.disconnect(End::Finished);
    assert_eq!(wire.drain(), [r#"{"type":7,"allowReconnect":true}"#, "closed"]);
    assert!(!wire.answer(0));
    assert!(wire.drain().is_empty());
}
