//! Panics of the hub's own code, kept from everybody else's.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the hub's code gives; none when it panicked, which the panic hook has told.
pub(crate) fn caught<R>(act: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(act)).map_err(forget).ok()
}

/// Drops values of the hub's, whatever their `Drop` does.
pub(crate) fn discard(values: impl Sized) {
    caught(|| drop(values));
}

/// A value of the hub's in the hands of its code: whoever drops it, and be it by a panic, is not harmed by its `Drop`.
pub(crate) struct Kept<T>(pub(crate) Option<T>);

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(discard);
    }
}

/// Leaves the payload of a panic alone: to drop it may panic as well.
pub(crate) fn forget(payload: Box<dyn Any + Send>) {
    mem::forget(payload);
}
