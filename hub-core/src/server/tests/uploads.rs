//! Streams that the client sends: their items, their credit, their ends and their ids.

use super::*;

/// The method of call 0 runs and reads the stream `u`.
fn reading(limits: Limits) -> Wire {
    let mut wire = Wire::limited(limits);
    wire.send(&[&upload("1", "Up", &["u"])]);
    assert_eq!(wire.drain(), ["invoked 0 Up[]"]);
    assert_eq!(wire.admit(0), Admission::Started);
    wire
}

fn items(ids: std::ops::Range<usize>) -> String {
    ids.map(|n| packet(&[&item("u", &n.to_string())])).collect()
}

fn received(ids: std::ops::Range<usize>) -> Vec<String> {
    ids.map(|n| format!("item 0.0 {n}")).collect()
}

/// A call that shows that the connection goes on.
fn lives(wire: &mut Wire) {
    let next = wire.calls.last().map_or(0, |call| call.id.0 + 1);
    wire.send(&[&call("alive", "Echo")]);
    assert_eq!(wire.drain(), [format!("invoked {next} Echo[]")]);
    assert!(wire.answer(next));
    assert_eq!(wire.drain().last(), Some(&result("alive", next)));
}

#[test]
fn items_come_in_order_and_then_the_end() {
    let mut wire = reading(Limits::default());
    wire.send(&[&item("u", r#"{"a":[null]}"#), &item("u", "2"), &ended("u")]);
    assert_eq!(wire.drain(), [r#"item 0.0 {"a":[null]}"#, "item 0.0 2", "ended 0.0"]);
    assert_eq!((wire.connection.open_streams(), wire.connection.parked()), (0, 0));
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), [result("1", 0)]);
}

#[test]
fn items_that_come_before_their_call_is_admitted_are_kept() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&upload("1", "Up", &["u"]), &item("u", "1"), &item("u", "2"), &ended("u")]);
    assert_eq!(wire.drain(), ["invoked 0 Up[]", "item 0.0 1", "item 0.0 2", "ended 0.0"]);
    assert_eq!(wire.admit(0), Admission::Started);
}

#[test]
fn items_of_a_call_that_waits_for_its_turn_are_passed_on_up_to_its_credit() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), &call("2", "B"), &upload("3", "Up", &["u"])]);
    assert_eq!(wire.events().len(), 3);
    assert_eq!(
        [wire.admit(0), wire.admit(1), wire.admit(2)],
        [Admission::Started, Admission::Parked, Admission::Parked]
    );
    wire.input(items(0..12).as_bytes());
    wire.send(&[&ended("u")]);
    let first: Vec<_> = (0..10).map(|n| format!("item 2.0 {n}")).collect();
    assert_eq!(wire.drain(), first);
    assert!(wire.answer(0) && wire.answer(1));
    assert_eq!(wire.events(), ["started 1", "started 2"].map(str::to_owned)[1..]);
    wire.consumed(2, 0, 2);
    assert_eq!(wire.events(), ["item 2.0 10", "item 2.0 11", "ended 2.0"]);
}

#[test]
fn a_reader_has_ten_items_in_front_of_it_and_further_ones_are_parked() {
    let mut wire = reading(Limits::default());
    wire.input(items(0..13).as_bytes());
    wire.send(&[&ended("u")]);
    assert_eq!(wire.drain(), received(0..10));
    // Two digits or one, and an end, each with what it takes besides.
    assert_eq!(wire.connection.parked(), 3 * (2 + 64) + 64);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), received(10..11));
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), received(11..12));
    assert_eq!(wire.connection.open_streams(), 1);
    wire.consumed(0, 0, 8);
    assert_eq!(wire.drain(), [received(12..13), vec!["ended 0.0".to_owned()]].concat());
    assert_eq!((wire.connection.open_streams(), wire.connection.parked()), (0, 0));
}

#[test]
fn an_end_that_is_next_needs_no_credit() {
    let mut wire = reading(Limits { stream_items: 1, ..Limits::default() });
    wire.send(&[&item("u", "1"), &item("u", "2"), &ended("u")]);
    assert_eq!(wire.drain(), ["item 0.0 1"]);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), ["item 0.0 2", "ended 0.0"]);
}

