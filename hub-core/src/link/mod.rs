//! One byte pipe to the peer, and the WebSocket on it.
//!
//! A [`Link`] knows nothing of hubs: it takes frames apart, answers pings, and sees the closing
//! sequence and its timers through. What it lets pass goes to a [`Connection`](crate::server::Connection)
//! or to anybody else who wants bytes.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use hub_proto::ws::{self, Decoder, Piece, Role, Violation, encode};

use crate::time::{Deadline, Timer, Timestamp};

/// How long a link may hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The longest time in which waiting bytes make no progress; 10 s.
    pub send: Duration,
    /// How long the peer may take to answer our close; 5 s.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { send: Duration::from_secs(10), close: Duration::from_secs(5) }
    }
}

/// What happened to the link. Each ends the input; at most one is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// The peer closed it in good order: output can still be sent.
    Finished,
    /// The peer broke RFC 6455: a last word and the close can still be sent.
    Violated(Violation),
    /// It broke.
    Lost(ErrorKind),
    /// Waiting bytes made no progress for too long: it is given up.
    Stuck,
}

/// A WebSocket on a byte pipe, as the server sees it.
#[derive(Debug)]
pub struct Link {
    timeouts: Timeouts,
    decoder: Decoder,
    stage: Stage,
    event: Option<LinkEvent>,
    pong: Option<Bytes>,
    /// Since when waiting bytes have made no progress.
    stuck_since: Option<Timestamp>,
}

/// ```text
/// Open ──close──▶ Closing ──peer's close, end, timeout──▶ Done
///   │                                                      ▲
///   ├──peer's close, violation──▶ PeerDone ──close─────────┤
///   └──end of input, stuck─────────────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// Our close is out; the peer's is waited for.
    Closing {
        until: Timestamp,
    },
    /// Nothing more comes in; our close, with this code, is still to go out.
    PeerDone {
        code: u16,
    },
    Done,
}

impl Link {
    /// A WebSocket whose upgrade was just answered.
    ///
    /// Opcodes, fragments and text are taken as they come, without limit: hub messages have their own.
    pub const fn websocket(timeouts: Timeouts) -> Self {
        let config = ws::Config { max_frame: u64::MAX, max_message: u64::MAX, check_utf8: false };
        Self {
            timeouts,
            decoder: Decoder::new(Role::Server, config),
            stage: Stage::Open,
            event: None,
            pong: None,
            stuck_since: None,
        }
    }

    /// Takes bytes from the pipe, unmasks them in place and hands the payload on, run by run.
    pub fn handle_input(&mut self, mut bytes: &mut [u8], mut deliver: impl FnMut(&[u8])) {
        while self.wants_input() {
            match self.decoder.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(Piece::Data { payload, .. })) => {
                    if self.stage == Stage::Open {
                        deliver(payload);
                    }
                }
                // Only the latest ping needs an answer (RFC 6455 §5.5.3).
                Ok(Some(Piece::Ping(payload))) if self.stage == Stage::Open => {
                    self.pong = Some(Bytes::copy_from_slice(&encode::pong(&payload, None)));
                }
                // Behind our close there comes nothing, and nobody asked for a pong.
                Ok(Some(Piece::Ping(_) | Piece::Pong(_))) => {}
                Ok(Some(Piece::Close(_))) => self.input_over(1000, LinkEvent::Finished),
                Err(violation) => {
                    self.input_over(violation.close_code(), LinkEvent::Violated(violation))
                }
            }
        }
    }

    /// The pipe has ended or broken.
    pub fn handle_end(&mut self, kind: ErrorKind) {
        if self.stage == Stage::Open {
            self.event = Some(LinkEvent::Lost(kind));
        }
        self.stage = Stage::Done;
    }

    /// Lets the timers that are due at `now` run out.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if self.closes_by().is_some_and(|until| now >= until) {
            self.stage = Stage::Done;
        }
        if self.stuck_by().is_some_and(|until| now >= until) {
            self.event = Some(LinkEvent::Stuck);
            self.stage = Stage::Done;
            self.stuck_since = None;
        }
    }

    /// Everything else has been queued: gives the close frame that goes out last, once.
    ///
    /// Its code is 1000, also for a peer that closed without one, or tells which rule was broken.
    pub fn close(&mut self, now: Timestamp) -> Option<Bytes> {
        let code = match self.stage {
            Stage::Open => {
                self.stage = Stage::Closing { until: now + self.timeouts.close };
                1000
            }
            Stage::PeerDone { code } => {
                self.stage = Stage::Done;
                code
            }
            Stage::Closing { .. } | Stage::Done => return None,
        };
        Some(Bytes::copy_from_slice(&encode::close(code, "", None)))
    }

    /// After an attempt to write: whether bytes are waiting, and whether any left.
    pub fn flushed(&mut self, waiting: bool, progress: bool, now: Timestamp) {
        if !waiting {
            self.stuck_since = None;
        } else if progress || self.stuck_since.is_none() {
            self.stuck_since = Some(now);
        }
    }

    /// The next control frame to be sent between whole frames.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.pong.take()
    }

    /// What ended the input, once.
    pub fn poll_event(&mut self) -> Option<LinkEvent> {
        self.event.take()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let close = self.closes_by().map(|at| Deadline { at, why: Timer::Close });
        let send = self.stuck_by().map(|at| Deadline { at, why: Timer::Send });
        Deadline::earliest(close, send)
    }

    /// Whether bytes from the pipe still matter.
    pub const fn wants_input(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Closing { .. })
    }

    /// Whether the pipe can be shut down once everything that is queued has left.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    fn input_over(&mut self, code: u16, event: LinkEvent) {
        if self.stage == Stage::Open {
            self.stage = Stage::PeerDone { code };
            self.event = Some(event);
        } else {
            self.stage = Stage::Done;
        }
    }

    const fn closes_by(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Closing { until } => Some(until),
            Stage::Open | Stage::PeerDone { .. } | Stage::Done => None,
        }
    }

    fn stuck_by(&self) -> Option<Timestamp> {
        self.stuck_since.map(|since| since + self.timeouts.send)
    }
}

