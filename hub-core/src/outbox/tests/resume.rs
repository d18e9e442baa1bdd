use super::*;

const LIMIT: usize = 150;

/// One whose handshake is answered, and whose client counts.
fn resumable(unacked: usize) -> Outbox {
    let mut outbox = unspoken(Limits { unacked, ..Limits::default() });
    outbox.spoke();
    outbox
}

fn unspoken(limits: Limits) -> Outbox {
    let mut outbox = Outbox::new(&limits, SlowConsumer::Wait, NOW);
    outbox.push(&Frame::handshake(TransferFormat::Text, None), Delivery::Own);
    outbox.resumable(&limits);
    leave(&mut outbox);
    outbox
}

fn push(outbox: &mut Outbox, frames: &[Frame]) {
    for frame in frames {
        assert_eq!(outbox.push(frame, Delivery::Hub), Pushed::Queued);
    }
}

/// Writes everything that may leave.
fn leave(outbox: &mut Outbox) -> Vec<u8> {
    let mut out = Vec::new();
    while !outbox.is_empty() {
        out.extend(write(outbox, usize::MAX));
    }
    out
}

/// Writes one batch to a link that takes at most so many bytes.
fn write(outbox: &mut Outbox, most: usize) -> Vec<u8> {
    let mut batch = Batch::new();
    outbox.next(&mut batch);
    let mut bytes = batch.chunks().concat();
    bytes.truncate(most);
    outbox.written(bytes.len(), NOW);
    bytes
}

fn relink(outbox: &mut Outbox) {
    let sequence = sequence(outbox.sequence());
    assert!(outbox.relink(&sequence));
}

fn sequence(number: u64) -> Frame {
    Frame::message(Encoding::Json, &Message::Sequence(number as i64))
}

fn ack(number: i64) -> Frame {
    Frame::message(Encoding::Json, &Message::Ack(number))
}

fn ping() -> Frame {
    Frame::message(Encoding::Json, &Message::Ping)
}

fn close() -> Frame {
    Frame::close(Encoding::Json, Close::default())
}

/// Frames of 60 bytes.
fn frames(marks: &str) -> Vec<Frame> {
    marks.chars().map(|mark| frame(60, mark)).collect()
}