#[test]
fn an_item_behind_parked_ones_never_passes_them() {
    let mut wire = reading(Limits { stream_items: 2, ..Limits::default() });
    wire.input(items(0..3).as_bytes());
    assert_eq!(wire.drain(), received(0..2));
    wire.consumed(0, 0, 2);
    wire.input(items(3..5).as_bytes());
    assert_eq!(wire.drain(), received(2..4));
    assert_eq!(wire.connection.parked(), 1 + 64);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), received(4..5));
}

#[test]
fn a_reader_that_claims_to_have_taken_more_than_there_was_gets_no_more_for_it() {
    let mut wire = reading(Limits { stream_items: 2, ..Limits::default() });
    wire.consumed(0, 0, usize::MAX);
    wire.consumed(0, 0, usize::MAX);
    wire.consumed(0, 7, 1);
    wire.consumed(99, 0, 1);
    wire.input(items(0..5).as_bytes());
    assert_eq!(wire.drain(), received(0..2));
    wire.consumed(0, 0, 0);
    assert_eq!(wire.drain(), [""; 0]);
}

#[test]
fn everything_behind_a_full_upload_is_served() {
    let limits = Limits { stream_items: 1, parallel_calls: 2, ..Limits::default() };
    let mut wire =
        Wire::on(Config { limits, ..Config::default() }, TransportFacts::websocket(0).resumable());
    wire.send(&[r#"{"protocol":"json","version":2}"#]);
    wire.connection.welcome(wire.now);
    wire.connection.accept(wire.now);
    assert_eq!(wire.drain(), ["handshake", "{}"]);
    wire.send(&[&upload("1", "Up", &["u"]), &download("2", "Down"), &call("3", "Ask")]);
    assert_eq!(wire.drain().len(), 3);
    for id in 0..3 {
        assert_eq!(wire.admit(id), Admission::Started);
    }
    assert_eq!(wire.ask(7, None), Ok(()));
    wire.input(items(0..5).as_bytes());
    wire.send(&[
        PING,
        &cancel("2"),
        &result("s7", 42),
        r#"{"type":8,"sequenceId":6}"#,
        &call("4", "Echo"),
    ]);
    assert_eq!(wire.drain(), ["item 0.0 0", "cancelled 1", "answered s7 42", "invoked 3 Echo[]"]);
    assert_eq!(wire.connection.poll_acked(), Some(6));
    assert_eq!(wire.connection.parked(), 4 * (1 + 64) + cost(&call("4", "Echo")));
    wire.connection.wrote(wire.now + seconds(100));
    wire.wait(seconds(1));
    assert_eq!(wire.drain(), [r#"{"type":8,"sequenceId":11}"#]);
    assert_eq!(wire.deadline(), Some((seconds(29), Timer::PeerSilence)), "it has pinged");
    wire.send(&[CLOSE]);
    assert_eq!(wire.last_words(), (Some(CLOSE.to_owned()), CloseReason::PeerClosed(None)));
}

#[test]
fn only_a_full_park_stops_the_reading() {
    let mut wire = reading(Limits { message: None, ..Limits::default() });
    wire.input(items(0..10).as_bytes());
    assert_eq!(wire.drain(), received(0..10));
    let big = format!("\"{}\"", "x".repeat(65_536 - 64 - 2));
    for _ in 0..3 {
        wire.send(&[&item("u", &big)]);
    }
    wire.send(&[&item("u", &big["xx".len()..].replacen('x', "\"", 1))]);
    assert_eq!(wire.drain(), [""; 0]);
    assert_eq!(wire.connection.parked(), 256 * 1024 - 2, "two bytes are left");
    wire.send(&[&call("2", "A")]);
    assert_eq!(wire.drain(), ["invoked 1 A[]"], "whose arguments take them");
    wire.send(&[&call("3", "B")]);
    assert_eq!(wire.drain(), [""; 0]);
    assert!(wire.connection.unread() > 0 && wire.connection.wants_input());
    assert_eq!(wire.admit(1), Admission::Started);
    assert_eq!(wire.drain(), ["invoked 2 B[]"], "what runs takes nothing");
}

#[test]
fn items_without_a_byte_worth_mentioning_fill_the_park_too() {
    let mut wire = reading(Limits { parked: 650, ..Limits::default() });
    wire.input(items(0..10).as_bytes());
    assert_eq!(wire.drain().len(), 10);
    wire.input(packet(&[&*item("u", "0"); 12]).as_bytes());
    assert_eq!(wire.connection.parked(), 10 * 65);
    assert_eq!(wire.connection.unread(), 2 * (item("u", "0").len() + 1));
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), ["item 0.0 0"]);
    assert_eq!(wire.connection.unread(), item("u", "0").len() + 1);
}

#[test]
fn what_is_read_on_after_a_full_park_is_in_order_and_complete() {
    let mut wire = reading(Limits { parked: 200, stream_items: 1, ..Limits::default() });
    wire.input(items(0..20).as_bytes());
    wire.send(&[&ended("u"), &call("2", "Last")]);
    let mut lines = wire.drain();
    for _ in 0..20 {
        wire.consumed(0, 0, 1);
        lines.extend(wire.drain());
    }
    let mut wanted = received(0..20);
    wanted.insert(20, "ended 0.0".to_owned());
    // The call is read as soon as there is room.
    lines.retain(|line| line != "invoked 1 Last[]");
    assert_eq!(lines, wanted);
    assert_eq!((wire.connection.unread(), wire.calls.len()), (0, 2));
}

#[test]
fn the_silence_clock_stands_still_while_the_park_is_full() {
    let slow = seconds(100_000);
    let limits = Limits { parked: 65, stream_items: 1, ..Limits::default() };
    let mut wire = Wire::open(Config { limits, keep_alive_interval: slow, ..Config::default() });
    wire.send(&[PING, &upload("1", "Up", &["u"])]);
    assert_eq!((wire.drain().len(), wire.admit(0)), (1, Admission::Started));
    wire.send(&[&item("u", "0"), &item("u", "1")]);
    assert_eq!(wire.drain(), ["item 0.0 0"]);
    assert_eq!(wire.deadline().unwrap().1, Timer::KeepAlive, "none but ours");
    wire.wait(seconds(1_000));
    assert_eq!(wire.drain(), [""; 0]);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), ["item 0.0 1"]);
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
    wire.wait(seconds(30));
    assert_eq!(wire.last_words(), (close_with_error(""), CloseReason::Timeout(Timer::PeerSilence)));
}

