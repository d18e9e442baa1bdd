//! Streams that the client receives, and how many there may be both ways.

use hub_proto::{Message, Payload, StreamItem};

use super::*;

fn frame(id: &str, item: &str) -> Frame {
    let item = Payload::new(Encoding::Json, item.as_bytes());
    let item = StreamItem { id: id.into(), item, headers: Default::default() };
    Frame::message(Encoding::Json, &Message::StreamItem(item))
}

/// Call 0 sends the stream `s`.
fn sending() -> Wire {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&download("s", "Count")]);
    assert_eq!(wire.drain(), ["invoked 0 Count[]"]);
    assert_eq!(wire.admit(0), Admission::Started);
    wire
}

impl Wire {
    fn send_item(&mut self, call: u64, id: &str, item: &str) -> bool {
        self.connection.item(CallId(call), frame(id, item), self.now)
    }

    /// Ends a stream: with a completion that holds neither a result nor an error.
    fn finish(&mut self, call: u64, id: &str) -> bool {
        let end = hub_proto::Completion {
            id: id.into(),
            outcome: hub_proto::Outcome::Void,
            headers: Default::default(),
        };
        let end = Frame::message(Encoding::Json, &Message::Completion(end));
        self.connection.complete(CallId(call), Some(end), self.now)
    }
}

#[test]
fn items_leave_in_order_and_the_completion_behind_them() {
    let mut wire = sending();
    for n in ["0", "1", "2", "3"] {
        assert!(wire.send_item(0, "s", n));
    }
    assert!(wire.finish(0, "s"));
    assert_eq!(
        wire.drain(),
        [item("s", "0"), item("s", "1"), item("s", "2"), item("s", "3"), ended("s")]
    );
    assert_eq!((wire.connection.open_streams(), wire.connection.open_calls()), (0, 0));
}

#[test]
fn nothing_leaves_behind_the_completion() {
    let mut wire = sending();
    assert!(wire.finish(0, "s"));
    assert!(!wire.send_item(0, "s", "1") && !wire.finish(0, "s"));
    assert_eq!(wire.drain(), [ended("s")]);
}

#[test]
fn no_item_leaves_before_the_call_runs() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&download("s", "Count"), &call("1", "A"), &call("2", "B"), &download("t", "C")]);
    assert_eq!(wire.events().len(), 4);
    assert!(!wire.send_item(0, "s", "0"), "it is not bound");
    for (id, admission) in [
        (0, Admission::Started),
        (1, Admission::Started),
        (2, Admission::Parked),
        (3, Admission::Parked),
    ] {
        assert_eq!(wire.admit(id), admission);
    }
    assert!(wire.send_item(0, "s", "1") && !wire.send_item(3, "t", "1"));
    assert!(!wire.send_item(99, "x", "1"));
    assert!(wire.answer(1) && wire.answer(2));
    assert!(wire.send_item(3, "t", "2"));
    assert_eq!(
        wire.drain(),
        ["started 3".to_owned(), item("s", "1"), result("1", 1), result("2", 2), item("t", "2")]
    );
}

#[test]
fn no_item_leaves_once_the_end_has_begun() {
    let mut wire = sending();
    assert!(wire.send_item(0, "s", "0"));
    wire.close(CloseReason::Aborted);
    assert!(!wire.send_item(0, "s", "1") && !wire.finish(0, "s"));
    assert_eq!(wire.drain(), [item("s", "0"), CLOSE.to_owned(), "closed".to_owned()]);
}

#[test]
fn items_leave_behind_the_clients_last_word_until_its_events_are_polled() {
    let mut wire = sending();
    wire.send(&[CLOSE]);
    assert!(wire.send_item(0, "s", "0"));
    assert_eq!(wire.event(), None);
    assert!(!wire.send_item(0, "s", "1"));
    assert_eq!(wire.frames(), [item("s", "0"), CLOSE.to_owned()]);
}

#[test]
fn a_cancel_tells_the_call_which_still_says_its_last_word() {
    let mut wire = sending();
    assert!(wire.send_item(0, "s", "0"));
    wire.send(&[&cancel("s"), &cancel("s")]);
    assert_eq!(wire.drain(), ["cancelled 0".to_owned(), "cancelled 0".to_owned(), item("s", "0")]);
    assert!(wire.send_item(0, "s", "1") && wire.finish(0, "s"));
    wire.send(&[&cancel("s")]);
    assert_eq!(wire.drain(), [item("s", "1"), ended("s")]);
}

