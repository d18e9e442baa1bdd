//! Models of what threads do to a connection at the same time; `scripts/loom` runs them.
//!
//! A model is a few threads over the real outlets, inboxes and carriers. Loom runs it in every order of
//! their steps, and with every value that a load may give, with no more preemptions than the script says. A
//! thread that is not woken when it should be is a deadlock, which fails the model.

mod inbox;
mod inlet;
mod links;
mod outlet;
mod pipe;
mod requests;
mod room;
mod session;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use hub_core::{Limits, Outbox, SlowConsumer, Timestamp};
use hyper::rt::{Sleep, Timer};
use hyper::upgrade::Upgraded;

use self::pipe::Pipe;
use self::session::Session;
use crate::budget::MemoryBudget;
use crate::deliver::{Turn, deliver, deliver_deferred};
use crate::facts::RequestFacts;
use crate::member::Member;
use crate::outlet::Outlet;
use crate::runtime::{Clock, Runtime, Task};
use crate::socket::Socket;

const NOW: Timestamp = Timestamp::ZERO;

/// A connection that is open, with so many bytes as its soft budget.
fn member(soft: usize, budget: &MemoryBudget) -> Arc<Member> {
    let limits = Limits { soft_output: soft, ..Limits::default() };
    let outbox = Outbox::new(&limits, SlowConsumer::Wait, NOW).without_handshake();
    let facts = RequestFacts::new("/", "", &HeaderMap::new(), None);
    Arc::new(Member::new("1".into(), facts, Outlet::new(outbox, budget.clone())))
}

/// A connection without a limit that matters.
fn roomy() -> Arc<Member> {
    member(1 << 16, &MemoryBudget::new(1 << 30))
}

/// Sends outside of any turn, as a task of the application's does.
fn send(member: &Arc<Member>, message: &'static [u8]) {
    if member.outlet.push_raw(Bytes::from_static(message)).wake {
        deliver(&mut vec![Arc::clone(member)]);
    }
}

/// Does the same in the turn of another session, at the end of which it is written.
fn send_in_a_turn(member: &Arc<Member>, message: &'static [u8]) {
    in_a_turn(|| send(member, message));
}

fn in_a_turn(act: impl FnOnce()) {
    let turn = Turn::begin(&roomy());
    act();
    deliver_deferred(&Clock::new(Arc::new(Still(Instant::now()))), &(Arc::new(Nothing) as _));
    drop(turn);
}

/// A time that stands still.
struct Still(Instant);

impl Timer for Still {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        unreachable!("nobody sleeps")
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
        unreachable!("nobody sleeps")
    }

    fn now(&self) -> Instant {
        self.0
    }
}

/// A runtime of which nothing is wanted.
struct Nothing;

impl Runtime for Nothing {
    fn spawn(&self, _: Task) {
        unreachable!("so few are written to in place")
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        unreachable!("nobody asks")
    }

    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded> {
        Err(upgraded)
    }
}