#[test]
fn the_message_clock_stands_still_while_the_park_is_full() {
    let limits = Limits { parked: 65, stream_items: 1, ..Limits::default() };
    let slow = seconds(100_000);
    let mut wire = Wire::open(Config { limits, keep_alive_interval: slow, ..Config::default() });
    wire.send(&[&upload("1", "Up", &["u"])]);
    assert_eq!((wire.drain().len(), wire.admit(0)), (1, Admission::Started));
    wire.send(&[&item("u", "0"), &item("u", "1")]);
    wire.input(b"{\"type\":");
    assert_eq!(wire.drain().len(), 1);
    wire.wait(seconds(1_000));
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), ["item 0.0 1"]);
    assert_eq!(wire.deadline(), Some((seconds(60), Timer::Message)));
    wire.input(b"6}\x1e");
    lives(&mut wire);
}

#[test]
fn a_reader_that_takes_parked_items_is_no_sign_of_life_from_the_client() {
    let slow = seconds(100_000);
    let limits = Limits { stream_items: 1, ..Limits::default() };
    let mut wire = Wire::open(Config { limits, keep_alive_interval: slow, ..Config::default() });
    wire.send(&[PING, &upload("1", "Up", &["u"])]);
    wire.input(items(0..9).as_bytes());
    wire.input(b"{\"type\":");
    assert_eq!(wire.drain().len(), 2);
    for _ in 0..2 {
        wire.wait(seconds(10));
        wire.consumed(0, 0, 1);
        assert_eq!(wire.drain().len(), 1);
    }
    assert_eq!(wire.deadline(), Some((seconds(10), Timer::PeerSilence)));
    wire.input(b" ");
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
    wire.wait(seconds(29));
    wire.input(b" ");
    assert_eq!(wire.deadline(), Some((seconds(11), Timer::Message)));
}