#[test]
fn a_cancel_that_meets_the_completion_is_ignored() {
    let mut wire = sending();
    wire.send(&[&cancel("s")]);
    assert!(wire.finish(0, "s"));
    assert_eq!(wire.drain(), [ended("s")]);
}

#[test]
fn a_cancel_for_an_id_that_nobody_knows_is_ignored() {
    let mut wire = sending();
    wire.send(&[&cancel("t"), &call("1", "A")]);
    assert_eq!(wire.drain(), ["invoked 1 A[]"]);
}

#[test]
fn a_stream_runs_beside_calls_in_the_only_slot() {
    let mut wire = sending();
    wire.send(&[&call("1", "A")]);
    assert_eq!((wire.events().len(), wire.admit(1)), (1, Admission::Started));
    assert!(wire.answer(1));
    wire.send(&[&cancel("s")]);
    assert!(wire.drain().contains(&"cancelled 0".to_owned()));
    assert!(wire.finish(0, "s"));
    assert_eq!(wire.drain(), [ended("s")]);
}

#[test]
fn a_stream_id_that_is_open_is_refused_and_the_first_can_still_be_cancelled() {
    let mut wire = sending();
    wire.send(&[&download("s", "Other"), &cancel("s")]);
    assert_eq!(wire.drain(), ["cancelled 0".to_owned(), in_use("s", "s")]);
    assert!(wire.send_item(0, "s", "1") && wire.finish(0, "s"));
    wire.send(&[&download("s", "Other")]);
    assert_eq!(wire.drain(), ["invoked 1 Other[]".to_owned(), item("s", "1"), ended("s")]);
}

#[test]
fn the_stream_and_the_uploads_of_one_call_may_share_an_id() {
    let mut wire = Wire::open(Config::default());
    let both =
        r#"{"type":4,"invocationId":"x","target":"Both","arguments":[],"streamIds":["x","y"]}"#;
    wire.send(&[both, &item("x", "1"), &item("y", "2"), &cancel("x"), &ended("x")]);
    assert_eq!(
        wire.drain(),
        ["invoked 0 Both[]", "item 0.0 1", "item 0.1 2", "cancelled 0", "ended 0.0"]
    );
    assert_eq!(wire.admit(0), Admission::Started);
    assert_eq!(wire.connection.open_streams(), 2);
    assert!(wire.send_item(0, "x", "1") && wire.finish(0, "x"));
    wire.send(&[&item("y", "3"), &call("2", "Echo")]);
    assert_eq!(wire.drain(), ["invoked 1 Echo[]".to_owned(), item("x", "1"), ended("x")]);
    assert_eq!(wire.connection.open_streams(), 0);
}

/// A connection with 100 streams: every third call has a stream each way, the others one upload.
fn full() -> Wire {
    let mut wire = Wire::open(Config::default());
    for n in 0..75 {
        let (id, stream) = (n.to_string(), format!("u{n}"));
        if n % 3 == 0 {
            wire.send(&[&format!(
                r#"{{"type":4,"invocationId":"{id}","target":"Both","arguments":[],"streamIds":["{stream}"]}}"#
            )]);
        } else {
            wire.send(&[&upload(&id, "Up", &[&stream])]);
        }
        assert_eq!(wire.drain().len(), 1);
        assert_eq!(wire.admit(n), Admission::Started);
    }
    assert_eq!(wire.connection.open_streams(), 100);
    wire
}

fn one_too_many(id: &str, target: &str) -> String {
    let text =
        format!("Failed to invoke '{target}' because 100 streams are open, which is the limit.");
    failed(id, &text)
}

