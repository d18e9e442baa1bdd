//! POSTs: what a client sends where its transport carries one direction only.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use hub_core::endpoint::{Answer, Posting};
use hub_core::limits::{EARLY, REQUEST_BODY_PAUSE};
use hyper::body::{Body, Incoming};

use super::endpoint::Endpoint;
use crate::exchange::Post;
use crate::runtime::Clock;

/// Takes a body, as fast as it is read, and gives the answer to its request.
///
/// One that makes a pause of 30 s is answered by a 408. What is small is read whole before it is its turn, so that nobody who sends slowly holds up other POSTs of the same
/// connection.
pub(super) async fn receive(endpoint: Arc<Endpoint>, token: Arc<str>, body: Incoming) -> Answer {
    take(endpoint, token, body).await.unwrap_or_else(|answer| answer)
}

async fn take(endpoint: Arc<Endpoint>, token: Arc<str>, body: Incoming) -> Result<Answer, Answer> {
    let mut source = Source { body, clock: endpoint.clock.clone() };
    let (mut chunk, whole) = source.first().await?;
    let member = match endpoint.post(&token, &chunk, whole).await {
        Posting::To(member) => member,
        Posting::Answer(answer) => return Err(answer),
        Posting::Kept | Posting::Wait => return Ok(Answer::posted()),
    };
    let mut post = Post::new(member).ok_or_else(Answer::gone)?;
    loop {
        if !chunk.is_empty() && !poll_fn(|cx| post.poll(&mut chunk, cx)).await {
            return Err(Answer::gone());
        }
        match source.next().await? {
            Some(next) => chunk = next,
            None => return Ok(Answer::posted()),
        }
    }
}

/// The body of a POST, on its way.
struct Source {
    body: Incoming,
    clock: Clock,
}

impl Source {
    /// The first bytes, up to what a connection takes before it has a transport; and whether they are all.
    async fn first(&mut self) -> Result<(Bytes, bool), Answer> {
        let Some(first) = self.next().await? else { return Ok((Bytes::new(), true)) };
        let Some(second) = self.next().await? else { return Ok((first, true)) };
        let mut read = BytesMut::from(&*first);
        read.extend_from_slice(&second);
        while read.len() <= EARLY {
            match self.next().await? {
                Some(chunk) => read.extend_from_slice(&chunk),
                None => return Ok((read.freeze(), true)),
            }
        }
        Ok((read.freeze(), false))
    }

    /// The next bytes; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Answer> {
        let mut pause = None;
        poll_fn(|cx| {
            while let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
                match frame.transpose() {
                    Ok(Some(frame)) => match frame.into_data() {
                        Ok(data) if !data.is_empty() => return Poll::Ready(Ok(Some(data))),
                        _ => {}
                    },
                    Ok(None) => return Poll::Ready(Ok(None)),
                    Err(_) => return Poll::Ready(Err(Answer::cut_off())),
                }
            }
            let clock = &self.clock;
            let pause = pause.get_or_insert_with(|| clock.sleep(REQUEST_BODY_PAUSE));
            pause.as_mut().poll(cx).map(|()| Err(Answer::stalled()))
        })
        .await
    }
}
