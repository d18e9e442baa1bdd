//! Keep-alive and client timeout: exact deadlines in virtual time.

use super::*;

const SLOW_PINGS: Duration = Duration::from_secs(100_000);

/// An open connection that does not ping by itself.
fn listening() -> Wire {
    Wire::open(Config { keep_alive_interval: SLOW_PINGS, ..Config::default() })
}

fn timed_out(detail: &str) -> (Option<String>, CloseReason) {
    (close_with_error(detail), CloseReason::Timeout(Timer::PeerSilence))
}

#[test]
fn a_ping_is_due_exactly_one_interval_after_the_last_write() {
    let mut wire = Wire::open(Config::default());
    wire.connection.wrote(wire.now + seconds(5));
    assert_eq!(wire.deadline(), Some((seconds(20), Timer::KeepAlive)));
    wire.wait(seconds(20) - NANO);
    assert!(wire.drain().is_empty());
    wire.wait(NANO);
    assert_eq!(wire.drain(), [PING]);
    assert_eq!(wire.deadline(), Some((seconds(15), Timer::KeepAlive)));
}

#[test]
fn a_write_reported_late_does_not_move_the_ping_back() {
    let mut wire = Wire::open(Config::default());
    wire.wait(seconds(15));
    wire.connection.wrote(Timestamp::ZERO);
    assert_eq!(wire.deadline(), Some((seconds(15), Timer::KeepAlive)));
}

#[test]
fn five_intervals_are_five_pings_and_a_close_ends_them() {
    let interval = Duration::from_millis(100);
    let mut wire = Wire::open(Config { keep_alive_interval: interval, ..Config::default() });
    for _ in 0..5 {
        wire.wait(interval + NANO);
    }
    wire.close(CloseReason::Ended);
    wire.wait(interval);
    assert_eq!(
        wire.drain(),
        [PING, PING, PING, PING, PING, r#"{"type":7,"allowReconnect":true}"#, "closed"]
    );
}

#[test]
fn a_late_timeout_pings_once() {
    let mut wire = Wire::open(Config::default());
    wire.wait(seconds(100));
    assert_eq!(wire.drain(), [PING]);
}

#[test]
fn the_spread_shortens_the_interval_by_up_to_an_eighth() {
    for (spread, wanted) in [(0, 15_000), (255, 13_125)] {
        let wire = Wire::on(Config::default(), TransportFacts::websocket(spread)).opened();
        let wanted = Duration::from_millis(wanted);
        assert_eq!(wire.deadline(), Some((wanted, Timer::KeepAlive)));
    }
    let wire = Wire::on(Config::default(), TransportFacts::websocket(128)).opened();
    let (half, _) = wire.deadline().unwrap();
    assert!(
        half > Duration::from_millis(14_058) && half < Duration::from_millis(14_063),
        "{half:?}"
    );
}

#[test]
fn the_longest_intervals_are_as_good_as_none() {
    let config = Config {
        keep_alive_interval: Duration::MAX,
        client_timeout_interval: Duration::MAX,
        ..Config::default()
    };
    let mut wire = Wire::on(config, TransportFacts::websocket(255)).opened();
    wire.send(&[PING]);
    wire.wait(seconds(1_000_000_000));
    assert!(wire.drain().is_empty());
}

#[test]
fn a_client_that_never_pings_is_never_timed_out() {
    let mut wire = listening();
    wire.send(&[&call("1", "A")]);
    wire.wait(seconds(1_000));
    wire.send(&[&call("2", "B")]);
    assert_eq!(wire.drain(), ["invoked 0 A[]", "invoked 1 B[]"]);
}

#[test]
fn a_client_that_pinged_once_is_timed_out_exactly_one_interval_later() {
    let mut wire = listening();
    wire.send(&[PING]);
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
    wire.wait(seconds(30) - NANO);
    assert!(wire.drain().is_empty());
    wire.wait(NANO);
    assert_eq!(wire.last_words(), timed_out(""));
}

#[test]
fn detailed_errors_tell_about_the_client_timeout() {
    let mut wire = Wire::open(detailed());
    wire.send(&[PING]);
    wire.wait(seconds(30));
    let detail = "OperationCanceledException: Client hasn't sent a message/ping within the configured ClientTimeoutInterval.";
    assert_eq!(wire.last_words(), timed_out(detail));
}

#[test]
fn pings_just_in_time_keep_the_connection() {
    let mut wire = listening();
    wire.send(&[PING]);
    for _ in 0..10 {
        wire.wait(seconds(30) - NANO);
        wire.send(&[PING]);
    }
    assert!(wire.drain().is_empty());
}

#[test]
fn every_byte_counts_as_life_even_of_a_message_that_is_not_whole() {
    let config = Config {
        keep_alive_interval: SLOW_PINGS,
        message_timeout: Duration::MAX,
        ..Config::default()
    };
    let mut wire = Wire::open(config);
    wire.send(&[PING]);
    for byte in call("1", "A").bytes() {
        wire.wait(seconds(20));
        wire.input(&[byte]);
    }
    wire.wait(seconds(20));
    wire.input(b"\x1e");
    assert_eq!(wire.drain(), ["invoked 0 A[]"]);
}

#[test]
fn a_running_call_does_not_stop_the_clock() {
    let mut wire = listening();
    wire.send(&[PING, &call("1", "A")]);
    assert_eq!(wire.drain(), ["invoked 0 A[]"]);
    assert_eq!(wire.admit(0), Admission::Started);
    wire.wait(seconds(30));
    assert_eq!(wire.last_words(), timed_out(""));
}

#[test]
fn time_in_which_nothing_is_read_does_not_count() {
    // The arguments of one call that waits are all that may wait.
    let limits = Limits { parked: 2, ..Limits::default() };
    let mut wire =
        Wire::open(Config { limits, keep_alive_interval: SLOW_PINGS, ..Config::default() });
    wire.send(&[PING, &call("1", "A")]);
    assert_eq!(
        (wire.drain(), wire.admit(0)),
        (vec!["invoked 0 A[]".to_owned()], Admission::Started)
    );
    wire.send(&[&call("2", "B")]);
    assert_eq!(
        (wire.drain(), wire.admit(1)),
        (vec!["invoked 1 B[]".to_owned()], Admission::Parked)
    );
    wire.wait(seconds(1_000));
    assert!(wire.drain().is_empty());
    assert!(wire.answer(0));
    assert_eq!(wire.drain(), ["started 1".to_owned(), result("1", 0)]);
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
}

#[test]
fn a_client_at_fault_is_not_timed_out_while_its_calls_wait() {
    let mut wire = listening();
    wire.send(&[PING, &call("1", "A"), &call("2", "B"), "nonsense"]);
    assert_eq!(wire.drain(), ["invoked 0 A[]", "invoked 1 B[]"]);
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Parked));
    wire.wait(seconds(1_000));
    assert!(wire.drain().is_empty());
    assert!(wire.answer(0));
    assert_eq!(wire.drain()[..2], ["started 1".to_owned(), result("1", 0)]);
    assert_eq!(wire.reason, Some(fault(DecodeError::Syntax)));
}

