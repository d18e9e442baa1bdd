//! Whole sessions, byte by byte.

use std::time::Duration;

use hub_proto::Encoding;
use hub_proto::ws::{Opcode, Violation, encode};

use super::*;
use crate::close::PeerFault;

const NOW: Timestamp = Timestamp::ZERO;
const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

/// A session that has shaken hands, the answer to which waits.
fn session() -> Session {
    let facts = TransportFacts::websocket(0);
    greeted(Session::websocket(Arc::default(), Timeouts::default(), facts, NOW))
}

/// The same, of a client whose pipes may be replaced.
fn resumable(config: Config) -> Session {
    let facts = TransportFacts::websocket(0).resumable();
    let mut session = Session::websocket(Arc::new(config), Timeouts::default(), facts, NOW);
    receive(&mut session, Opcode::Text, b"{\"protocol\":\"json\",\"version\":2}\x1e");
    accept(session)
}

fn greeted(mut session: Session) -> Session {
    receive(&mut session, Opcode::Text, b"{\"protocol\":\"json\",\"version\":1}\x1e");
    accept(session)
}

fn accept(mut session: Session) -> Session {
    while let Some(event) = session.poll_event(NOW) {
        if let Event::Handshake(_) = event {
            session.connection().welcome(NOW);
            session.connection().accept(NOW);
        }
    }
    session
}

fn receive(session: &mut Session, opcode: Opcode, payload: &[u8]) {
    let mut frame = Vec::new();
    encode::write_frame(&mut frame, true, opcode, payload, KEY);
    session.handle_input(&mut frame, NOW);
}

fn closed(session: &mut Session) -> Option<CloseReason> {
    match session.poll_event(NOW)? {
        Event::Closed(reason) => Some(reason),
        event => panic!("{event:?}"),
    }
}

fn write(session: &mut Session) -> Vec<u8> {
    let mut batch = Batch::new();
    session.next(&mut batch, NOW);
    session.written(batch.len(), NOW);
    batch.chunks().concat()
}

#[test]
fn the_policy_for_slow_consumers_is_the_embedders_choice() {
    let limits = Limits { soft_output: 100, ..Limits::default() };
    let config = Arc::new(Config { limits, ..Config::default() });
    let frame = Frame::invocation(Encoding::Json, None, "T", &("x".repeat(80),)).unwrap();
    for (policy, third) in [
        (SlowConsumer::default(), Pushed::Waiting),
        (SlowConsumer::DropNewest, Pushed::Dropped),
        (SlowConsumer::DropOldest, Pushed::Waiting),
        (SlowConsumer::Close, Pushed::Overflow),
    ] {
        let facts = TransportFacts::websocket(0);
        let session = Session::websocket(config.clone(), Timeouts::default(), facts, NOW);
        let mut session = greeted(session.slow_consumer(policy));
        write(&mut session);
        assert!(session.wants_items() && session.usage() == 0);
        assert_eq!(session.send(&frame, NOW), Pushed::Waiting);
        assert_eq!(session.usage(), frame.websocket().len());
        assert!(!session.wants_items());
        assert_eq!(session.send(&frame, NOW), third, "{policy:?}");
        while session.usage() > 0 {
            write(&mut session);
        }
        assert!(session.wants_items());
    }
}

#[test]
fn an_answer_for_which_there_is_no_room_ends_the_connection_at_once() {
    let limits = Limits { hard_output: 100, ..Limits::default() };
    let config = Arc::new(Config { limits, ..Config::default() });
    let facts = TransportFacts::websocket(0);
    let mut session = greeted(Session::websocket(config, Timeouts::default(), facts, NOW));
    let frame = Frame::invocation(Encoding::Json, None, "T", &("x".repeat(100),)).unwrap();
    assert_eq!(session.send(&frame, NOW), Pushed::Queued);
    let refused =
        b"{\"type\":1,\"invocationId\":\"0\",\"target\":\"T\",\"arguments\":[],\"streamIds\":[\"1\",\"1\"]}\x1e";
    receive(&mut session, Opcode::Text, refused);
    assert_eq!(closed(&mut session), Some(CloseReason::SlowConsumer));
}

