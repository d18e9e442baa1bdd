//! Streams of the server.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::CallError;
use super::answer::Made;
use super::state::End;
use crate::value::read;

/// The items of a stream, from [`Client::stream`](super::Client::stream). Dropped, it cancels the stream.
#[must_use = "dropped, it cancels the stream"]
pub struct Items<T> {
    made: Made,
    has_ended: bool,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Items<T> {
    pub(super) const fn new(made: Made) -> Self {
        Self { made, has_ended: false, item: PhantomData }
    }

    /// The next item; none once the stream has ended.
    ///
    /// # Panics
    ///
    /// When nothing comes in time, or something that is no `T`.
    pub async fn next(&mut self) -> Option<Result<T, CallError>> {
        if self.has_ended {
            return None;
        }
        let Made { inner, id, target, at } = &self.made;
        let next = inner
            .wait(at, format_args!("the next item of {target}"), |state| {
                let waiting = state.calls.get_mut(id)?;
                match waiting.items.pop_front() {
                    Some(raw) => Some(Ok(raw)),
                    None => waiting.end.clone().map(Err),
                }
            })
            .await;
        let end = match next {
            Ok(raw) => return Some(Ok(self.read(&raw))),
            Err(end) => end,
        };
        self.has_ended = true;
        match end {
            End::Void | End::Result(_) => None,
            End::Error(text) => Some(Err(CallError::Error(text))),
            End::Ended(ended) => Some(Err(CallError::Ended(ended))),
        }
    }

    /// The items that have come by now and were not taken; lets everything [settle](crate::World::settle), and
    /// waits for nothing.
    ///
    /// # Panics
    ///
    /// When one is no `T`.
    pub async fn received(&mut self) -> Vec<T> {
        let Made { inner, id, .. } = &self.made;
        inner.world().settle().await;
        let items =
            inner.lock().calls.get_mut(id).map(|waiting| std::mem::take(&mut waiting.items));
        items.unwrap_or_default().iter().map(|raw| self.read(raw)).collect()
    }

    /// All items that come until the stream ends.
    pub async fn rest(&mut self) -> Result<Vec<T>, CallError> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await {
            all.push(item?);
        }
        Ok(all)
    }

    /// Asks the server to stop. What comes until it does can be taken as ever.
    pub fn cancel(&self) {
        self.made.cancel();
    }

    fn read(&self, raw: &[u8]) -> T {
        let Made { inner, target, at, .. } = &self.made;
        read(inner.options.encoding, raw, at, format_args!("an item of {target}"))
    }
}

impl<T> Drop for Items<T> {
    fn drop(&mut self) {
        let call = self.made.inner.lock().calls.remove(&self.made.id);
        if call.is_some_and(|call| call.end.is_none()) {
            self.made.cancel();
        }
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("target", &self.made.target).finish_non_exhaustive()
    }
}
