use hub_proto::{Frame, Message, TransferFormat};

use super::*;
use crate::limits::{Limits, POSTED};
use crate::outbox::{Batch, Delivery, SlowConsumer};

const T0: Timestamp = Timestamp::from_millis(1_000);

const fn after(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_000 + millis)
}

fn polls() -> Exchange {
    Exchange::new(Transports::LONG_POLLING, Timeouts::default(), T0)
}

fn events() -> Exchange {
    Exchange::new(Transports::SERVER_SENT_EVENTS, Timeouts::default(), T0)
}

fn outbox() -> Outbox {
    Outbox::new(&Limits::default(), SlowConsumer::Wait, T0).without_handshake().without_framing()
}

fn say(outbox: &mut Outbox) {
    outbox.push(&Frame::message(hub_proto::Encoding::Json, &Message::Ping), Delivery::Own);
}

fn take(outbox: &mut Outbox) {
    let mut batch = Batch::whole();
    outbox.next(&mut batch);
    outbox.written(batch.len(), T0);
}

const fn done(status: u16) -> Next {
    Next::Done { status }
}

#[test]
fn a_poll_waits_90_s_for_something_to_take() {
    let (mut exchange, mut outbox) = (polls(), outbox());
    let poll = exchange.attach(T0).unwrap();
    assert_eq!(exchange.next(poll, &outbox, T0), Next::Wait { until: after(90_000) });
    assert_eq!(exchange.next(poll, &outbox, after(89_999)), Next::Wait { until: after(90_000) });
    say(&mut outbox);
    assert_eq!(exchange.next(poll, &outbox, after(90_000)), Next::Take, "rather than nothing");
    take(&mut outbox);
    assert_eq!(exchange.next(poll, &outbox, after(90_000)), done(200));
    assert_eq!((exchange.is_over(), exchange.poll_event()), (false, None));
}

#[test]
fn another_poll_replaces_the_one_that_waits() {
    let (mut exchange, mut outbox) = (polls(), outbox());
    let first = exchange.attach(T0).unwrap();
    let second = exchange.attach(after(1)).unwrap();
    say(&mut outbox);
    assert_eq!(exchange.next(first, &outbox, after(2)), done(204), "it takes nothing any more");
    exchange.detach(first, after(2));
    assert_eq!(exchange.next(second, &outbox, after(2)), Next::Take);
}

#[test]
fn a_poll_waits_while_the_one_before_it_still_takes() {
    let (mut exchange, mut outbox) = (polls(), outbox());
    let first = exchange.attach(T0).unwrap();
    say(&mut outbox);
    assert_eq!(exchange.next(first, &outbox, T0), Next::Take);
    let mut batch = Batch::whole();
    outbox.next(&mut batch);
    let second = exchange.attach(T0).unwrap();
    exchange.finish(T0);
    assert!(matches!(exchange.next(second, &outbox, T0), Next::Wait { .. }), "not even the end");
    // It was dropped, and what it was to take is still there.
    outbox.written(0, T0);
    exchange.detach(first, T0);
    assert_eq!(exchange.next(second, &outbox, T0), Next::Take);
}

#[test]
fn the_end_is_told_behind_everything_that_waits() {
    let (mut exchange, mut outbox) = (polls(), outbox());
    say(&mut outbox);
    exchange.finish(T0);
    let poll = exchange.attach(T0).unwrap();
    assert_eq!(exchange.next(poll, &outbox, T0), Next::Take);
    take(&mut outbox);
    exchange.detach(poll, T0);
    assert!(!exchange.is_over());
    let poll = exchange.attach(T0).unwrap();
    assert_eq!(exchange.next(poll, &outbox, T0), done(204));
    assert!(exchange.is_over() && !exchange.is_given_up());
    let gone = exchange.attach(T0).unwrap_err();
    assert_eq!((gone.status, gone.headers.len()), (404, 3));
    assert_eq!((exchange.poll_event(), exchange.poll_timeout()), (None, None));
}

