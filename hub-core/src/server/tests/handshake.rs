//! The first record, and every way in which it fails.

use super::*;

/// The answer to one packet, and how the connection ended.
fn refusal(config: Config, packet: &str) -> (String, CloseReason) {
    let mut wire = Wire::new(config);
    wire.input(packet.as_bytes());
    let (frame, reason) = wire.last_words();
    (frame.unwrap(), reason)
}

fn error(text: &str) -> String {
    format!(r#"{{"error":"{text}"}}"#)
}

#[test]
fn a_request_may_come_in_any_chunks_and_is_answered_once() {
    for cut in 1..HELLO.len() {
        let mut wire = Wire::new(Config::default());
        wire.input(&HELLO.as_bytes()[..cut]);
        wire.input(&HELLO.as_bytes()[cut..]);
        assert!(wire.drain().is_empty());
        wire.input(b"\x1e");
        assert_eq!(wire.drain(), ["handshake"]);
        wire.connection.welcome(wire.now);
        wire.connection.welcome(wire.now);
        assert_eq!(wire.drain(), ["{}"]);
    }
}

#[test]
fn exactly_the_request_is_consumed() {
    let mut wire = Wire::new(Config::default());
    wire.send(&[HELLO, &call("1", "Add")]);
    assert_eq!(wire.drain(), ["handshake"]);
    assert_eq!(wire.connection.unread(), packet(&[&call("1", "Add")]).len());
    wire.connection.welcome(wire.now);
    wire.connection.accept(wire.now);
    assert_eq!(wire.drain(), ["invoked 0 Add[]", "{}"]);
}

#[test]
fn the_name_of_a_protocol_has_no_case() {
    let mut wire = Wire::new(Config::default());
    wire.send(&[r#"{"protocol":"JSON","version":1}"#]);
    assert_eq!(wire.drain(), ["handshake"]);
}

#[test]
fn an_unknown_protocol_is_refused_by_name() {
    let text = "The protocol 'CustomProtocol' is not supported.";
    let packet = packet(&[r#"{"protocol":"CustomProtocol","version":1}"#]);
    let wanted = (error(text), CloseReason::Refused(text.to_owned()));
    assert_eq!(refusal(Config::default(), &packet), wanted);
}

#[test]
fn every_version_up_to_2_is_accepted_and_none_above() {
    for version in [-1, 0, 1, 2] {
        let mut wire = Wire::new(Config::default());
        wire.send(&[&format!(r#"{{"protocol":"json","version":{version}}}"#)]);
        assert_eq!(wire.drain(), ["handshake"], "{version}");
    }
    for version in [3, 9001, i32::MAX] {
        let packet = packet(&[&format!(r#"{{"protocol":"json","version":{version}}}"#)]);
        let text = format!("The server does not support version {version} of the 'json' protocol.");
        assert_eq!(refusal(Config::default(), &packet).0, error(&text));
    }
}

#[test]
fn an_unreadable_request_is_explained_with_detailed_errors_only() {
    let table = [
        ("{", "InvalidDataException: Error reading JSON."),
        ("", "InvalidDataException: Error reading JSON."),
        ("[]", "InvalidDataException: Unexpected JSON Token Type 'Array'. Expected a JSON Object."),
        (
            r#"{"protocol":null,"version":1}"#,
            "InvalidDataException: Expected 'protocol' to be of type String.",
        ),
        (
            r#"{"protocol":"json","version":"1"}"#,
            "InvalidDataException: Expected 'version' to be of type Number.",
        ),
        (
            r#"{"protocol":"json","version":1.5}"#,
            "FormatException: Either the JSON value of 'version' is not in a supported format, or is out of bounds.",
        ),
    ];
    for (record, detail) in table {
        assert_eq!(refusal(Config::default(), &packet(&[record])).0, error(HANDSHAKE_FAILED));
        let text = format!("{HANDSHAKE_FAILED} {detail}");
        let wanted = (error(&text), CloseReason::Refused(text));
        assert_eq!(refusal(detailed(), &packet(&[record])), wanted);
    }
}

#[test]
fn a_request_of_the_maximum_size_passes_and_one_byte_more_is_canceled() {
    for (spare, passes) in [(0, true), (1, false)] {
        let limits = Limits { message: Some(HELLO.len() + 1 - spare), ..Limits::default() };
        for split in [false, true] {
            let mut wire = Wire::new(Config { limits, ..Config::default() });
            let packet = packet(&[HELLO]);
            let (front, back) = packet.as_bytes().split_at(if split { 10 } else { 0 });
            wire.input(front);
            wire.input(back);
            if passes {
                assert_eq!(wire.drain(), ["handshake"]);
            } else {
                assert_eq!(wire.drain(), [error(HANDSHAKE_CANCELED).as_str(), "closed"]);
            }
        }
    }
}

#[test]
fn a_request_has_a_limit_where_messages_have_none() {
    let limits = Limits { message: None, ..Limits::default() };
    for (size, answer) in
        [(32 * 1024, "handshake".to_owned()), (32 * 1024 + 1, error(HANDSHAKE_CANCELED))]
    {
        let mut wire = Wire::new(Config { limits, ..Config::default() });
        let padding = " ".repeat(size - HELLO.len() - 1);
        wire.send(&[&format!("{HELLO}{padding}")]);
        assert_eq!(wire.drain().first(), Some(&answer), "{size}");
    }
}

#[test]
fn messages_behind_the_request_may_exceed_the_maximum_size_together() {
    let limits = Limits { message: Some(128), ..Limits::default() };
    let mut wire = Wire::new(Config { limits, ..Config::default() });
    let call = call("1", "Add");
    wire.send(&[HELLO, &call, &call, &call]);
    wire.connection.welcome(wire.now);
    wire.connection.accept(wire.now);
    let events = wire.events();
    assert_eq!(events, ["handshake", "invoked 0 Add[]", "invoked 1 Add[]", "invoked 2 Add[]"]);
}

#[test]
fn an_end_before_the_request_is_silent() {
    let mut wire = Wire::new(Config::default());
    wire.disconnect(End::Finished);
    assert_eq!(wire.last_words(), (None, CloseReason::Ended));
    let mut half = Wire::new(Config::default());
    half.input(&HELLO.as_bytes()[..9]);
    half.disconnect(End::Finished);
    assert_eq!(half.last_words(), (None, CloseReason::Peer(PeerFault::Truncated)));
}

#[test]
fn progress_does_not_extend_the_time_for_the_handshake() {
    let mut wire = Wire::new(Config::default());
    for byte in &HELLO.as_bytes()[..14] {
        wire.wait(seconds(1));
        wire.input(&[*byte]);
    }
    wire.wait(seconds(1) - NANO);
    assert!(wire.drain().is_empty());
    assert_eq!(wire.deadline(), Some((NANO, Timer::Handshake)));
    wire.wait(NANO);
    let wanted = (Some(error(HANDSHAKE_CANCELED)), CloseReason::Timeout(Timer::Handshake));
    assert_eq!(wire.last_words(), wanted);
    assert_eq!(wire.deadline(), None);
}

#[test]
fn the_time_for_the_handshake_includes_the_applications_decision() {
    let mut wire = Wire::new(Config::default());
    wire.send(&[HELLO]);
    assert_eq!(wire.drain(), ["handshake"]);
    wire.wait(seconds(15) - NANO);
    assert!(wire.drain().is_empty());
    wire.wait(NANO);
    assert_eq!(wire.drain(), [error(HANDSHAKE_CANCELED).as_str(), "closed"]);
    wire.connection.welcome(wire.now);
    assert!(wire.drain().is_empty());
}

#[test]
fn an_abort_in_the_handshake_cancels_it() {
    for records in [&[][..], &[HELLO]] {
        let mut wire = Wire::new(Config::default());
        wire.send(records);
        wire.close(CloseReason::Aborted);
        let wanted = (Some(error(HANDSHAKE_CANCELED)), CloseReason::Aborted);
        assert_eq!(wire.last_words(), wanted);
    }
}

#[test]
fn an_application_that_cannot_judge_refuses_with_its_detail_where_shown() {
    for (config, text) in [
        (Config::default(), HANDSHAKE_FAILED.to_owned()),
        (detailed(), format!("{HANDSHAKE_FAILED} InvalidOperationException: no user")),
    ] {
        let mut wire = Wire::new(config);
        wire.send(&[HELLO]);
        assert_eq!(wire.drain(), ["handshake"]);
        wire.connection.refuse("InvalidOperationException: no user", wire.now);
        assert_eq!(wire.last_words(), (Some(error(&text)), CloseReason::Refused(text)));
    }
}

#[test]
fn nothing_is_read_behind_a_refused_request() {
    let mut wire = Wire::new(Config::default());
    wire.send(&[r#"{"protocol":"x","version":1}"#, HELLO, &call("1", "Add")]);
    assert_eq!(wire.drain(), [r#"{"error":"The protocol 'x' is not supported."}"#, "closed"]);
    assert_eq!(wire.connection.unread(), 0);
    wire.send(&[HELLO]);
    assert!(wire.drain().is_empty());
}

#[test]
fn a_request_that_comes_with_its_deadline_is_too_late() {
    let mut wire = Wire::new(Config::default());
    wire.now = wire.now + Config::default().handshake_timeout;
    wire.send(&[HELLO]);
    assert_eq!(wire.drain(), [r#"{"error":"Handshake was canceled."}"#, "closed"]);
}
