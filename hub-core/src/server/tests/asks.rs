//! What the server asks its client.

use super::*;

fn asking(asks: &[u64]) -> Wire {
    let mut wire = Wire::open(Config::default());
    for ask in asks {
        assert_eq!(wire.ask(*ask, None), Ok(()));
    }
    wire
}

#[test]
fn the_client_answers_with_a_result_an_error_or_nothing() {
    let mut wire = asking(&[1, 2, 3]);
    wire.send(&[
        &failed("s2", "Client error"),
        r#"{"type":3,"invocationId":"s1","result":{"a":[1]}}"#,
        &ended("s3"),
    ]);
    assert_eq!(
        wire.drain(),
        [r#"answered s2 Error("Client error")"#, r#"answered s1 {"a":[1]}"#, "answered s3 Nothing"]
    );
    assert_eq!(wire.connection.open_asks(), 0);
}

#[test]
fn an_answer_of_null_is_a_result() {
    let mut wire = asking(&[1]);
    wire.send(&[r#"{"type":3,"invocationId":"s1","result":null}"#]);
    assert_eq!(wire.drain(), ["answered s1 null"]);
}

#[test]
fn a_question_runs_out_of_time_at_its_very_moment() {
    let mut wire = Wire::open(Config::default());
    let time = Duration::from_millis(1_234);
    assert_eq!(wire.ask(1, Some(time)), Ok(()));
    assert_eq!(wire.deadline(), Some((time, Timer::Ask)));
    wire.wait(time - NANO);
    assert_eq!(wire.drain(), [""; 0]);
    assert_eq!(wire.deadline(), Some((NANO, Timer::Ask)));
    wire.wait(NANO);
    assert_eq!(wire.drain(), ["answered s1 TimedOut"]);
    assert_eq!(wire.deadline().unwrap().1, Timer::KeepAlive);
}

#[test]
fn questions_run_out_in_the_order_of_their_times_and_those_without_never_do() {
    let mut wire = asking(&[1]);
    for (ask, time) in [(2, 3), (3, 1), (4, 2), (5, 3)] {
        assert_eq!(wire.ask(ask, Some(seconds(time))), Ok(()));
    }
    wire.wait(seconds(1));
    assert_eq!(wire.drain(), ["answered s3 TimedOut"]);
    assert_eq!(wire.deadline(), Some((seconds(1), Timer::Ask)));
    wire.wait(seconds(5));
    assert_eq!(
        wire.drain(),
        ["answered s4 TimedOut", "answered s2 TimedOut", "answered s5 TimedOut"]
    );
    wire.send(&[&result("s1", 1)]);
    assert_eq!(wire.drain(), ["answered s1 1"]);
}

#[test]
fn a_question_whose_time_is_over_already_is_answered_by_the_next_timeout() {
    let mut wire = Wire::open(Config::default());
    assert_eq!(wire.ask(1, Some(Duration::ZERO)), Ok(()));
    assert_eq!(wire.deadline(), Some((Duration::ZERO, Timer::Ask)));
    wire.wait(Duration::ZERO);
    assert_eq!(wire.drain(), ["answered s1 TimedOut"]);
}

#[test]
fn late_answers_second_answers_and_answers_to_nothing_are_ignored() {
    let mut wire = Wire::open(Config::default());
    assert_eq!((wire.ask(1, Some(seconds(1))), wire.ask(2, None)), (Ok(()), Ok(())));
    wire.wait(seconds(1));
    assert_eq!(wire.drain(), ["answered s1 TimedOut"]);
    wire.send(&[&result("s1", 1), &result("s2", 2), &result("s2", 3), &failed("s9", "x")]);
    wire.send(&[&call("1", "Echo")]);
    assert_eq!(wire.drain(), ["answered s2 2", "invoked 0 Echo[]"]);
}

#[test]
fn a_late_answer_that_is_malformed_ends_the_connection() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[r#"{"type":3,"invocationId":"s1","result":nul}"#]);
    assert_eq!(wire.last_words(), (close_with_error(""), fault(DecodeError::Syntax)));
}

#[test]
fn a_malformed_answer_is_its_readers_to_find() {
    let mut wire = asking(&[1]);
    wire.send(&[r#"{"type":3,"invocationId":"s1","result":[1,]}"#, &call("1", "A")]);
    assert_eq!(wire.event().as_deref(), Some("answered s1 [1,]"));
    wire.connection.malformed(PeerFault::Message(DecodeError::Syntax), wire.now);
    assert_eq!(wire.last_words(), (close_with_error(""), fault(DecodeError::Syntax)));
}

#[test]
fn a_question_that_is_withdrawn_is_not_answered() {
    let mut wire = Wire::open(Config::default());
    assert_eq!(wire.ask(1, Some(seconds(1))), Ok(()));
    assert!(wire.connection.withdraw(AskId(1)));
    assert!(!wire.connection.withdraw(AskId(1)), "it is over");
    assert_eq!(wire.deadline().unwrap().1, Timer::KeepAlive);
    wire.send(&[&result("s1", 1), &call("1", "Echo")]);
    wire.wait(seconds(2));
    assert_eq!(wire.drain(), ["invoked 0 Echo[]"]);
    assert_eq!(wire.ask(1, None), Ok(()), "the id is free");
}

#[test]
fn a_question_that_was_answered_cannot_be_withdrawn() {
    let mut wire = asking(&[1]);
    wire.send(&[&result("s1", 5)]);
    assert!(!wire.connection.withdraw(AskId(1)));
    assert_eq!(wire.drain(), ["answered s1 5"]);
}

#[test]
fn one_id_is_for_one_question_at_a_time() {
    let mut wire = asking(&[1]);
    assert_eq!(wire.ask(1, Some(seconds(1))), Err(AskError::InUse));
    assert_eq!(wire.deadline().unwrap().1, Timer::KeepAlive, "the first goes on");
    wire.send(&[&result("s1", 1)]);
    assert_eq!(wire.ask(1, None), Ok(()), "it was answered, polled or not");
    assert_eq!(wire.drain(), ["answered s1 1"]);
    assert_eq!(wire.connection.open_asks(), 1);
}

#[test]
fn only_so_many_questions_wait_at_once() {
    let mut wire = Wire::limited(Limits { asks: 2, ..Limits::default() });
    assert_eq!((wire.ask(1, None), wire.ask(2, Some(seconds(1)))), (Ok(()), Ok(())));
    assert_eq!(wire.ask(3, None), Err(AskError::TooMany));
    wire.wait(seconds(1));
    assert_eq!(wire.ask(3, None), Ok(()));
    assert_eq!(wire.ask(4, None), Err(AskError::TooMany));
    assert!(wire.connection.withdraw(AskId(1)));
    assert_eq!(wire.ask(4, None), Ok(()));
    assert_eq!(Limits::default().asks, 1_000);
}

#[test]
fn an_upload_with_the_id_of_a_question_is_refused() {
    let mut wire = asking(&[1]);
    wire.send(&[&upload("1", "Up", &["u", "s1"]), &result("s1", 5)]);
    assert_eq!(wire.drain(), ["answered s1 5".to_owned(), in_use("1", "s1")]);
    wire.send(&[&upload("2", "Up", &["s1"])]);
    assert_eq!(wire.drain(), ["invoked 0 Up[]"], "nobody asks any more");
}

#[test]
fn a_question_and_an_upload_of_one_id_are_told_apart() {
    let failed = || r#"{"type":3,"invocationId":"s1","error":"no"}"#.to_owned();
    let table = [
        ([ended("s1"), result("s1", 5)], ["ended 0.0", "answered s1 5"]),
        ([result("s1", 5), ended("s1")], ["answered s1 5", "ended 0.0"]),
        ([failed(), result("s1", 5)], ["ended 0.0 no", "answered s1 5"]),
        ([result("s1", 5), failed()], ["answered s1 5", "ended 0.0 no"]),
        ([ended("s1"), failed()], ["ended 0.0", "answered s1 Error(\"no\")"]),
    ];
    for (records, events) in table {
        let mut wire = Wire::open(Config::default());
        wire.send(&[&upload("1", "Up", &["s1"])]);
        assert_eq!(wire.drain(), ["invoked 0 Up[]"]);
        assert_eq!((wire.ask(1, None), wire.ask(1, None)), (Ok(()), Err(AskError::InUse)));
        wire.send(&[&item("s1", "1"), &records[0], &records[1]]);
        assert_eq!(wire.drain(), ["item 0.0 1", events[0], events[1]]);
    }
}

#[test]
fn an_answer_never_ends_an_upload_and_an_end_never_answers() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&upload("1", "Up", &["1", "S2", "s01", "s"])]);
    assert_eq!(wire.drain(), ["invoked 0 Up[]"]);
    assert_eq!((wire.ask(1, None), wire.ask(2, None)), (Ok(()), Ok(())));
    wire.send(&[&result("s1", 5), &item("1", "0"), &ended("S2"), &ended("s01"), &ended("1")]);
    assert_eq!(
        wire.drain(),
        ["answered s1 5", "item 0.0 0", "ended 0.1", "ended 0.2", "ended 0.0"]
    );
    assert_eq!((wire.connection.open_asks(), wire.connection.open_streams()), (1, 1));
}

#[test]
fn an_item_for_a_question_is_ignored() {
    let mut wire = asking(&[1]);
    wire.send(&[&item("s1", "1"), &cancel("s1"), &result("s1", 2)]);
    assert_eq!(wire.drain(), ["answered s1 2"]);
}

#[test]
fn an_answer_is_read_behind_64_calls_that_wait_for_the_one_that_asks() {
    let mut wire = Wire::open(Config::default());
    let calls: String = (0..65).map(|id| packet(&[&call(&id.to_string(), "M")])).collect();
    wire.input(calls.as_bytes());
    assert_eq!(wire.events().len(), 65);
    assert_eq!(wire.admit(0), Admission::Started);
    for id in 1..65 {
        assert_eq!(wire.admit(id), Admission::Parked);
    }
    assert_eq!(wire.ask(1, None), Ok(()));
    wire.send(&[&call("65", "M"), &result("s1", 42)]);
    assert_eq!(wire.drain(), ["invoked 65 M[]", "answered s1 42"]);
    assert_eq!(wire.admit(65), Admission::Full);
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), ["started 1".to_owned(), result("0", 0)]);
}