#[test]
fn a_peer_that_vanishes_behind_a_full_park_is_noticed() {
    let mut wire = reading(Limits { parked: 65, stream_items: 1, ..Limits::default() });
    wire.send(&[&item("u", "0"), &item("u", "1"), &item("u", "2"), &call("2", "A")]);
    assert_eq!(wire.drain(), ["item 0.0 0"]);
    wire.wait(seconds(15));
    assert_eq!(wire.drain(), [PING], "whose write fails");
    wire.disconnect(RESET);
    assert_eq!(wire.drain(), ["closed"]);
    assert_eq!(wire.reason, Some(CloseReason::Lost(ErrorKind::ConnectionReset)));
    let connection = &wire.connection;
    assert_eq!(
        (connection.open_streams(), connection.open_calls(), connection.parked()),
        (0, 0, 0)
    );
    assert_eq!((connection.unread(), connection.poll_timeout()), (0, None));
    wire.consumed(0, 0, 1);
    assert_eq!((wire.drain(), wire.answer(0)), (Vec::new(), false));
}

#[test]
fn the_end_of_the_input_behind_a_full_park_ends_the_connection() {
    let mut wire = reading(Limits { parked: 65, stream_items: 1, ..Limits::default() });
    wire.send(&[&item("u", "0"), &item("u", "1"), &item("u", "2")]);
    wire.disconnect(End::Finished);
    let close = r#"{"type":7,"allowReconnect":true}"#;
    assert_eq!(wire.drain(), ["item 0.0 0", close, "closed"]);
    assert_eq!(wire.reason, Some(CloseReason::Ended));
}

#[test]
fn a_stream_that_the_client_fails_ends_with_its_text() {
    let mut wire = reading(Limits::default());
    wire.send(&[&item("u", "1"), &failed("u", "out of paper")]);
    assert_eq!(wire.drain(), ["item 0.0 1", "ended 0.0 out of paper"]);
    lives(&mut wire);
}

#[test]
fn an_error_behind_parked_items_keeps_its_place_and_costs_its_text() {
    let mut wire = reading(Limits { stream_items: 1, ..Limits::default() });
    wire.send(&[&item("u", "1"), &item("u", "2"), &failed("u", "why")]);
    assert_eq!(wire.drain(), ["item 0.0 1"]);
    assert_eq!(wire.connection.parked(), 1 + 64 + 3 + 64);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), ["item 0.0 2", "ended 0.0 why"]);
}

#[test]
fn a_result_of_a_stream_is_nobodys_business() {
    let mut wire = reading(Limits::default());
    wire.send(&[&result("u", 5)]);
    assert_eq!(wire.drain(), ["ended 0.0"]);
}

#[test]
fn items_and_ends_behind_the_end_are_ignored() {
    let mut wire = reading(Limits::default());
    wire.send(&[&ended("u"), &item("u", "1"), &ended("u"), &failed("u", "x")]);
    assert_eq!(wire.drain(), ["ended 0.0"]);
    lives(&mut wire);
}

#[test]
fn items_behind_a_parked_end_are_ignored() {
    let mut wire = reading(Limits { stream_items: 1, ..Limits::default() });
    wire.send(&[&item("u", "1"), &item("u", "2"), &ended("u"), &item("u", "3"), &ended("u")]);
    assert_eq!(wire.drain(), ["item 0.0 1"]);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), ["item 0.0 2", "ended 0.0"]);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), [""; 0]);
}

#[test]
fn a_malformed_payload_for_a_stream_that_is_over_ends_the_connection() {
    for bad in [item("u", "[1,]"), r#"{"type":3,"invocationId":"u","result":nul}"#.to_owned()] {
        let mut wire = reading(Limits::default());
        wire.send(&[&ended("u"), &bad, &call("2", "A")]);
        assert_eq!(wire.event().as_deref(), Some("ended 0.0"));
        assert_eq!(wire.last_words(), (close_with_error(""), fault(DecodeError::Syntax)), "{bad}");
    }
}

