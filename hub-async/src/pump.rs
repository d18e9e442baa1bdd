//! Sending a stream, item by item.

use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use hub_core::{CloseReason, Delivery, Pushed};
use hub_proto::Frame;

use crate::caller::Caller;
use crate::caught::caught;
use crate::deliver::deliver;
use crate::error::HubError;
use crate::response::{Responded, Streamable};
use crate::sync::EventListener;

/// How many items one stream sends before it lets others have their turn.
const STRETCH: usize = 32;

/// Sends a stream to whoever called for it, and gives its end.
///
/// The stream is asked for an item only when the connection has room for it, and dropped when the client
/// cancels it or is gone, unless its method takes a `Cancel` to see to that itself; even then it is dropped
/// when it goes on and on for a client that is gone.
pub(crate) async fn pump<S, M>(stream: S, to: Caller) -> Responded
where
    S: Stream<Item: Streamable<M>> + Send,
{
    let mut stream = pin!(stream);
    let mut pump = Pump { to, stopped: None, room: None, served: false, lost: 0 };
    poll_fn(|cx| pump.poll(stream.as_mut(), cx)).await
}

struct Pump {
    to: Caller,
    stopped: Option<EventListener>,
    room: Option<EventListener>,
    /// Whether it has sent something since it waited for room.
    served: bool,
    /// How many items nobody has got, as the connection is over.
    lost: usize,
}

impl Pump {
    fn poll<S, M>(&mut self, mut stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<Responded>
    where
        S: Stream<Item: Streamable<M>>,
    {
        for _ in 0..STRETCH {
            if let Some(stop) = self.to.stop()
                && stop.poll(&mut self.stopped, cx).is_ready()
            {
                return Poll::Ready(Ok(self.to.reply.void()));
            }
            ready!(self.poll_room(cx));
            // Aborted, it gets nothing but the Close any more.
            if self.to.stop().is_some() && self.to.member().abort_signal().has_fired() {
                return Poll::Ready(Ok(None));
            }
            let reply = &self.to.reply;
            // A panic of the stream's is its own end.
            let next = caught(|| {
                let item = stream.as_mut().poll_next(cx);
                item.map(|item| item.map(|item| item.encode(reply)))
            });
            match ready!(next.unwrap_or(Poll::Ready(Some(Err(HubError::panicked()))))) {
                Some(Ok(item)) => {
                    self.send(item);
                    // It would go on for ever, if it does not look at its `Cancel`.
                    if self.lost > STRETCH {
                        return Poll::Ready(Ok(None));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Err(error.of_stream())),
                None => return Poll::Ready(Ok(self.to.reply.void())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Waits for room, behind those who wait for it already: whoever has just had what there was lets
    /// the others of its connection line up first, or they would never have any.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let room = self.to.member().outlet.poll_demand(&mut self.room, cx);
        let served = mem::replace(&mut self.served, room.is_ready());
        if room.is_pending() && served {
            self.room = None;
            cx.waker().wake_by_ref();
        }
        room
    }

    fn send(&mut self, item: Option<Frame>) {
        let (Some(item), member) = (item, self.to.member()) else { return };
        let push = member.outlet.push(&item, Delivery::Own);
        self.lost += usize::from(push.pushed == Pushed::Refused);
        if push.pushed == Pushed::Overflow {
            member.close(CloseReason::SlowConsumer);
        }
        // In the turn of its session, which writes at the end of it, nobody has to be told.
        if push.wake && self.to.spawned {
            deliver(&mut vec![Arc::clone(member)]);
        }
    }
}
