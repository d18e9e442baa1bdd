mod random;
mod resume;

use hub_proto::{Close, Encoding, Message, TransferFormat};

use super::*;

const NOW: Timestamp = Timestamp::ZERO;

fn outbox(policy: SlowConsumer) -> Outbox {
    let limits = Limits { soft_output: 120, hard_output: 240, ..Limits::default() };
    let mut outbox = Outbox::new(&limits, policy, NOW);
    assert_eq!(
        outbox.push(&Frame::handshake(TransferFormat::Text, None), Delivery::Own),
        Pushed::Queued
    );
    drain(&mut outbox);
    outbox
}

/// A frame of that size, header included, up to 127 bytes; a little more above.
fn frame(size: usize, mark: char) -> Frame {
    let shell = Frame::result(Encoding::Json, "1", "").unwrap().websocket().len();
    let text = mark.to_string().repeat(size - shell);
    Frame::result(Encoding::Json, "1", &text).unwrap()
}

fn drain(outbox: &mut Outbox) -> Vec<u8> {
    let mut out = Vec::new();
    while !outbox.is_empty() {
        let mut batch = Batch::new();
        outbox.next(&mut batch);
        out.extend(batch.chunks().concat());
        outbox.written(batch.len(), NOW);
    }
    assert_eq!(outbox.usage(), 0);
    out
}

fn marks(outbox: &mut Outbox) -> String {
    let text = String::from_utf8_lossy(&drain(outbox)).into_owned();
    let mut marks: Vec<char> = text.chars().filter(|c| "WXYZ".contains(*c)).collect();
    marks.dedup();
    marks.into_iter().collect()
}

#[test]
fn of_messages_with_one_key_only_the_latest_waits() {
    use Pushed::{Dropped, Queued, Waiting};
    let key = |key| Delivery::Latest(NonZeroU32::new(key).unwrap());
    let push = |policy, messages: &[(usize, char, Delivery)]| {
        let mut outbox = outbox(policy);
        let pushed: Vec<_> = messages
            .iter()
            .map(|&(size, mark, delivery)| outbox.push(&frame(size, mark), delivery))
            .collect();
        (pushed, marks(&mut outbox))
    };
    // Below the budget as above it: the later one is queued where it comes, in the place of nothing else.
    let two = [(60, 'W', key(1)), (60, 'X', key(1))];
    assert_eq!(push(SlowConsumer::Wait, &two), (vec![Queued, Queued], "X".to_owned()));
    let three = [(60, 'W', key(1)), (60, 'X', key(2)), (60, 'Y', key(1))];
    for policy in [SlowConsumer::Wait, SlowConsumer::DropNewest, SlowConsumer::Close] {
        let (pushed, left) = push(policy, &three);
        assert_eq!((pushed, left.as_str()), (vec![Queued; 3], "XY"), "{policy:?}");
    }
    // With nothing to replace, the policy holds.
    let others = [(60, 'W', key(1)), (60, 'X', Delivery::Hub), (60, 'Y', key(2))];
    assert_eq!(
        push(SlowConsumer::Wait, &others),
        (vec![Queued, Queued, Waiting], "WXY".to_owned())
    );
    assert_eq!(
        push(SlowConsumer::DropNewest, &others),
        (vec![Queued, Queued, Dropped], "WX".to_owned())
    );
    // What has begun to leave is not replaced.
    let mut outbox = outbox(SlowConsumer::Wait);
    outbox.push(&frame(60, 'W'), key(1));
    let mut batch = Batch::new();
    outbox.next(&mut batch);
    outbox.written(10, NOW);
    outbox.push(&frame(60, 'X'), key(2));
    outbox.push(&frame(60, 'Y'), key(1));
    assert_eq!(marks(&mut outbox), "WXY");
}

