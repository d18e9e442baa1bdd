//! What happens when more comes in than the application takes.

use super::*;

fn many(count: usize) -> String {
    (0..count).map(|id| packet(&[&call(&id.to_string(), "M")])).collect()
}

/// Serves every event: binds, admits, and fails what is one too many.
fn serve(wire: &mut Wire) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(line) = wire.event() {
        if line.starts_with("invoked") {
            let call = wire.calls.last().unwrap().clone();
            if wire.connection.admit(call.id) == Admission::Full {
                let most = CallFault::TooMany(wire.connection.config.limits.parked_calls);
                wire.connection.fail(&call, &most, wire.now);
            }
        }
        lines.push(line);
    }
    lines
}

#[test]
fn the_65th_call_that_would_wait_fails_and_reading_goes_on() {
    let mut wire = Wire::open(Config::default());
    wire.input(many(67).as_bytes());
    assert_eq!(serve(&mut wire).len(), 67);
    let full = |id: u64| {
        format!(
            r#"{{"type":3,"invocationId":"{id}","error":"Failed to invoke 'M' because 64 invocations wait, which is the limit."}}"#
        )
    };
    assert_eq!(wire.frames(), [full(65), full(66)]);
    assert_eq!((wire.connection.open_calls(), wire.connection.unread()), (65, 0));
    wire.send(&[PING, &call("67", "M"), &cancel("1")]);
    assert_eq!(serve(&mut wire), ["invoked 67 M[]", "cancelled 1"]);
    assert_eq!(wire.frames(), [full(67)]);
    for id in 0..=64 {
        assert!(wire.answer(id));
        let started = if id < 64 { vec![format!("started {}", id + 1)] } else { Vec::new() };
        assert_eq!(wire.events(), started);
    }
    assert_eq!((wire.frames().len(), wire.connection.open_calls()), (65, 0));
}

#[test]
fn streams_need_no_slot_but_pass_no_call_that_waits() {
    let mut wire = Wire::open(Config::default());
    let stream = |id| format!(r#"{{"type":4,"invocationId":"{id}","target":"S","arguments":[]}}"#);
    let upload = r#"{"type":1,"target":"U","arguments":[],"streamIds":["u"]}"#;
    wire.send(&[&call("1", "A"), &stream("2"), upload]);
    assert_eq!(wire.events().len(), 3);
    for id in 0..3 {
        assert_eq!(wire.admit(id), Admission::Started, "nobody waits");
    }
    wire.send(&[&call("4", "B"), &stream("5"), &stream("6"), &call("7", "C"), &stream("8")]);
    assert_eq!(wire.events().len(), 5);
    for id in 3..8 {
        assert_eq!(wire.admit(id), Admission::Parked, "behind the call that waits");
    }
    assert!(wire.answer(1));
    assert!(wire.events().is_empty(), "the end of a stream frees no slot");
    assert!(wire.answer(0));
    assert_eq!(wire.events(), ["started 3", "started 4", "started 5"]);
    assert!(wire.answer(3));
    assert_eq!(wire.events(), ["started 6", "started 7"]);
}

#[test]
fn cancels_and_pings_behind_a_running_call_are_processed() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A")]);
    assert_eq!((wire.events().len(), wire.admit(0)), (1, Admission::Started));
    wire.send(&[PING, &cancel("1"), &call("2", "B"), &cancel("2")]);
    assert_eq!(wire.events(), ["cancelled 0", "invoked 1 B[]", "cancelled 1"]);
    assert_eq!(wire.connection.poll_timeout().unwrap().why, Timer::KeepAlive);
    wire.connection.wrote(wire.now + seconds(20));
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
}

#[test]
fn reading_stops_when_nobody_takes_events_and_resumes_when_somebody_does() {
    let mut wire = Wire::limited(Limits { events: 4, ..Limits::default() });
    let bytes = many(10);
    wire.input(bytes.as_bytes());
    assert_eq!(wire.connection.open_calls(), 4);
    assert!(wire.connection.unread() > 0);
    assert_eq!(wire.events().len(), 10);
    assert_eq!(wire.connection.unread(), 0);
}