fn whole<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> String {
    text(&frames.into_iter().map(|frame| &frame.websocket()[..]).collect::<Vec<_>>().concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What leaves on a new link: a Sequence, and what is behind it.
fn resent<'a>(number: u64, frames: impl IntoIterator<Item = &'a Frame>) -> String {
    whole([&sequence(number)]) + &whole(frames)
}

#[test]
fn a_write_that_is_stuck_when_the_link_is_replaced_begins_again_on_the_next() {
    let (mut outbox, two) = (resumable(LIMIT), frames("WX"));
    push(&mut outbox, &two);
    assert_eq!(write(&mut outbox, 20).len(), 20);
    relink(&mut outbox);
    assert_eq!(text(&leave(&mut outbox)), resent(1, &two));
    assert_eq!(outbox.usage(), 0);
}

#[test]
fn what_is_not_acked_leaves_again_on_every_link_and_what_is_acked_does_not() {
    let (mut outbox, two) = (resumable(LIMIT), frames("WX"));
    push(&mut outbox, &two[..1]);
    assert_eq!(text(&leave(&mut outbox)), whole(&two[..1]));
    for _ in 0..2 {
        assert!(outbox.unlink());
        relink(&mut outbox);
        assert_eq!(text(&leave(&mut outbox)), resent(1, &two[..1]));
    }
    outbox.acked(1);
    relink(&mut outbox);
    push(&mut outbox, &two[1..]);
    assert_eq!(text(&leave(&mut outbox)), resent(2, &two[1..]));
}

#[test]
fn of_1000_messages_exactly_those_that_are_not_acked_leave_again() {
    for acked in [0, 1, 9, 10, 499, 998, 999, 1_000] {
        let (mut outbox, all) = (resumable(100_000), vec![frame(60, 'W'); 1_000]);
        push(&mut outbox, &all);
        leave(&mut outbox);
        outbox.acked(acked);
        relink(&mut outbox);
        let again = all.iter().skip(acked as usize);
        assert_eq!(text(&leave(&mut outbox)), resent(acked + 1, again));
    }
}

#[test]
fn over_the_limit_a_message_waits_for_the_ack_of_the_one_before() {
    let (mut outbox, two) = (resumable(1), frames("WX"));
    push(&mut outbox, &two);
    assert_eq!(text(&leave(&mut outbox)), whole(&two[..1]));
    assert!(outbox.is_empty() && !outbox.wants_items());
    assert_eq!(outbox.usage(), 60);
    outbox.acked(1);
    assert!(outbox.wants_items());
    assert_eq!(text(&leave(&mut outbox)), whole(&two[1..]));
}

#[test]
fn what_is_not_counted_passes_what_is_held() {
    let (mut outbox, two) = (resumable(1), frames("WX"));
    push(&mut outbox, &[&two[..], &[ping(), ack(3)]].concat());
    outbox.push_control(Bytes::from_static(b"pong"));
    let passed = whole(&[two[0].clone(), ping(), ack(3)]);
    assert_eq!(text(&leave(&mut outbox)), "pong".to_owned() + &passed);
}

#[test]
fn what_is_sent_again_all_leaves_although_it_is_acked_meanwhile() {
    let (mut outbox, three) = (resumable(LIMIT), frames("WXY"));
    push(&mut outbox, &three);
    leave(&mut outbox);
    relink(&mut outbox);
    let begun = text(&write(&mut outbox, 30));
    outbox.acked(3);
    push(&mut outbox, &frames("Z"));
    let behind = text(&leave(&mut outbox));
    assert_eq!(begun + &behind, resent(1, three.iter().chain(&frames("Z"))));
    relink(&mut outbox);
    assert_eq!(text(&leave(&mut outbox)), resent(4, &frames("Z")));
}

#[test]
fn an_ack_of_ours_leaves_behind_what_is_sent_again_and_once() {
    let (mut outbox, two) = (resumable(LIMIT), frames("WX"));
    push(&mut outbox, &two);
    leave(&mut outbox);
    relink(&mut outbox);
    let begun = text(&write(&mut outbox, 30));
    push(&mut outbox, &[ack(7)]);
    let behind = text(&leave(&mut outbox));
    assert_eq!(begun + &behind, resent(1, two.iter().chain([&ack(7)])));
    relink(&mut outbox);
    assert_eq!(text(&leave(&mut outbox)), resent(1, &two));
}

#[test]
fn a_close_takes_along_what_is_held_and_ends_the_resumption() {
    let (mut outbox, three) = (resumable(1), frames("WXY"));
    push(&mut outbox, &three);
    push(&mut outbox, &[close()]);
    assert_eq!((outbox.is_resumable(), outbox.unlink()), (false, false));
    assert!(!outbox.relink(&sequence(1)));
    assert_eq!(text(&leave(&mut outbox)), whole(three.iter().chain([&close()])));
    assert_eq!((outbox.usage(), outbox.is_sealed()), (0, true));

    let mut sealed = resumable(1);
    push(&mut sealed, &three);
    assert_eq!(write(&mut sealed, 20).len(), 20);
    sealed.seal(Some(Bytes::from_static(b"end")));
    assert_eq!(sealed.usage(), 3 * 60 + 3 - 20);
    let first = text(&three[0].websocket()[20..]);
    assert_eq!(text(&leave(&mut sealed)), first + &whole(&three[1..]) + "end");
}

#[test]
fn a_close_without_a_link_leaves_nothing_to_wait_for() {
    let end: [fn(&mut Outbox); 2] = [
        |outbox| assert_eq!(outbox.push(&close(), Delivery::Own), Pushed::Refused),
        |outbox| outbox.seal(Some(Bytes::from_static(b"end"))),
    ];
    for end in end {
        let mut outbox = resumable(1);
        push(&mut outbox, &frames("WXY"));
        assert!(outbox.unlink());
        end(&mut outbox);
        assert!(outbox.is_sealed() && outbox.is_empty() && !outbox.is_resumable());
        assert_eq!((outbox.usage(), write(&mut outbox, 100)), (0, vec![]));
    }
}

#[test]
fn an_ack_of_what_was_never_sent_acks_what_was() {
    let (mut outbox, three) = (resumable(LIMIT), frames("WXY"));
    push(&mut outbox, &three[..2]);
    write(&mut outbox, 90);
    outbox.acked(u64::MAX);
    outbox.acked(0);
    push(&mut outbox, &three[2..]);
    leave(&mut outbox);
    relink(&mut outbox);
    assert_eq!(text(&leave(&mut outbox)), resent(2, &three[1..]));
}

#[test]
fn an_ack_that_is_faster_than_the_report_of_the_write_counts() {
    let (mut outbox, three) = (resumable(1), frames("WXY"));
    push(&mut outbox, &three);
    let mut batch = Batch::new();
    outbox.next(&mut batch);
    outbox.acked(1);
    outbox.written(batch.len(), NOW);
    // Nothing of the third is on its way, whatever is said.
    assert_eq!(text(&write(&mut outbox, 20)), text(&three[1].websocket()[..20]));
    outbox.acked(2);
    batch.clear();
    outbox.next(&mut batch);
    outbox.acked(u64::MAX);
    outbox.acked(0);
    outbox.written(batch.len(), NOW);
    assert_eq!(text(&leave(&mut outbox)), whole(&three[2..]));
    relink(&mut outbox);
    assert_eq!(text(&leave(&mut outbox)), resent(3, &three[2..]));
}

#[test]
fn an_ack_of_what_a_link_was_offered_and_did_not_take_is_not_remembered() {
    let (mut outbox, two) = (resumable(LIMIT), frames("WX"));
    push(&mut outbox, &two);
    let mut batch = Batch::new();
    outbox.next(&mut batch);
    outbox.acked(2);
    outbox.written(90, NOW);
    leave(&mut outbox);
    relink(&mut outbox);
    assert_eq!(text(&leave(&mut outbox)), resent(2, &two[1..]));
}

#[test]
fn an_ack_that_is_faster_than_the_loss_of_the_link_counts() {
    for (acked, first) in [(0, 1), (1, 1), (2, 3), (u64::MAX, 4)] {
        let (mut outbox, all) = (resumable(LIMIT), frames("WXYZ"));
        push(&mut outbox, &all[..1]);
        leave(&mut outbox);
        relink(&mut outbox);
        push(&mut outbox, &all[1..]);
        let mut batch = Batch::new();
        outbox.next(&mut batch);
        assert_eq!(batch.chunks().len(), 4, "the last one is held");
        outbox.acked(acked);
        outbox.lose_link();
        relink(&mut outbox);
        let behind = text(&leave(&mut outbox));
        outbox.acked(3);
        let behind = behind + &text(&leave(&mut outbox));
        assert_eq!(behind, resent(first, &all[first as usize - 1..]));
    }
}

#[test]
fn what_is_replaced_makes_room_for_what_is_held() {
    let (mut outbox, three) = (resumable(1), frames("WXY"));
    let key = Delivery::Latest(NonZeroU32::MIN);
    for (frame, delivery) in three.iter().zip([key, Delivery::Hub, key]) {
        assert_eq!(outbox.push(frame, delivery), Pushed::Queued);
    }
    assert_eq!(text(&leave(&mut outbox)), whole(&three[1..2]));
    outbox.acked(1);
    assert_eq!(text(&leave(&mut outbox)), whole(&three[2..]));
}

#[test]
fn what_was_held_leaves_behind_what_leaves_again() {
    let (mut outbox, three) = (resumable(1), frames("WXY"));
    push(&mut outbox, &three);
    leave(&mut outbox);
    relink(&mut outbox);
    assert_eq!(text(&leave(&mut outbox)), resent(1, &three[..1]));
    outbox.acked(1);
    assert_eq!(text(&leave(&mut outbox)), whole(&three[1..2]));
    relink(&mut outbox);
    outbox.acked(2);
    assert_eq!(text(&leave(&mut outbox)), resent(2, &three[1..]));
}

#[test]
fn a_second_link_before_all_left_on_the_first_begins_at_the_last_ack() {
    let (mut outbox, all) = (resumable(1_000), frames("WXYZ"));
    push(&mut outbox, &all);
    leave(&mut outbox);
    relink(&mut outbox);
    let sequence = sequence(1).websocket().len();
    assert_eq!(write(&mut outbox, sequence + 90).len(), sequence + 90);
    relink(&mut outbox);
    assert_eq!(write(&mut outbox, sequence + 130).len(), sequence + 130);
    // Whoever acks the third one has it from the first link, but may be waiting for it on this one.
    outbox.acked(3);
    relink(&mut outbox);
    assert_eq!(text(&leave(&mut outbox)), resent(3, &all[2..]));
    relink(&mut outbox);
    assert_eq!(text(&leave(&mut outbox)), resent(4, &all[3..]));
}

#[test]
fn messages_wait_until_the_client_counts_or_comes_back() {
    let limits = Limits { unacked: LIMIT, ..Limits::default() };
    let begin: [fn(&mut Outbox); 2] = [Outbox::spoke, relink];
    for (begin, first) in begin.into_iter().zip([String::new(), resent(1, [])]) {
        let (mut outbox, two) = (unspoken(limits), frames("WX"));
        push(&mut outbox, &two);
        push(&mut outbox, &[ping()]);
        assert_eq!(text(&leave(&mut outbox)), whole(&[ping()]));
        outbox.acked(5);
        assert!(outbox.is_empty() && !outbox.wants_items());
        begin(&mut outbox);
        assert_eq!(text(&leave(&mut outbox)), first + &whole(&two));
    }
}

#[test]
fn nobody_waits_for_a_link_that_is_to_come_back_but_the_hard_budget_holds() {
    let limits = Limits { soft_output: 100, hard_output: 200, ..Limits::default() };
    let mut outbox = unspoken(limits);
    outbox.spoke();
    let one = frame(60, 'W');
    assert_eq!(outbox.push(&one, Delivery::Hub), Pushed::Queued);
    assert_eq!(outbox.push(&one, Delivery::Hub), Pushed::Waiting);
    assert!(!outbox.takes_more_again());
    assert!(outbox.unlink());
    assert!(outbox.takes_more_again() && outbox.has_room() && !outbox.wants_items());
    assert_eq!(outbox.push(&ping(), Delivery::Own), Pushed::Refused);
    outbox.push_control(Bytes::from_static(b"pong"));
    assert_eq!(outbox.push(&one, Delivery::Hub), Pushed::Queued);
    assert_eq!(outbox.push(&one, Delivery::Hub), Pushed::Queued);
    assert_eq!(outbox.push(&one, Delivery::Hub), Pushed::Overflow);
    assert!(outbox.is_empty() && write(&mut outbox, 1).is_empty());
    relink(&mut outbox);
    assert!(!outbox.has_room());
    assert_eq!(text(&leave(&mut outbox)), resent(1, &vec![one; 4]));
    assert!(outbox.takes_more_again());
}

#[test]
fn a_stream_that_waits_for_what_is_held_is_told_when_that_leaves() {
    let (mut outbox, two) = (resumable(1), frames("WX"));
    push(&mut outbox, &two);
    leave(&mut outbox);
    relink(&mut outbox);
    outbox.acked(1);
    assert!(outbox.waits_for_acks() && !outbox.wants_items() && !outbox.takes_more_again());
    assert_eq!(text(&leave(&mut outbox)), resent(1, &two));
    assert!(outbox.takes_more_again() && outbox.wants_items() && !outbox.waits_for_acks());
    assert!(!outbox.takes_more_again());
}

#[test]
fn nobody_waits_for_a_client_that_replaces_its_links_and_acks_nothing() {
    let limits = Limits { soft_output: 100, unacked: 1, ..Limits::default() };
    let mut outbox = unspoken(limits);
    outbox.spoke();
    for frame in frames("VWX") {
        outbox.push(&frame, Delivery::Hub);
        leave(&mut outbox);
    }
    for _ in 0..2 {
        relink(&mut outbox);
        leave(&mut outbox);
        assert!(!outbox.has_room());
    }
    relink(&mut outbox);
    assert!(outbox.has_room());
    leave(&mut outbox);
    outbox.push(&frame(60, 'Y'), Delivery::Hub);
    outbox.acked(1);
    leave(&mut outbox);
    assert!(!outbox.has_room(), "it acks again");
}

#[test]
fn what_leaves_again_is_no_part_of_the_budgets() {
    let limits = Limits { soft_output: 100, hard_output: 200, ..Limits::default() };
    let mut outbox = unspoken(limits);
    outbox.spoke();
    let all = frames("WXYZ");
    for frame in &all {
        push(&mut outbox, std::slice::from_ref(frame));
        leave(&mut outbox);
    }
    relink(&mut outbox);
    assert_eq!(outbox.usage(), sequence(1).websocket().len());
    push(&mut outbox, &frames("V"));
    assert_eq!(text(&leave(&mut outbox)), resent(1, all.iter().chain(&frames("V"))));
}

#[test]
fn what_leaves_past_the_limit_is_a_part_of_the_hard_budget_until_it_is_acked() {
    use Pushed::{Overflow, Queued, Waiting};
    let limits = Limits { unacked: 1, soft_output: 120, hard_output: 360, ..Limits::default() };
    let mut outbox = unspoken(limits);
    outbox.spoke();
    let push = |outbox: &mut Outbox| outbox.push(&frame(60, 'W'), Delivery::Own);
    for pushed in [Queued, Queued, Waiting, Waiting] {
        assert_eq!(push(&mut outbox), pushed);
    }
    assert_eq!(leave(&mut outbox).len(), 60);
    outbox.release_past_limit();
    assert_eq!(leave(&mut outbox).len(), 120, "half of what is between the budgets");
    outbox.release_past_limit();
    assert!(outbox.is_empty() && outbox.waits_for_acks());
    assert_eq!([outbox.usage(), outbox.footprint()], [60, 240]);
    for pushed in [Queued, Waiting, Waiting, Waiting, Overflow] {
        assert_eq!(push(&mut outbox), pushed);
    }
    outbox.acked(1);
    assert_eq!(push(&mut outbox), Overflow, "it is no part of what may be kept");
    outbox.acked(2);
    assert_eq!(push(&mut outbox), Waiting);
    outbox.acked(3);
    assert_eq!(leave(&mut outbox).len(), 60);
    outbox.release_past_limit();
    assert_eq!(leave(&mut outbox).len(), 120);
}

#[test]
fn of_what_waits_for_acks_only_acks_and_counted_messages_are_progress() {
    let (mut outbox, all) = (resumable(70), frames("VWXY"));
    push(&mut outbox, &all);
    let half = write(&mut outbox, 10).len();
    assert!(outbox.made_progress(half > 0) && !outbox.made_progress(false));
    leave(&mut outbox);
    assert!(outbox.waits_for_acks());
    assert!(outbox.made_progress(true), "messages have left");
    push(&mut outbox, &[ping()]);
    leave(&mut outbox);
    assert!(!outbox.made_progress(true));
    outbox.acked(1);
    assert!(outbox.made_progress(false) && !outbox.made_progress(false));
    leave(&mut outbox);
    assert!(outbox.made_progress(false));
    outbox.acked(1);
    assert!(!outbox.made_progress(false), "that is no news");
    outbox.acked(2);
    outbox.acked(3);
    leave(&mut outbox);
    assert!(outbox.made_progress(false) && !outbox.waits_for_acks());
    push(&mut outbox, &[ping()]);
    assert!(outbox.made_progress(true), "nothing else waits");
}

#[test]
fn nothing_leaves_past_the_limit_before_the_client_counts_nor_without_a_link() {
    let limits = Limits { unacked: 1, ..Limits::default() };
    let mut outbox = unspoken(limits);
    push(&mut outbox, &frames("WX"));
    outbox.release_past_limit();
    assert!(outbox.is_empty());
    outbox.spoke();
    assert_eq!(leave(&mut outbox).len(), frame(60, 'W').websocket().len());
    assert!(outbox.unlink());
    outbox.release_past_limit();
    assert!(outbox.is_empty());
}

#[test]
fn the_oldest_is_dropped_before_it_has_a_number_and_never_after() {
    let limits = Limits { soft_output: 130, unacked: 60, ..Limits::default() };
    let mut outbox = Outbox::new(&limits, SlowConsumer::DropOldest, NOW);
    outbox.push(&Frame::handshake(TransferFormat::Text, None), Delivery::Own);
    outbox.resumable(&limits);
    outbox.spoke();
    leave(&mut outbox);
    let all = frames("VWXYZ");
    push(&mut outbox, &all[..1]);
    leave(&mut outbox);
    relink(&mut outbox);
    // The first waits to leave again, the second enters the queue, and the rest is held.
    push(&mut outbox, &all[1..]);
    let kept = [&all[0], &all[4]];
    assert_eq!(text(&leave(&mut outbox)), resent(1, kept));
    assert_eq!(outbox.sequence(), 1);
    outbox.acked(2);
    assert_eq!((outbox.sequence(), outbox.usage()), (3, 0));
}

#[test]
fn a_link_is_not_replaced_while_somebody_writes_to_it_nor_before_the_handshake() {
    let mut outbox = resumable(LIMIT);
    push(&mut outbox, &frames("W"));
    let mut batch = Batch::new();
    outbox.next(&mut batch);
    assert!(!outbox.unlink() && !outbox.relink(&sequence(1)));
    outbox.written(batch.len(), NOW);
    assert!(outbox.was_waited_for() && outbox.unlink());

    let mut shut = Outbox::new(&Limits::default(), SlowConsumer::Wait, NOW);
    shut.resumable(&Limits::default());
    assert!(!shut.unlink() && !shut.is_resumable());
    assert!(!super::outbox(SlowConsumer::Wait).unlink());
}

#[test]
fn what_is_not_counted_passes_even_the_hard_budget() {
    let limits = Limits { unacked: 1, soft_output: 50, hard_output: 100, ..Limits::default() };
    let mut outbox = unspoken(limits);
    outbox.spoke();
    for frame in frames("WXY") {
        outbox.push(&frame, Delivery::Own);
    }
    assert_eq!(outbox.push(&frame(60, 'Z'), Delivery::Own), Pushed::Overflow);
    assert_ne!(outbox.push(&ack(1), Delivery::Own), Pushed::Overflow);
    assert_ne!(outbox.push(&ping(), Delivery::Own), Pushed::Overflow);
    let left = text(&leave(&mut outbox));
    assert!(left.contains(r#""type":8"#) && left.contains(r#""type":6"#), "{left}");
}