#[test]
fn the_101st_stream_either_way_fails_and_an_end_makes_room() {
    let mut wire = full();
    wire.send(&[&upload("a", "Up", &["a"]), &download("b", "Down"), &call("c", "Plain")]);
    let too_many = [one_too_many("a", "Up"), one_too_many("b", "Down")];
    assert_eq!(wire.drain(), [&["invoked 75 Plain[]".to_owned()], &too_many[..]].concat());
    // The end of a stream is not that of its call, which may go on.
    wire.send(&[&ended("u0"), &download("d", "Down")]);
    assert_eq!(wire.drain(), ["ended 0.0".to_owned(), one_too_many("d", "Down")]);
    assert!(wire.answer(3));
    wire.send(&[&upload("f", "Up", &["f", "g"]), &upload("h", "Up", &["h"])]);
    assert_eq!(
        wire.drain(),
        ["invoked 76 Up[]".to_owned(), result("3", 3), one_too_many("h", "Up")]
    );
}

#[test]
fn a_call_that_needs_two_streams_takes_none_where_one_is_left() {
    let mut wire = full();
    assert!(wire.answer(1));
    let both = r#"{"type":4,"invocationId":"x","target":"Both","arguments":[],"streamIds":["x"]}"#;
    wire.send(&[both]);
    assert_eq!(wire.drain(), [result("1", 1), one_too_many("x", "Both")]);
    assert_eq!(wire.connection.open_streams(), 99);
}

#[test]
fn the_101st_stream_without_an_invocation_id_fails_in_silence() {
    let mut wire = full();
    wire.send(&[r#"{"type":1,"target":"Up","arguments":[],"streamIds":["x"]}"#]);
    assert_eq!(wire.drain(), [""; 0]);
    wire.send(&[&item("x", "1"), &item("u1", "2")]);
    assert_eq!(wire.drain(), ["item 1.0 2"]);
}

#[test]
fn a_refusal_keeps_its_place_among_the_answers() {
    let mut wire = Wire::open(Config::default());
    wire.send(&[&call("1", "A"), &upload("2", "Up", &["u", "u"]), &call("3", "B")]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
    assert!(wire.answer(0));
    assert_eq!(wire.event().as_deref(), Some("invoked 1 B[]"));
    assert!(wire.answer(1));
    assert_eq!(wire.frames(), [result("1", 0), in_use("2", "u"), result("3", 1)]);
}

#[test]
fn whether_an_id_is_open_is_seen_after_what_came_before_it_was_answered() {
    let mut wire = Wire::open(Config::default());
    // As good as three packets.
    wire.send(&[
        &download("s", "A"),
        &upload("1", "B", &["s"]),
        &item("s", "1"),
        &download("s", "C"),
    ]);
    assert_eq!(wire.event().as_deref(), Some("invoked 0 A[]"));
    assert!(wire.answer(0));
    assert_eq!(wire.event().as_deref(), Some("invoked 1 B[]"));
    assert!(wire.answer(1));
    assert_eq!(wire.drain(), ["invoked 2 C[]".to_owned(), result("s", 0), result("1", 1)]);
}

#[test]
fn items_in_messagepack_leave_as_they_are() {
    let mut wire = Wire::new(Config::default());
    wire.send(&[r#"{"protocol":"messagepack","version":1}"#]);
    assert_eq!(wire.events(), ["handshake"]);
    wire.connection.welcome(wire.now);
    wire.connection.accept(wire.now);
    assert_eq!(wire.frames(), ["{}"]);
    // Asks `Down` for a stream with the id "1", and again.
    let down = b"\x0c\x96\x04\x80\xa11\xa4Down\x90\x90";
    wire.input(&[&down[..], &down[..]].concat());
    assert_eq!(wire.events().len(), 1);
    assert_eq!(wire.admit(0), Admission::Started);
    let one = StreamItem {
        id: "1".into(),
        item: Payload::new(Encoding::MessagePack, b"\x2a"),
        headers: Default::default(),
    };
    let one = Frame::message(Encoding::MessagePack, &Message::StreamItem(one));
    assert!(wire.connection.item(CallId(0), one, wire.now));
    let refused = b"\x2c\x95\x03\x80\xa11\x01\xd9\x24Invocation ID '1' is already in use.";
    let frames: Vec<_> = std::iter::from_fn(|| wire.connection.poll_transmit()).collect();
    let payloads: Vec<_> = frames.iter().map(Frame::payload).collect();
    assert_eq!(payloads, [&refused[..], b"\x06\x94\x02\x80\xa11\x2a"]);
}
