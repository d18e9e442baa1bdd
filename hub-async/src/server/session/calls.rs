//! Events of the machine, and the calls among them: bound, started, answered.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Context;

use futures_util::FutureExt;
use hub_core::Timestamp;
use hub_core::server::{Admission, Call, CallFault, Event};
use hub_proto::BindError;

use super::Session;
use crate::caught::{caught, forget};
use crate::context::Context as HubCallContext;
use crate::error::HubError;
use crate::handler::{Answer, Invoked, Surroundings, failure};
use crate::server::running::{CallInfo, Done};

impl Session {
    pub(super) fn on_event(&mut self, event: Event, now: Timestamp, cx: &mut Context<'_>) {
        match event {
            Event::Handshake(encoding) => self.greet(encoding, now),
            Event::Invoked(call) => {
                if let Err(fault) = self.invoke(&call, now, cx) {
                    // Bad grammar ends the connection, which is logged as its end.
                    if fault != CallFault::Arguments(BindError::Syntax) {
                        tracing::debug!(
                            connection = &*self.member.id,
                            fault = fault.kind(),
                            "a call was refused"
                        );
                    }
                    self.connection.fail(&call, &fault, now);
                }
            }
            Event::Started(id) => {
                if let Some((info, bound)) = self.running.unpark(id) {
                    let answer = bound(info.reply.clone());
                    self.start(info, answer, now, cx);
                }
            }
            Event::Cancelled(id) => self.running.cancel(id),
            Event::Item { .. } | Event::Ended { .. } | Event::Answered { .. } => {}
            Event::Closed(reason) => self.leave(reason, now),
        }
    }

    /// Finds the method, binds its arguments and starts it, or says why not.
    fn invoke(
        &mut self,
        call: &Call,
        now: Timestamp,
        cx: &mut Context<'_>,
    ) -> Result<(), CallFault<'static>> {
        let arguments = call.arguments();
        let hub = Arc::clone(&self.hub);
        let Some((method, options)) = hub.method(&call.target) else {
            arguments.check().map_err(CallFault::Arguments)?;
            return Err(CallFault::UnknownMethod);
        };
        let misuse = if call.streaming {
            Some(CallFault::NotStreaming)
        } else if !call.streams.is_empty() {
            Some(CallFault::Streams { sent: call.streams.len(), expected: 0 })
        } else {
            None
        };
        let (target, reply) = (call.target.clone(), call.reply.clone());
        let info = CallInfo { id: call.id, target, reply, options };
        let context = HubCallContext::new(Arc::clone(&hub), Arc::clone(&self.member));
        let mut cancel = None;
        let around = Surroundings {
            context: &context,
            states: &hub.states,
            reason: None,
            cancel: &mut cancel,
        };
        let (connection, id) = (&mut self.connection, call.id);
        let mut admit = || match misuse {
            None => connection.admit(id),
            Some(_) => Admission::Gone,
        };
        // Arguments are the hub's own types: reading them is the hub's own code.
        let invoked = caught(|| method.invoke(around, arguments, &call.reply, &mut admit));
        let Some(invoked) = invoked else {
            self.finish(Done { call: info, result: Err(HubError::panicked()) }, now);
            return Ok(());
        };
        let invoked = invoked.map_err(CallFault::Arguments)?;
        if let Some(misuse) = misuse {
            return Err(misuse);
        }
        if let Some(cancel) = cancel {
            self.running.watch(id, cancel);
        }
        match invoked {
            Invoked::Running(answer) => self.start(info, answer, now, cx),
            Invoked::Parked(bound) => self.running.park(info, bound),
            Invoked::Full => {
                self.running.forget(id);
                let limits = &self.ticket.endpoint().config.limits;
                return Err(CallFault::TooMany(limits.parked_calls));
            }
            Invoked::Gone => self.running.forget(id),
        }
        Ok(())
    }

    fn start(&mut self, info: CallInfo, answer: Answer, now: Timestamp, cx: &mut Context<'_>) {
        let answer = if info.options.spawn { self.spawn(answer) } else { answer };
        if let Some(done) = self.running.start(info, answer, cx) {
            self.finish(done, now);
        }
    }

    /// Runs a method as a task of its own, which ends with its answer or when nobody waits for that.
    fn spawn(&self, answer: Answer) -> Answer {
        let (task, answer) = answer.remote_handle();
        self.ticket.endpoint().runtime.spawn(Box::pin(task));
        // A runtime that drops the task makes waiting for it panic.
        let answer = AssertUnwindSafe(answer).catch_unwind();
        Box::pin(
            answer.map(|done| done.map_err(forget).unwrap_or_else(|()| Err(HubError::panicked()))),
        )
    }

    pub(super) fn finish(&mut self, done: Done, now: Timestamp) {
        let Done { call, result } = done;
        let answer = result.unwrap_or_else(|error| {
            tracing::warn!(
                connection = &*self.member.id,
                method = &*call.target,
                error = error.name(),
                "a hub method failed"
            );
            call.reply.failure(&failure(
                &error,
                &call.target,
                self.ticket.endpoint().config.detailed_errors,
            ))
        });
        self.running.forget(call.id);
        // A method that has aborted its connection is not answered.
        self.look_into_inbox(now);
        self.connection.complete(call.id, answer, now);
    }
}