#[test]
fn what_waits_is_shown_without_its_bytes() {
    let mut outbox = outbox(SlowConsumer::Wait);
    let limits = Limits { unacked: 1, ..Limits::default() };
    outbox.resumable(&limits);
    outbox.spoke();
    for step in ["kept", "queued", "held"] {
        let frame = Frame::result(Encoding::Json, "1", "secret").unwrap();
        outbox.push(&frame, Delivery::Hub);
        let mut batch = Batch::new();
        outbox.next(&mut batch);
        let shown = format!("{frame:?} {outbox:?} {batch:?}");
        assert!(!shown.contains("secret"), "{step}: {shown}");
        assert!(shown.contains("Counted"), "{shown}");
        outbox.written(if step == "kept" { batch.len() } else { 0 }, NOW);
        outbox.acked(1);
    }
}

#[test]
fn nothing_leaves_before_the_handshake_answer_or_after_close() {
    let mut outbox = Outbox::new(&Limits::default(), SlowConsumer::Wait, NOW);
    let ping = Frame::message(Encoding::Json, &Message::Ping);
    assert_eq!(outbox.push(&ping, Delivery::Own), Pushed::Refused);
    assert_eq!(
        outbox.push(&Frame::handshake(TransferFormat::Text, None), Delivery::Own),
        Pushed::Queued
    );
    assert_eq!(outbox.push(&ping, Delivery::Own), Pushed::Queued);
    assert_eq!(
        outbox.push(&Frame::close(Encoding::Json, Close::default()), Delivery::Own),
        Pushed::Queued
    );
    assert_eq!(outbox.push(&ping, Delivery::Own), Pushed::Refused);
    assert_eq!(
        drain(&mut outbox),
        b"\x81\x03{}\x1e\x81\x0b{\"type\":6}\x1e\x81\x0b{\"type\":7}\x1e"
    );
}

#[test]
fn without_a_handshake_messages_leave_at_once_but_none_behind_the_end() {
    let limits = Limits { soft_output: 4, hard_output: 6, ..Limits::default() };
    let mut outbox = Outbox::new(&limits, SlowConsumer::DropNewest, NOW).without_handshake();
    let push = |outbox: &mut Outbox| outbox.push_raw(Bytes::from_static(b"\x82\x01x"));
    assert_eq!([push(&mut outbox), push(&mut outbox)], [Pushed::Queued, Pushed::Waiting]);
    assert_eq!([push(&mut outbox), push(&mut outbox)], [Pushed::Waiting, Pushed::Overflow]);
    outbox.seal(None);
    assert_eq!(push(&mut outbox), Pushed::Refused);
    assert_eq!(drain(&mut outbox), b"\x82\x01x\x82\x01x\x82\x01x");
    let mut shut = Outbox::new(&limits, SlowConsumer::Wait, NOW);
    assert_eq!(push(&mut shut), Pushed::Refused);
}

#[test]
fn a_message_without_a_byte_waits_for_nothing_but_is_refused_like_others() {
    let outbox = Outbox::new(&Limits::default(), SlowConsumer::Wait, NOW).without_framing();
    let mut outbox = outbox.without_handshake();
    assert_eq!(outbox.push_raw(Bytes::new()), Pushed::Queued);
    assert!(outbox.is_empty());
    outbox.seal(None);
    assert_eq!(outbox.push_raw(Bytes::new()), Pushed::Refused);
}

#[test]
fn each_policy_holds_from_the_soft_budget_on() {
    let push = |policy, sizes: &[(usize, char)]| {
        let mut outbox = outbox(policy);
        let pushed: Vec<_> = sizes
            .iter()
            .map(|&(size, mark)| outbox.push(&frame(size, mark), Delivery::Hub))
            .collect();
        (pushed, marks(&mut outbox))
    };
    let three = [(60, 'W'), (60, 'X'), (60, 'Y')];
    use Pushed::{Dropped, Overflow, Queued, Waiting};
    assert_eq!(push(SlowConsumer::Wait, &three), (vec![Queued, Queued, Waiting], "WXY".to_owned()));
    assert_eq!(
        push(SlowConsumer::DropNewest, &three),
        (vec![Queued, Queued, Dropped], "WX".to_owned())
    );
    assert_eq!(
        push(SlowConsumer::DropOldest, &three),
        (vec![Queued, Queued, Queued], "XY".to_owned())
    );
    assert_eq!(
        push(SlowConsumer::Close, &three),
        (vec![Queued, Queued, Overflow], "WX".to_owned())
    );
    assert_eq!(push(SlowConsumer::DropNewest, &[(150, 'W')]), (vec![Waiting], "W".to_owned()));
}

