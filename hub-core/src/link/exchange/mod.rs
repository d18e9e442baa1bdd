//! A connection whose two directions are HTTP requests of their own.

mod posts;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use hub_proto::TransferFormat;

use super::{LinkEvent, Timeouts};
use crate::endpoint::{Answer, Transports};
use crate::outbox::Outbox;
use crate::time::{Deadline, Timer, Timestamp};

use self::posts::Posts;
pub use self::posts::{Input, Place, Posted};

/// What the client POSTs, and who takes what is sent to it: one stream of Server-Sent Events, or one poll after
/// another.
///
/// It holds no output: that waits in the [`Outbox`] until a request takes it, so that nothing is lost with a
/// request that goes away. Only the latest request may take anything.
///
/// ```text
///          attach                 finish
/// Absent ──────────▶ Attached   ──────────▶ Ending ──all is taken, and the end told──▶ Over
///    ▲                  │                                                             ▲
///    └──a poll is done──┤                                                             │
///    └────── no poll comes in time; the stream is dropped or stuck; DELETE ───────────┘
/// ```
#[derive(Debug)]
pub struct Exchange {
    timeouts: Timeouts,
    /// Whether its output is taken by polls.
    polled: bool,
    stage: Stage,
    taker: Taker,
    latest: u32,
    /// When it is worth looking whether somebody takes the output.
    look_at: Timestamp,
    posts: Posts,
    event: Option<LinkEvent>,
    /// Since when a stream has taken nothing of what waits, or a poll has held what it is to take.
    stuck_since: Option<Timestamp>,
    given_up: bool,
}

/// Which request takes the output; a later one takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// Nobody has more to send, since then.
    Ending {
        since: Timestamp,
    },
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taker {
    /// No request is there, since then.
    Absent { since: Timestamp },
    /// One is; a poll until then.
    Attached { until: Timestamp },
}

/// What a request that takes output does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It waits for more; a poll until then.
    Wait {
        /// When a poll is [asked](Exchange::next) again at the latest.
        until: Timestamp,
    },
    /// It takes what there is.
    Take,
    /// It is done: a stream ends, a poll is answered without a body by that status, 200 or 204.
    Done {
        /// The status of the answer.
        status: u16,
    },
}

impl Exchange {
    /// The connection that a request of that transport has just opened: Server-Sent Events, whose request is still
    /// to be [attached](Self::attach), or long polling, whose first poll is [answered at once](Answer::polled).
    pub fn new(transport: Transports, timeouts: Timeouts, now: Timestamp) -> Self {
        Self {
            polled: transport == Transports::LONG_POLLING,
            stage: Stage::Open,
            taker: Taker::Absent { since: now },
            latest: 0,
            look_at: now,
            posts: Posts::default(),
            event: None,
            stuck_since: None,
            given_up: false,
            timeouts,
        }
    }

    // Requests that take output.

    /// A request is to take the output. A poll replaces the one before it, which takes nothing any more; a stream
    /// gives no way.
    pub fn attach(&mut self, now: Timestamp) -> Result<Generation, Answer> {
        match (self.stage, self.taker) {
            (Stage::Over, _) => return Err(self.answer(Answer::gone())),
            (_, Taker::Attached { .. }) if !self.polled => return Err(Answer::already_attached()),
            _ => {}
        }
        self.latest = self.latest.wrapping_add(1);
        let until = if self.polled { now + self.timeouts.poll } else { Timestamp::MAX };
        self.taker = Taker::Attached { until };
        self.look_at = self.look_at.max(self.absent_until(now));
        Ok(Generation(self.latest))
    }

    /// What a request does next; asked again when something was queued or taken, when it is over, and in time.
    pub fn next(&mut self, request: Generation, outbox: &Outbox, now: Timestamp) -> Next {
        let Taker::Attached { until } = self.taker else { return Next::Done { status: 204 } };
        if request.0 != self.latest || self.stage == Stage::Over {
            return Next::Done { status: 204 };
        }
        // Else the one before is still taking something.
        if !outbox.is_lent() {
            if !outbox.is_empty() {
                return Next::Take;
            }
            if matches!(self.stage, Stage::Ending { .. }) {
                self.be_over();
                return Next::Done { status: 204 };
            }
        }
        if now >= until {
            self.detach(request, now);
            return Next::Done { status: 200 };
        }
        Next::Wait { until }
    }

    /// A request is done, or gone: another poll may come, but the end of a stream is that of the connection.
    pub fn detach(&mut self, request: Generation, now: Timestamp) {
        if request.0 != self.latest || !matches!(self.taker, Taker::Attached { .. }) {
            return;
        }
        self.taker = Taker::Absent { since: now };
        if !self.polled {
            self.input_over(LinkEvent::Finished);
            self.be_over();
        }
    }

    /// The client takes its leave of a connection that is polled. False if there is nothing to take leave of any
    /// more.
    pub fn delete(&mut self) -> bool {
        let deleted = self.stage != Stage::Over;
        self.input_over(LinkEvent::Finished);
        self.be_over();
        deleted
    }

    // Requests that bring input.

    /// Gives a POST its place in line: their bodies come in one after the other. None behind 100 others.
    pub fn line_up(&mut self) -> Option<Place> {
        self.posts.line_up()
    }

