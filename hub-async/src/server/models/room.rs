//! Those who wait: for room in a queue, for an answer, for an end.

use std::future::poll_fn;
use std::sync::Arc;

use hub_core::CloseReason;
use loom::future::block_on;
use loom::thread::JoinHandle;

use super::{Pipe, Session, member, send};
use crate::budget::MemoryBudget;
use crate::member::Member;
use crate::signal::Signal;
use crate::slot::Slot;

/// A connection with room for one byte, which has more.
fn crowded() -> Arc<Member> {
    let member = member(1, &MemoryBudget::new(1 << 30));
    send(&member, b"abc");
    member
}

/// Waits for room on a thread of its own.
fn waiter(member: &Arc<Member>) -> JoinHandle<()> {
    let member = Arc::clone(member);
    loom::thread::spawn(move || {
        let mut listener = None;
        block_on(poll_fn(|cx| member.outlet.poll_room(&mut listener, cx)));
    })
}

#[test]
fn who_waits_for_room_is_told_of_it_by_the_session() {
    loom::model(|| {
        let (member, pipe) = (crowded(), Pipe::new(1));
        let waiter = waiter(&member);
        let session = Session::spawn(&member, pipe.clone());
        pipe.make_room(100);
        waiter.join().unwrap();
        member.close(CloseReason::Shutdown);
        session.join().unwrap();
        assert!(pipe.bytes().starts_with(b"abc"));
    });
}

#[test]
fn who_waits_for_room_is_told_of_it_by_whoever_writes_past_the_session() {
    loom::model(|| {
        let (member, pipe) = (member(1, &MemoryBudget::new(1 << 30)), Pipe::new(100));
        member.outlet.lend(pipe.clone());
        let waiter = waiter(&member);
        super::send_in_a_turn(&member, b"abc");
        waiter.join().unwrap();
        assert_eq!(pipe.bytes(), b"abc");
        member.outlet.take_back();
    });
}

#[test]
fn who_waits_for_room_is_let_go_by_the_end() {
    for reason in [CloseReason::Shutdown, CloseReason::Lost(std::io::ErrorKind::BrokenPipe)] {
        loom::model(move || {
            let (member, pipe) = (crowded(), Pipe::new(0));
            let waiter = waiter(&member);
            let session = Session::spawn(&member, pipe.clone());
            member.close(reason.clone());
            waiter.join().unwrap();
            pipe.make_room(100);
            session.join().unwrap();
        });
    }
}

#[test]
fn who_waits_for_an_answer_gets_it() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let other = Arc::clone(&slot);
        let answerer = loom::thread::spawn(move || other.put(1));
        assert_eq!(block_on(poll_fn(|cx| slot.poll_take(cx))), 1);
        answerer.join().unwrap();
    });
}

#[test]
fn a_signal_that_two_fire_reaches_whoever_waits() {
    loom::model(|| {
        let signal = Arc::new(Signal::default());
        let firing = || {
            let signal = Arc::clone(&signal);
            loom::thread::spawn(move || signal.fire())
        };
        let firing = [firing(), firing()];
        let mut listener = None;
        block_on(poll_fn(|cx| signal.poll(&mut listener, cx)));
        assert!(signal.has_fired());
        firing.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
