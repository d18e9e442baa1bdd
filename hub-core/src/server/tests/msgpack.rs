//! Connections that speak MessagePack: binary records, and binary frames behind the handshake.

use hub_proto::ws::Opcode;

use super::*;

const HELLO: &str = r#"{"protocol":"messagepack","version":1}"#;
const PING: &[u8] = b"\x02\x91\x06";
/// Calls `Add` with 1 and 2; the id is "1".
const ADD: &[u8] = b"\x0d\x96\x01\x80\xa11\xa3Add\x92\x01\x02\x90";
/// The answer of the first call: its number.
const ZERO: &[u8] = b"\x07\x95\x03\x80\xa11\x03\x00";
const CLOSED: &[u8] = b"\x25\x93\x07\xd9\x20Connection closed with an error.\xc3";

fn open(config: Config) -> Wire {
    let mut wire = Wire::new(config);
    wire.send(&[HELLO]);
    assert_eq!(wire.event().as_deref(), Some("handshake"));
    wire.connection.welcome(wire.now);
    wire.connection.accept(wire.now);
    assert_eq!(payloads(&mut wire), [b"{}\x1e"]);
    wire
}

/// The payloads of all frames, each of them in a binary message.
fn payloads(wire: &mut Wire) -> Vec<Vec<u8>> {
    let frames = std::iter::from_fn(|| wire.connection.poll_transmit());
    frames
        .map(|frame| {
            assert_eq!(frame.websocket()[0], 0x80 | Opcode::Binary as u8);
            frame.payload().to_vec()
        })
        .collect()
}

/// Ends it and gives the frames before the end, and the reason.
fn end(wire: &mut Wire) -> (Vec<Vec<u8>>, CloseReason) {
    let mut frames = Vec::new();
    loop {
        let event = wire.event();
        frames.extend(payloads(wire));
        match event.as_deref() {
            Some("closed") => return (frames, wire.reason.clone().unwrap()),
            _ => assert!(frames.len() < 10, "no end"),
        }
    }
}

fn arguments<'a, T: hub_proto::FromArguments<'a>>(wire: &'a Wire) -> Result<T, BindError> {
    wire.calls[0].arguments().bind()
}

#[test]
fn the_handshake_is_text_in_a_binary_frame_and_everything_behind_it_is_binary() {
    let mut wire = open(Config::default());
    wire.input(ADD);
    assert!(wire.event().is_some_and(|event| event.starts_with("invoked 0 Add")));
    assert_eq!(arguments::<(i32, i32)>(&wire), Ok((1, 2)));
    assert_eq!(wire.admit(0), Admission::Started);
    assert!(wire.answer(0));
    assert_eq!(payloads(&mut wire), [ZERO]);
    wire.wait(Config::default().keep_alive_interval);
    assert_eq!(payloads(&mut wire), [PING]);
    wire.close(CloseReason::Shutdown);
    assert_eq!(end(&mut wire), (vec![b"\x04\x93\x07\xc0\xc3".to_vec()], CloseReason::Shutdown));
}

#[test]
fn messages_may_be_cut_anywhere_and_follow_the_handshake_at_once() {
    let bytes = [packet(&[HELLO]).as_bytes(), PING, ADD, ADD].concat();
    for cut in 0..bytes.len() {
        let mut wire = Wire::new(Config::default());
        let (front, back) = bytes.split_at(cut);
        wire.input(front);
        wire.event();
        wire.connection.welcome(wire.now);
        wire.connection.accept(wire.now);
        wire.input(back);
        wire.event();
        wire.connection.welcome(wire.now);
        wire.connection.accept(wire.now);
        wire.events();
        assert_eq!(wire.calls.len(), 2, "cut at {cut}");
        assert_eq!(wire.connection.unread(), 0);
    }
}

#[test]
fn the_maximum_counts_the_prefix_and_is_known_with_it() {
    let limits = Limits { message: Some(50), ..Limits::default() };
    let mut wire = open(Config { limits, ..Config::default() });
    let most = [&[49][..], &[0x91, 6], &[0; 47]].concat();
    wire.input(&most);
    assert!(wire.drain().is_empty());
    wire.input(&[50]);
    let too_large = CloseReason::Peer(PeerFault::TooLarge(50));
    assert_eq!(end(&mut wire), (vec![CLOSED.to_vec()], too_large));
    assert_eq!(wire.connection.unread(), 0);
}

#[test]
fn a_length_over_two_gigabytes_ends_the_connection_before_its_body_comes() {
    let unlimited = Limits { message: None, ..Limits::default() };
    let mut wire = open(Config { limits: unlimited, ..Config::default() });
    wire.input(b"\xff\xff\xff\xff");
    assert!(wire.drain().is_empty());
    wire.input(b"\x08");
    assert_eq!(end(&mut wire), (vec![CLOSED.to_vec()], fault(DecodeError::TooLong)));
}

#[test]
fn what_is_no_message_ends_the_connection() {
    let records: [(&[u8], DecodeError); 4] = [
        (b"\x00", DecodeError::EndOfStream),
        (b"\x01\xc0", DecodeError::NotAnArray),
        (b"\x07\x95\x03\x80\xa17\x03\xc1", DecodeError::Malformed),
        (b"\x07\x94\x02\x80\xa17\x92\x01", DecodeError::Malformed),
    ];
    for (record, error) in records {
        let mut wire = open(Config::default());
        wire.input(record);
        assert_eq!(end(&mut wire), (vec![CLOSED.to_vec()], fault(error)), "{record:x?}");
    }
}

#[test]
fn messages_that_nobody_waits_for_are_harmless() {
    let records: [&[u8]; 6] = [
        PING,
        b"\x03\x91\x63\xff",
        b"\x06\x94\x02\x80\xa17\xc0",
        b"\x07\x95\x03\x80\xa17\x03\xc0",
        b"\x05\x93\x05\x80\xa17",
        b"\x03\x92\x08\x01",
    ];
    for record in records {
        let mut wire = open(Config::default());
        wire.input(record);
        wire.input(ADD);
        assert_eq!(wire.events().len(), 1, "{record:x?}");
    }
}

#[test]
fn the_end_of_the_input_inside_a_record_is_a_fault() {
    let mut wire = open(Config::default());
    wire.input(&ADD[..5]);
    wire.disconnect(End::Finished);
    let truncated = CloseReason::Peer(PeerFault::Truncated);
    assert_eq!(end(&mut wire), (vec![CLOSED.to_vec()], truncated));
}

#[test]
fn a_protocol_that_is_not_offered_is_refused() {
    let protocols = &[Encoding::Json];
    let mut wire = Wire::new(Config { protocols, ..Config::default() });
    wire.send(&[HELLO]);
    let text = "The protocol 'messagepack' is not supported.";
    assert_eq!(wire.frame(), Some(format!(r#"{{"error":"{text}"}}"#)));
    assert_eq!(wire.event().as_deref(), Some("closed"));
}

#[test]
fn a_transport_of_text_cannot_carry_it() {
    let facts = TransportFacts { binary: false, ..TransportFacts::websocket(0) };
    let mut wire = Wire::on(Config::default(), facts);
    wire.send(&[HELLO]);
    let text = "Cannot use the 'messagepack' protocol on the current transport. The transport does not support 'Binary' transfer format.";
    assert_eq!(wire.frame(), Some(format!(r#"{{"error":"{text}"}}"#)));
    assert_eq!(wire.last_words().0, None);
}
