//! One link in the place of another.

use std::sync::Arc;

use hub_core::{CloseReason, Delivery, Limits};
use hub_proto::{Encoding, Frame, Message};

use super::{Pipe, Session, in_a_turn, roomy};
use crate::deliver::deliver;
use crate::inbox::NewLink;
use crate::member::Member;

fn frame(text: &str) -> Frame {
    Frame::result(Encoding::Json, "1", text).unwrap()
}

fn wire(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.websocket().to_vec()).collect()
}

/// A connection with stateful reconnect, whose client has spoken.
fn resumable() -> Arc<Member> {
    let member = roomy();
    let mut outlet = member.outlet.lock();
    outlet.resumable(&Limits::default());
    outlet.spoke();
    drop(outlet);
    member
}

fn send(member: &Arc<Member>, frame: &Frame) {
    if member.send(frame, Delivery::Hub).wake {
        deliver(&mut vec![Arc::clone(member)]);
    }
}

/// Sends messages, so many before anything else, one past the session and the others behind it, while another
/// link is offered, and sees what has come over which.
fn exchange(old: &Arc<Pipe>, breaks: bool, before: usize, texts: &'static [&str]) {
    let (member, new) = (resumable(), Pipe::new(1000));
    let frames: Vec<_> = texts.iter().map(|text| frame(text)).collect();
    let sent = wire(&frames);
    let mut frames = frames.into_iter();
    frames.by_ref().take(before).for_each(|frame| send(&member, &frame));
    let session = Session::spawn(&member, Arc::clone(old) as _);
    let other = Arc::clone(&member);
    let pusher = loom::thread::spawn(move || {
        // Where it is the last, nobody but its writer wakes a session that waits for the end of this write.
        frames.by_ref().take(1).for_each(|frame| in_a_turn(|| send(&other, &frame)));
        frames.for_each(|frame| send(&other, &frame));
    });
    if breaks {
        old.break_off();
    }
    member.offer(NewLink::new(new.clone(), Vec::new()));
    // Nothing was acked: all of it comes over the new link, again or for the first time.
    let first = Frame::message(Encoding::Json, &Message::Sequence(1));
    let all = [wire(&[first]), sent.clone()].concat();
    new.wait_for(all.len());
    pusher.join().unwrap();
    assert_eq!(new.bytes(), all);
    assert!(sent.starts_with(&old.bytes()));
    member.close(CloseReason::Shutdown);
    session.join().unwrap();
    assert_eq!([old.shutdowns(), new.shutdowns()], [1, 1]);
}

#[test]
fn what_leaves_while_a_link_is_replaced_comes_over_the_new_one() {
    loom::model(|| exchange(&Pipe::new(1000), false, 1, &["a", "b"]));
}

#[test]
fn what_has_left_in_part_comes_whole_over_the_new_link() {
    loom::model(|| exchange(&Pipe::new(5), false, 0, &["a", "b"]));
}

#[test]
fn what_a_broken_link_has_not_taken_comes_over_the_new_one() {
    loom::model(|| exchange(&Pipe::new(5), true, 0, &["a", "b"]));
}