#[test]
fn unwanted_input_is_kept_up_to_a_limit_and_no_further() {
    let limits = Limits { read_ahead: 100, unread: 300, ..Limits::default() };
    let mut wire = Wire::new(Config { limits, ..Config::default() });
    wire.send(&[HELLO]);
    wire.connection.welcome(wire.now);
    assert_eq!(wire.drain(), ["handshake", "{}"]);
    wire.input(&[b' '; 99]);
    assert!(wire.connection.wants_input());
    wire.input(b" ");
    assert!(!wire.connection.wants_input());
    wire.input(&[b' '; 200]);
    assert_eq!(wire.connection.unread(), 300);
    assert!(wire.drain().is_empty());
    wire.input(b" ");
    assert_eq!(wire.last_words(), (close_with_error(""), CloseReason::Overflow));
    assert_eq!(wire.connection.unread(), 0);
}

#[test]
fn unread_messages_are_bounded_however_slowly_events_are_taken() {
    let limits = Limits { events: 1, read_ahead: 1_000, unread: 2_000, ..Limits::default() };
    let mut wire = Wire::limited(limits);
    while wire.connection.wants_input() {
        wire.input(many(10).as_bytes());
        assert!(wire.event().is_some());
        assert!(wire.connection.unread() < 1_000 + many(10).len());
    }
    assert_eq!(wire.reason, None);
}

#[test]
fn too_much_input_before_the_handshake_is_answered_cancels_it() {
    let limits = Limits { read_ahead: 10, unread: 10, ..Limits::default() };
    let mut wire = Wire::new(Config { limits, ..Config::default() });
    wire.send(&[HELLO]);
    wire.input(&[b' '; 10]);
    wire.input(b" ");
    let frame = Some(format!(r#"{{"error":"{HANDSHAKE_CANCELED}"}}"#));
    assert_eq!(wire.last_words(), (frame, CloseReason::Overflow));
}

#[test]
fn input_is_wanted_until_the_end_begins() {
    let mut wire = Wire::open(Config::default());
    assert!(wire.connection.wants_input());
    wire.close(CloseReason::Aborted);
    assert!(!wire.connection.wants_input());
    assert!(wire.connection.is_ending());
}

#[test]
fn taking_a_message_does_not_move_what_is_behind_it() {
    let mut wire = Wire::limited(Limits { events: 1, ..Limits::default() });
    wire.input(many(10).as_bytes());
    assert!(wire.event().is_some());
    let place = |wire: &Wire| wire.connection.input.as_ref().map(|kept| kept.as_ptr());
    let (before, length) = (place(&wire), wire.connection.unread());
    assert!(wire.event().is_some());
    let taken = length - wire.connection.unread();
    assert_eq!(place(&wire), before.map(|place| place.wrapping_add(taken)));
}

#[test]
fn the_memory_of_a_burst_is_not_kept_while_idle() {
    let mut wire = Wire::open(Config::default());
    wire.input(many(64).as_bytes());
    wire.input(many(64).as_bytes());
    for id in 0..128 {
        wire.events();
        assert!(wire.answer(id));
    }
    assert_eq!(wire.frames().len(), 128);
    let connection = &wire.connection;
    let kept =
        [connection.events.capacity(), connection.output.capacity(), connection.calls.capacity()];
    assert_eq!(kept, [0; 3]);
    assert!(connection.input.is_none());
}

#[test]
fn calls_that_wait_are_counted_in_bytes() {
    let long = "x".repeat(60);
    let call = |id: u8| {
        format!(r#"{{"type":1,"invocationId":"{id}","target":"T","arguments":["{long}"]}}"#)
    };
    let limits = Limits { parked: 2 * cost(&call(0)), ..Limits::default() };
    let mut wire = Wire::limited(limits);
    wire.send(&[&call(0), &call(1), &call(2), &call(3)]);
    // The first two fill the budget while nobody has bound them.
    assert_eq!(wire.drain().len(), 2);
    assert_eq!(wire.admit(0), Admission::Started);
    assert_eq!(wire.drain().len(), 1, "what runs does not wait");
    assert_eq!((wire.admit(1), wire.admit(2)), (Admission::Parked, Admission::Parked));
    assert_eq!(wire.drain(), [""; 0]);
    assert!(wire.answer(0));
    assert_eq!(wire.drain().len(), 3, "a start, an answer and the last call");
}
