//! The streams that clients send, as methods read them.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use hub_core::server::StreamKey;
use hub_proto::{BindError, Payload};
use serde::de::DeserializeOwned;

use crate::caught::discard;
use crate::inbox::Note;
use crate::member::Member;
use crate::sync::{Mutex, MutexGuard};

/// Why a stream ended before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The client ended it with that error.
    #[error("{0}")]
    Client(String),
    /// An item is no `T`.
    #[error("Failed to bind Stream message.")]
    Bind,
    /// The connection is over.
    #[error("The underlying connection was closed.")]
    Closed,
}

impl StreamError {
    /// The short name of the .NET exception that carries this text.
    pub(crate) const fn exception(&self) -> &'static str {
        match self {
            Self::Client(_) | Self::Bind => "HubException",
            Self::Closed => "OperationCanceledException",
        }
    }
}

/// A parameter of a method: a stream that the client sends along, item by item.
///
/// The client names its streams in the order of the method's parameters. Up to
/// [`stream_buffer_capacity`](crate::HubOptions::stream_buffer_capacity) items (10) wait here; further ones
/// are parked with the connection, and when too many are, the client has to wait. It is a
/// [`Stream`] as well.
///
/// ```
/// use hub_async::{HubError, StreamReader};
///
/// async fn sum(mut numbers: StreamReader<i64>) -> Result<i64, HubError> {
///     let mut sum = 0;
///     while let Some(number) = numbers.next().await {
///         sum += number?;
///     }
///     Ok(sum)
/// }
/// ```
///
/// What the client sends once the method has returned, or the reader was dropped, is ignored.
pub struct StreamReader<T>(Option<Arc<Shared<T>>>);

/// What reader and session share.
struct Shared<T> {
    state: Mutex<State<T>>,
    member: Arc<Member>,
    stream: StreamKey,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// How it ended, until the reader knows.
    end: Option<Option<StreamError>>,
    /// How many items were taken that the session does not know of.
    taken: usize,
    waiting: Option<Waker>,
    /// Nobody reads any more.
    unwanted: bool,
}

/// The session's end of a stream.
pub(crate) trait Upload: Send + Sync {
    /// Reads an item. One that does not fit is the end of the stream.
    fn item(&self, payload: Payload<'_>) -> Result<(), BindError>;

    /// Nothing comes any more.
    fn end(&self, error: Option<StreamError>);
}

/// Makes the readers of one call.
pub(crate) struct Readers<'a> {
    streams: std::slice::Iter<'a, StreamKey>,
    member: &'a Arc<Member>,
    capacity: usize,
    opened: Vec<(StreamKey, Arc<dyn Upload>)>,
}

impl<'a> Readers<'a> {
    pub(crate) fn new(streams: &'a [StreamKey], member: &'a Arc<Member>, capacity: usize) -> Self {
        Self { streams: streams.iter(), member, capacity, opened: Vec::new() }
    }

    /// The reader of the next stream; of none, if the client sends too few, which is an error anyway.
    pub(crate) fn next<T: DeserializeOwned + Send + 'static>(&mut self) -> StreamReader<T> {
        let Some(&stream) = self.streams.next() else { return StreamReader(None) };
        let state =
            State { items: VecDeque::new(), end: None, taken: 0, waiting: None, unwanted: false };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            member: Arc::clone(self.member),
            stream,
            capacity: self.capacity,
        });
        let upload: Arc<dyn Upload> = Arc::clone(&shared) as _;
        self.opened.push((stream, upload));
        StreamReader(Some(shared))
    }

    /// The session's ends of them.
    pub(crate) fn opened(self) -> Vec<(StreamKey, Arc<dyn Upload>)> {
        self.opened
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock()
    }

    fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Result<T, StreamError>>> {
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            state.taken += 1;
            // The session learns of several at once, but never late.
            let told = state.items.is_empty() || state.taken * 2 >= self.capacity;
            let count = if told { mem::take(&mut state.taken) } else { 0 };
            drop(state);
            if told {
                self.member.note(Note::Consumed { stream: self.stream, count });
            }
            return Poll::Ready(Some(Ok(item)));
        }
        if let Some(end) = &mut state.end {
            let error = end.take();
            return Poll::Ready(error.map(Err));
        }
        if state.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        drop(state);
        // A waker is foreign code, also to clone and to drop it.
        let waker = cx.waker().clone();
        let mut state = self.lock();
        if !state.items.is_empty() || state.end.is_some() {
            drop(state);
            return self.poll_next(cx);
        }
        let before = state.waiting.replace(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }

    fn wake(waiting: Option<Waker>) {
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> Upload for Shared<T> {
    fn item(&self, payload: Payload<'_>) -> Result<(), BindError> {
        let item = payload.read::<T>()?;
        let mut state = self.lock();
        let waiting = state.waiting.take();
        if state.unwanted || state.end.is_some() {
            drop(state);
            discard(item);
        } else {
            state.items.push_back(item);
            drop(state);
        }
        Self::wake(waiting);
        Ok(())
    }

    fn end(&self, error: Option<StreamError>) {
        let mut state = self.lock();
        state.end.get_or_insert(error);
        let waiting = state.waiting.take();
        drop(state);
        Self::wake(waiting);
    }
}

impl<T> StreamReader<T> {
    /// The next item; `None` once the client has ended the stream. An error is the last thing that comes.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, StreamError>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&self, cx: &Context<'_>) -> Poll<Option<Result<T, StreamError>>> {
        self.0.as_ref().map_or(Poll::Ready(None), |shared| shared.poll_next(cx))
    }
}

impl<T> Stream for StreamReader<T> {
    type Item = Result<T, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<T> Drop for StreamReader<T> {
    fn drop(&mut self) {
        let Some(shared) = &self.0 else { return };
        let mut state = shared.lock();
        state.unwanted = true;
        let (over, items) = (state.end.is_some(), mem::take(&mut state.items));
        let waiting = state.waiting.take();
        drop(state);
        drop(waiting);
        if !over {
            shared.member.note(Note::Discard(shared.stream));
        }
        // Not under our lock, and one by one: two that panic together would end the process.
        items.into_iter().for_each(discard);
    }
}

impl<T> fmt::Debug for StreamReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").finish_non_exhaustive()
    }
}
