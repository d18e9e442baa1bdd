//! What carries a connection: one byte pipe to the peer, with a WebSocket on it if there is one, or one HTTP
//! request after another.
//!
//! A [`Link`] knows nothing of hubs: it takes frames apart, answers pings, and sees the closing
//! sequence and its timers through. Nor does an [`Exchange`], which sees to the requests. What they let pass
//! goes to a [`Connection`](crate::server::Connection) or to anybody else who wants bytes.

mod exchange;

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use hub_proto::TransferFormat;
use hub_proto::ws::{self, Decoder, MessageType, Piece, Role, Violation, encode};

pub use self::exchange::{Exchange, Generation, Input, Next, Place, Posted};
use crate::time::{Deadline, Span, Timer, Timestamp};

/// The code of a close in good order (RFC 6455 §7.4.1).
pub const NORMAL: u16 = 1000;
/// The code of a close because the application failed.
pub const INTERNAL_ERROR: u16 = 1011;

/// How long a link may hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The longest time in which waiting bytes make no progress; 10 s.
    pub send: Duration,
    /// How long the peer may take to answer our close; 5 s.
    pub close: Duration,
    /// How long a poll waits for something to take; 90 s.
    pub poll: Duration,
    /// How long a connection that is polled may be without a poll; 15 s.
    pub disconnect: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            send: Duration::from_secs(10),
            close: Duration::from_secs(5),
            poll: Duration::from_secs(90),
            disconnect: Duration::from_secs(15),
        }
    }
}

/// What happened to the link. Each ends the input; only `Stuck` may follow another.
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
    /// No poll came for too long.
    Absent,
}

/// Bytes of one message from the peer, as they came: a message may take several runs. Hubs only look at
/// the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// The payload, unmasked; empty for an empty frame.
    pub bytes: &'a [u8],
    /// What the peer said that it is.
    pub format: TransferFormat,
    /// Whether the message ends with it.
    pub fin: bool,
}

const fn decoder() -> Decoder {
    let config = ws::Config { max_frame: u64::MAX, max_message: u64::MAX, check_utf8: false };
    Decoder::new(Role::Server, config)
}

const fn format(message: MessageType) -> TransferFormat {
    match message {
        MessageType::Text => TransferFormat::Text,
        MessageType::Binary => TransferFormat::Binary,
    }
}

/// A WebSocket on a byte pipe, as the server sees it, or the pipe alone.
#[derive(Debug)]
pub struct Link {
    /// The longest time without progress.
    send: Span,
    /// How long the peer may take to answer our close.
    close: Span,
    /// None on a stream, where there are no frames.
    decoder: Option<Decoder>,
    stage: Stage,
    event: Option<LinkEvent>,
    /// Boxed, as hardly any peer pings here.
    pong: Option<Box<Bytes>>,
    /// Since when waiting bytes have made no progress.
    stuck_since: Option<Timestamp>,
    farewell: Option<Farewell>,
    /// It was given up with bytes waiting.
    given_up: bool,
}

/// Nobody has more to send.
#[derive(Clone, Copy, Debug)]
struct Farewell {
    code: u16,
    /// By then what waits must have left, and the peer must have closed.
    until: Timestamp,
}

