//! Random streams, whole and in pieces.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

fn config() -> impl Strategy<Value = Config> {
    let limit = || prop_oneof![3 => Just(u64::MAX), 1 => 0..400_u64];
    (limit(), limit(), any::<bool>()).prop_map(|(max_frame, max_message, check_utf8)| Config {
        max_frame,
        max_message,
        check_utf8,
    })
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => vec(any::<u8>(), 0..20), 2 => vec(any::<u8>(), 120..130), 1 => vec(any::<u8>(), 65530..65540)]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![4 => "\\PC{0,20}", 1 => "[a-zä€🦀]{0,300}"]
}

/// What a peer that keeps the rules may send.
fn polite() -> impl Strategy<Value = Seen> {
    prop_oneof![
        payload().prop_map(|payload| Seen::Data(MessageType::Binary, payload, true)),
        words().prop_map(|words| text(&words)),
        vec(any::<u8>(), 0..=125).prop_map(Seen::Ping),
        vec(any::<u8>(), 0..=125).prop_map(Seen::Pong),
    ]
}

/// Encodes, cutting the first messages where `cuts` says; the keys are the cuts too.
fn encode(role: Role, seen: &[Seen], cuts: &[Index]) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut cuts = cuts.iter();
    let mut cut = |length: usize| cuts.next().map(|cut| cut.index(length + 1));
    for seen in seen {
        let key = key(role).map(|_| (cut(usize::MAX - 1).unwrap_or(99) as u32).to_le_bytes());
        match seen {
            Seen::Data(message, payload, _) => {
                let mut opcode = (*message).into();
                let mut rest = payload.as_slice();
                while let Some(at) = cut(rest.len()) {
                    let (front, back) = rest.split_at(at);
                    encode::write_frame(&mut wire, false, opcode, front, key);
                    (opcode, rest) = (Opcode::Continuation, back);
                    if at % 2 == 0 {
                        break;
                    }
                }
                encode::write_frame(&mut wire, true, opcode, rest, key);
            }
            Seen::Ping(payload) => wire.extend_from_slice(&encode::ping(payload, key)),
            Seen::Pong(payload) => wire.extend_from_slice(&encode::pong(payload, key)),
            Seen::Close(Some(close)) => {
                wire.extend_from_slice(&encode::close(close.code, &close.reason, key))
            }
            Seen::Close(None) => encode::write_frame(&mut wire, true, Opcode::Close, b"", key),
            Seen::Failed(_) => unreachable!("nobody sends a violation"),
        }
    }
    wire
}

/// Frames, mostly well formed, in any order, with some bytes then changed.
fn impolite() -> impl Strategy<Value = (Role, Vec<u8>)> {
    let opcode = prop::sample::select(
        &[
            Opcode::Continuation,
            Opcode::Text,
            Opcode::Binary,
            Opcode::Close,
            Opcode::Ping,
            Opcode::Pong,
        ][..],
    );
    let body = prop_oneof![
        2 => payload(),
        2 => words().prop_map(String::into_bytes),
        1 => (990..1020_u16, words()).prop_map(|(code, words)| [&code.to_be_bytes(), words.as_bytes()].concat()),
    ];
    let frames = vec((any::<bool>(), opcode, body), 0..8);
    let changes = prop_oneof![1 => Just(Vec::new()), 1 => vec((any::<Index>(), any::<u8>()), 0..3)];
    (role(), frames, changes).prop_map(|(role, frames, changes)| {
        let mut wire = Vec::new();
        for (fin, opcode, body) in frames {
            wire.extend(frame(role, fin || opcode.is_control(), opcode, &body));
        }
        for (at, byte) in changes {
            if !wire.is_empty() {
                let at = at.index(wire.len());
                wire[at] = byte;
            }
        }
        (role, wire)
    })
}

/// `wire` in pieces, some of them empty.
fn split<'a>(mut wire: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for cut in cuts {
        let (front, back) = wire.split_at(cut.index(wire.len() + 1).min(300));
        chunks.push(front);
        wire = back;
    }
    chunks.push(wire);
    chunks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_one_side_sends_the_other_sees(
        role in role(),
        messages in vec(polite(), 0..8),
        close in prop::option::of((1000..=1003_u16, "\\PC{0,30}")),
        frames: Vec<Index>,
        reads: Vec<Index>,
    ) {
        let mut sent = messages;
        sent.push(Seen::Close(close.map(|(code, reason)| Close { code, reason })));
        let wire = encode(role, &sent, &frames);
        prop_assert_eq!(decode(role, Config::default(), split(&wire, &reads)), sent);
    }

    #[test]
    fn pieces_do_not_depend_on_reads((role, wire) in impolite(), config in config(), reads: Vec<Index>) {
        let whole = decode(role, config, [&*wire]);
        prop_assert_eq!(&decode(role, config, split(&wire, &reads)), &whole);
        prop_assert_eq!(&decode(role, config, wire.chunks(1)), &whole);
    }

    #[test]
    fn random_bytes_do_no_harm(role in role(), config in config(), wire: Vec<u8>, reads: Vec<Index>) {
        let whole = decode(role, config, [&*wire]);
        prop_assert_eq!(decode(role, config, split(&wire, &reads)), whole);
    }
}
