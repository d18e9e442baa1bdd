//! HTTP requests that take what is sent to a connection, and those that bring what it is sent.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use hub_core::endpoint::Transports;
use hub_core::limits::EARLY;
use hub_core::link::{self, Timeouts};
use hub_core::{Limits, Outbox, SlowConsumer, Timestamp};
use loom::future::block_on;
use loom::thread::{JoinHandle, spawn};

use super::{NOW, Still, send};
use crate::budget::MemoryBudget;
use crate::exchange::{Exchange, Post, Taken, Taking};
use crate::facts::RequestFacts;
use crate::hang_up::HangUp;
use crate::member::Member;
use crate::outlet::Outlet;
use crate::runtime::Clock;

/// A connection that is polled, to which so many bytes were posted.
fn polled(early: usize) -> Arc<Member> {
    let outbox = Outbox::new(&Limits::default(), SlowConsumer::Wait, NOW);
    let outlet =
        Outlet::new(outbox.without_handshake().without_framing(), MemoryBudget::new(1 << 30));
    let facts = RequestFacts::new("/", "", &HeaderMap::new(), None);
    let machine = link::Exchange::new(Transports::LONG_POLLING, Timeouts::default(), NOW);
    let exchange = Exchange::new(machine, &vec![0; early]);
    Arc::new(Member::new("1".into(), facts, outlet).with_exchange(exchange))
}

fn exchange(member: &Member) -> &Exchange {
    member.exchange().unwrap()
}

fn attach(member: &Arc<Member>) -> Taking {
    let clock = Clock::new(Arc::new(Still(Instant::now())));
    Taking::new(Arc::clone(member), clock, HangUp::default()).unwrap()
}

/// What a poll takes; nothing when another one has come, or the end.
fn take(poll: &Taking) -> Option<Vec<u8>> {
    let mut until = Timestamp::MAX;
    match block_on(poll_fn(|cx| poll.poll(&mut until, cx))) {
        Taken::Batch(batch) => {
            poll.sent(batch.len());
            Some(batch.chunks().concat())
        }
        Taken::Done(status) => {
            assert_eq!(status, 204);
            None
        }
    }
}

/// Sends one POST; false when nobody wants it.
fn post(member: &Arc<Member>, body: &'static [u8]) -> JoinHandle<bool> {
    let mut post = Post::new(Arc::clone(member)).unwrap_or_else(|_| panic!("there is a place"));
    spawn(move || {
        let mut chunk = Bytes::from_static(body);
        block_on(poll_fn(|cx| post.poll(&mut chunk, cx)))
    })
}

/// Reads what is posted, as a session does, until so many bytes have come.
fn read(member: &Member, count: usize) -> Vec<u8> {
    let mut all = Vec::new();
    block_on(poll_fn(|cx| {
        member.waker.register(cx.waker());
        if let Some(run) = exchange(member).take_input().run() {
            all.extend_from_slice(run.bytes);
        }
        if all.len() >= count { Poll::Ready(()) } else { Poll::Pending }
    }));
    all
}

#[test]
fn a_poll_that_is_about_to_wait_misses_nothing() {
    loom::model(|| {
        let member = polled(0);
        let poll = attach(&member);
        let poller = spawn(move || take(&poll));
        send(&member, b"a");
        assert_eq!(poller.join().unwrap().as_deref(), Some(&b"a"[..]));
    });
}

#[test]
fn of_a_poll_and_the_one_in_its_place_exactly_one_takes_what_is_sent() {
    loom::model(|| {
        let member = polled(0);
        let first = attach(&member);
        let first = spawn(move || take(&first));
        let other = Arc::clone(&member);
        let second = spawn(move || take(&attach(&other)));
        send(&member, b"a");
        let first = first.join().unwrap();
        if first.is_some() {
            exchange(&member).finish(NOW);
        }
        let both = [first, second.join().unwrap()];
        assert!(both == [Some(b"a".to_vec()), None] || both == [None, Some(b"a".to_vec())]);
    });
}

#[test]
fn what_a_poll_was_to_take_and_did_not_send_is_for_the_next_that_waits() {
    loom::model(|| {
        let member = polled(0);
        send(&member, b"a");
        let first = attach(&member);
        let dropped = spawn(move || {
            let mut until = Timestamp::MAX;
            if let Taken::Batch(_) = block_on(poll_fn(|cx| first.poll(&mut until, cx))) {
                first.sent(0);
            }
        });
        assert_eq!(take(&attach(&member)).as_deref(), Some(&b"a"[..]));
        dropped.join().unwrap();
    });
}

#[test]
fn a_poll_that_waits_learns_of_the_end() {
    let ends: [fn(&Exchange); 3] = [
        |exchange| exchange.finish(NOW),
        |exchange| assert!(exchange.delete()),
        |exchange| exchange.lose(),
    ];
    for end in ends {
        loom::model(move || {
            let member = polled(0);
            let poll = attach(&member);
            let poller = spawn(move || take(&poll));
            end(exchange(&member));
            assert_eq!(poller.join().unwrap(), None);
        });
    }
}

#[test]
fn posts_that_wait_for_room_and_for_each_other_are_woken_by_the_session() {
    loom::model(|| {
        let member = polled(EARLY);
        let posts = [post(&member, b"a"), post(&member, b"b")];
        let all = read(&member, EARLY + 2);
        assert_eq!(all[EARLY..], *b"ab");
        for post in posts {
            assert!(post.join().unwrap());
        }
        drop(member.waker.take());
    });
}

#[test]
fn a_post_that_waits_for_room_learns_of_the_end() {
    loom::model(|| {
        let member = polled(EARLY);
        let post = post(&member, b"a");
        exchange(&member).delete();
        assert!(!post.join().unwrap());
    });
}
