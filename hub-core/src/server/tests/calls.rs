//! Calls: their order, their slots and their one answer.

use super::*;

fn parallel(parallel_calls: usize) -> Wire {
    Wire::limited(Limits { parallel_calls, ..Limits::default() })
}

fn invoked(wire: &mut Wire, ids: &[&str]) {
    let calls: Vec<_> = ids.iter().map(|id| call(id, "M")).collect();
    wire.send(&calls.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(wire.events().len(), ids.len());
}

#[test]
fn a_call_may_come_in_any_chunks() {
    let bytes = packet(&[r#"{"arguments":[1,"é"],"target":"add","invocationId":"1","type":1}"#]);
    for cut in 0..bytes.len() {
        let mut wire = Wire::open(Config::default());
        let (front, back) = bytes.as_bytes().split_at(cut);
        wire.input(front);
        assert!(wire.drain().is_empty());
        wire.input(back);
        assert_eq!(wire.drain(), [r#"invoked 0 add[1,"é"]"#]);
    }
}

#[test]
fn a_call_is_reported_with_all_that_it_asks_for() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[
        r#"{"type":1,"target":"A","arguments":[],"streamIds":["x","y"]}"#,
        r#"{"type":4,"invocationId":"s","target":"B","arguments":[]}"#,
    ]);
    assert_eq!(wire.events().len(), 2);
    let seen: Vec<_> = wire
        .calls
        .iter()
        .map(|call| (call.reply.id(), call.streaming, call.streams.len()))
        .collect();
    assert_eq!(seen, [(None, false, 2), (Some("s"), true, 0)]);
}

#[test]
fn one_slot_runs_calls_one_by_one_in_order() {
    let mut wire = parallel(1);
    invoked(&mut wire, &["a", "b", "c"]);
    let admitted = [wire.admit(0), wire.admit(1), wire.admit(2)];
    assert_eq!(admitted, [Admission::Started, Admission::Parked, Admission::Parked]);
    assert!(wire.drain().is_empty());
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), ["started 1".to_owned(), result("a", 0)]);
    assert!(wire.answer(1));
    assert_eq!(wire.drain(), ["started 2".to_owned(), result("b", 1)]);
    assert!(wire.answer(2));
    assert_eq!(wire.drain(), [result("c", 2)]);
    assert_eq!(wire.connection.open_calls(), 0);
}

#[test]
fn two_slots_let_short_calls_pass_a_long_one() {
    let mut wire = parallel(2);
    invoked(&mut wire, &["long", "1", "2", "3", "4", "5"]);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Started));
    for short in 2..=5 {
        assert_eq!(wire.admit(short), Admission::Parked);
    }
    for short in 1..=5 {
        assert!(wire.answer(short));
        let started = format!("started {}", short + 1);
        let answer = result(&short.to_string(), short);
        assert_eq!(wire.drain(), if short < 5 { vec![started, answer] } else { vec![answer] });
    }
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), [result("long", 0)]);
}

#[test]
fn a_call_that_fails_before_it_runs_takes_no_slot() {
    let mut wire = parallel(1);
    invoked(&mut wire, &["a", "b", "c"]);
    assert_eq!(wire.admit(0), Admission::Started);
    assert!(wire.answer(1));
    assert_eq!(wire.admit(2), Admission::Parked);
    assert_eq!(wire.drain(), [result("b", 1)]);
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), ["started 2".to_owned(), result("a", 0)]);
}

#[test]
fn a_parked_call_can_be_completed_without_a_turn() {
    let mut wire = parallel(1);
    invoked(&mut wire, &["a", "b", "c"]);
    assert_eq!(
        (wire.admit(0), wire.admit(1), wire.admit(2)),
        (Admission::Started, Admission::Parked, Admission::Parked)
    );
    assert!(wire.answer(1));
    assert_eq!(wire.drain(), [result("b", 1)]);
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), ["started 2".to_owned(), result("a", 0)]);
}

#[test]
fn a_call_is_admitted_once_and_answered_once() {
    let mut wire = parallel(2);
    invoked(&mut wire, &["a"]);
    assert_eq!((wire.admit(0), wire.admit(0)), (Admission::Started, Admission::Gone));
    assert_eq!((wire.answer(0), wire.answer(0)), (true, false));
    assert_eq!(wire.admit(0), Admission::Gone);
    assert_eq!((wire.admit(77), wire.answer(77)), (Admission::Gone, false));
    assert_eq!(wire.drain(), [result("a", 0)]);
}

#[test]
fn a_call_without_id_is_never_answered() {
    let mut wire = parallel(1);
    wire.send(&[
        r#"{"type":1,"target":"M","arguments":[]}"#,
        r#"{"type":1,"invocationId":"","target":"M","arguments":[]}"#,
    ]);
    assert_eq!(wire.events().len(), 2);
    assert!(wire.calls.iter().all(|call| call.reply.failure("no").is_none()));
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    assert!(wire.answer(0));
    assert!(wire.answer(1));
    assert_eq!(wire.drain(), [""; 0], "a call that is over is not started");
}

#[test]
fn two_calls_of_one_id_are_two_calls() {
    let mut wire = parallel(2);
    invoked(&mut wire, &["a", "a"]);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Started));
    wire.send(&[&cancel("a")]);
    assert_eq!(wire.drain(), ["cancelled 1"]);
    assert!(wire.answer(1));
    wire.send(&[&cancel("a")]);
    assert_eq!(wire.drain(), ["cancelled 0".to_owned(), result("a", 1)]);
}

#[test]
fn a_cancel_is_for_what_was_open_before_it_and_still_is() {
    let mut wire = parallel(2);
    wire.send(&[&call("a", "M"), &cancel("a"), &call("b", "M"), &cancel("b"), &call("b", "M")]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 M[]"));
    assert!(wire.answer(0));
    assert_eq!(wire.events(), ["invoked 1 M[]", "cancelled 1", "invoked 2 M[]"]);
}

#[test]
fn a_start_comes_before_what_came_behind_the_parked_call() {
    let mut wire = parallel(1);
    invoked(&mut wire, &["a", "b", "c"]);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    wire.send(&[&call("d", "M")]);
    assert!(wire.answer(0));
    assert_eq!(wire.events(), ["started 1", "invoked 3 M[]"]);
}