#[test]
fn a_time_older_than_the_last_one_counts_as_the_last_one() {
    let mut session = session();
    let last = Timestamp::from_millis(1_000);
    session.handle_timeout(last);
    receive(&mut session, Opcode::Close, b"\x03\xe8");
    assert_eq!(closed(&mut session), Some(CloseReason::Ended));
    let at = last + Timeouts::default().close;
    assert_eq!(session.poll_timeout(), Some(Deadline { at, why: Timer::Close }));
}

#[test]
fn a_session_is_shown_without_what_the_hub_sends() {
    let mut session = session();
    session.send(&Frame::result(Encoding::Json, "1", "secret").unwrap(), NOW);
    let shown = format!("{session:?}");
    assert!(shown.contains("Entry") && !shown.contains("secret"), "{shown}");
}

#[test]
fn a_pipe_that_breaks_leaves_nothing_to_do_whatever_waited() {
    let mut lost = session();
    receive(&mut lost, Opcode::Ping, b"p");
    lost.handle_end(ErrorKind::ConnectionReset, NOW);
    assert_eq!(closed(&mut lost), Some(CloseReason::Lost(ErrorKind::ConnectionReset)));
    assert!(write(&mut lost).is_empty() && lost.is_done());
}

#[test]
fn so_does_one_that_breaks_behind_the_peers_close() {
    let mut session = session();
    receive(&mut session, Opcode::Close, b"\x03\xe8");
    assert_eq!(closed(&mut session), Some(CloseReason::Ended));
    assert!(!session.is_done());
    session.handle_end(ErrorKind::BrokenPipe, NOW);
    assert!(session.is_done() && session.poll_event(NOW).is_none());
}

#[test]
fn what_came_before_a_broken_frame_is_told_however_it_is_cut() {
    let call = b"{\"type\":1,\"target\":\"T\",\"arguments\":[]}\x1e";
    let mut input = Vec::new();
    encode::write_frame(&mut input, true, Opcode::Text, call, KEY);
    input.extend_from_slice(b"\x81\x00");
    for cut in 0..input.len() {
        let mut session = session();
        let mut bytes = input.clone();
        let (one, two) = bytes.split_at_mut(cut);
        session.handle_input(one, NOW);
        session.handle_input(two, NOW);
        assert!(matches!(session.poll_event(NOW), Some(Event::Invoked(_))), "cut at {cut}");
        let violation = PeerFault::WebSocket(Violation::Unmasked);
        assert_eq!(closed(&mut session), Some(CloseReason::Peer(violation)));
    }
}

#[test]
fn a_peer_that_closes_gets_what_waits_and_the_close_behind_it() {
    let mut session = session();
    receive(&mut session, Opcode::Close, b"\x03\xe8");
    assert_eq!(closed(&mut session), Some(CloseReason::Ended));
    assert_eq!(
        write(&mut session),
        b"\x81\x03{}\x1e\x81\x21{\"type\":7,\"allowReconnect\":true}\x1e"
    );
    assert!(!session.is_done());
    assert_eq!(write(&mut session), b"\x88\x02\x03\xe8");
    assert!(session.is_done());
}

#[test]
fn what_was_said_leaves_before_what_is_sent_behind_it() {
    let mut session = session();
    let call = b"{\"type\":1,\"invocationId\":\"1\",\"target\":\"T\",\"arguments\":[]}\x1e";
    receive(&mut session, Opcode::Text, call);
    let Some(Event::Invoked(call)) = session.poll_event(NOW) else { panic!("no call") };
    write(&mut session);
    session.connection().admit(call.id);
    session.connection().complete(call.id, call.reply.void(), NOW);
    let frame = Frame::invocation(Encoding::Json, None, "T", &()).unwrap();
    session.send(&frame, NOW);
    let answer = Frame::void(Encoding::Json, "1");
    assert_eq!(write(&mut session), [&answer.websocket()[..], frame.websocket()].concat());
}

