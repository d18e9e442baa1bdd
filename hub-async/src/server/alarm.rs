//! The timer of one task.

use std::pin::Pin;
use std::task::Context;

use hub_core::Timestamp;
use hyper::rt::Sleep;

use crate::runtime::Clock;

/// A timer that is set anew only when its deadline moves earlier: one that moves away, as with every
/// message, is found out when the timer fires.
#[derive(Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<dyn Sleep>>>,
    /// When `sleep` ends, while it is set.
    armed: Option<Timestamp>,
}

impl Alarm {
    /// Wakes the task at the next deadline, or at once when that has passed meanwhile.
    pub(super) fn set(
        &mut self,
        clock: &Clock,
        next: impl Fn() -> Option<Timestamp>,
        cx: &mut Context<'_>,
    ) {
        while let Some(at) = next() {
            if self.armed.is_none_or(|armed| at < armed) {
                clock.arm(&mut self.sleep, at);
                self.armed = Some(at);
            }
            let Some(sleep) = &mut self.sleep else { return };
            if sleep.as_mut().poll(cx).is_pending() {
                return;
            }
            self.armed = None;
            if at <= clock.now() {
                return cx.waker().wake_by_ref();
            }
        }
        self.armed = None;
    }
}
