//! What carries the bytes of one connection.

mod pipe;

use std::io::ErrorKind;
use std::sync::Arc;
use std::task::Context;

use hub_core::Timestamp;
use hub_core::link::{LinkEvent, Run, Timeouts};

use self::pipe::Pipe;
use crate::member::Member;
use crate::outlet::Outlet;
use crate::socket::Socket;

/// What carries the bytes of one connection: a socket with a link on it, or requests that come and go.
pub(super) enum Carrier {
    /// The session reads it, and writes what waits in the outlet.
    Pipe(Pipe),
    /// The requests of that connection take what waits in its outlet.
    Requests(Arc<Member>),
}

/// What an attempt to write came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// Whether bytes left.
    pub(super) progress: bool,
    /// More can be written at once.
    pub(super) more: bool,
    /// The socket broke.
    pub(super) lost: Option<ErrorKind>,
}

impl Written {
    const NOTHING: Self = Self { progress: false, more: false, lost: None };
}

impl Carrier {
    /// Takes the socket over, and lends it to whoever sends.
    pub(super) fn websocket(socket: Arc<dyn Socket>, outlet: &Outlet, timeouts: Timeouts) -> Self {
        Self::Pipe(Pipe::websocket(socket, outlet, timeouts))
    }

    /// The same with a socket that is no WebSocket.
    pub(super) fn stream(socket: Arc<dyn Socket>, outlet: &Outlet, timeouts: Timeouts) -> Self {
        Self::Pipe(Pipe::stream(socket, outlet, timeouts))
    }

    /// Requests that come and go.
    pub(super) const fn requests(member: Arc<Member>) -> Self {
        Self::Requests(member)
    }

    /// Whether it is a WebSocket.
    pub(super) const fn is_framed(&self) -> bool {
        match self {
            Self::Pipe(pipe) => pipe.is_framed(),
            Self::Requests(_) => false,
        }
    }

    /// Whether bytes from the peer still matter.
    pub(super) fn wants_input(&self) -> bool {
        match self {
            Self::Pipe(pipe) => pipe.wants_input(),
            Self::Requests(member) => {
                member.exchange().is_some_and(|it| !it.is_closed() || it.unread() > 0)
            }
        }
    }

    /// Whether both directions are done.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Pipe(pipe) => pipe.is_gone(),
            Self::Requests(member) => member.exchange().is_none_or(|exchange| exchange.is_over()),
        }
    }

    /// Bytes that have come and were not read.
    pub(super) fn unread(&self) -> usize {
        match self {
            Self::Pipe(_) => 0,
            Self::Requests(member) => member.exchange().map_or(0, |exchange| exchange.unread()),
        }
    }

    /// Takes bytes that were read before.
    pub(super) fn receive(&mut self, read: &[u8], take: impl FnMut(Run<'_>)) {
        if let Self::Pipe(pipe) = self {
            pipe.receive(read, take);
        }
    }

    /// Reads once, and hands the payload on. No foreign code may run in `take`.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, take: impl FnMut(Run<'_>)) {
        match self {
            Self::Pipe(pipe) => pipe.read(cx, take),
            Self::Requests(member) => {
                if let Some(exchange) = member.exchange() {
                    exchange.take_input().runs().for_each(take);
                }
            }
        }
    }

    /// Writes once, or lets a request take what waits. Behind everything else, what is to finish says so.
    pub(super) fn write(
        &mut self,
        outlet: &Outlet,
        now: Timestamp,
        cx: &mut Context<'_>,
    ) -> Written {
        match self {
            Self::Pipe(pipe) => pipe.write(outlet, now, cx),
            Self::Requests(member) => {
                if let Some(exchange) = member.exchange() {
                    exchange.flushed(outlet, now);
                }
                Written::NOTHING
            }
        }
    }

    /// What ended the input, once.
    pub(super) fn poll_event(&mut self) -> Option<LinkEvent> {
        match self {
            Self::Pipe(pipe) => pipe.poll_event(),
            Self::Requests(member) => member.exchange().and_then(|exchange| exchange.poll_event()),
        }
    }

    /// Nobody has more to send than what is queued.
    pub(super) fn finish(&mut self, code: u16, now: Timestamp) {
        match self {
            Self::Pipe(pipe) => pipe.finish(code, now),
            Self::Requests(member) => {
                if let Some(exchange) = member.exchange() {
                    exchange.finish(now);
                }
            }
        }
    }

    /// Nothing can be written any more.
    pub(super) fn lose(&mut self, outlet: &Outlet) {
        match self {
            Self::Pipe(pipe) => pipe.lose(outlet),
            Self::Requests(member) => {
                abandon(outlet);
                if let Some(exchange) = member.exchange() {
                    exchange.lose();
                }
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, outlet: &Outlet, now: Timestamp) {
        match self {
            Self::Pipe(pipe) => pipe.handle_timeout(outlet, now),
            Self::Requests(member) => {
                if member.exchange().is_some_and(|exchange| exchange.handle_timeout(outlet, now)) {
                    abandon(outlet);
                }
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        match self {
            Self::Pipe(pipe) => pipe.poll_timeout(),
            Self::Requests(member) => {
                member.exchange().and_then(|exchange| exchange.poll_timeout())
            }
        }
    }

    /// The socket is gone, or to go; another one may carry what waits, once [`Outlet::unlink`] says so.
    pub(super) fn unlink(&mut self, outlet: &Outlet) -> bool {
        match self {
            Self::Pipe(pipe) => pipe.unlink(outlet),
            Self::Requests(_) => true,
        }
    }
}

/// Nothing that waits is wanted.
fn abandon(outlet: &Outlet) {
    outlet.lock().abandon();
    outlet.tell_room();
}
