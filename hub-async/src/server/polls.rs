//! Long polling: an answer as soon as there is something to take.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::Response;
use hub_core::endpoint::Answer;
use hub_core::{Batch, Timestamp};
use hyper::body::{Frame, SizeHint};

use super::body::Body;
use super::routes::{respond, response};
use crate::exchange::{Taken, Taking};
use crate::runtime::Clock;

/// Answers a poll once there is something to take, its time has run out, or another one has come.
pub(super) async fn answer(taking: Taking, clock: Clock) -> Response<Body> {
    let (mut until, mut timer) = (Timestamp::MAX, None);
    let taken = poll_fn(|cx| {
        loop {
            if let Poll::Ready(taken) = taking.poll(&mut until, cx) {
                return Poll::Ready(taken);
            }
            if until == Timestamp::MAX {
                return Poll::Pending;
            }
            clock.arm(&mut timer, until);
            match &mut timer {
                Some(timer) => std::task::ready!(timer.as_mut().poll(cx)),
                None => return Poll::Pending,
            }
        }
    });
    match taken.await {
        Taken::Batch(batch) => response(&Answer::polled(), Body::new(Polled::new(taking, &batch))),
        Taken::Done(status) => respond(Answer::nothing(status)),
    }
}

/// What a poll takes: it has left the outlet when it is asked for, and not before.
struct Polled {
    taking: Taking,
    body: Bytes,
    /// How much of the outlet that is, until it is sent.
    waiting: usize,
}

impl Polled {
    fn new(taking: Taking, batch: &Batch) -> Self {
        let body = match batch.chunks() {
            [chunk] => chunk.clone(),
            chunks => {
                let mut body = BytesMut::with_capacity(batch.len());
                chunks.iter().for_each(|chunk| body.extend_from_slice(chunk));
                body.freeze()
            }
        };
        Self { taking, waiting: body.len(), body }
    }
}

impl hyper::body::Body for Polled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting == 0 {
            return Poll::Ready(None);
        }
        self.taking.sent(waiting);
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.body)))))
    }

    fn is_end_stream(&self) -> bool {
        self.waiting == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.waiting as u64)
    }
}

impl Drop for Polled {
    /// What nobody asked for is for the next poll.
    fn drop(&mut self) {
        if self.waiting > 0 {
            self.taking.sent(0);
        }
    }
}
