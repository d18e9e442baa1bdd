//! How large a message may be, and what happens to larger ones.

use super::*;

fn with_maximum(maximum: usize) -> Wire {
    Wire::limited(Limits { message: Some(maximum), ..Limits::default() })
}

/// A call whose record has that many bytes, separator included.
fn sized(size: usize) -> String {
    let shell = call("1", "").len() + 1;
    call("1", &"x".repeat(size - shell))
}

fn too_large(maximum: usize) -> CloseReason {
    CloseReason::Peer(PeerFault::TooLarge(maximum))
}

#[test]
fn exactly_the_maximum_passes_with_its_separator_and_one_byte_more_fails() {
    let mut wire = with_maximum(100);
    wire.send(&[&sized(100)]);
    assert_eq!(wire.drain().len(), 1);
    wire.send(&[&sized(101)]);
    assert_eq!(wire.admit(0), Admission::Started);
    assert_eq!(wire.last_words(), (close_with_error(""), too_large(100)));
}

#[test]
fn a_large_message_fails_once_however_it_is_cut() {
    let bytes = packet(&[&sized(101)]);
    for cut in 0..bytes.len() {
        let mut wire = with_maximum(100);
        let (front, back) = bytes.as_bytes().split_at(cut);
        wire.input(front);
        assert!(wire.drain().is_empty());
        wire.input(back);
        assert_eq!(wire.last_words(), (close_with_error(""), too_large(100)));
        assert_eq!(wire.connection.unread(), 0);
    }
}

#[test]
fn a_message_that_can_only_be_too_large_fails_before_it_is_whole() {
    let mut wire = with_maximum(100);
    wire.input(&[b' '; 100]);
    assert!(wire.drain().is_empty());
    wire.input(b" ");
    assert_eq!(wire.last_words(), (close_with_error(""), too_large(100)));
}

#[test]
fn the_maximum_is_per_message_not_per_packet() {
    let mut wire = with_maximum(100);
    let call = sized(90);
    wire.send(&[&call, &call, &call]);
    assert_eq!(wire.drain().len(), 3);
}

#[test]
fn calls_before_a_large_message_in_its_packet_are_answered_before_the_close() {
    let mut wire = with_maximum(100);
    wire.send(&[&call("1", "A"), &call("2", "B"), &sized(101), &call("3", "C")]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
    assert_eq!(wire.admit(0), Admission::Started);
    assert!(wire.answer(0));
    assert_eq!(wire.event().as_deref(), Some("invoked 1 B[]"));
    assert_eq!(wire.admit(1), Admission::Started);
    assert!(wire.answer(1));
    assert_eq!(
        wire.drain(),
        [result("1", 0), result("2", 1), close_with_error("").unwrap(), "closed".to_owned()]
    );
}

#[test]
fn detailed_errors_tell_the_maximum() {
    let limits = Limits { message: Some(100), ..Limits::default() };
    let mut wire = Wire::open(Config { limits, ..detailed() });
    wire.send(&[&sized(101)]);
    let detail = "InvalidDataException: The maximum message size of 100B was exceeded. The message size can be configured in AddHubOptions.";
    assert_eq!(wire.last_words(), (close_with_error(detail), too_large(100)));
}

#[test]
fn without_a_maximum_every_size_passes() {
    let mut wire = Wire::limited(Limits { message: None, ..Limits::default() });
    let bytes = packet(&[&sized(3_000_000)]);
    for chunk in bytes.as_bytes().chunks(100_000) {
        assert!(wire.connection.wants_input());
        wire.input(chunk);
    }
    assert_eq!(wire.drain().len(), 1);
    assert_eq!(wire.connection.unread(), 0);
}

#[test]
fn an_end_inside_a_message_is_a_fault() {
    let mut wire = Wire::open(detailed());
    wire.input(b"{");
    wire.disconnect(End::Finished);
    let detail = "InvalidDataException: Connection terminated while reading a message.";
    let wanted = (close_with_error(detail), CloseReason::Peer(PeerFault::Truncated));
    assert_eq!(wire.last_words(), wanted);
}
