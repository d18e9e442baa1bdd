//! Frames that keep the rules, and what becomes of them.

use std::borrow::Cow;

use super::{encode::MAX_SERVER_HEADER, *};

#[test]
fn examples_of_the_rfc() {
    // RFC 6455 §5.7.
    let hello = [text("Hello")];
    let cases: [(Role, &[u8], &[Seen]); 5] = [
        (Role::Client, b"\x81\x05Hello", &hello),
        (Role::Server, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", &hello),
        (Role::Client, b"\x01\x03Hel\x80\x02lo", &hello),
        (Role::Client, b"\x89\x05Hello", &[Seen::Ping(b"Hello".to_vec())]),
        (
            Role::Server,
            b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
            &[Seen::Pong(b"Hello".to_vec())],
        ),
    ];
    for (role, wire, expected) in cases {
        assert_eq!(decode_both_ways(role, Config::default(), wire), expected);
    }
    assert_eq!(frame(Role::Client, true, Opcode::Text, b"Hello"), b"\x81\x05Hello");
    assert_eq!(
        frame(Role::Server, true, Opcode::Text, b"Hello"),
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
    );
    assert_eq!(*encode::ping(b"Hello", None), *b"\x89\x05Hello");
    assert_eq!(
        *encode::pong(b"Hello", Some(KEY)),
        *b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
    );
    assert_eq!(*encode::header(true, Opcode::Binary, 256, None), [0x82, 0x7E, 0x01, 0x00]);
    assert_eq!(
        *encode::header(true, Opcode::Binary, 65536, None),
        [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]
    );
}

#[test]
fn lengths_around_the_forms() {
    let cases =
        [(0, 2), (1, 2), (125, 2), (126, 4), (127, 4), (65535, 4), (65536, 10), (65537, 10)];
    for (length, header) in cases {
        let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
        for (role, header) in [(Role::Client, header), (Role::Server, header + 4)] {
            let wire = frame(role, true, Opcode::Binary, &payload);
            assert_eq!(wire.len(), header + length);
            let seen = decode_both_ways(role, Config::default(), &wire);
            assert_eq!(seen, [Seen::Data(MessageType::Binary, payload.clone(), true)]);
            for cut in 0..=header {
                let (front, back) = wire.split_at(cut);
                assert_eq!(decode(role, Config::default(), [front, back]), seen, "cut at {cut}");
            }
        }
        let mut space = [0xEE; MAX_SERVER_HEADER];
        let start = encode::write_server_header(&mut space, false, Opcode::Text, length);
        assert_eq!(space[start..], *encode::header(false, Opcode::Text, length, None));
        assert!(space[..start].iter().all(|byte| *byte == 0xEE));
    }
}

#[test]
fn a_whole_frame_is_neither_copied_nor_allocated() {
    let mut wire = frame(Role::Server, true, Opcode::Binary, b"payload");
    let expected = wire.as_ptr().wrapping_add(6);
    let mut decoder = Decoder::new(Role::Server, Config::default());
    let mut input = wire.as_mut_slice();
    let Ok(Some(Piece::Data { payload, .. })) = decoder.next(&mut input) else { panic!("no data") };
    assert_eq!((payload.as_ptr(), payload), (expected, &b"payload"[..]));

    let mut wire = frame(Role::Server, true, Opcode::Ping, &[7; 125]);
    let mut input = wire.as_mut_slice();
    assert!(matches!(decoder.next(&mut input), Ok(Some(Piece::Ping(Cow::Borrowed(_))))));
}

#[test]
fn an_idle_decoder_is_small() {
    assert!(size_of::<Decoder>() <= 96, "{}", size_of::<Decoder>());
}

#[test]
fn data_is_handed_on_before_its_frame_ends() {
    let mut decoder = Decoder::new(Role::Server, Config::default());
    let wire = frame(Role::Server, true, Opcode::Text, b"Hello");
    let mut seen = Vec::new();
    feed(&mut decoder, &wire[..8], &mut seen);
    assert_eq!(seen, [Seen::Data(MessageType::Text, b"He".to_vec(), false)]);
    feed(&mut decoder, &wire[8..], &mut seen);
    assert_eq!(seen, [text("Hello")]);
}

#[test]
fn empty_frames_are_pieces_too() {
    for role in [Role::Server, Role::Client] {
        assert_eq!(
            decode_both_ways(role, Config::default(), &frame(role, true, Opcode::Text, b"")),
            [text("")]
        );
        let mut wire = frame(role, false, Opcode::Binary, b"");
        let first = Seen::Data(MessageType::Binary, Vec::new(), false);
        assert_eq!(decode_both_ways(role, Config::default(), &wire), [first]);
        wire.extend(frame(role, false, Opcode::Continuation, b"a"));
        wire.extend(frame(role, true, Opcode::Continuation, b""));
        let whole = Seen::Data(MessageType::Binary, b"a".to_vec(), true);
        assert_eq!(decode_both_ways(role, Config::default(), &wire), [whole]);
    }
}

#[test]
fn control_frames_pass_between_fragments() {
    for role in [Role::Server, Role::Client] {
        let mut wire = frame(role, false, Opcode::Text, b"Hel");
        wire.extend(frame(role, true, Opcode::Ping, &[7; 125]));
        wire.extend(frame(role, true, Opcode::Pong, b""));
        wire.extend(frame(role, true, Opcode::Continuation, b"lo"));
        wire.extend(frame(role, true, Opcode::Close, b"\x0F\xA0bye"));
        let expected = [
            Seen::Data(MessageType::Text, b"Hel".to_vec(), false),
            Seen::Ping(vec![7; 125]),
            Seen::Pong(Vec::new()),
            Seen::Data(MessageType::Text, b"lo".to_vec(), true),
            Seen::Close(Some(Close { code: 4000, reason: "bye".into() })),
        ];
        assert_eq!(decode_both_ways(role, Config::default(), &wire), expected);
    }
}

#[test]
fn control_payloads_are_cut_to_fit() {
    assert_eq!(*encode::ping(&[9; 300], None), frame(Role::Client, true, Opcode::Ping, &[9; 125]));
    assert_eq!(
        *encode::pong(&[9; 126], Some(KEY)),
        frame(Role::Server, true, Opcode::Pong, &[9; 125])
    );

    let reason = "ä".repeat(100);
    let wire = encode::close(1000, &reason, Some(KEY));
    let expected = Close { code: 1000, reason: "ä".repeat(61) };
    assert_eq!(decode(Role::Server, Config::default(), [&*wire]), [Seen::Close(Some(expected))]);
    let wire = encode::close(1000, &"x".repeat(123), None);
    assert_eq!(wire.len(), 2 + 125);
}