#[test]
fn a_malformed_result_of_an_open_stream_ends_the_connection() {
    let mut wire = reading(Limits::default());
    wire.send(&[r#"{"type":3,"invocationId":"u","result":nul}"#]);
    assert_eq!(wire.last_words(), (close_with_error(""), fault(DecodeError::Syntax)));
}

#[test]
fn a_malformed_item_is_its_readers_to_find_and_voids_what_is_behind_it() {
    let mut wire = reading(Limits::default());
    wire.send(&[&item("u", "[1,]"), &item("u", "2"), &ended("u"), &call("2", "A")]);
    assert_eq!(wire.event().as_deref(), Some("item 0.0 [1,]"));
    wire.connection.malformed(PeerFault::Message(DecodeError::Syntax), wire.now);
    assert_eq!(wire.last_words(), (close_with_error(""), fault(DecodeError::Syntax)));
}

#[test]
fn the_end_of_the_call_drops_its_streams_and_frees_the_park() {
    let mut wire = reading(Limits { parked: 130, stream_items: 1, ..Limits::default() });
    wire.input(items(0..5).as_bytes());
    assert_eq!(wire.drain(), received(0..1));
    assert_eq!((wire.connection.parked(), wire.connection.open_streams()), (130, 1));
    assert!(wire.connection.unread() > 0);
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), [result("1", 0)], "the rest is late, and ignored");
    let connection = &wire.connection;
    assert_eq!((connection.parked(), connection.open_streams(), connection.unread()), (0, 0, 0));
    lives(&mut wire);
}

#[test]
fn the_end_of_a_call_leaves_the_streams_of_others_alone() {
    let mut wire = Wire::limited(Limits { stream_items: 1, ..Limits::default() });
    wire.send(&[&upload("1", "A", &["a", "b"]), &upload("2", "B", &["c", "d"])]);
    let each: Vec<_> = ["a", "b", "c", "d"].iter().map(|id| item(id, "0")).collect();
    wire.input((packet(&each.iter().map(String::as_str).collect::<Vec<_>>())).repeat(2).as_bytes());
    assert_eq!(wire.events().len(), 6);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Started));
    assert!(wire.answer(0));
    assert_eq!((wire.connection.parked(), wire.connection.open_streams()), (2 * 65, 2));
    wire.consumed(1, 0, 1);
    wire.consumed(1, 1, 1);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.events(), ["item 1.0 0", "item 1.1 0"]);
}

#[test]
fn a_discarded_stream_frees_the_park_and_its_items_are_ignored() {
    let mut wire = reading(Limits { parked: 130, stream_items: 1, ..Limits::default() });
    wire.input(items(0..4).as_bytes());
    wire.send(&[&ended("u"), &call("2", "A")]);
    assert_eq!(wire.drain(), received(0..1));
    wire.discard(0, 0);
    wire.discard(0, 0);
    assert_eq!(wire.drain(), ["invoked 1 A[]"]);
    let waiting = cost(&call("2", "A"));
    assert_eq!((wire.connection.parked(), wire.connection.open_streams()), (waiting, 0));
    assert_eq!(wire.connection.open_calls(), 2, "its call goes on");
    assert!(wire.answer(0));
}

#[test]
fn an_item_names_its_stream_wherever_the_call_stands() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&upload("1", "A", &["a"]), &upload("2", "B", &["b"])]);
    assert_eq!(wire.drain().len(), 2);
    assert!(wire.answer(0));
    wire.send(&[&item("a", "1"), &item("b", "2"), &item("1", "3"), &item("2", "4")]);
    assert_eq!(wire.drain(), ["item 1.0 2".to_owned(), result("1", 0)]);
}