#[test]
fn a_connection_without_a_poll_for_longer_than_15_s_is_given_up() {
    let (mut exchange, outbox) = (polls(), outbox());
    let late = T0 + Duration::from_secs(15);
    exchange.handle_timeout(&outbox, late);
    assert!(!exchange.is_over(), "not for longer");
    let at = late + Duration::from_nanos(1);
    assert_eq!(exchange.poll_timeout(), Some(Deadline { at, why: Timer::Disconnect }));
    exchange.handle_timeout(&outbox, at);
    assert_eq!(exchange.poll_event(), Some(LinkEvent::Absent));
    assert!(exchange.is_over() && exchange.is_given_up() && exchange.is_closed());
}

#[test]
fn polls_may_come_and_go_without_a_timer_being_moved() {
    let (mut exchange, outbox) = (polls(), outbox());
    let mut now = T0;
    for _ in 0..100 {
        let poll = exchange.attach(now).unwrap();
        now = now + Duration::from_millis(700);
        assert!(matches!(exchange.next(poll, &outbox, now), Next::Wait { .. }));
        while let Some(deadline) = exchange.poll_timeout().filter(|deadline| deadline.at <= now) {
            exchange.handle_timeout(&outbox, now);
            assert!(exchange.poll_timeout().is_some_and(|next| next.at > deadline.at));
        }
        exchange.detach(poll, now);
        assert!(exchange.poll_timeout().is_some_and(|deadline| deadline.at > now));
    }
    assert!(!exchange.is_over());
}

#[test]
fn a_delete_ends_both_directions_at_once() {
    let (mut exchange, mut outbox) = (polls(), outbox());
    let poll = exchange.attach(T0).unwrap();
    say(&mut outbox);
    assert!(exchange.delete());
    assert_eq!(exchange.next(poll, &outbox, T0), done(204));
    assert_eq!(exchange.poll_event(), Some(LinkEvent::Finished));
    let place = exchange.line_up().unwrap();
    assert_eq!(exchange.post(place, &mut Bytes::from_static(b"late")), Posted::Gone);
    assert!(!exchange.delete(), "it is gone already");
    assert_eq!(exchange.poll_event(), None);
}

#[test]
fn a_stream_gives_no_way_and_its_end_is_that_of_the_connection() {
    let (mut exchange, mut outbox) = (events(), outbox());
    let stream = exchange.attach(T0).unwrap();
    assert_eq!(exchange.attach(T0).unwrap_err().status, 409);
    assert_eq!(exchange.next(stream, &outbox, T0), Next::Wait { until: Timestamp::MAX });
    say(&mut outbox);
    assert_eq!(exchange.next(stream, &outbox, T0), Next::Take);
    take(&mut outbox);
    exchange.detach(stream, T0);
    assert_eq!(exchange.poll_event(), Some(LinkEvent::Finished));
    assert!(exchange.is_over());
    let gone = exchange.attach(T0).unwrap_err();
    assert_eq!((gone.status, gone.headers.len()), (404, 0));
}

#[test]
fn a_stream_ends_behind_everything_that_waits() {
    let (mut exchange, mut outbox) = (events(), outbox());
    let stream = exchange.attach(T0).unwrap();
    say(&mut outbox);
    exchange.finish(T0);
    assert_eq!(exchange.next(stream, &outbox, T0), Next::Take);
    take(&mut outbox);
    assert!(matches!(exchange.next(stream, &outbox, T0), Next::Done { .. }));
    assert!(exchange.is_over() && !exchange.is_given_up());
}