#[test]
fn a_client_that_acks_nothing_for_10_s_needs_another_pipe() {
    let limits = Limits { unacked: 10, ..Limits::default() };
    let mut session = resumable(Config { limits, ..Config::default() });
    receive(&mut session, Opcode::Text, b"{\"type\":6}\x1e");
    let frame = Frame::invocation(Encoding::Json, None, "T", &("x",)).unwrap();
    session.send(&frame, NOW);
    write(&mut session);
    assert!(session.poll_timeout().is_none_or(|next| next.why != Timer::Send));
    session.send(&frame, NOW);
    assert!(write(&mut session).is_empty(), "it waits for an Ack");
    let stuck = Deadline { at: NOW + Duration::from_secs(10), why: Timer::Send };
    assert_eq!(session.poll_timeout(), Some(stuck));
    receive(&mut session, Opcode::Text, b"{\"type\":8,\"sequenceId\":1}\x1e");
    assert_eq!(write(&mut session), *frame.websocket());
    session.send(&frame, NOW);
    assert!(write(&mut session).is_empty());
    session.handle_timeout(stuck.at);
    assert!(session.is_down());
}

/// Lets calls run, or wait for those that do.
fn admit(session: &mut Session) {
    while let Some(event) = session.poll_event(NOW) {
        let Event::Invoked(call) = event else { panic!("{event:?}") };
        session.connection().admit(call.id);
    }
}

#[test]
fn an_ack_that_may_be_behind_what_is_not_read_is_waited_for_only_over_half_the_budget() {
    let frame = Frame::invocation(Encoding::Json, None, "T", &("x",)).unwrap();
    let one = frame.websocket().to_vec();
    let (unacked, soft) = (10, 100);
    let hard_output = soft + 2 * (2 * one.len());
    let limits =
        Limits { unacked, soft_output: soft, hard_output, parked: 100, ..Limits::default() };
    let mut session = resumable(Config { limits, ..Config::default() });
    write(&mut session);
    let call = b"{\"type\":1,\"target\":\"T\",\"arguments\":[\"some of what may wait\"]}\x1e";
    receive(&mut session, Opcode::Text, call);
    admit(&mut session);
    session.send(&frame, NOW);
    session.send(&frame, NOW);
    assert_eq!(write(&mut session), one);
    assert!(write(&mut session).is_empty(), "all is read, and there was no Ack");
    receive(&mut session, Opcode::Text, &call.repeat(3));
    admit(&mut session);
    assert!(session.connection().unread() > 0);
    assert_eq!(write(&mut session), one);
    session.send(&frame, NOW);
    assert_eq!(write(&mut session), one);
    assert!(!session.outbox.waits_for_acks());
    session.send(&frame, NOW);
    assert!(write(&mut session).is_empty() && session.outbox.waits_for_acks());
    session.handle_timeout(NOW + Duration::from_secs(10));
    assert!(session.is_down());
}

#[test]
fn pings_to_a_client_that_acks_nothing_do_not_keep_its_pipe() {
    let limits = Limits { unacked: 10, ..Limits::default() };
    let interval = Duration::from_secs(4);
    let config = Config { limits, keep_alive_interval: interval, ..Config::default() };
    let mut session = resumable(config);
    receive(&mut session, Opcode::Text, b"{\"type\":6}\x1e");
    let frame = Frame::invocation(Encoding::Json, None, "T", &("x",)).unwrap();
    session.send(&frame, NOW);
    session.send(&frame, NOW);
    while !write(&mut session).is_empty() {}
    for second in [4, 8] {
        let now = NOW + Duration::from_secs(second);
        session.handle_timeout(now);
        let mut batch = Batch::new();
        session.next(&mut batch, now);
        assert_eq!(batch.chunks().concat(), b"\x81\x0b{\"type\":6}\x1e");
        session.written(batch.len(), now);
    }
    session.handle_timeout(NOW + Duration::from_secs(10));
    assert!(session.is_down());
}