/// ```text
/// Open ──close──▶ Closing ──peer's close, end, timeout──▶ Done
///   │                                                      ▲
///   ├──peer's close, violation──▶ PeerDone ──close─────────┤
///   └──end of input, stuck─────────────────────────────────┘
/// ```
///
/// On a stream, the ends of both directions are the closes.
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
    pub fn websocket(timeouts: Timeouts) -> Self {
        Self::new(timeouts.send.into(), timeouts.close.into(), Some(decoder()))
    }

    /// A pipe that carries what is sent as it is: TCP, a Unix socket, or anything that is a stream of bytes.
    ///
    /// Its end is a good one: who says nothing more may still be listening.
    pub fn stream(timeouts: Timeouts) -> Self {
        Self::new(timeouts.send.into(), timeouts.close.into(), None)
    }

    const fn new(send: Span, close: Span, decoder: Option<Decoder>) -> Self {
        Self {
            send,
            close,
            decoder,
            stage: Stage::Open,
            event: None,
            pong: None,
            stuck_since: None,
            farewell: None,
            given_up: false,
        }
    }

    /// A WebSocket on another pipe, with the same timeouts.
    #[must_use]
    pub const fn another(&self) -> Self {
        Self::new(self.send, self.close, Some(decoder()))
    }

    /// Takes bytes from the pipe, unmasks them in place and hands the payload on, run by run.
    pub fn handle_input(&mut self, mut bytes: &mut [u8], mut deliver: impl FnMut(Run<'_>)) {
        if self.decoder.is_none() && self.stage == Stage::Open && !bytes.is_empty() {
            deliver(Run { bytes, format: TransferFormat::Binary, fin: true });
        }
        while self.wants_input()
            && let Some(decoder) = &mut self.decoder
        {
            match decoder.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(Piece::Data { message, payload, fin })) => {
                    if self.stage == Stage::Open {
                        deliver(Run { bytes: payload, format: format(message), fin });
                    }
                }
                // Only the latest ping needs an answer (RFC 6455 §5.5.3).
                Ok(Some(Piece::Ping(payload))) if self.stage == Stage::Open => {
                    let pong = Bytes::copy_from_slice(&encode::pong(&payload, None));
                    self.pong = Some(Box::new(pong));
                }
                // Behind our close there comes nothing, and nobody asked for a pong.
                Ok(Some(Piece::Ping(_) | Piece::Pong(_))) => {}
                Ok(Some(Piece::Close(_))) => self.input_over(NORMAL, LinkEvent::Finished),
                Err(violation) => {
                    self.input_over(violation.close_code(), LinkEvent::Violated(violation))
                }
            }
        }
    }

    /// The pipe has ended: in good order if it is a [stream](Self::stream), too early if it is a WebSocket.
    pub fn handle_eof(&mut self) {
        match self.decoder {
            Some(_) => self.handle_end(ErrorKind::UnexpectedEof),
            None => self.input_over(NORMAL, LinkEvent::Finished),
        }
    }

    /// The pipe has broken; also one that says itself that its end came too early.
    pub fn handle_end(&mut self, kind: ErrorKind) {
        if self.stage == Stage::Open {
            self.event = Some(LinkEvent::Lost(kind));
        }
        self.pong = None;
        self.stage = Stage::Done;
    }

    /// Lets the timers that are due at `now` run out.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if self.closes_by().is_some_and(|until| now >= until) {
            self.stage = Stage::Done;
        }
        let stuck = self.stuck_by().is_some_and(|until| now >= until);
        if stuck && self.farewell.is_none() {
            self.event.get_or_insert(LinkEvent::Stuck);
            self.stage = Stage::Done;
            self.stuck_since = None;
            self.pong = None;
        } else if stuck || self.over_by().is_some_and(|until| now >= until) {
            self.stage = Stage::Done;
            self.given_up = true;
        }
    }

    /// Nobody has more to send: once what is queued has left, the WebSocket is [closed](Self::close) with
    /// that code. All of it may take no longer than both timeouts together, however slowly the peer reads;
    /// than `close` alone, if the peer has closed already.
    pub fn finish(&mut self, code: u16, now: Timestamp) {
        let until = match self.stage {
            Stage::PeerDone { .. } => now + self.close,
            Stage::Open | Stage::Closing { .. } | Stage::Done => now + self.send + self.close,
        };
        self.farewell.get_or_insert(Farewell { code, until });
    }

    /// Everything that was queued has left: gives the close frame that goes out last, once, if the link
    /// is to [finish](Self::finish).
    ///
    /// Its code is that of `finish`, or tells which rule the peer broke. A peer that closed first gets
    /// 1000, whatever its code, also when it gave none.
    pub fn close(&mut self, now: Timestamp) -> Option<Bytes> {
        self.decoder.as_ref()?;
        let code = self.end(now)?;
        Some(Bytes::copy_from_slice(&encode::close(code, "", None)))
    }

    /// The same on a [stream](Self::stream): says, once, that its sending half is to be shut down. What the peer
    /// still sends is not read by anybody, but waited for, until it is done as well.
    pub fn shut(&mut self, now: Timestamp) -> bool {
        self.decoder.is_none() && self.end(now).is_some()
    }

    /// Ends the output if that is to end; gives the code.
    fn end(&mut self, now: Timestamp) -> Option<u16> {
        let farewell = self.farewell?;
        match self.stage {
            Stage::Open => {
                self.stage = Stage::Closing { until: now + self.close };
                Some(farewell.code)
            }
            Stage::PeerDone { code } => {
                self.stage = Stage::Done;
                Some(code)
            }
            Stage::Closing { .. } | Stage::Done => None,
        }
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
        self.pong.take().map(|pong| *pong)
    }

    /// What ended the input, once.
    pub fn poll_event(&mut self) -> Option<LinkEvent> {
        self.event.take()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let close = self.closes_by().map(|at| Deadline { at, why: Timer::Close });
        let send = self.stuck_by().map(|at| Deadline { at, why: Timer::Send });
        let over = self.over_by().map(|at| Deadline { at, why: Timer::Close });
        Deadline::earliest(Deadline::earliest(close, send), over)
    }

    /// Whether it is a WebSocket.
    pub const fn is_framed(&self) -> bool {
        self.decoder.is_some()
    }

    /// Whether bytes from the pipe still matter.
    pub const fn wants_input(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Closing { .. })
    }

    /// Whether the pipe can be shut down once everything that is queued has left.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Whether the pipe can be shut down now, whatever is queued.
    pub const fn is_given_up(&self) -> bool {
        self.given_up
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
        self.stuck_since.map(|since| since + self.send).filter(|_| !self.given_up)
    }

    fn over_by(&self) -> Option<Timestamp> {
        self.farewell.map(|farewell| farewell.until).filter(|_| !self.given_up)
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
        link.handle_input(&mut bytes.to_vec(), |run| seen.extend_from_slice(run.bytes));
        seen
    }

    #[test]
    fn a_stream_passes_bytes_as_they_are_and_ends_in_good_order() {
        let mut link = Link::stream(Timeouts::default());
        assert_eq!(
            feed(&mut link, b"\x88\x02\x03\xe8 as they are"),
            b"\x88\x02\x03\xe8 as they are"
        );
        link.handle_input(&mut [], |_| panic!("nothing was read"));
        link.handle_eof();
        assert_eq!(link.poll_event(), Some(LinkEvent::Finished));
        assert!(
            !link.wants_input() && !link.shut(Timestamp::ZERO),
            "somebody may have more to send"
        );
        link.finish(NORMAL, Timestamp::ZERO);
        assert!(link.shut(Timestamp::ZERO) && link.is_done());
        assert_eq!(link.close(Timestamp::ZERO), None);
    }

    #[test]
    fn a_stream_that_we_end_is_read_until_the_peer_is_done_but_not_for_longer_than_5_s() {
        let ended = || {
            let mut link = Link::stream(Timeouts::default());
            link.finish(NORMAL, Timestamp::ZERO);
            assert_eq!(link.close(Timestamp::ZERO), None, "there are no frames");
            assert!(link.shut(Timestamp::ZERO) && !link.shut(Timestamp::ZERO));
            assert_eq!(feed(&mut link, b"late"), b"");
            assert!(link.wants_input() && !link.is_done());
            link
        };
        let mut link = ended();
        link.handle_eof();
        assert_eq!((link.poll_event(), link.is_done()), (None, true));
        let mut link = ended();
        link.handle_timeout(Timestamp::from_millis(4_999));
        assert!(!link.is_done());
        link.handle_timeout(Timestamp::from_millis(5_000));
        assert!(link.is_done() && !link.is_given_up());
        // A TLS stream that was cut off says the latter.
        for kind in [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof] {
            let mut broken = Link::stream(Timeouts::default());
            broken.handle_end(kind);
            assert_eq!(broken.poll_event(), Some(LinkEvent::Lost(kind)));
            assert!(broken.is_done());
        }
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
        link.finish(INTERNAL_ERROR, Timestamp::ZERO);
        assert_eq!(link.close(Timestamp::ZERO).as_deref(), Some(&b"\x88\x02\x03\xe8"[..]));
        assert!(link.is_done());
    }

    #[test]
    fn a_violation_is_told_by_its_code() {
        let mut link = link();
        assert_eq!(feed(&mut link, b"\x81\x02hi"), b"");
        assert_eq!(link.poll_event(), Some(LinkEvent::Violated(Violation::Unmasked)));
        assert_eq!(link.close(Timestamp::ZERO), None, "somebody may have more to send");
        link.finish(NORMAL, Timestamp::ZERO);
        assert_eq!(link.close(Timestamp::ZERO).as_deref(), Some(&b"\x88\x02\x03\xea"[..]));
        assert!(link.is_done());
    }

    #[test]
    fn our_close_waits_5_s_for_the_peers() {
        let mut link = link();
        link.finish(INTERNAL_ERROR, Timestamp::ZERO);
        assert_eq!(link.close(Timestamp::ZERO).as_deref(), Some(&b"\x88\x02\x03\xf3"[..]));
        assert_eq!(link.close(Timestamp::ZERO), None);
        let until = Timestamp::from_millis(5_000);
        assert_eq!(link.poll_timeout(), Some(Deadline { at: until, why: Timer::Close }));
        let ping = encode::ping(b"ignored", KEY);
        assert_eq!(feed(&mut link, &[data(b"ignored"), ping.to_vec()].concat()), b"");
        assert_eq!((link.poll_transmit(), link.is_done()), (None, false));
        link.handle_timeout(until);
        assert!(link.is_done() && !link.is_given_up());
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
    fn a_farewell_takes_no_longer_than_both_timeouts_and_none_that_is_stuck() {
        let mut link = link();
        link.finish(NORMAL, Timestamp::from_millis(1_000));
        for second in 1..16 {
            link.flushed(true, true, Timestamp::from_millis(second * 1_000));
            link.handle_timeout(Timestamp::from_millis(second * 1_000));
            assert!(!link.is_done());
        }
        let at = Timestamp::from_millis(16_000);
        assert_eq!(link.poll_timeout(), Some(Deadline { at, why: Timer::Close }));
        link.handle_timeout(at);
        assert!(link.is_done() && link.is_given_up());
        assert_eq!((link.poll_event(), link.poll_timeout()), (None, None));

        let mut closed = self::link();
        assert_eq!(feed(&mut closed, b"\x88\x80\0\0\0\0"), b"");
        closed.finish(NORMAL, Timestamp::ZERO);
        let at = Timestamp::from_millis(5_000);
        assert_eq!(closed.poll_timeout(), Some(Deadline { at, why: Timer::Close }));

        let mut stuck = self::link();
        stuck.finish(NORMAL, Timestamp::ZERO);
        stuck.flushed(true, false, Timestamp::ZERO);
        stuck.handle_timeout(Timestamp::from_millis(10_000));
        assert!(stuck.is_given_up());
        assert_eq!((stuck.poll_event(), stuck.poll_timeout()), (None, None));
    }

    #[test]
    fn the_end_of_the_pipe_is_a_loss_unless_the_close_was_under_way() {
        let mut open = link();
        open.handle_eof();
        assert_eq!(
            (open.poll_event(), open.is_done()),
            (Some(LinkEvent::Lost(ErrorKind::UnexpectedEof)), true)
        );
        let mut closing = link();
        closing.finish(NORMAL, Timestamp::ZERO);
        assert!(closing.close(Timestamp::ZERO).is_some());
        closing.handle_end(ErrorKind::UnexpectedEof);
        assert_eq!((closing.poll_event(), closing.is_done()), (None, true));
    }
}