/// A call in the only slot, and two that fill the park.
fn full() -> Wire {
    let parked = 2 * cost(&call("1", "B"));
    let mut wire = Wire::limited(Limits { parked, ..Limits::default() });
    wire.send(&[&call("0", "A")]);
    assert_eq!((wire.drain().len(), wire.admit(0)), (1, Admission::Started));
    wire.send(&[&call("1", "B"), &call("2", "C")]);
    assert_eq!(wire.drain().len(), 2);
    assert_eq!((wire.admit(1), wire.admit(2)), (Admission::Parked, Admission::Parked));
    assert_eq!(wire.connection.parked(), parked);
    wire
}

#[test]
fn behind_a_question_as_much_again_may_be_parked() {
    let mut wire = full();
    wire.send(&[&call("3", "D"), &result("s1", 1)]);
    assert_eq!(wire.drain(), [""; 0], "nothing more is read");
    assert_eq!(wire.ask(1, None), Ok(()));
    assert_eq!(wire.drain(), ["invoked 3 D[]", "answered s1 1"]);
}

#[test]
fn a_question_behind_which_nothing_can_wait_any_more_is_given_up() {
    let mut wire = full();
    assert_eq!((wire.ask(1, None), wire.ask(2, Some(seconds(9)))), (Ok(()), Ok(())));
    wire.send(&[&call("3", "D"), &call("4", "E")]);
    assert_eq!(wire.drain(), ["invoked 3 D[]", "invoked 4 E[]"]);
    wire.send(&[&result("s1", 1)]);
    assert_eq!(wire.drain(), ["answered s2 Crowded", "answered s1 Crowded"]);
    assert_eq!((wire.connection.open_asks(), wire.connection.is_ending()), (0, false));
    for (id, admission) in [(3, Admission::Parked), (4, Admission::Parked)] {
        assert_eq!(wire.admit(id), admission);
    }
    for id in 0..5 {
        assert!(wire.answer(id));
    }
    wire.send(&[&call("5", "F")]);
    assert!(wire.drain().contains(&"invoked 5 F[]".to_owned()), "the answer is late");
}

