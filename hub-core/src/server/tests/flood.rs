//! Messages that cost the client nothing.

use super::*;

const SLOW_PINGS: Duration = Duration::from_secs(100_000);

/// One cheap message each tenth of a second, five at once.
fn limits() -> Limits {
    Limits { flood_rate: 10, flood_burst: 5, ..Limits::default() }
}

fn wire() -> Wire {
    Wire::open(Config {
        limits: limits(),
        keep_alive_interval: SLOW_PINGS,
        client_timeout_interval: SLOW_PINGS * 2,
        ..Config::default()
    })
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How long nothing is read.
fn pause(wire: &Wire) -> Option<Duration> {
    wire.deadline().filter(|(_, why)| *why == Timer::Flood).map(|(time, _)| time)
}

#[test]
fn the_budget_by_default_is_ten_thousand_at_once_and_a_thousand_per_second() {
    let mut wire = Wire::open(Config::default());
    wire.input(packet(&[PING; 10_000]).as_bytes());
    assert_eq!(pause(&wire), None);
    wire.send(&[PING]);
    assert_eq!(pause(&wire), Some(millis(1) + millis(100)));
    wire.wait(millis(101));
    assert_eq!(pause(&wire), None);
    wire.input(packet(&[PING; 101]).as_bytes());
    assert_eq!(pause(&wire), Some(millis(101)), "a hundred came back");
}

#[test]
fn whatever_is_cheap_takes_from_the_budget() {
    let unbound = upload("1", "Up", &["u", "u"]);
    for cheap in [
        PING,
        r#"{"type":8,"sequenceId":1}"#,
        r#"{"type":9,"sequenceId":1}"#,
        r#"{"type":99}"#,
        &cancel("x"),
        &item("x", "1"),
        &ended("x"),
        &failed("s1", "late"),
        &unbound,
    ] {
        let mut wire = wire();
        wire.input(packet(&[cheap; 5]).as_bytes());
        assert_eq!(pause(&wire), None, "{cheap}");
        wire.send(&[cheap]);
        assert_eq!(pause(&wire), Some(millis(200)), "{cheap}");
    }
}

#[test]
fn a_cancel_of_a_call_that_runs_takes_from_the_budget() {
    let mut wire = wire();
    wire.send(&[&download("s", "Down")]);
    assert_eq!((wire.drain().len(), wire.admit(0)), (1, Admission::Started));
    wire.input(packet(&[&*cancel("s"); 7]).as_bytes());
    assert_eq!(wire.drain().len(), 6);
    assert_eq!(pause(&wire), Some(millis(200)));
}

#[test]
fn a_call_that_cannot_be_bound_takes_from_the_budget_and_one_that_fails_does_not() {
    let cheap = [
        CallFault::UnknownMethod,
        CallFault::Arguments(BindError::Shape),
        CallFault::Streaming,
        CallFault::TooMany(64),
    ];
    for fault in cheap.into_iter().chain([CallFault::Failed(None)]) {
        let mut wire = wire();
        for id in 0..6 {
            wire.send(&[&call(&id.to_string(), "A")]);
            assert_eq!(wire.drain().len(), if id == 0 { 1 } else { 2 });
            let call = wire.calls[id].clone();
            wire.connection.fail(&call, &fault, wire.now);
        }
        let wanted = if fault == CallFault::Failed(None) { None } else { Some(millis(200)) };
        assert_eq!(pause(&wire), wanted, "{fault:?}");
    }
}

#[test]
fn what_is_worth_something_takes_nothing() {
    let mut wire = wire();
    wire.send(&[&upload("1", "Up", &["u"])]);
    wire.input(packet(&[&*item("u", "1"); 50]).as_bytes());
    wire.send(&[&ended("u")]);
    assert_eq!(wire.drain().len(), 11);
    for ask in 0..20 {
        assert_eq!(wire.ask(ask, None), Ok(()));
        wire.send(&[&result(&format!("s{ask}"), 1)]);
        wire.send(&[&call("2", "A")]);
        assert_eq!(wire.drain().len(), 2);
    }
    assert_eq!(pause(&wire), None);
}

#[test]
fn a_paused_connection_reads_on_at_its_very_moment_and_has_lost_nothing() {
    let mut wire = wire();
    wire.input(packet(&[PING; 6]).as_bytes());
    wire.send(&[&call("1", "A")]);
    wire.send(&[&call("2", "B"), CLOSE]);
    assert_eq!(wire.drain(), [""; 0]);
    wire.wait(millis(200) - NANO);
    assert_eq!(wire.drain(), [""; 0]);
    wire.wait(NANO);
    assert_eq!(wire.drain(), ["invoked 0 A[]", "invoked 1 B[]", CLOSE, "closed"]);
}

#[test]
fn a_flood_in_one_packet_comes_through_slowly_and_whole() {
    let mut wire = wire();
    let cancels: String =
        (0..30).map(|id| packet(&[&call(&id.to_string(), "A"), &cancel("none")])).collect();
    wire.input(cancels.as_bytes());
    let mut lines = wire.drain();
    assert_eq!(lines.len(), 6);
    let begin = wire.now;
    while let Some(time) = pause(&wire) {
        wire.wait(time);
        lines.extend(wire.drain());
    }
    let wanted: Vec<_> = (0..30).map(|id| format!("invoked {id} A[]")).collect();
    assert_eq!(lines, wanted);
    let took = wire.now.since(begin);
    assert!(took > millis(2_300) && took <= millis(2_600), "{took:?}");
}

#[test]
fn the_budget_comes_back_with_time() {
    let mut wire = wire();
    for _ in 0..100 {
        wire.send(&[PING]);
        wire.wait(millis(100));
        assert_eq!(pause(&wire), None);
    }
    wire.input(packet(&[PING; 5]).as_bytes());
    assert_eq!(pause(&wire), None, "never more than the burst, never less");
    wire.send(&[PING]);
    assert_eq!(pause(&wire), Some(millis(200)));
    wire.wait(seconds(1_000));
    wire.input(packet(&[PING; 6]).as_bytes());
    assert_eq!(pause(&wire), Some(millis(200)), "nothing is saved up");
}

#[test]
fn the_silence_clock_stands_still_during_a_pause() {
    let limits = Limits { flood_rate: 1, flood_burst: 1_000, ..Limits::default() };
    let mut wire =
        Wire::open(Config { limits, keep_alive_interval: SLOW_PINGS, ..Config::default() });
    let pings = packet(&[PING; 1_000]);
    wire.input(pings.as_bytes());
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
    wire.input(packet(&[&*item("x", "1"); 1]).as_bytes());
    assert_eq!(wire.deadline(), Some((millis(1_100), Timer::Flood)));
    wire.wait(millis(1_100));
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
}

#[test]
fn the_message_clock_stands_still_during_a_pause() {
    let mut wire = wire();
    wire.input(packet(&[PING; 6]).as_bytes());
    wire.input(b"{\"type\":");
    assert_eq!(wire.drain(), [""; 0]);
    assert_eq!(pause(&wire), Some(millis(200)));
    wire.wait(seconds(61));
    assert_eq!(wire.drain(), [""; 0]);
    assert_eq!(wire.deadline(), Some((seconds(60), Timer::Message)));
}

#[test]
fn what_comes_during_a_pause_is_wanted_up_to_the_read_ahead() {
    let limits = Limits { read_ahead: 100, unread: 300, ..limits() };
    let mut wire = Wire::limited(limits);
    wire.input(packet(&[PING; 6]).as_bytes());
    while wire.connection.wants_input() {
        wire.send(&[PING]);
        assert_eq!(wire.drain(), [""; 0]);
    }
    let unread = wire.connection.unread();
    assert!((100..100 + PING.len() + 1).contains(&unread), "{unread}");
    wire.input(&[b' '; 400]);
    assert_eq!(wire.last_words(), (close_with_error(""), CloseReason::Overflow));
}

#[test]
fn a_paused_connection_can_be_used_by_the_application() {
    let mut wire = wire();
    wire.send(&[&call("1", "A"), &upload("2", "Up", &["u"]), &item("u", "1")]);
    assert_eq!(wire.drain().len(), 3);
    wire.input(packet(&[PING; 6]).as_bytes());
    assert_eq!((wire.admit(0), wire.admit(1)), (Admission::Started, Admission::Started));
    wire.consumed(1, 0, 1);
    assert!(wire.answer(0) && wire.answer(1));
    assert_eq!(wire.drain(), [result("1", 0), result("2", 1)]);
    assert_eq!(pause(&wire), Some(millis(200)), "no verb shortens it");
}

#[test]
fn questions_and_pings_run_out_during_a_pause() {
    let limits = Limits { flood_rate: 1, flood_burst: 1_000, ..Limits::default() };
    let mut wire = Wire::limited(limits);
    wire.input(packet(&[PING; 1_000]).as_bytes());
    wire.input(packet(&[&*ended("x"); 20]).as_bytes());
    assert_eq!(wire.ask(1, Some(millis(500))), Ok(()));
    assert_eq!(wire.deadline(), Some((millis(500), Timer::Ask)));
    wire.wait(millis(500));
    assert_eq!(wire.drain(), ["answered s1 TimedOut"]);
    assert_eq!(wire.deadline(), Some((millis(600), Timer::Flood)));
}

#[test]
fn a_paused_connection_ends_with_its_link_and_by_the_application() {
    for end in [Some(RESET), Some(End::Finished), None] {
        let mut wire = wire();
        wire.input(packet(&[PING; 6]).as_bytes());
        match end {
            Some(end) => wire.disconnect(end),
            None => wire.close(CloseReason::Aborted),
        }
        assert_eq!(wire.drain().pop().as_deref(), Some("closed"));
        assert_eq!(wire.connection.poll_timeout(), None);
    }
}