#[test]
fn a_stream_must_take_something_within_10_s() {
    let (mut exchange, mut outbox) = (events(), outbox());
    exchange.attach(T0).unwrap();
    say(&mut outbox);
    say(&mut outbox);
    exchange.look(&outbox, after(1_000));
    let stuck_at = |millis| Some(Deadline { at: after(millis), why: Timer::Send });
    assert_eq!(exchange.poll_timeout(), stuck_at(11_000));
    let mut batch = Batch::new();
    outbox.next(&mut batch);
    outbox.written(1, after(3_000));
    exchange.took();
    exchange.look(&outbox, after(3_000));
    exchange.handle_timeout(&outbox, after(11_000));
    assert_eq!((exchange.poll_event(), exchange.poll_timeout()), (None, stuck_at(13_000)));
    take(&mut outbox);
    exchange.took();
    exchange.handle_timeout(&outbox, after(13_000));
    assert!(!exchange.is_over() && exchange.poll_timeout().is_some_and(|it| it.at > after(15_000)));
    say(&mut outbox);
    exchange.look(&outbox, after(20_000));
    exchange.handle_timeout(&outbox, after(30_000));
    assert_eq!(exchange.poll_event(), Some(LinkEvent::Stuck));
    assert!(exchange.is_given_up() && exchange.poll_timeout().is_none());
}

#[test]
fn a_stream_that_took_all_has_all_the_time_for_what_comes_next() {
    let (mut exchange, mut outbox) = (events(), outbox());
    exchange.attach(T0).unwrap();
    say(&mut outbox);
    exchange.look(&outbox, T0);
    take(&mut outbox);
    exchange.took();
    // Nobody has looked meanwhile, and the timer is still set.
    say(&mut outbox);
    exchange.handle_timeout(&outbox, after(10_000));
    assert_eq!((exchange.poll_event(), exchange.is_over()), (None, false));
    let at = after(20_000);
    exchange.handle_timeout(&outbox, at);
    assert_eq!(exchange.poll_event(), Some(LinkEvent::Stuck));
}

#[test]
fn a_farewell_takes_no_longer_than_15_s() {
    for mut exchange in [events(), polls()] {
        let request = exchange.attach(T0).unwrap();
        exchange.finish(after(1_000));
        let until = Deadline { at: after(16_000), why: Timer::Close };
        exchange.handle_timeout(&outbox(), after(15_001));
        assert_eq!(exchange.poll_timeout(), Some(until));
        exchange.handle_timeout(&outbox(), after(15_999));
        assert!(!exchange.is_over());
        exchange.handle_timeout(&outbox(), after(16_000));
        assert!(exchange.is_given_up());
        assert_eq!(exchange.next(request, &outbox(), after(16_000)), done(204));
    }
}

#[test]
fn at_the_end_a_client_is_away_between_polls_for_no_longer_than_5_s() {
    for (finished, left) in [(1_000, 0), (0, 1_000)] {
        let (mut exchange, outbox) = (polls(), outbox());
        let poll = exchange.attach(T0).unwrap();
        if left == 0 {
            exchange.detach(poll, T0);
        }
        exchange.finish(after(finished));
        exchange.detach(poll, after(left));
        exchange.handle_timeout(&outbox, after(6_000));
        assert!(!exchange.is_over(), "not for longer");
        let at = after(6_000) + Duration::from_nanos(1);
        assert_eq!(exchange.poll_timeout(), Some(Deadline { at, why: Timer::Disconnect }));
        exchange.handle_timeout(&outbox, at);
        assert!(exchange.is_given_up());
    }
}

#[test]
fn a_stream_is_looked_after_though_nobody_tells() {
    let (mut exchange, mut outbox) = (events(), outbox());
    exchange.attach(T0).unwrap();
    say(&mut outbox);
    let look = exchange.poll_timeout().unwrap().at;
    assert_eq!(look, after(15_000) + Duration::from_nanos(1));
    exchange.handle_timeout(&outbox, look);
    let at = look + Duration::from_secs(10);
    assert_eq!(exchange.poll_timeout(), Some(Deadline { at, why: Timer::Send }));
    exchange.handle_timeout(&outbox, at);
    assert_eq!(exchange.poll_event(), Some(LinkEvent::Stuck));
}