#[test]
fn an_upload_that_fills_the_park_does_not_lock_a_question_up() {
    let limits = Limits { parked: 650, stream_items: 1, ..Limits::default() };
    let mut wire = Wire::limited(limits);
    wire.send(&[&upload("1", "Up", &["u"])]);
    assert_eq!((wire.drain().len(), wire.admit(0)), (1, Admission::Started));
    assert_eq!(wire.ask(1, None), Ok(()));
    let items: Vec<_> = (0..15).map(|_| item("u", "0")).collect();
    wire.input(packet(&items.iter().map(String::as_str).collect::<Vec<_>>()).as_bytes());
    wire.send(&[&result("s1", 1)]);
    assert_eq!(wire.drain(), ["item 0.0 0", "answered s1 1"]);
    assert_eq!(wire.ask(2, None), Ok(()));
    wire.input(packet(&items.iter().map(String::as_str).collect::<Vec<_>>()).as_bytes());
    assert_eq!(wire.drain(), ["answered s2 Crowded"]);
}

#[test]
fn calls_that_nobody_has_looked_at_do_not_give_a_question_up() {
    let parked = cost(&call("1", "B")) - 1;
    let mut wire = Wire::limited(Limits { parked, ..Limits::default() });
    assert_eq!(wire.ask(1, None), Ok(()));
    // Handed in one by one, as if in one read, before anything is polled.
    for record in [call("0", "A"), call("1", "B"), result("s1", 1)] {
        wire.send(&[&record]);
    }
    assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
    assert_eq!(wire.admit(0), Admission::Started);
    assert_eq!(wire.drain(), ["invoked 1 B[]", "answered s1 1"]);
}

