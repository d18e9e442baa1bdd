//! Moves bytes between a client and its link, and says what is due.

use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use hub_async::Socket;
use hub_proto::Decoded;

use super::state::Inner;
use crate::clock::VirtualSleep;
use crate::socket::{Heard, WebSocket};

/// One link of a client, until it ends.
pub(super) struct Driver {
    inner: Arc<Inner>,
    link: Option<WebSocket>,
    unsent: Vec<u8>,
    /// What has come of a record.
    partial: Vec<u8>,
    /// How much of that is known not to end it.
    searched: usize,
    timer: Option<(Instant, VirtualSleep)>,
}

impl Driver {
    pub(super) const fn new(inner: Arc<Inner>, link: WebSocket, partial: Vec<u8>) -> Self {
        Self { inner, link: Some(link), unsent: Vec::new(), partial, searched: 0, timer: None }
    }

    /// Ready when the link has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.take_records();
        loop {
            let orders = self.inner.orders(cx);
            self.unsent.extend_from_slice(&orders.out);
            self.flush(cx);
            let Some(link) = self.link.as_mut().filter(|_| !orders.is_cut) else {
                self.inner.end(self.link.take());
                return Poll::Ready(());
            };
            if orders.is_frozen {
                return Poll::Pending;
            }
            match link.poll_next(cx) {
                Poll::Ready(heard) => self.hear(heard),
                Poll::Pending if self.poll_timer(cx).is_pending() => return Poll::Pending,
                Poll::Pending => self.inner.say_what_is_due(),
            }
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        let Some(link) = &self.link else { return };
        while !self.unsent.is_empty() {
            match link.pipe().try_write(&[IoSlice::new(&self.unsent)]) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if link.pipe().poll_writable(cx).is_pending() {
                        return;
                    }
                }
                // What is written to one who does not read is lost; that the link has ended is heard.
                Err(_) => self.unsent.clear(),
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Data { bytes, .. } => {
                self.partial.extend_from_slice(&bytes);
                self.take_records();
            }
            Heard::Ping(payload) => self.inner.pong(&payload),
            Heard::Pong(_) => {}
            Heard::Close(close) => {
                let code = close.map_or(1005, |close| close.code);
                self.inner.change(|state| state.ending.code = Some(code));
                self.inner.close_socket();
            }
            Heard::End => self.link = None,
        }
    }

    fn take_records(&mut self) {
        let (encoding, mut taken) = (self.inner.options.encoding, 0);
        while let Some(rest) = self.partial.get(taken..)
            && let Ok(record) = encoding.record(rest, self.searched)
        {
            match encoding.decode(record.body) {
                Ok(Decoded::Message(message)) => self.inner.take(&message),
                Ok(Decoded::Skipped(_)) => {}
                Err(error) => panic!("the server sends what no client understands: {error}"),
            }
            taken += record.size;
            self.searched = 0;
        }
        self.partial.drain(..taken);
        self.searched = self.partial.len();
    }

    /// Ready when something is due.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.inner.deadline() else { return Poll::Pending };
        if self.timer.as_ref().is_none_or(|(at, _)| *at != deadline) {
            self.timer = Some((deadline, self.inner.world().sleep_until(deadline)));
        }
        let Some((_, sleep)) = &mut self.timer else { return Poll::Pending };
        let due = std::pin::Pin::new(sleep).poll(cx);
        if due.is_ready() {
            self.timer = None;
        }
        due
    }
}
