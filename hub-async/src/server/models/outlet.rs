//! Pushes, and whoever writes what was pushed.

use std::sync::Arc;

use hub_core::CloseReason;

use super::{Pipe, Session, member, roomy, send, send_in_a_turn};
use crate::budget::{MemoryBudget, STEP};

/// The close that a link ends with.
const CLOSE: &[u8] = b"\x88\x02\x03\xe8";

/// Those that are in the other, in its order.
fn only(of: &[u8], bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| of.contains(byte)).collect()
}

#[test]
fn what_two_push_leaves_once_and_in_the_order_of_each() {
    loom::model(|| {
        let (member, pipe) = (roomy(), Pipe::new(100));
        let session = Session::spawn(&member, pipe.clone());
        let other = Arc::clone(&member);
        let pusher = loom::thread::spawn(move || {
            send(&other, b"a");
            send(&other, b"b");
        });
        send(&member, b"x");
        send(&member, b"y");
        // Nobody does more than to push, and the session does not sleep on it.
        pipe.wait_for(4);
        pusher.join().unwrap();
        member.close(CloseReason::Shutdown);
        session.join().unwrap();
        let bytes = pipe.bytes();
        assert_eq!((only(b"ab", &bytes), only(b"xy", &bytes)), (b"ab".to_vec(), b"xy".to_vec()));
        assert_eq!(bytes[4..], *CLOSE);
    });
}

#[test]
fn what_is_written_past_the_session_leaves_once_and_in_order() {
    loom::model(|| {
        let (member, pipe) = (roomy(), Pipe::new(100));
        let session = Session::spawn(&member, pipe.clone());
        let other = Arc::clone(&member);
        let pusher = loom::thread::spawn(move || send_in_a_turn(&other, b"ab"));
        send_in_a_turn(&member, b"xy");
        pipe.wait_for(4);
        pusher.join().unwrap();
        member.close(CloseReason::Shutdown);
        session.join().unwrap();
        let bytes = pipe.bytes();
        assert!(bytes.starts_with(b"abxy") || bytes.starts_with(b"xyab"), "{bytes:?}");
        assert_eq!(bytes[4..], *CLOSE);
    });
}

#[test]
fn a_socket_that_takes_a_part_gets_the_rest_from_the_session() {
    loom::model(|| {
        let (member, pipe) = (roomy(), Pipe::new(1));
        let session = Session::spawn(&member, pipe.clone());
        let other = Arc::clone(&member);
        let pusher = loom::thread::spawn(move || send_in_a_turn(&other, b"ab"));
        pipe.wait_for(1);
        pipe.make_room(100);
        pipe.wait_for(2);
        pusher.join().unwrap();
        member.close(CloseReason::Shutdown);
        session.join().unwrap();
        assert_eq!(pipe.bytes(), [b"ab", CLOSE].concat());
    });
}

#[test]
fn whoever_writes_while_the_socket_is_taken_back_loses_and_doubles_nothing() {
    loom::model(|| {
        let (member, pipe) = (roomy(), Pipe::new(100));
        let session = Session::spawn(&member, pipe.clone());
        let other = Arc::clone(&member);
        let pusher = loom::thread::spawn(move || {
            send_in_a_turn(&other, b"ab");
            send_in_a_turn(&other, b"cd");
        });
        member.close(CloseReason::Shutdown);
        pusher.join().unwrap();
        session.join().unwrap();
        // Each is written whole, in front of the close, or refused with everything behind it.
        let bytes = pipe.bytes();
        let pushed = bytes.strip_suffix(CLOSE).expect("the close is the last");
        assert!(b"abcd".starts_with(pushed) && pushed.len() % 2 == 0, "{bytes:?}");
        assert_eq!(pipe.shutdowns(), 1);
    });
}

#[test]
fn nothing_is_kept_or_counted_behind_the_end_of_a_link() {
    loom::model(|| {
        const MESSAGE: &[u8] = &[0; 2 * STEP];
        let budget = MemoryBudget::new(1 << 20);
        let (member, pipe) = (member(1 << 16, &budget), Pipe::new(STEP));
        let session = Session::spawn(&member, pipe.clone());
        let other = Arc::clone(&member);
        let pusher = loom::thread::spawn(move || send_in_a_turn(&other, MESSAGE));
        send(&member, MESSAGE);
        pipe.break_off();
        member.close(CloseReason::Lost(std::io::ErrorKind::BrokenPipe));
        pusher.join().unwrap();
        session.join().unwrap();
        send(&member, MESSAGE);
        assert!(member.outlet.lock().is_empty());
        assert_eq!(member.outlet.lock().usage(), 0);
        assert_eq!(budget.used(), 0);
        pipe.bytes();
    });
}

#[test]
fn a_budget_that_connections_share_is_counted_back_to_nothing() {
    loom::model(|| {
        const MESSAGE: &[u8] = &[0; STEP];
        let budget = MemoryBudget::new(1 << 20);
        let (one, two) = (member(1 << 16, &budget), member(1 << 16, &budget));
        let other = Arc::clone(&one);
        let pusher = loom::thread::spawn(move || {
            send(&other, MESSAGE);
            send(&other, MESSAGE);
        });
        send(&two, MESSAGE);
        one.outlet.lock().abandon();
        pusher.join().unwrap();
        drop((one, two));
        assert_eq!(budget.used(), 0);
    });
}