#[test]
fn three_uploads_run_beside_each_other_and_end_in_any_order() {
    let mut wire = Wire::open(Config::default());
    let uploads = [upload("0", "W", &["a"]), upload("1", "W", &["b"]), upload("2", "W", &["c"])];
    wire.send(&[&uploads[0], &uploads[1], &uploads[2]]);
    assert_eq!(wire.drain().len(), 3);
    for id in 0..3 {
        assert_eq!(wire.admit(id), Admission::Started);
    }
    wire.send(&[&item("c", "1"), &item("a", "2"), &item("b", "3"), &item("a", "4")]);
    wire.send(&[&item("c", "5"), &ended("a"), &item("b", "6"), &ended("c"), &ended("b")]);
    assert_eq!(
        wire.drain(),
        [
            "item 2.0 1",
            "item 0.0 2",
            "item 1.0 3",
            "item 0.0 4",
            "item 2.0 5",
            "ended 0.0",
            "item 1.0 6",
            "ended 2.0",
            "ended 1.0"
        ]
    );
    assert!(wire.answer(0) && wire.answer(2) && wire.answer(1));
    assert_eq!(wire.drain(), [result("0", 0), result("2", 2), result("1", 1)]);
}

#[test]
fn a_plain_call_runs_beside_an_upload_in_the_only_slot() {
    let mut wire = reading(Limits::default());
    wire.send(&[&call("2", "A")]);
    assert_eq!((wire.events().len(), wire.admit(1)), (1, Admission::Started));
    assert!(wire.answer(1));
    wire.send(&[&ended("u")]);
    assert_eq!(wire.drain(), ["ended 0.0".to_owned(), result("2", 1)]);
}

#[test]
fn an_id_that_is_open_is_refused_and_the_first_goes_on() {
    let mut wire = reading(Limits::default());
    wire.send(&[&item("u", "1"), &upload("2", "Up", &["u"]), &item("u", "2"), &ended("u")]);
    assert_eq!(wire.drain(), ["item 0.0 1", "item 0.0 2", "ended 0.0", &in_use("2", "u")]);
    assert_eq!(wire.connection.open_calls(), 1);
    wire.send(&[&upload("3", "Up", &["u"]), &item("u", "3")]);
    assert_eq!(wire.drain(), ["invoked 1 Up[]", "item 1.0 3"], "it is over");
}

#[test]
fn an_id_may_be_used_again_behind_an_end_that_is_parked() {
    let mut wire = reading(Limits { stream_items: 1, ..Limits::default() });
    wire.send(&[&item("u", "1"), &item("u", "2"), &ended("u")]);
    wire.send(&[&upload("2", "Up", &["u"]), &item("u", "3"), &ended("u")]);
    assert_eq!(wire.drain(), ["item 0.0 1", "invoked 1 Up[]", "item 1.0 3", "ended 1.0"]);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), ["item 0.0 2", "ended 0.0"]);
}

#[test]
fn an_id_may_be_used_again_once_its_call_is_over_or_its_stream_was_given_up() {
    let mut wire = reading(Limits::default());
    assert!(wire.answer(0));
    wire.send(&[&upload("2", "Up", &["u"])]);
    assert_eq!(wire.drain(), ["invoked 1 Up[]".to_owned(), result("1", 0)]);
    wire.discard(1, 0);
    wire.send(&[&upload("3", "Up", &["u"]), &item("u", "1")]);
    assert_eq!(wire.drain(), ["invoked 2 Up[]", "item 2.0 1"]);
}

#[test]
fn one_call_cannot_name_a_stream_twice() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&upload("1", "Up", &["u", "v", "u"]), &upload("2", "Up", &["u", "v"])]);
    assert_eq!(wire.drain(), ["invoked 0 Up[]", &in_use("1", "u")]);
    assert_eq!(wire.connection.open_streams(), 2, "nothing is left of the first");
}

#[test]
fn a_call_whose_streams_are_refused_is_refused_in_silence_without_an_id() {
    let mut wire = reading(Limits::default());
    wire.send(&[
        r#"{"type":1,"target":"Up","arguments":[],"streamIds":["u"]}"#,
        r#"{"type":1,"target":"Up","arguments":[],"streamIds":["v","v"]}"#,
    ]);
    assert_eq!(wire.drain(), [""; 0]);
    assert_eq!(wire.connection.open_calls(), 1);
    lives(&mut wire);
}

