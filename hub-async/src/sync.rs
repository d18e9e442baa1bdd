//! The locks, atomics and wake-ups of connections, at the one place that chooses them.
//!
//! They are those of the standard library, but in the models, which `scripts/loom` builds with a cfg of
//! our own: `--cfg loom` would change dependencies as well.

#[cfg(all(test, hub_loom))]
mod modelled;

#[cfg(all(test, hub_loom))]
use self::modelled as chosen;
#[cfg(all(test, hub_loom))]
pub(crate) use self::modelled::Local;

#[cfg(not(all(test, hub_loom)))]
mod chosen {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize};
    pub(crate) use std::sync::{Mutex, MutexGuard};
    pub(crate) use std::thread_local;

    pub(crate) use event_listener::{Event, EventListener};
    pub(crate) use futures_util::task::AtomicWaker;
}

use std::sync::PoisonError;

pub(crate) use self::chosen::{
    AtomicBool, AtomicUsize, AtomicWaker, Event, EventListener, MutexGuard, thread_local,
};

/// A lock that goes on after a panic under it.
#[derive(Default)]
pub(crate) struct Mutex<T>(chosen::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(chosen::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}