#[cfg(test)]
mod tests {
    use hub_proto::ws::Opcode;

    use super::*;

    const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

    fn link() -> Link {
        Link::websocket(Timeouts::default())
    }

    fn data(payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode::write_frame(&mut out, true, Opcode::Binary, payload, KEY);
        out
    }

    fn feed(link: &mut Link, bytes: &[u8]) -> Vec<u8> {
        let mut seen = Vec::new();
        link.handle_input(&mut bytes.to_vec(), |payload| seen.extend_from_slice(payload));
        seen
    }

    #[test]
    fn payloads_pass_whatever_their_opcode_and_pings_are_answered() {
        let mut link = link();
        let ping = encode::ping(b"p", KEY);
        let bytes = [data(b"ab"), ping.to_vec(), data(b"c")].concat();
        assert_eq!(feed(&mut link, &bytes), b"abc");
        assert_eq!(link.poll_transmit().as_deref(), Some(&encode::pong(b"p", None)[..]));
        assert_eq!(link.poll_transmit(), None);
    }

    #[test]
    fn an_empty_close_is_answered_with_1000() {
        let mut link = link();
        let mut close = Vec::new();
        encode::write_frame(&mut close, true, Opcode::Close, b"", KEY);
        assert_eq!(feed(&mut link, &[close, data(b"late")].concat()), b"");
        assert_eq!(link.poll_event(), Some(LinkEvent::Finished));
        assert_eq!(link.close(Timestamp::ZERO).as_deref(), Some(&b"\x88\x02\x03\xe8"[..]));
        assert!(link.is_done());
    }

    #[test]
    fn a_violation_is_told_by_its_code() {
        let mut link = link();
        assert_eq!(feed(&mut link, b"\x81\x02hi"), b"");
        assert_eq!(link.poll_event(), Some(LinkEvent::Violated(Violation::Unmasked)));
        assert_eq!(link.close(Timestamp::ZERO).as_deref(), Some(&b"\x88\x02\x03\xea"[..]));
        assert!(link.is_done());
    }

    #[test]
    fn our_close_waits_5_s_for_the_peers() {
        let mut link = link();
        assert!(link.close(Timestamp::ZERO).is_some());
        assert!(link.close(Timestamp::ZERO).is_none());
        let until = Timestamp::from_millis(5_000);
        assert_eq!(link.poll_timeout(), Some(Deadline { at: until, why: Timer::Close }));
        let ping = encode::ping(b"ignored", KEY);
        assert_eq!(feed(&mut link, &[data(b"ignored"), ping.to_vec()].concat()), b"");
        assert_eq!((link.poll_transmit(), link.is_done()), (None, false));
        link.handle_timeout(until);
        assert!(link.is_done());
        assert_eq!(link.poll_timeout(), None);
    }

    #[test]
    fn waiting_bytes_must_make_progress_within_10_s() {
        let mut link = link();
        link.flushed(true, false, Timestamp::ZERO);
        link.flushed(true, true, Timestamp::from_millis(6_000));
        link.flushed(true, false, Timestamp::from_millis(7_000));
        let at = Timestamp::from_millis(16_000);
        assert_eq!(link.poll_timeout(), Some(Deadline { at, why: Timer::Send }));
        link.handle_timeout(at);
        assert_eq!((link.poll_event(), link.is_done()), (Some(LinkEvent::Stuck), true));
    }

    #[test]
    fn the_end_of_the_pipe_is_a_loss_unless_the_close_was_under_way() {
        let mut open = link();
        open.handle_end(ErrorKind::UnexpectedEof);
        assert_eq!(
            (open.poll_event(), open.is_done()),
            (Some(LinkEvent::Lost(ErrorKind::UnexpectedEof)), true)
        );
        let mut closing = link();
        assert!(closing.close(Timestamp::ZERO).is_some());
        closing.handle_end(ErrorKind::UnexpectedEof);
        assert_eq!((closing.poll_event(), closing.is_done()), (None, true));
    }
}