#[test]
fn a_message_must_be_whole_within_60_s() {
    let mut wire = listening();
    wire.send(&[PING]);
    let message = call("1", "A");
    let (first, rest) = message.split_at(10);
    wire.input(first.as_bytes());
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
    for _ in 0..2 {
        wire.wait(seconds(25));
        wire.input(b" ");
    }
    assert_eq!(wire.deadline(), Some((seconds(10), Timer::Message)));
    wire.wait(seconds(10));
    let closed = CloseReason::Timeout(Timer::Message);
    assert_eq!(wire.last_words(), (close_with_error(""), closed.clone()));

    // The next message has its own 60 s.
    let mut wire = listening();
    wire.input(first.as_bytes());
    wire.wait(seconds(59));
    wire.input(format!("{rest}\x1e{first}").as_bytes());
    assert_eq!(wire.drain(), ["invoked 0 A[]"]);
    wire.wait(seconds(60) - NANO);
    assert!(wire.drain().is_empty());
    wire.wait(NANO);
    assert_eq!(wire.last_words(), (close_with_error(""), closed));
}

#[test]
fn a_transport_with_its_own_signs_of_life_has_neither_timer() {
    let facts = TransportFacts { keep_alive: false, ..TransportFacts::websocket(0) };
    let mut wire = Wire::on(Config::default(), facts).opened();
    wire.send(&[PING]);
    assert_eq!(wire.deadline(), None);
    wire.wait(seconds(1_000_000));
    assert!(wire.drain().is_empty());
}

#[test]
fn time_does_not_run_backwards() {
    let mut wire = listening();
    wire.wait(seconds(10));
    wire.connection.handle_input(packet(&[PING]).as_bytes(), Timestamp::ZERO);
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
}