#[test]
fn a_message_may_overshoot_the_hard_budget_but_none_is_queued_above_it() {
    let mut outbox = outbox(SlowConsumer::Wait);
    assert_eq!(outbox.push(&frame(500, 'W'), Delivery::Hub), Pushed::Waiting);
    assert_eq!(outbox.push(&frame(60, 'X'), Delivery::Hub), Pushed::Overflow);
    assert_eq!(outbox.push(&frame(60, 'Y'), Delivery::Own), Pushed::Overflow);
    assert_eq!(
        outbox.push(&Frame::close(Encoding::Json, Close::default()), Delivery::Own),
        Pushed::Waiting
    );
}

#[test]
fn the_oldest_is_kept_once_it_has_begun_to_leave_and_answers_are_always_kept() {
    let mut outbox = outbox(SlowConsumer::DropOldest);
    outbox.push(&frame(60, 'W'), Delivery::Hub);
    outbox.push(&frame(60, 'X'), Delivery::Own);
    outbox.written(1, NOW);
    outbox.push(&frame(60, 'Y'), Delivery::Hub);
    outbox.push(&frame(60, 'Z'), Delivery::Hub);
    assert_eq!(marks(&mut outbox), "WXZ");
}

#[test]
fn what_is_being_written_is_not_dropped_meanwhile() {
    let mut outbox = outbox(SlowConsumer::DropOldest);
    outbox.push(&frame(60, 'W'), Delivery::Hub);
    outbox.push(&frame(60, 'X'), Delivery::Hub);
    let mut batch = Batch::new();
    outbox.next(&mut batch);
    outbox.push(&frame(60, 'Y'), Delivery::Hub);
    outbox.written(batch.len(), NOW);
    outbox.push(&frame(60, 'Z'), Delivery::Hub);
    assert_eq!(marks(&mut outbox), "YZ");
}

#[test]
fn whoever_finds_no_room_is_told_of_it_whatever_took_it() {
    let mut outbox = outbox(SlowConsumer::Wait);
    assert_eq!(outbox.push(&frame(125, 'W'), Delivery::Hub), Pushed::Waiting);
    let mut batch = Batch::new();
    outbox.next(&mut batch);
    outbox.written(40, NOW);
    assert!(outbox.takes_more_again());
    // Who waits was told, but a pong is faster.
    outbox.push_control(Bytes::from_static(&[0; 60]));
    assert!(!outbox.has_room());
    batch.clear();
    outbox.next(&mut batch);
    outbox.written(batch.len(), NOW);
    assert!(outbox.takes_more_again());
    assert!(!outbox.takes_more_again() && outbox.has_room());
}

#[test]
fn a_control_frame_goes_between_whole_frames_only_and_replaces_the_last() {
    let mut outbox = outbox(SlowConsumer::Wait);
    let ping = Frame::message(Encoding::Json, &Message::Ping);
    outbox.push(&ping, Delivery::Own);
    outbox.push(&ping, Delivery::Own);
    outbox.push_control(Bytes::from_static(b"1"));
    outbox.written(3, NOW);
    outbox.push_control(Bytes::from_static(b"3"));
    outbox.push_control(Bytes::from_static(b"2"));
    outbox.seal(Some(Bytes::from_static(b"end")));
    let whole = ping.websocket();
    assert_eq!(drain(&mut outbox), [&whole[2..], b"2", whole, b"end"].concat());
}

#[test]
fn an_outbox_takes_no_more_than_its_part_of_an_idle_connection() {
    assert!(size_of::<Outbox>() <= 96, "{}", size_of::<Outbox>());
}
