//! A link on its socket.

use std::sync::Arc;
use std::task::{Context, Poll};

use hub_core::Timestamp;
use hub_core::link::{Link, LinkEvent, Run, Timeouts};

use super::Written;
use crate::outlet::Outlet;
use crate::server::io::{self, Arrival};
use crate::socket::Socket;

/// A link and the socket that carries it: reads into the link, and writes what waits in an outlet.
pub(in crate::server) struct Pipe {
    /// Gone once both directions are done.
    socket: Option<Arc<dyn Socket>>,
    link: Link,
}

impl Pipe {
    /// Takes the socket over, and lends it to whoever sends.
    pub(in crate::server) fn websocket(
        socket: Arc<dyn Socket>,
        outlet: &Outlet,
        timeouts: Timeouts,
    ) -> Self {
        outlet.lend(Arc::clone(&socket));
        Self { socket: Some(socket), link: Link::websocket(timeouts) }
    }

    /// The same with a socket that is no WebSocket.
    pub(in crate::server) fn stream(
        socket: Arc<dyn Socket>,
        outlet: &Outlet,
        timeouts: Timeouts,
    ) -> Self {
        outlet.lend(Arc::clone(&socket));
        Self { socket: Some(socket), link: Link::stream(timeouts) }
    }

    /// Whether it is a WebSocket.
    pub(in crate::server) const fn is_framed(&self) -> bool {
        self.link.is_framed()
    }

    /// Whether bytes from the peer still matter.
    pub(in crate::server) const fn wants_input(&self) -> bool {
        self.link.wants_input() && self.socket.is_some()
    }

    /// Whether both directions are done.
    pub(in crate::server) const fn is_gone(&self) -> bool {
        self.socket.is_none()
    }

    /// Takes bytes that were read before.
    pub(in crate::server) fn receive(&mut self, read: &[u8], take: impl FnMut(Run<'_>)) {
        self.link.handle_input(&mut read.to_vec(), take);
    }

    /// Reads once, and hands the payload on. No foreign code may run in `take`.
    pub(in crate::server) fn read(&mut self, cx: &mut Context<'_>, take: impl FnMut(Run<'_>)) {
        let Some(socket) = &self.socket else { return };
        let link = &mut self.link;
        let read = io::read(&**socket, cx, |bytes| link.handle_input(bytes, take));
        match read {
            Poll::Pending => {}
            Poll::Ready(Ok(Arrival { count: 0, .. })) => link.handle_eof(),
            Poll::Ready(Ok(Arrival { more: true, .. })) => cx.waker().wake_by_ref(),
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => link.handle_end(error.kind()),
        }
    }

    /// Writes once. Behind everything else, a link that is to finish sends its close; then the socket is
    /// shut down.
    pub(in crate::server) fn write(
        &mut self,
        outlet: &Outlet,
        now: Timestamp,
        cx: &mut Context<'_>,
    ) -> Written {
        let Some(socket) = &self.socket else { return Written::NOTHING };
        if let Some(pong) = self.link.poll_transmit() {
            outlet.lock().push_control(pong);
        }
        let flush = match io::flush(&**socket, outlet, now, cx) {
            Ok(Some(flush)) => flush,
            Ok(None) => return Written::NOTHING,
            Err(error) => {
                self.link.handle_end(error.kind());
                self.drop_socket(outlet);
                return Written { lost: Some(error.kind()), ..Written::NOTHING };
            }
        };
        // A client that acks nothing makes no more progress than one that reads nothing.
        self.link.flushed(!flush.empty || flush.unacked, flush.progress, now);
        let mut more = flush.more;
        if flush.empty {
            if let Some(close) = self.link.close(now) {
                outlet.lock().seal(Some(close));
                more = true;
            } else if self.link.shut(now) {
                outlet.lock().seal(None);
                socket.shutdown();
                more = true;
            } else if self.link.is_done() && outlet.lock().is_sealed() {
                self.drop_socket(outlet);
            }
        }
        Written { progress: flush.written > 0, more, lost: None }
    }

    /// What ended the input, once.
    pub(in crate::server) fn poll_event(&mut self) -> Option<LinkEvent> {
        self.link.poll_event()
    }

    /// Nobody has more to send than what is queued.
    pub(in crate::server) fn finish(&mut self, code: u16, now: Timestamp) {
        self.link.finish(code, now);
    }

    /// Nothing can be written any more.
    pub(in crate::server) fn lose(&mut self, outlet: &Outlet) {
        super::abandon(outlet);
        self.drop_socket(outlet);
    }

    pub(in crate::server) fn handle_timeout(&mut self, outlet: &Outlet, now: Timestamp) {
        self.link.handle_timeout(now);
        if self.link.is_given_up() && self.socket.is_some() {
            self.lose(outlet);
        }
    }

    pub(in crate::server) fn poll_timeout(&self) -> Option<Timestamp> {
        self.link.poll_timeout().filter(|_| self.socket.is_some()).map(|deadline| deadline.at)
    }

    /// The socket is gone, or to go; another one may carry what waits, once [`Outlet::unlink`] says so.
    pub(in crate::server) fn unlink(&mut self, outlet: &Outlet) -> bool {
        self.drop_socket(outlet);
        outlet.unlink()
    }

    fn drop_socket(&mut self, outlet: &Outlet) {
        outlet.take_back();
        if let Some(socket) = self.socket.take() {
            socket.shutdown();
        }
    }
}
