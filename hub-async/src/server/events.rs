//! Server-Sent Events: the answer that never ends, and what it takes from the outlet.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Response, StatusCode};
use hub_core::Timestamp;
use hub_core::endpoint::EVENTS;
use hub_proto::sse;
use hyper::body::Frame;

use super::body::Body;
use crate::exchange::{Taken, Taking};

/// The answer to a request that takes what is sent as events.
pub(super) fn respond(taking: Taking) -> Response<Body> {
    let mut response = Response::new(Body::new(Events { taking, begun: false, ended: false }));
    *response.status_mut() = StatusCode::OK;
    for (name, value) in EVENTS {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

/// All that waits is one event, as often as there is room for one.
struct Events {
    taking: Taking,
    /// Whether the line is sent that opens the stream.
    begun: bool,
    ended: bool,
}

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if !std::mem::replace(&mut self.begun, true) {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(sse::PREAMBLE)))));
        }
        // A stream has all the time.
        let mut until = Timestamp::MAX;
        match std::task::ready!(self.taking.poll(&mut until, cx)) {
            Taken::Batch(batch) => {
                let mut event = Vec::with_capacity(batch.len() + 16);
                sse::write(&mut event, batch.chunks().iter().map(|chunk| &**chunk));
                self.taking.sent(batch.len());
                Poll::Ready(Some(Ok(Frame::data(event.into()))))
            }
            Taken::Done(_) => {
                self.ended = true;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