#[test]
fn a_poll_that_does_not_get_rid_of_what_it_takes_is_stuck_and_holds_up_no_other_for_ever() {
    let (mut exchange, mut outbox) = (polls(), outbox());
    exchange.attach(T0).unwrap();
    say(&mut outbox);
    outbox.next(&mut Batch::whole());
    let second = exchange.attach(T0).unwrap();
    assert_eq!(exchange.next(second, &outbox, T0), Next::Wait { until: after(90_000) });
    exchange.look(&outbox, after(1_000));
    exchange.handle_timeout(&outbox, after(11_000));
    assert_eq!((exchange.poll_event(), exchange.is_given_up()), (Some(LinkEvent::Stuck), true));
    assert_eq!(exchange.next(second, &outbox, after(11_000)), done(204));
}

#[test]
fn posts_come_in_one_after_the_other() {
    let mut exchange = events();
    let [first, second] = [(); 2].map(|()| exchange.line_up().unwrap());
    let mut late = Bytes::from_static(b"second");
    assert_eq!(exchange.post(second, &mut late), Posted::Waits);
    assert_eq!(late, "second", "it is kept");
    assert_eq!(exchange.post(first, &mut Bytes::from_static(b"one")), Posted::Taken);
    assert_eq!(exchange.post(first, &mut Bytes::from_static(b"two")), Posted::Taken);
    assert!(exchange.leave(first), "another one waits for that");
    assert_eq!(exchange.post(second, &mut late), Posted::Taken);
    assert!(!exchange.leave(second));
    assert_eq!(exchange.unread(), 12);
    let input = exchange.take_input();
    let run = input.run().map(|run| (run.bytes, run.format));
    assert_eq!(run, Some((&b"onetwosecond"[..], TransferFormat::Text)));
    assert_eq!((exchange.unread(), input.made_room()), (0, false));
}

#[test]
fn one_who_gives_up_its_place_holds_up_nobody() {
    let mut exchange = polls();
    let places = [(); 3].map(|()| exchange.line_up().unwrap());
    assert!(!exchange.leave(places[1]), "it was not its turn");
    assert!(exchange.leave(places[0]));
    assert_eq!(exchange.post(places[2], &mut Bytes::from_static(b"x")), Posted::Taken);
}

#[test]
fn posts_wait_from_64_kib_on_until_all_is_taken() {
    let mut exchange = polls();
    exchange.post_early(b"early");
    let place = exchange.line_up().unwrap();
    let mut chunk = Bytes::from(vec![0; POSTED]);
    assert_eq!(exchange.post(place, &mut chunk), Posted::Taken, "one chunk more");
    let mut more = Bytes::from_static(b"more");
    assert_eq!(exchange.post(place, &mut more), Posted::Waits);
    let input = exchange.take_input();
    assert!(input.made_room());
    assert_eq!(input.run().map(|run| run.bytes.len()), Some(5 + POSTED));
    assert_eq!(exchange.post(place, &mut more), Posted::Taken);
    exchange.finish(T0);
    assert_eq!(exchange.post(place, &mut Bytes::from_static(b"x")), Posted::Gone);
}

#[test]
fn small_posts_do_not_keep_what_they_were_cut_from() {
    let mut exchange = polls();
    let place = exchange.line_up().unwrap();
    let buffer = Bytes::from(vec![7; 8192]);
    for at in 0..100 {
        assert_eq!(exchange.post(place, &mut buffer.slice(at..=at)), Posted::Taken);
    }
    assert!(buffer.is_unique(), "the buffer is kept for the sake of 100 bytes");
    assert_eq!(exchange.unread(), 100);
}

#[test]
fn what_was_posted_before_the_end_can_still_be_taken() {
    let mut exchange = polls();
    let place = exchange.line_up().unwrap();
    exchange.post(place, &mut Bytes::from_static(b"last"));
    exchange.delete();
    assert_eq!(exchange.take_input().run().map(|run| run.bytes), Some(&b"last"[..]));
    assert!(exchange.take_input().run().is_none());
}

#[test]
fn no_more_than_100_posts_wait_in_line() {
    let mut exchange = polls();
    let places: Vec<_> = (0..100).map(|_| exchange.line_up().unwrap()).collect();
    assert_eq!(exchange.line_up(), None);
    exchange.leave(places[50]);
    assert!(exchange.line_up().is_some());
}
