//! Slots that calls give back while they wait for their client.

use super::*;

fn wire(parallel_calls: usize, parked_calls: usize, calls: u64) -> Wire {
    let limits = Limits { parallel_calls, parked_calls, ..Limits::default() };
    let mut wire = Wire::limited(limits);
    for id in 0..calls {
        wire.send(&[&call(&id.to_string(), "M")]);
    }
    assert_eq!(wire.drain().len() as u64, calls);
    wire
}

/// Which calls of those that were parked have got their turn.
fn started(wire: &mut Wire) -> Vec<String> {
    wire.events()
}

#[test]
fn a_slot_that_is_given_back_is_the_next_calls() {
    let mut wire = wire(1, 64, 3);
    assert_eq!(
        [wire.admit(0), wire.admit(1), wire.admit(2)],
        [Admission::Started, Admission::Parked, Admission::Parked]
    );
    wire.release(0);
    assert_eq!(started(&mut wire), ["started 1"]);
    assert!(wire.answer(1));
    assert_eq!(wire.drain(), ["started 2".to_owned(), result("1", 1)]);
    assert!(wire.answer(0), "which runs on");
    assert_eq!(wire.drain(), [result("0", 0)]);
}

#[test]
fn a_slot_is_given_back_once() {
    let mut wire = wire(1, 64, 4);
    assert_eq!(wire.admit(0), Admission::Started);
    for id in 1..4 {
        assert_eq!(wire.admit(id), Admission::Parked);
    }
    wire.release(0);
    wire.release(0);
    assert_eq!(started(&mut wire), ["started 1"]);
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), [result("0", 0)], "its end frees no slot");
    assert!(wire.answer(1));
    assert_eq!(wire.drain(), ["started 2".to_owned(), result("1", 1)]);
}

#[test]
fn the_next_call_needs_no_parking_when_the_slot_was_given_back() {
    let mut wire = wire(1, 64, 2);
    assert_eq!(wire.admit(0), Admission::Started);
    wire.release(0);
    assert_eq!(wire.admit(1), Admission::Started);
}

#[test]
fn only_as_many_calls_run_without_a_slot_as_may_wait() {
    let mut wire = wire(1, 2, 5);
    for id in 0..2 {
        assert_eq!(wire.admit(id), Admission::Started);
        wire.release(id);
    }
    assert_eq!(wire.admit(2), Admission::Started);
    wire.release(2);
    assert_eq!(wire.admit(3), Admission::Parked, "the third keeps its slot");
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), [result("0", 0)]);
    wire.release(2);
    assert_eq!(started(&mut wire), ["started 3"]);
}

#[test]
fn only_a_call_in_a_slot_can_give_it_back() {
    let mut wire = wire(1, 64, 3);
    wire.release(0);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    wire.release(1);
    wire.release(2);
    wire.release(99);
    assert_eq!(wire.admit(2), Admission::Parked);
    assert_eq!(started(&mut wire), [""; 0]);
    assert!(wire.answer(0));
    wire.release(0);
    assert_eq!(started(&mut wire), ["started 1"]);
    assert!(wire.answer(1));
    assert_eq!(started(&mut wire), ["started 2"]);
}

#[test]
fn streams_have_no_slot_to_give_back() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[
        &upload("0", "Up", &["u"]),
        &download("1", "Down"),
        &call("2", "A"),
        &call("3", "B"),
    ]);
    assert_eq!(wire.events().len(), 4);
    for id in 0..3 {
        assert_eq!(wire.admit(id), Admission::Started);
    }
    wire.release(0);
    wire.release(1);
    assert_eq!(wire.admit(3), Admission::Parked);
    assert!(wire.answer(0) && wire.answer(1));
    assert_eq!(started(&mut wire), [""; 0]);
}

#[test]
fn a_slot_that_was_granted_is_not_given_back_before_anybody_knows() {
    let mut wire = wire(1, 64, 3);
    assert_eq!(
        [wire.admit(0), wire.admit(1), wire.admit(2)],
        [Admission::Started, Admission::Parked, Admission::Parked]
    );
    assert!(wire.answer(0));
    wire.release(1);
    assert_eq!(started(&mut wire), ["started 1"]);
    wire.release(1);
    assert_eq!(started(&mut wire), ["started 2"]);
}

#[test]
fn three_calls_that_ask_run_beside_one_that_blocks_a_slot() {
    let mut wire = wire(2, 64, 4);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Started));
    assert_eq!((wire.admit(2), wire.admit(3)), (Admission::Parked, Admission::Parked));
    assert_eq!(wire.ask(1, None), Ok(()));
    wire.release(1);
    assert_eq!(started(&mut wire), ["started 2"]);
    assert_eq!(wire.ask(2, None), Ok(()));
    wire.release(2);
    assert_eq!(started(&mut wire), ["started 3"]);
    assert_eq!(wire.ask(3, None), Ok(()));
    wire.release(3);
    wire.send(&[&result("s3", 30), &result("s1", 10), &result("s2", 20)]);
    assert_eq!(wire.drain(), ["answered s3 30", "answered s1 10", "answered s2 20"]);
    assert!(wire.answer(3) && wire.answer(1) && wire.answer(2) && wire.answer(0));
    assert_eq!(wire.drain(), [result("3", 3), result("1", 1), result("2", 2), result("0", 0)]);
}

#[test]
fn nothing_is_given_back_behind_the_end() {
    let mut wire = wire(1, 64, 2);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    wire.close(CloseReason::Aborted);
    wire.release(0);
    assert_eq!(wire.drain(), [CLOSE, "closed"]);
}
