//! Each rule, from both sides.

use super::*;
use crate::ws::mask;

const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// What the peer of either role sends, as first byte, length bytes without the mask bit, and payload.
#[track_caller]
fn refuses(first: u8, length: &[u8], payload: &[u8], expected: Violation) {
    for role in ROLES {
        let seen = decode_both_ways(role, Config::default(), &raw(role, first, length, payload));
        assert_eq!(seen, [Seen::Failed(expected)], "{role:?}");
    }
}

fn raw(role: Role, first: u8, length: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut wire = vec![first];
    wire.extend_from_slice(length);
    if let Some(key) = key(role) {
        wire[1] |= 0x80;
        wire.extend_from_slice(&key);
        let start = wire.len();
        wire.extend_from_slice(payload);
        mask::apply(key, &mut wire[start..]);
    } else {
        wire.extend_from_slice(payload);
    }
    wire
}

#[test]
fn reserved_bits() {
    for bits in 1..8 {
        refuses(0x81 | bits << 4, &[0], b"", Violation::ReservedBits);
        refuses(0x89 | bits << 4, &[0], b"", Violation::ReservedBits);
    }
}

#[test]
fn reserved_opcodes() {
    for opcode in (3..=7).chain(0xB..=0xF) {
        refuses(0x80 | opcode, &[0], b"", Violation::ReservedOpcode(opcode));
        refuses(opcode, &[0], b"", Violation::ReservedOpcode(opcode));
    }
}

#[test]
fn fragmented_control_frames() {
    for opcode in 8..=10 {
        refuses(opcode, &[0], b"", Violation::FragmentedControl);
    }
}

#[test]
fn oversized_control_frames() {
    for opcode in 8..=10 {
        refuses(0x80 | opcode, &[126, 0, 126], &[0; 126], Violation::OversizedControl);
        refuses(0x80 | opcode, &[127, 0, 0, 0, 0, 0, 1, 0, 0], b"", Violation::OversizedControl);
        refuses(0x80 | opcode, &[126, 0, 5], b"", Violation::OversizedControl);
    }
}

#[test]
fn a_continuation_of_nothing() {
    refuses(0x80, &[0], b"", Violation::UnexpectedContinuation);
    refuses(0x00, &[1], b"a", Violation::UnexpectedContinuation);
    for role in ROLES {
        let mut wire = frame(role, true, Opcode::Text, b"whole");
        wire.extend(frame(role, true, Opcode::Continuation, b"more"));
        let seen = decode_both_ways(role, Config::default(), &wire);
        assert_eq!(seen, [text("whole"), Seen::Failed(Violation::UnexpectedContinuation)]);
    }
}

#[test]
fn a_message_inside_a_message() {
    for role in ROLES {
        for (fin, opcode) in [(true, Opcode::Text), (false, Opcode::Text), (true, Opcode::Binary)] {
            let mut wire = frame(role, false, Opcode::Text, b"open");
            wire.extend(frame(role, fin, opcode, b"other"));
            let open = Seen::Data(MessageType::Text, b"open".to_vec(), false);
            let failed = Seen::Failed(Violation::InterleavedMessage);
            assert_eq!(decode_both_ways(role, Config::default(), &wire), [open, failed]);
        }
    }
}

#[test]
fn masks_go_one_way() {
    for opcode in [Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong] {
        let unmasked = frame(Role::Client, true, opcode, b"");
        let seen = decode_both_ways(Role::Server, Config::default(), &unmasked);
        assert_eq!(seen, [Seen::Failed(Violation::Unmasked)]);
        let masked = frame(Role::Server, true, opcode, b"");
        let seen = decode_both_ways(Role::Client, Config::default(), &masked);
        assert_eq!(seen, [Seen::Failed(Violation::Masked)]);
    }
}