#[test]
fn an_upload_without_an_id_is_served_and_not_answered() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[r#"{"type":1,"target":"Up","arguments":[],"streamIds":["u"]}"#, &item("u", "1")]);
    wire.send(&[&ended("u")]);
    assert_eq!(wire.drain(), ["invoked 0 Up[]", "item 0.0 1", "ended 0.0"]);
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), [""; 0]);
}

#[test]
fn malformed_arguments_of_a_call_that_is_refused_end_the_connection() {
    let mut wire = reading(Limits::default());
    wire.send(&[r#"{"type":1,"target":"Up","arguments":[nul],"streamIds":["u"]}"#]);
    assert_eq!(wire.last_words(), (close_with_error(""), fault(DecodeError::Syntax)));
}

#[test]
fn no_streams_is_an_ordinary_call() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&upload("1", "A", &[]), &upload("2", "B", &[])]);
    assert_eq!(wire.events().len(), 2);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
}

#[test]
fn a_call_whose_number_of_streams_does_not_fit_fails_and_drops_them() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&upload("1", "StreamingConcat", &["a", "b"]), &item("a", "1")]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 StreamingConcat[]"));
    let call = wire.calls[0].clone();
    let fault = CallFault::Streams { sent: call.streams.len(), expected: 1 };
    wire.connection.fail(&call, &fault, wire.now);
    assert_eq!(wire.connection.open_streams(), 0);
    let text = "An unexpected error occurred invoking 'StreamingConcat' on the server. HubException: Client sent 2 stream(s), Hub method expects 1.";
    assert_eq!(wire.drain(), [failed("1", text)], "what comes behind it is late");
}

#[test]
fn the_end_of_the_connection_ends_every_stream_in_silence() {
    let mut wire = reading(Limits { stream_items: 1, ..Limits::default() });
    wire.input(items(0..3).as_bytes());
    wire.close(CloseReason::Aborted);
    assert_eq!(wire.drain(), [CLOSE, "closed"]);
    assert_eq!((wire.connection.parked(), wire.connection.open_streams()), (0, 0));
    wire.consumed(0, 0, 1);
    wire.discard(0, 0);
    assert_eq!(wire.drain(), [""; 0]);
}

#[test]
fn a_call_with_more_streams_than_there_may_be_is_refused_before_its_ids_are_compared() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&upload("1", "Up", &["u"; 101])]);
    let text = "Failed to invoke 'Up' because 100 streams are open, which is the limit.";
    assert_eq!(wire.drain(), [failed("1", text)]);
}

mod binary {
    //! The same in MessagePack.

    use super::*;

    /// Calls `Up` with the stream `u`; the id is "1".
    const UPLOAD: &[u8] = b"\x0c\x96\x01\x80\xa11\xa2Up\x90\x91\xa1u";
    const ITEM: &[u8] = b"\x06\x94\x02\x80\xa1u\x2a";
    const FAILED: &[u8] = b"\x0a\x95\x03\x80\xa1u\x01\xa3why";
    const VOID: &[u8] = b"\x06\x94\x03\x80\xa1u\x02";
    const RESULT: &[u8] = b"\x07\x95\x03\x80\xa1u\x03\xc0";