    /// Takes the next bytes of a body, if its turn has come and there is room; 64 KiB, and one chunk more.
    pub fn post(&mut self, place: Place, chunk: &mut Bytes) -> Posted {
        if self.is_closed() {
            return Posted::Gone;
        }
        self.posts.put(place, chunk)
    }

    /// A POST is done, or gone. True if another one may have waited for that.
    pub fn leave(&mut self, place: Place) -> bool {
        self.posts.leave(place)
    }

    /// What came before the transport was there.
    pub fn post_early(&mut self, early: &[u8]) {
        self.posts.put_first(early);
    }

    /// Takes everything that has come.
    pub fn take_input(&mut self) -> Input {
        let format = if self.polled { TransferFormat::Binary } else { TransferFormat::Text };
        self.posts.take(format)
    }

    /// Bytes that have come and were not taken.
    pub const fn unread(&self) -> usize {
        self.posts.unread()
    }

    // The application.

    /// Nobody has more to send: what waits may still be taken, and then the end is told. All of it may take no
    /// longer than sending and closing together, however slowly the client takes it; and a client that polls is
    /// not away for longer than closing may take.
    pub fn finish(&mut self, now: Timestamp) {
        self.posts.close();
        if self.stage == Stage::Open {
            self.stage = Stage::Ending { since: now };
        }
    }

    /// Nothing is to be taken any more.
    pub fn lose(&mut self) {
        self.posts.close();
        self.be_over();
    }

    /// Looks how long output has waited for a stream that takes nothing, or for a poll that takes it and does not
    /// get rid of it; to be called when something was queued.
    pub fn look(&mut self, outbox: &Outbox, now: Timestamp) {
        let taker = !self.polled || outbox.is_lent();
        let waits = !outbox.is_empty() && taker && self.stage == Stage::Open;
        self.stuck_since = waits.then_some(self.stuck_since.unwrap_or(now));
    }

    /// Some of the output was taken, and what is left of it has all the time again.
    pub const fn took(&mut self) {
        self.stuck_since = None;
    }

    // Time, and what happened.

    /// Lets the timers that are due at `now` run out.
    pub fn handle_timeout(&mut self, outbox: &Outbox, now: Timestamp) {
        self.look(outbox, now);
        if self.ending_until().is_some_and(|until| now >= until) {
            self.give_up();
        }
        if self.stuck_since.is_some_and(|since| now >= since + self.timeouts.send) {
            self.stuck_since = None;
            self.input_over(LinkEvent::Stuck);
            self.give_up();
        }
        match self.taker {
            Taker::Attached { .. } if now >= self.look_at => {
                self.look_at = now + self.timeouts.disconnect;
            }
            Taker::Absent { since } if self.stage != Stage::Over => {
                self.look_at = self.absent_until(since);
                if now >= self.look_at {
                    self.input_over(LinkEvent::Absent);
                    self.give_up();
                }
            }
            _ => {}
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due. Who takes output may come and go without that being
    /// asked anew.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        if self.stage == Stage::Over {
            return None;
        }
        let ending = self.ending_until().map(|at| Deadline { at, why: Timer::Close });
        let stuck = self.stuck_since.map(|since| since + self.timeouts.send);
        let stuck = stuck.map(|at| Deadline { at, why: Timer::Send });
        let absent = match self.taker {
            Taker::Absent { since } => self.absent_until(since),
            Taker::Attached { .. } => self.look_at,
        };
        let absent = Deadline { at: absent, why: Timer::Disconnect };
        Deadline::earliest(Deadline::earliest(ending, stuck), Some(absent))
    }

    /// What ended the input, once.
    pub const fn poll_event(&mut self) -> Option<LinkEvent> {
        self.event.take()
    }

    /// Server-Sent Events or long polling.
    pub const fn transport(&self) -> Transports {
        if self.polled { Transports::LONG_POLLING } else { Transports::SERVER_SENT_EVENTS }
    }

    /// Whether nothing will be taken any more, and the end was told if there was anybody to tell it to.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Whether nothing comes in any more.
    pub const fn is_closed(&self) -> bool {
        self.posts.is_closed()
    }

    /// Whether it is over because its client took too long: the request that it left behind is of no use.
    pub const fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// A connection is given up when it was without a request for longer than that, not for as long.
    fn absent_until(&self, since: Timestamp) -> Timestamp {
        let until = match self.stage {
            Stage::Ending { since: ended } => since.max(ended) + self.timeouts.close,
            Stage::Open | Stage::Over => since + self.timeouts.disconnect,
        };
        until + Duration::from_nanos(1)
    }

    fn ending_until(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Ending { since } => Some(since + self.timeouts.send + self.timeouts.close),
            Stage::Open | Stage::Over => None,
        }
    }

    fn input_over(&mut self, event: LinkEvent) {
        if !self.posts.is_closed() {
            self.event = Some(event);
        }
        self.posts.close();
    }

    const fn be_over(&mut self) {
        self.stage = Stage::Over;
        self.stuck_since = None;
    }

    const fn give_up(&mut self) {
        self.be_over();
        self.given_up = true;
    }

    const fn answer(&self, answer: Answer) -> Answer {
        if self.polled { answer.uncached() } else { answer }
    }
}