#[test]
fn lengths_in_their_shortest_form() {
    refuses(0x82, &[126, 0, 0], b"", Violation::NonMinimalLength);
    refuses(0x82, &[126, 0, 125], &[0; 125], Violation::NonMinimalLength);
    refuses(0x82, &[127, 0, 0, 0, 0, 0, 0, 0, 125], b"", Violation::NonMinimalLength);
    refuses(0x82, &[127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], b"", Violation::NonMinimalLength);
}

#[test]
fn lengths_of_63_bits() {
    refuses(0x82, &[127, 0x80, 0, 0, 0, 0, 0, 0, 0], b"", Violation::LengthOverflow);
    refuses(
        0x82,
        &[127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        b"",
        Violation::LengthOverflow,
    );
    for role in ROLES {
        let wire = raw(role, 0x82, &[127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], b"ab");
        let seen = decode_both_ways(role, Config::default(), &wire);
        assert_eq!(seen, [Seen::Data(MessageType::Binary, b"ab".to_vec(), false)]);
    }
}

#[test]
fn close_payloads() {
    refuses(0x88, &[1], &[3], Violation::TruncatedCloseCode);
    refuses(0x88, &[3], &[0x03, 0xE8, 0xFF], Violation::CloseReason);
    refuses(0x88, &[4], &[0x03, 0xE8, 0xE2, 0x82], Violation::CloseReason);
    for role in ROLES {
        let seen = |payload: &[u8]| {
            decode_both_ways(role, Config::default(), &frame(role, true, Opcode::Close, payload))
        };
        assert_eq!(seen(b""), [Seen::Close(None)]);
        assert_eq!(
            seen(&[0x03, 0xE8]),
            [Seen::Close(Some(Close { code: 1000, reason: String::new() }))]
        );
        assert_eq!(
            seen(b"\x03\xE8b\xC3\xA4h"),
            [Seen::Close(Some(Close { code: 1000, reason: "bäh".into() }))]
        );
    }
}

#[test]
fn close_codes() {
    let allowed = |code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    for code in 0..=u16::MAX {
        let wire = encode::close(code, "", Some(KEY));
        let expected = if allowed(code) {
            Seen::Close(Some(Close { code, reason: String::new() }))
        } else {
            Seen::Failed(Violation::CloseCode(code))
        };
        assert_eq!(decode(Role::Server, Config::default(), [&*wire]), [expected]);
    }
}

#[test]
fn text_is_utf8_over_fragments() {
    for role in ROLES {
        let parts = |parts: &[&[u8]]| {
            let mut wire = Vec::new();
            for (i, part) in parts.iter().enumerate() {
                let opcode = if i == 0 { Opcode::Text } else { Opcode::Continuation };
                wire.extend(frame(role, i + 1 == parts.len(), opcode, part));
                wire.extend(frame(role, true, Opcode::Pong, b""));
            }
            let mut seen = decode_both_ways(role, Config::default(), &wire);
            seen.retain(|seen| *seen != Seen::Pong(Vec::new()));
            seen
        };
        let data = |payload: &[u8], fin| Seen::Data(MessageType::Text, payload.to_vec(), fin);
        let failed = Seen::Failed(Violation::Text);
        assert_eq!(parts(&[b"\xE2", b"\x82", b"\xAC"]).last(), Some(&data(b"\xAC", true)));
        assert_eq!(parts(&[b"ab\xFFcd"]), [data(b"ab", false), failed.clone()]);
        assert_eq!(parts(&[b"ab\xE2\x82"]), [data(b"ab\xE2", false), failed.clone()]);
        assert_eq!(parts(&[b"ab\xE2\x82", b""]), [data(b"ab\xE2\x82", false), failed.clone()]);
        assert_eq!(parts(&[b"\xED", b"\xA0\x80"]), [data(b"\xED", false), failed.clone()]);
        assert_eq!(parts(&[b"\xFF"]), [failed]);
    }
}

#[test]
fn bad_text_fails_before_its_frame_ends() {
    let wire = raw(Role::Server, 0x01, &[100], b"\xC0");
    assert_eq!(decode(Role::Server, Config::default(), [&*wire]), [Seen::Failed(Violation::Text)]);
}

#[test]
fn utf8_is_checked_in_text_and_on_demand_only() {
    let unchecked = Config { check_utf8: false, ..Config::default() };
    let wire = frame(Role::Server, true, Opcode::Text, b"\xFF");
    let seen = decode_both_ways(Role::Server, unchecked, &wire);
    assert_eq!(seen, [Seen::Data(MessageType::Text, b"\xFF".to_vec(), true)]);
    let wire = frame(Role::Server, true, Opcode::Binary, b"\xFF");
    let seen = decode_both_ways(Role::Server, Config::default(), &wire);
    assert_eq!(seen, [Seen::Data(MessageType::Binary, b"\xFF".to_vec(), true)]);
}

#[test]
fn limits_are_checked_with_the_header() {
    let config = Config { max_frame: 5, max_message: 8, ..Config::default() };
    for role in ROLES {
        let head = |fin, opcode, length| encode::header(fin, opcode, length, key(role)).to_vec();
        let seen = |wire: &[u8]| decode_both_ways(role, config, wire);
        assert_eq!(seen(&head(true, Opcode::Text, 6)), [Seen::Failed(Violation::FrameTooBig(6))]);
        assert_eq!(
            seen(&head(false, Opcode::Binary, 1 << 40)),
            [Seen::Failed(Violation::FrameTooBig(1 << 40))]
        );

        let mut wire = frame(role, false, Opcode::Text, b"01234");
        wire.extend(frame(role, true, Opcode::Ping, b"longer than five"));
        wire.extend(head(true, Opcode::Continuation, 4));
        let data = Seen::Data(MessageType::Text, b"01234".to_vec(), false);
        let ping = Seen::Ping(b"longer than five".to_vec());
        assert_eq!(seen(&wire), [data, ping, Seen::Failed(Violation::MessageTooBig(9))]);

        let mut wire = frame(role, false, Opcode::Text, b"01234");
        wire.extend(frame(role, true, Opcode::Continuation, b"567"));
        wire.extend(frame(role, true, Opcode::Text, b"again"));
        assert_eq!(seen(&wire), [text("01234567"), text("again")]);
    }
}

#[test]
fn a_violation_is_for_ever() {
    let mut decoder = Decoder::new(Role::Server, Config::default());
    let mut wire = b"\xF1".to_vec();
    assert_eq!(decoder.next(&mut wire.as_mut_slice()), Err(Violation::ReservedBits));
    let mut wire = frame(Role::Server, true, Opcode::Text, b"fine");
    assert_eq!(decoder.next(&mut wire.as_mut_slice()), Err(Violation::ReservedBits));
    assert_eq!(decoder.next(&mut [].as_mut_slice()), Err(Violation::ReservedBits));
}

#[test]
fn nothing_counts_after_a_close() {
    for role in ROLES {
        for junk in [&b"\xFF\xFF\xFF"[..], &frame(role, true, Opcode::Text, b"late")] {
            let mut wire = frame(role, true, Opcode::Close, b"");
            wire.extend_from_slice(junk);
            assert_eq!(decode_both_ways(role, Config::default(), &wire), [Seen::Close(None)]);
        }
    }
}

#[test]
fn violations_name_their_close_codes() {
    for violation in [Violation::Text, Violation::CloseReason] {
        assert_eq!(violation.close_code(), 1007);
    }
    for violation in [Violation::FrameTooBig(1), Violation::MessageTooBig(1)] {
        assert_eq!(violation.close_code(), 1009);
    }
    for violation in [Violation::Unmasked, Violation::ReservedOpcode(3), Violation::CloseCode(1005)]
    {
        assert_eq!(violation.close_code(), 1002);
    }
}
