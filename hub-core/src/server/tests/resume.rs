//! Stateful reconnect: numbers of what came, and links that are replaced.

use super::*;

const HELLO_2: &str = r#"{"protocol":"json","version":2}"#;
const BROKEN: CloseReason = CloseReason::Lost(ErrorKind::ConnectionReset);

fn greeted(config: Config) -> Wire {
    let mut wire = Wire::on(config, TransportFacts::websocket(0).resumable());
    wire.send(&[HELLO_2]);
    wire.connection.welcome(wire.now);
    wire.connection.accept(wire.now);
    assert_eq!(wire.drain(), ["handshake", "{}"]);
    wire
}

/// A connection whose client has pinged, and that does not ping itself.
fn resumable() -> Wire {
    let mut wire = greeted(Config { keep_alive_interval: seconds(100_000), ..Config::default() });
    wire.send(&[PING]);
    assert_eq!(wire.connection.poll_acked(), Some(0));
    wire
}

fn ack(number: i64) -> String {
    format!(r#"{{"type":8,"sequenceId":{number}}}"#)
}

fn sequence(number: i64) -> String {
    format!(r#"{{"type":9,"sequenceId":{number}}}"#)
}

/// Sends calls with these targets and gives the targets of those that were new.
fn calls(wire: &mut Wire, targets: &[&str]) -> Vec<String> {
    for target in targets {
        wire.send(&[&format!(r#"{{"type":1,"target":"{target}","arguments":[]}}"#)]);
    }
    let lines = wire.drain();
    let name =
        |line: &String| line.split(' ').nth(2).map(|name| name.trim_end_matches("[]").to_owned());
    lines.iter().filter_map(name).collect()
}

impl Wire {
    fn relink(&mut self) -> bool {
        self.connection.relink(self.now)
    }
}

#[test]
fn it_takes_a_transport_that_offers_it_and_version_2() {
    assert!(resumable().connection.is_resumable());
    let offered = TransportFacts::websocket(0).resumable();
    let mut old = Wire::on(Config::default(), offered).opened();
    let mut elsewhere = Wire::new(Config::default());
    elsewhere.send(&[HELLO_2]);
    elsewhere.connection.welcome(elsewhere.now);
    elsewhere.connection.accept(elsewhere.now);
    assert_eq!(elsewhere.drain(), ["handshake", "{}"]);
    for wire in [&mut old, &mut elsewhere] {
        assert!(!wire.connection.is_resumable() && !wire.relink());
        wire.send(&[&call("1", "A")]);
        wire.wait(seconds(1));
        assert_eq!(wire.drain(), ["invoked 0 A[]"], "no Ack");
        assert_eq!(wire.connection.poll_acked(), None);
        wire.disconnect(RESET);
        assert_eq!(wire.last_words(), (None, BROKEN));
    }
}

#[test]
fn acks_and_sequences_mean_nothing_without_it() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&sequence(10), &ack(234), &sequence(-1), &ack(-1), &call("1", "Echo")]);
    assert_eq!(wire.drain(), ["invoked 0 Echo[]"]);
    assert_eq!(wire.connection.poll_acked(), None);
}

#[test]
fn the_clients_first_word_behind_the_handshake_says_zero() {
    let mut wire = greeted(Config::default());
    assert_eq!(wire.connection.poll_acked(), None);
    assert_eq!(wire.deadline(), Some((seconds(1), Timer::Greeting)));
    wire.input(b"{");
    assert_eq!((wire.connection.poll_acked(), wire.connection.poll_acked()), (Some(0), None));
    assert_eq!(wire.deadline(), Some((seconds(15), Timer::KeepAlive)));
}

#[test]
fn a_client_that_says_nothing_is_not_waited_for_longer_than_a_second() {
    let mut wire = greeted(Config::default());
    wire.wait(seconds(1) - NANO);
    assert_eq!(wire.connection.poll_acked(), None);
    wire.wait(NANO);
    assert_eq!((wire.connection.poll_acked(), wire.connection.poll_acked()), (Some(0), None));
    assert_eq!(wire.deadline().unwrap().1, Timer::KeepAlive);
}

#[test]
fn what_comes_with_the_handshake_is_no_word_behind_it() {
    let mut wire = Wire::on(Config::default(), TransportFacts::websocket(0).resumable());
    wire.send(&[HELLO_2, PING]);
    wire.connection.welcome(wire.now);
    wire.connection.accept(wire.now);
    assert_eq!(wire.drain(), ["handshake", "{}"]);
    assert_eq!(wire.connection.poll_acked(), None);
    wire.send(&[PING]);
    assert_eq!(wire.connection.poll_acked(), Some(0));
}

#[test]
fn a_first_word_that_is_an_ack_says_its_number() {
    let mut wire = greeted(Config::default());
    wire.send(&[&ack(3)]);
    assert_eq!((wire.connection.poll_acked(), wire.connection.poll_acked()), (Some(3), None));
}

#[test]
fn the_highest_ack_since_the_last_poll_is_told() {
    let mut wire = resumable();
    wire.send(&[&ack(3), &ack(7), &ack(5)]);
    assert_eq!((wire.connection.poll_acked(), wire.connection.poll_acked()), (Some(7), None));
    wire.send(&[&ack(i64::MAX)]);
    assert_eq!(wire.connection.poll_acked(), Some(i64::MAX.unsigned_abs()));
}

#[test]
fn an_ack_below_zero_is_ignored() {
    let mut wire = resumable();
    wire.send(&[&ack(-1), &ack(i64::MIN), &call("1", "Echo")]);
    assert_eq!(wire.drain(), ["invoked 0 Echo[]"]);
    assert_eq!(wire.connection.poll_acked(), None);
}

#[test]
fn what_came_is_acknowledged_a_second_later() {
    let mut wire = resumable();
    assert_eq!(calls(&mut wire, &["A", "B"]), ["A", "B"]);
    assert_eq!(wire.deadline(), Some((seconds(1), Timer::Ack)));
    wire.wait(seconds(1) - NANO);
    assert_eq!(wire.drain(), [""; 0]);
    wire.wait(NANO);
    assert_eq!(wire.drain(), [ack(2)]);
    wire.wait(seconds(5));
    assert_eq!(wire.drain(), [""; 0], "nothing new");
    assert_eq!(calls(&mut wire, &["C"]), ["C"]);
    wire.wait(seconds(1));
    assert_eq!(wire.drain(), [ack(3)]);
}

#[test]
fn a_steady_stream_does_not_put_the_ack_off() {
    let mut wire = resumable();
    let mut frames = Vec::new();
    for _ in 0..6 {
        wire.send(&[&call("1", "A")]);
        wire.wait(Duration::from_millis(500));
        frames.extend(wire.drain().into_iter().filter(|line| line.starts_with('{')));
    }
    assert_eq!(frames, [ack(2), ack(4), ack(6)]);
}

#[test]
fn calls_items_completions_and_cancels_count_and_nothing_else_does() {
    let mut wire = resumable();
    let counted =
        [upload("1", "Up", &["u"]), download("2", "Down"), item("u", "1"), ended("u"), cancel("2")];
    for record in &counted {
        wire.send(&[PING, record, &ack(1), r#"{"type":99}"#]);
    }
    wire.send(&[&sequence(6)]);
    assert_eq!(wire.drain().len(), 5);
    wire.wait(seconds(1));
    assert_eq!(wire.drain(), [ack(5)]);
}

#[test]
fn what_nobody_knows_any_more_is_counted_as_its_client_counts_it() {
    let mut wire = resumable();
    wire.send(&[&upload("1", "Up", &["u"])]);
    assert_eq!(wire.drain().len(), 1);
    assert!(wire.answer(0));
    wire.send(&[&item("u", "1"), &item("u", "2"), &ended("u"), &cancel("1"), &item("x", "3")]);
    wire.send(&[&upload("2", "Up", &["v", "v"])]);
    assert_eq!(wire.drain(), [result("1", 0), in_use("2", "v")]);
    assert_eq!(calls(&mut wire, &["A"]), ["A"]);
    wire.wait(seconds(1));
    assert_eq!(wire.drain(), [ack(8)]);
    // A client that got no Ack sends everything again.
    wire.disconnect(RESET);
    assert!(wire.relink());
    wire.send(&[&sequence(1), &upload("1", "Up", &["u"])]);
    wire.send(&[&item("u", "1"), &item("u", "2"), &ended("u"), &cancel("1"), &item("x", "3")]);
    wire.send(&[&upload("2", "Up", &["v", "v"])]);
    assert_eq!(calls(&mut wire, &["A", "B"]), ["B"]);
}

#[test]
fn messages_that_come_again_are_dropped() {
    let mut wire = resumable();
    assert_eq!(calls(&mut wire, &["A", "B", "C"]), ["A", "B", "C"]);
    wire.send(&[&sequence(2)]);
    assert_eq!(calls(&mut wire, &["B", "C", "D", "E"]), ["D", "E"]);
    wire.send(&[&sequence(1), PING]);
    assert_eq!(calls(&mut wire, &["A", "B", "C", "D", "E", "F"]), ["F"]);
    wire.wait(seconds(1));
    assert_eq!(wire.drain(), [ack(6)]);
}

#[test]
fn a_duplicate_has_no_effect_of_any_kind() {
    let mut wire = resumable();
    wire.send(&[&upload("1", "Up", &["u"]), &item("u", "1"), &ended("u"), &sequence(1)]);
    assert_eq!(wire.drain(), ["invoked 0 Up[]", "item 0.0 1", "ended 0.0"]);
    wire.send(&[&upload("1", "Up", &["u"]), &item("u", "1"), &ended("u")]);
    assert_eq!(wire.drain(), [""; 0]);
    assert_eq!((wire.connection.open_calls(), wire.connection.open_streams()), (1, 0));
}

#[test]
fn a_sequence_with_the_expected_number_changes_nothing() {
    let mut wire = resumable();
    wire.send(&[&sequence(1)]);
    assert_eq!(calls(&mut wire, &["A"]), ["A"]);
    wire.send(&[&sequence(2)]);
    assert_eq!(calls(&mut wire, &["B"]), ["B"]);
}

#[test]
fn a_sequence_beyond_the_expected_number_ends_the_connection() {
    let mut wire = greeted(detailed());
    wire.send(&[&sequence(2), &call("1", "A")]);
    let detail =
        "InvalidOperationException: Sequence ID greater than amount of messages we've received.";
    assert_eq!(
        wire.last_words(),
        (close_with_error(detail), CloseReason::Peer(PeerFault::Sequence))
    );
}

#[test]
fn a_sequence_below_one_lets_nothing_be_processed_twice() {
    for number in [0, -1, i64::MIN] {
        let mut wire = resumable();
        assert_eq!(calls(&mut wire, &["A"]), ["A"]);
        wire.send(&[&sequence(number)]);
        assert_eq!(calls(&mut wire, &["A"]), [""; 0], "{number}");
        assert_eq!(wire.reason, None);
    }
}

#[test]
fn a_lost_link_is_waited_for_and_then_the_loss_is_the_end() {
    let mut wire = resumable();
    wire.disconnect(RESET);
    assert_eq!(wire.drain(), [""; 0]);
    assert!(wire.connection.is_down() && !wire.connection.is_ending());
    assert_eq!(wire.deadline(), Some((seconds(15), Timer::Resume)));
    wire.wait(seconds(15) - NANO);
    assert_eq!(wire.drain(), [""; 0]);
    wire.wait(NANO);
    assert_eq!(wire.drain(), ["closed"]);
    assert_eq!(wire.reason, Some(BROKEN));
    assert!(!wire.relink());
}

#[test]
fn how_long_it_waits_is_a_setting() {
    let mut wire = greeted(Config { resume_timeout: seconds(3), ..Config::default() });
    wire.disconnect(RESET);
    wire.wait(seconds(3));
    assert_eq!(wire.drain(), ["closed"]);
}

#[test]
fn a_second_loss_neither_prolongs_the_wait_nor_renames_the_first() {
    let mut wire = resumable();
    wire.disconnect(RESET);
    wire.wait(seconds(10));
    wire.disconnect(End::Lost(ErrorKind::BrokenPipe));
    assert_eq!(wire.deadline(), Some((seconds(5), Timer::Resume)));
    wire.wait(seconds(5));
    assert_eq!(wire.last_words(), (None, BROKEN));
}

#[test]
fn a_new_link_ends_the_wait_and_everything_goes_on() {
    let mut wire = resumable();
    assert_eq!(calls(&mut wire, &["A"]), ["A"]);
    wire.disconnect(RESET);
    wire.wait(seconds(14));
    assert!(wire.relink());
    assert!(!wire.connection.is_down());
    wire.send(&[&sequence(1)]);
    assert_eq!(calls(&mut wire, &["A", "B"]), ["B"]);
    wire.wait(seconds(14));
    assert_eq!(wire.drain(), [ack(2)]);
    wire.disconnect(RESET);
    assert_eq!(wire.deadline(), Some((seconds(15), Timer::Resume)), "a wait of its own");
}

#[test]
fn a_link_may_be_replaced_before_its_loss_is_known() {
    let mut wire = resumable();
    assert_eq!(calls(&mut wire, &["A"]), ["A"]);
    wire.input(b"{\"type\":1,\"target\":\"Ha");
    assert!(wire.relink());
    assert_eq!(wire.connection.unread(), 0);
    wire.send(&[&sequence(2)]);
    assert_eq!(calls(&mut wire, &["B"]), ["B"]);
}

#[test]
fn messages_that_are_whole_outlive_their_link_and_halves_do_not() {
    let limits = Limits { events: 1, ..Limits::default() };
    let mut wire = greeted(Config { limits, ..Config::default() });
    let whole = packet(&[&call("1", "A"), &call("2", "B"), &call("3", "C")]);
    wire.input(whole.as_bytes());
    wire.input(b"{\"type\":1,\"target\":\"Half");
    wire.disconnect(RESET);
    assert_eq!(wire.connection.unread(), packet(&[&call("2", "B"), &call("3", "C")]).len());
    assert_eq!(wire.drain(), ["invoked 0 A[]", "invoked 1 B[]", "invoked 2 C[]"], "down or not");
    assert!(wire.relink());
    wire.send(&[&sequence(4), &call("4", "D")]);
    assert_eq!(wire.drain(), ["invoked 3 D[]"]);
}

#[test]
fn what_was_kept_and_comes_again_is_processed_once() {
    let limits = Limits { events: 1, ..Limits::default() };
    let mut wire = greeted(Config { limits, ..Config::default() });
    wire.send(&[&call("1", "A"), &call("2", "B")]);
    wire.input(b"{\"type\"");
    wire.disconnect(RESET);
    assert!(wire.relink());
    wire.send(&[&sequence(1), &call("1", "A"), &call("2", "B"), &call("3", "C")]);
    assert_eq!(wire.drain(), ["invoked 0 A[]", "invoked 1 B[]", "invoked 2 C[]"]);
}

#[test]
fn binary_halves_are_dropped_too() {
    let limits = Limits { events: 1, ..Limits::default() };
    let facts = TransportFacts::websocket(0).resumable();
    let mut wire = Wire::on(Config { limits, ..Config::default() }, facts);
    wire.send(&[r#"{"protocol":"messagepack","version":2}"#]);
    assert_eq!(wire.events(), ["handshake"]);
    wire.connection.welcome(wire.now);
    wire.connection.accept(wire.now);
    assert_eq!(wire.frames(), ["{}"]);
    let add = b"\x0b\x96\x01\x80\xc0\xa3Add\x91\x01\x90";
    wire.input(&[&add[..], add, &add[..6]].concat());
    wire.disconnect(RESET);
    assert_eq!(wire.connection.unread(), add.len());
    assert!(wire.relink());
    wire.input(&[b"\x03\x92\x09\x02", &add[..], add].concat());
    assert_eq!(wire.events().len(), 3, "the second was here before");
}

#[test]
fn nothing_that_watches_the_peer_runs_while_its_link_is_down() {
    let mut wire = greeted(Config { resume_timeout: seconds(1_000), ..Config::default() });
    wire.send(&[PING, &call("1", "A")]);
    assert_eq!(wire.drain(), ["invoked 0 A[]"]);
    wire.disconnect(RESET);
    assert_eq!(wire.deadline(), Some((seconds(1_000), Timer::Resume)));
    wire.wait(seconds(999));
    assert_eq!(wire.drain(), [""; 0], "no ping, no timeout, no Ack");
    assert!(wire.relink());
    assert_eq!(wire.deadline().map(|(time, _)| time), Some(Duration::ZERO));
    wire.wait(Duration::ZERO);
    assert_eq!(wire.drain(), [PING.to_owned(), ack(1)], "at once on the next link");
    wire.wait(seconds(15));
    assert_eq!(wire.drain(), [PING]);
    wire.wait(seconds(15));
    assert_eq!(
        wire.drain().last().map(String::as_str),
        Some("closed"),
        "thirty seconds of silence on the new link"
    );
    assert_eq!(wire.reason, Some(CloseReason::Timeout(Timer::PeerSilence)));
}

#[test]
fn questions_run_out_and_floods_pass_while_the_link_is_down() {
    let limits = Limits { flood_rate: 10, flood_burst: 5, ..Limits::default() };
    let mut wire = greeted(Config { limits, ..Config::default() });
    wire.input(packet(&[PING; 6]).as_bytes());
    wire.send(&[&call("1", "A")]);
    assert_eq!(wire.ask(1, Some(seconds(2))), Ok(()));
    wire.disconnect(RESET);
    assert_eq!(wire.deadline(), Some((Duration::from_millis(200), Timer::Flood)));
    wire.wait(Duration::from_millis(200));
    assert_eq!(wire.drain(), ["invoked 0 A[]"]);
    wire.wait(seconds(2));
    assert_eq!(wire.drain(), ["answered s1 TimedOut"]);
}

#[test]
fn calls_run_and_answer_while_the_link_is_down() {
    let mut wire = resumable();
    wire.send(&[&call("1", "A"), &call("2", "B"), &upload("3", "Up", &["u"]), &item("u", "1")]);
    assert_eq!(wire.events().len(), 4);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    wire.disconnect(RESET);
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), ["started 1".to_owned(), result("1", 0)]);
    assert_eq!(wire.connection.open_streams(), 1);
    assert!(wire.relink());
    wire.send(&[&sequence(5), &item("u", "2"), &ended("u")]);
    assert_eq!(wire.drain(), ["item 2.0 2", "ended 2.0"]);
}

#[test]
fn questions_outlive_a_link() {
    let mut wire = resumable();
    assert_eq!(wire.ask(1, None), Ok(()));
    wire.disconnect(RESET);
    assert!(wire.relink());
    wire.send(&[&result("s1", 5)]);
    assert_eq!(wire.drain(), ["answered s1 5"]);
}

#[test]
fn a_client_that_closes_does_not_come_back() {
    let mut wire = resumable();
    wire.send(&[CLOSE]);
    wire.disconnect(RESET);
    assert!(!wire.connection.is_down() && !wire.relink());
    assert_eq!(wire.last_words(), (None, CloseReason::PeerClosed(None)));
}

#[test]
fn a_client_that_closes_gets_a_close() {
    let mut wire = resumable();
    wire.send(&[&sequence(1), CLOSE]);
    assert_eq!(wire.last_words(), (Some(CLOSE.to_owned()), CloseReason::PeerClosed(None)));
    assert!(!wire.connection.is_resumable() && !wire.relink());
}

#[test]
fn a_link_that_is_closed_in_good_order_is_the_end() {
    let mut wire = resumable();
    wire.disconnect(End::Finished);
    assert!(!wire.relink());
    let close = r#"{"type":7,"allowReconnect":true}"#.to_owned();
    assert_eq!(wire.last_words(), (Some(close), CloseReason::Ended));
}

#[test]
fn the_application_ends_it_at_once_while_the_link_is_down() {
    let mut wire = resumable();
    wire.send(&[&call("1", "A")]);
    assert_eq!(wire.events().len(), 1);
    wire.disconnect(RESET);
    wire.close(CloseReason::Aborted);
    assert!(!wire.connection.is_down() && !wire.relink());
    assert_eq!(wire.last_words(), (None, CloseReason::Aborted));
    assert_eq!(wire.connection.poll_timeout(), None);
}

#[test]
fn a_close_that_was_kept_ends_it_while_the_link_is_down() {
    let limits = Limits { events: 1, ..Limits::default() };
    let mut wire = greeted(Config { limits, ..Config::default() });
    wire.send(&[&call("1", "A"), CLOSE]);
    wire.disconnect(RESET);
    assert!(wire.connection.is_down());
    assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
    assert_eq!(wire.last_words(), (None, CloseReason::PeerClosed(None)));
}

#[test]
fn a_fault_that_waits_for_calls_cannot_be_resumed() {
    let mut wire = resumable();
    wire.send(&[&call("1", "A"), &call("2", "B")]);
    assert_eq!(wire.events().len(), 2);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    wire.send(&["nonsense"]);
    wire.disconnect(RESET);
    assert_eq!(wire.drain(), ["closed"]);
    assert_eq!(wire.reason, Some(fault(DecodeError::Syntax)));
}

#[test]
fn a_fault_that_was_kept_ends_it_while_the_link_is_down_though_calls_wait() {
    let limits = Limits { events: 1, ..Limits::default() };
    let mut wire = greeted(Config { limits, ..Config::default() });
    wire.send(&[&call("1", "A"), &call("2", "B"), "nonsense"]);
    wire.disconnect(RESET);
    assert_eq!(
        (wire.event().as_deref(), wire.admit(0)),
        (Some("invoked 0 A[]"), Admission::Started)
    );
    assert_eq!(
        (wire.event().as_deref(), wire.admit(1)),
        (Some("invoked 1 B[]"), Admission::Parked)
    );
    assert_eq!(wire.last_words(), (None, fault(DecodeError::Syntax)));
}

#[test]
fn a_link_that_is_lost_before_the_handshake_is_answered_is_the_end() {
    for records in [&[][..], &[HELLO_2]] {
        let mut wire = Wire::on(Config::default(), TransportFacts::websocket(0).resumable());
        wire.send(records);
        wire.disconnect(RESET);
        assert!(!wire.relink());
        assert_eq!(wire.drain().pop().as_deref(), Some("closed"));
        assert_eq!(wire.reason, Some(BROKEN));
    }
}

#[test]
fn a_link_that_is_lost_during_the_greeting_is_waited_for() {
    let mut wire = Wire::on(Config::default(), TransportFacts::websocket(0).resumable());
    wire.send(&[HELLO_2, &call("1", "A")]);
    wire.connection.welcome(wire.now);
    assert_eq!(wire.drain(), ["handshake", "{}"]);
    wire.input(b"{\"type\":6");
    wire.disconnect(RESET);
    assert_eq!(wire.drain(), [""; 0]);
    wire.connection.accept(wire.now);
    assert_eq!(wire.drain(), ["invoked 0 A[]"]);
    wire.wait(seconds(1));
    assert_eq!(wire.connection.poll_acked(), Some(0), "nobody is waited for twice");
    assert!(wire.relink());
    wire.send(&[&sequence(2), &call("2", "B")]);
    assert_eq!(wire.drain(), ["invoked 1 B[]"]);
}

#[test]
fn what_was_read_before_a_loss_ends_nothing_behind_it() {
    let limits = Limits { parked: 65, stream_items: 1, ..Limits::default() };
    let mut wire = greeted(Config { limits, ..Config::default() });
    wire.send(&[&upload("1", "Up", &["u"])]);
    assert_eq!((wire.drain().len(), wire.admit(0)), (1, Admission::Started));
    wire.send(&[&item("u", "1"), &item("u", "2"), &item("u", "3")]);
    assert_eq!(wire.drain(), ["item 0.0 1"]);
    wire.disconnect(RESET);
    assert_eq!(wire.drain(), [""; 0], "a full park outlives its link");
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), ["item 0.0 2"]);
    wire.consumed(0, 0, 1);
    assert_eq!(wire.drain(), ["item 0.0 3"]);
    assert!(wire.relink());
    wire.send(&[&sequence(1), &upload("1", "Up", &["u"]), &item("u", "1"), &item("u", "2")]);
    wire.send(&[&item("u", "3"), &ended("u")]);
    assert_eq!(wire.drain(), ["ended 0.0"]);
}