    fn reading() -> Wire {
        let limits = Limits { stream_items: 2, ..Limits::default() };
        let mut wire = Wire::new(Config { limits, ..Config::default() });
        wire.send(&[r#"{"protocol":"messagepack","version":1}"#]);
        assert_eq!(wire.events(), ["handshake"]);
        wire.connection.welcome(wire.now);
        wire.connection.accept(wire.now);
        assert_eq!(wire.frames(), ["{}"]);
        wire.input(UPLOAD);
        assert_eq!(wire.events().len(), 1);
        wire
    }

    #[test]
    fn items_and_ends_are_the_same_in_messagepack() {
        for (end, line) in [(FAILED, "ended 0.0 why"), (VOID, "ended 0.0"), (RESULT, "ended 0.0")] {
            let mut wire = reading();
            wire.input(&[ITEM, ITEM, ITEM, end, ITEM].concat());
            assert_eq!(wire.events(), ["item 0.0 *", "item 0.0 *"]);
            wire.consumed(0, 0, 1);
            assert_eq!(wire.events(), ["item 0.0 *", line]);
            assert_eq!(wire.connection.open_streams(), 0);
        }
    }

    #[test]
    fn an_open_id_is_refused_in_messagepack() {
        let mut wire = reading();
        wire.input(UPLOAD);
        assert_eq!(wire.events(), [""; 0]);
        let frame = wire.connection.poll_transmit().unwrap();
        assert_eq!(
            frame.payload(),
            b"\x2c\x95\x03\x80\xa11\x01\xd9\x24Invocation ID 'u' is already in use."
        );
    }

    #[test]
    fn a_malformed_late_item_ends_the_connection_in_messagepack() {
        let mut wire = reading();
        assert_eq!(wire.admit(0), Admission::Started);
        wire.input(&[VOID, b"\x06\x94\x02\x80\xa1u\xc1"].concat());
        assert_eq!(wire.events(), ["ended 0.0"]);
        assert!(wire.connection.is_ending() && !wire.answer(0));
    }
}

#[test]
fn what_readers_have_in_front_of_them_is_bounded_in_bytes_over_all_streams() {
    let mut wire = Wire::limited(Limits { parked: 3 * 65, ..Limits::default() });
    wire.send(&[&upload("1", "Up", &["a", "b"])]);
    assert_eq!((wire.drain().len(), wire.admit(0)), (1, Admission::Started));
    wire.send(&[&item("a", "0"), &item("a", "1"), &item("a", "2"), &item("a", "3")]);
    wire.send(&[&item("b", "0"), &item("b", "1")]);
    // Three fill it, and one may always be in front of each reader.
    assert_eq!(wire.drain(), ["item 0.0 0", "item 0.0 1", "item 0.0 2", "item 0.1 0"]);
    assert_eq!(wire.connection.in_front_of_readers(), 4 * 65);
    assert_eq!(wire.connection.parked(), 2 * 65);
    wire.consumed(0, 0, 3);
    assert_eq!(wire.drain(), ["item 0.0 3", "item 0.1 1"]);
    wire.send(&[&ended("a"), &ended("b")]);
    assert_eq!(wire.drain(), ["ended 0.0", "ended 0.1"]);
    assert_eq!(wire.connection.open_streams(), 0);
    assert_eq!(wire.connection.in_front_of_readers(), 3 * 65, "until they are taken");
    wire.consumed(0, 0, 1);
    wire.consumed(0, 1, 2);
    assert_eq!(wire.connection.in_front_of_readers(), 0);
}

#[test]
fn a_client_cannot_run_more_methods_than_it_may_have_streams() {
    let mut wire = Wire::limited(Limits { streams: 2, ..Limits::default() });
    for id in ["1", "2", "3"] {
        wire.send(&[&upload(id, "Up", &[id]), &ended(id)]);
    }
    let too_many = "Failed to invoke 'Up' because 2 streams are open, which is the limit.";
    assert_eq!(
        wire.drain(),
        ["invoked 0 Up[]", "ended 0.0", "invoked 1 Up[]", "ended 1.0", &failed("3", too_many)]
    );
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Started));
    assert!(wire.answer(0));
    wire.send(&[&upload("4", "Up", &["4"])]);
    assert_eq!(wire.drain(), ["invoked 2 Up[]", &result("1", 0)]);
}

#[test]
fn whether_there_is_room_for_a_stream_is_seen_after_the_end_of_the_last_one_was_told() {
    let mut wire = Wire::limited(Limits { streams: 1, ..Limits::default() });
    wire.send(&[&upload("1", "Up", &["a"]), &ended("a"), &upload("2", "Up", &["b"])]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 Up[]"));
    assert_eq!(wire.admit(0), Admission::Started);
    assert_eq!(wire.event().as_deref(), Some("ended 0.0"));
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), ["invoked 1 Up[]".to_owned(), result("1", 0)]);
}