#[test]
fn questions_end_in_silence_with_the_connection() {
    let mut wire = Wire::open(Config::default());
    assert_eq!((wire.ask(1, Some(seconds(1))), wire.ask(2, None)), (Ok(()), Ok(())));
    wire.disconnect(RESET);
    assert_eq!(wire.drain(), ["closed"]);
    assert_eq!((wire.connection.open_asks(), wire.connection.poll_timeout()), (0, None));
    assert!(!wire.connection.withdraw(AskId(1)));
    assert_eq!(wire.ask(3, None), Err(AskError::Gone));
    wire.wait(seconds(2));
    assert_eq!(wire.drain(), [""; 0]);
}

#[test]
fn an_answer_that_came_before_the_end_of_the_input_is_told_before_the_end() {
    let mut wire = asking(&[1]);
    wire.send(&[&result("s1", 1)]);
    wire.disconnect(RESET);
    assert_eq!(wire.drain(), ["answered s1 1", "closed"]);
}

#[test]
fn answers_in_messagepack() {
    let mut wire = Wire::new(Config::default());
    wire.send(&[r#"{"protocol":"messagepack","version":1}"#]);
    assert_eq!(wire.events(), ["handshake"]);
    wire.connection.welcome(wire.now);
    wire.connection.accept(wire.now);
    assert_eq!(wire.frames(), ["{}"]);
    for ask in 1..=3 {
        assert_eq!(wire.ask(ask, None), Ok(()));
    }
    wire.input(b"\x08\x95\x03\x80\xa2s1\x03\x2a");
    wire.input(b"\x0a\x95\x03\x80\xa2s2\x01\xa2no");
    wire.input(b"\x07\x94\x03\x80\xa2s3\x02");
    wire.input(b"\x08\x95\x03\x80\xa2s4\x03\x2a");
    assert_eq!(
        wire.drain(),
        ["answered s1 *", r#"answered s2 Error("no")"#, "answered s3 Nothing"]
    );
}