#[test]
fn nothing_leaves_by_a_pipe_that_breaks_before_the_handshake_is_answered() {
    let facts = TransportFacts::websocket(0).resumable();
    let mut session = Session::websocket(Arc::default(), Timeouts::default(), facts, NOW);
    receive(&mut session, Opcode::Text, b"{\"protocol\":\"json\",\"version\":2}\x1e");
    assert!(matches!(session.poll_event(NOW), Some(Event::Handshake(_))));
    session.connection().welcome(NOW);
    session.connection().accept(NOW);
    session.handle_end(ErrorKind::ConnectionReset, NOW);
    assert!(session.is_down());
    let frame = Frame::invocation(Encoding::Json, None, "T", &("x",)).unwrap();
    session.send(&frame, NOW);
    assert!(write(&mut session).is_empty() && !session.wants_items());
    assert!(session.poll_timeout().is_none_or(|next| next.why != Timer::Send));
}

#[test]
fn what_waits_when_a_pipe_breaks_leaves_by_the_next_one() {
    let mut session = resumable(Config::default());
    let told = |number: u8| Frame::invocation(Encoding::Json, None, "T", &(number,)).unwrap();
    assert_eq!(session.send(&told(1), NOW), Pushed::Queued);
    assert_eq!(write(&mut session), b"\x81\x03{}\x1e", "the client does not count yet");
    receive(&mut session, Opcode::Text, b"{\"type\":6}\x1e");
    let one = told(1).websocket().to_vec();
    assert_eq!(write(&mut session), one);
    session.handle_end(ErrorKind::ConnectionReset, NOW);
    assert!(session.is_down() && session.is_done() && session.poll_event(NOW).is_none());
    assert_eq!(session.send(&told(2), NOW), Pushed::Queued);
    assert!(write(&mut session).is_empty());

    assert!(session.relink(NOW) && !session.is_down() && !session.is_done());
    let sequence = b"\x81\x1a{\"type\":9,\"sequenceId\":1}\x1e".to_vec();
    assert_eq!(write(&mut session), [sequence, one, told(2).websocket().to_vec()].concat());
    receive(&mut session, Opcode::Close, b"\x03\xe8");
    assert_eq!(closed(&mut session), Some(CloseReason::Ended));
    assert!(!session.relink(NOW), "an end in good order is final");
}

#[test]
fn what_may_have_left_when_a_pipe_is_lost_has_its_number_and_nothing_takes_its_place() {
    let limits = Limits { soft_output: 100, ..Limits::default() };
    let [one, two] = ["one", "two"]
        .map(|target| Frame::invocation(Encoding::Json, None, target, &("x".repeat(80),)).unwrap());
    let lose: [fn(&mut Session); 3] = [
        |session| session.handle_end(ErrorKind::UnexpectedEof, NOW),
        |session| session.handle_timeout(NOW + Timeouts::default().send),
        |session| assert!(session.relink(NOW)),
    ];
    for lose in lose {
        let session = resumable(Config { limits, ..Config::default() });
        let mut session = session.slow_consumer(SlowConsumer::DropOldest);
        receive(&mut session, Opcode::Text, b"{\"type\":6}\x1e");
        write(&mut session);
        session.send(&one, NOW);
        let mut batch = Batch::new();
        session.next(&mut batch, NOW);
        session.written(1, NOW);
        batch.clear();
        session.next(&mut batch, NOW);
        assert_eq!(batch.len(), one.websocket().len() - 1);
        // It arrives, and nobody says so.
        lose(&mut session);
        session.send(&two, NOW);
        assert!(!session.is_down() || session.relink(NOW));
        let sequence = b"\x81\x1a{\"type\":9,\"sequenceId\":1}\x1e";
        let behind = [one.websocket(), two.websocket()];
        assert_eq!(write(&mut session), [&sequence[..], behind[0], behind[1]].concat());
    }
}
