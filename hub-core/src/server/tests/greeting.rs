//! Between the answered handshake and the first message that is read.

use super::*;

fn greeting(config: Config) -> Wire {
    let mut wire = Wire::new(config);
    wire.send(&[HELLO]);
    wire.connection.welcome(wire.now);
    assert_eq!(wire.drain(), ["handshake", "{}"]);
    wire
}

#[test]
fn nothing_is_read_before_accept_and_everything_in_order_afterwards() {
    let mut wire = greeting(Config::default());
    wire.send(&[&call("1", "A"), &call("2", "B")]);
    wire.send(&[PING, &call("3", "C")]);
    wire.wait(seconds(14));
    assert!(wire.drain().is_empty());
    wire.connection.accept(wire.now);
    wire.connection.accept(wire.now);
    assert_eq!(wire.drain(), ["invoked 0 A[]", "invoked 1 B[]", "invoked 2 C[]"]);
    assert_eq!(wire.connection.unread(), 0);
}

#[test]
fn bad_messages_are_not_noticed_before_accept() {
    let mut wire = greeting(Config::default());
    wire.send(&["nonsense"]);
    assert!(wire.drain().is_empty());
    wire.connection.accept(wire.now);
    assert_eq!(wire.last_words(), (close_with_error(""), fault(DecodeError::Syntax)));
}

#[test]
fn accept_means_nothing_before_welcome() {
    let mut wire = Wire::new(Config::default());
    wire.connection.accept(wire.now);
    wire.send(&[HELLO, &call("1", "A")]);
    wire.connection.accept(wire.now);
    assert_eq!(wire.drain(), ["handshake"]);
    wire.connection.welcome(wire.now);
    assert_eq!(wire.drain(), ["{}"]);
}

#[test]
fn the_client_is_pinged_while_the_application_greets() {
    let mut wire = greeting(Config::default());
    assert_eq!(wire.deadline(), Some((seconds(15), Timer::KeepAlive)));
    wire.wait(seconds(15));
    assert_eq!(wire.drain(), [PING]);
}

#[test]
fn silence_is_measured_from_accept() {
    let mut wire = greeting(Config { keep_alive_interval: seconds(1_000), ..Config::default() });
    wire.send(&[PING]);
    wire.wait(seconds(100));
    wire.connection.accept(wire.now);
    assert!(wire.drain().is_empty());
    assert_eq!(wire.deadline(), Some((seconds(30), Timer::PeerSilence)));
}

#[test]
fn a_rejection_shows_its_detail_and_forbids_to_come_back() {
    for (detail, error) in [(None, ""), (Some("HubException: not you"), " HubException: not you")] {
        let mut wire = greeting(Config::default());
        let reason = CloseReason::Rejected(detail.map(str::to_owned));
        wire.close(reason.clone());
        let close = format!(r#"{{"type":7,"error":"Connection closed with an error.{error}"}}"#);
        assert_eq!(wire.last_words(), (Some(close), reason));
    }
}
