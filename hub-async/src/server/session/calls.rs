//! Events of the machine, and the calls among them: bound, started, answered.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Context;

use futures_util::FutureExt;
use hub_core::server::{self, Admission, AskError, AskId, Call, CallFault, Event, Raw, StreamKey};
use hub_core::{PeerFault, Timestamp};
use hub_proto::BindError;

use super::Session;
use crate::ask::{InvokeError, Place};
use crate::caller::{Caller, Rare};
use crate::caught::{caught, discard, forget};
use crate::context::Context as HubCallContext;
use crate::error::{Fault, HubError};
use crate::extractors::RawArguments;
use crate::filter::Around;
use crate::handler::Answer;
use crate::inbox::Note;
use crate::options::MethodOptions;
use crate::reader::{Readers, StreamError};
use crate::registered::{Binding, Invoked};
use crate::server::running::{CallInfo, Done};
use crate::signal::Signal;

impl Session {
    pub(super) fn on_event(&mut self, event: Event, now: Timestamp, cx: &mut Context<'_>) {
        match event {
            Event::Handshake(encoding) => self.greet(encoding, now),
            Event::Invoked(mut call) => {
                if let Err(fault) = self.invoke(&mut call, now, cx) {
                    // Bad grammar ends the connection, which is logged as its end.
                    if fault != CallFault::Arguments(BindError::Syntax) {
                        self.log_refused(&fault);
                    }
                    self.connection.fail(&call, &fault, now);
                }
            }
            Event::Started(id) => {
                if let Some((info, bound)) = self.running.unpark(id) {
                    let answer = bound.start(info.caller.clone());
                    self.start(info, answer, now, cx);
                }
            }
            Event::Cancelled(id) => self.running.cancel(id),
            Event::Item { stream, item } => self.take_item(stream, &item, now),
            Event::Ended { stream, error } => {
                let error = error.map(|error| StreamError::Client(error.into()));
                self.running.end_upload(stream, error);
            }
            Event::Answered { ask, answer } => self.take_answer(ask, &answer, now),
            Event::Closed(reason) => self.leave(reason, now),
        }
    }

    /// Finds the method, binds its arguments and starts it, or says why not.
    fn invoke(
        &mut self,
        call: &mut Call,
        now: Timestamp,
        cx: &mut Context<'_>,
    ) -> Result<(), CallFault<'static>> {
        let hub = Arc::clone(&self.hub);
        let Some(found) = hub.method(&call.target).or(hub.fallback.as_ref()) else {
            return self.invoke_nothing(call, now, cx);
        };
        if let Some(most) = found.options.most.filter(|most| call.size > *most) {
            call.arguments().check().map_err(CallFault::Arguments)?;
            return Err(CallFault::TooLarge(most));
        }
        let shape = found.method.shape();
        let (sent, expected) = (call.streams.len(), shape.streams);
        let misuse = match (call.streaming, shape.answers_with_stream) {
            (true, false) => Some(CallFault::NotStreaming),
            (false, true) => Some(CallFault::Streaming),
            _ if sent != expected => Some(CallFault::Streams { sent, expected }),
            _ => None,
        };
        let filters = self.filters();
        let mut cancel = (filters.is_some() || found.stops()).then(Arc::default);
        let stop = if found.stops() { cancel.clone() } else { None };
        let caller = self.caller(call, found.options, stop);
        let limits = self.ticket.endpoint().config.limits;
        let member = Arc::clone(&self.member);
        let (connection, id) = (&mut self.connection, call.id);
        let mut admit = || match misuse {
            None => connection.admit(id),
            Some(_) => Admission::Gone,
        };
        let cancel_of = &mut cancel;
        // Arguments are the hub's own types: reading them is the hub's own code.
        let invoked = caught(|| match filters {
            None => {
                let mut readers = Readers::new(&call.streams, &member, limits.stream_items);
                let binding = Binding {
                    arguments: call.arguments(),
                    readers: &mut readers,
                    cancel: cancel_of,
                    reason: None,
                };
                let invoked = found.method.invoke(binding, &caller, &mut admit)?;
                Ok((invoked, readers.opened()))
            }
            Some(filters) => {
                let signal = Arc::clone(cancel_of.get_or_insert_default());
                // They may want the arguments as they came.
                let arguments = RawArguments::new(call.reply.encoding(), call.take_arguments());
                let mut readers = Readers::new(&call.streams, &member, limits.stream_items);
                let bound = found.method.bind(Binding {
                    arguments: arguments.payload(),
                    readers: &mut readers,
                    cancel: cancel_of,
                    reason: None,
                })?;
                let opened = readers.opened();
                let filtered = filters.around(call.streaming, arguments, signal, Some(bound));
                Ok((Invoked::admitted(filtered, &caller, admit()), opened))
            }
        });
        let info = CallInfo { id, caller };
        let Some(invoked) = invoked else {
            self.finish(Done { call: info, result: Err(HubError::panicked()) }, now);
            return Ok(());
        };
        let (invoked, opened) = invoked.map_err(CallFault::Arguments)?;
        if let Some(misuse) = misuse {
            return Err(misuse);
        }
        self.running.open(opened);
        self.admitted(info, invoked, cancel, now, cx)
    }

    /// Lets filters see a call of a method that nobody has.
    fn invoke_nothing(
        &mut self,
        call: &mut Call,
        now: Timestamp,
        cx: &mut Context<'_>,
    ) -> Result<(), CallFault<'static>> {
        call.arguments().check().map_err(CallFault::Arguments)?;
        let Some(filters) = self.filters() else { return Err(CallFault::UnknownMethod) };
        let cancel: Arc<Signal> = Arc::default();
        let caller = self.caller(call, MethodOptions::new(), None);
        let arguments = RawArguments::new(call.reply.encoding(), call.take_arguments());
        let filtered = filters.around(call.streaming, arguments, Arc::clone(&cancel), None);
        let admission = self.connection.admit(call.id);
        let invoked = Invoked::admitted(filtered, &caller, admission);
        // Nobody reads what it sends along.
        self.connection.discard_streams_of(call.id, now);
        self.admitted(CallInfo { id: call.id, caller }, invoked, Some(cancel), now, cx)
    }

    /// Goes on with a call that is bound.
    fn admitted(
        &mut self,
        info: CallInfo,
        invoked: Invoked,
        cancel: Option<Arc<Signal>>,
        now: Timestamp,
        cx: &mut Context<'_>,
    ) -> Result<(), CallFault<'static>> {
        let id = info.id;
        if let Some(cancel) = cancel {
            self.running.watch(id, cancel);
        }
        match invoked {
            Invoked::Running(answer) => self.start(info, answer, now, cx),
            Invoked::Parked(bound) => self.running.park(info, bound),
            Invoked::Full => {
                self.running.forget(id);
                let limits = self.ticket.endpoint().config.limits;
                return Err(CallFault::TooMany(limits.parked_calls));
            }
            Invoked::Gone => self.running.forget(id),
        }
        Ok(())
    }

    /// The call as its method sees it.
    fn caller(&self, call: &Call, options: MethodOptions, stop: Option<Arc<Signal>>) -> Caller {
        let place = Place::Method(call.id);
        let headers = call.headers.clone();
        let rare = (headers.is_some() || stop.is_some())
            .then(|| Arc::new(Rare { headers, stop, outcome: None }));
        Caller {
            context: HubCallContext::new(Arc::clone(&self.hub), Arc::clone(&self.member), place),
            reply: call.reply.clone(),
            target: call.target.clone(),
            detailed: self.ticket.endpoint().config.detailed_errors,
            spawned: options.spawn,
            dropped: options.drop_on_disconnect,
            rare,
        }
    }

    /// What is around every call, if there is anything.
    fn filters(&self) -> Option<Around> {
        let endpoint = self.ticket.endpoint();
        let (filters, clock) = (&endpoint.filters, &endpoint.clock);
        (!filters.is_empty()).then(|| Around::new(filters.clone(), clock.clone()))
    }

    fn start(&mut self, info: CallInfo, answer: Answer, now: Timestamp, cx: &mut Context<'_>) {
        let answer = if info.caller.spawned { self.spawn(answer) } else { answer };
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

    /// Hands an item to its reader.
    fn take_item(&mut self, stream: StreamKey, item: &Raw, now: Timestamp) {
        let payload = item.payload(self.connection.encoding());
        let upload = self.running.upload(stream);
        // The hub's own types are read by the hub's own code.
        let read = match &upload {
            Some(upload) => caught(|| upload.item(payload)).unwrap_or(Err(BindError::Shape)),
            None => payload.check(),
        };
        match read {
            Ok(()) => {}
            Err(BindError::Syntax) => {
                let fault = PeerFault::Message(self.connection.encoding().malformed());
                self.connection.malformed(fault, now);
            }
            Err(_) => {
                tracing::debug!(connection = &*self.member.id, "an item does not fit its stream");
                self.running.end_upload(stream, Some(StreamError::Bind));
                self.connection.discard(stream, now);
            }
        }
    }

    /// Hands an answer to whoever has asked.
    fn take_answer(&mut self, ask: AskId, answer: &server::Answer, now: Timestamp) {
        let encoding = self.connection.encoding();
        let Some(asked) = self.running.take_asked(ask) else { return };
        let error = match answer {
            server::Answer::Result(result) => {
                let read = caught(|| asked.answer(result.payload(encoding)));
                if read == Some(Err(BindError::Syntax)) {
                    let fault = PeerFault::Message(encoding.malformed());
                    self.connection.malformed(fault, now);
                }
                match read {
                    // It may have been withdrawn meanwhile: then the result is dropped here.
                    Some(_) => return discard(asked),
                    None => InvokeError::Bind("a type whose Deserialize panics"),
                }
            }
            server::Answer::Error(text) => InvokeError::Client((**text).to_owned()),
            server::Answer::Nothing => InvokeError::NoResult,
            server::Answer::TimedOut => InvokeError::TimedOut,
            server::Answer::Crowded => InvokeError::Crowded,
        };
        asked.fail(error);
    }

    /// Does what others want from the connection; `asked` is what became of questions that were put in already.
    pub(super) fn read_note(
        &mut self,
        note: Note,
        asked: &mut impl Iterator<Item = Result<(), AskError>>,
        now: Timestamp,
    ) {
        match note {
            Note::Consumed { stream, count } => self.connection.consumed(stream, count, now),
            Note::Discard(stream) => {
                self.running.discard_upload(stream);
                self.connection.discard(stream, now);
            }
            Note::Ask { ask, timeout, asked: waiting } => {
                let usual = self.ticket.endpoint().options.client_result_timeout;
                let until = now + timeout.unwrap_or(usual);
                let result = asked.next();
                match result.unwrap_or_else(|| self.connection.ask(ask, Some(until), now)) {
                    Ok(()) => self.running.asked(ask, waiting),
                    // Whoever asked sees for itself that the connection is over.
                    Err(AskError::Gone) => {}
                    // An id of ours is never used twice.
                    Err(AskError::TooMany | AskError::InUse) => waiting.fail(InvokeError::TooMany),
                }
            }
            Note::Withdraw(ask) => {
                self.connection.withdraw(ask);
                discard(self.running.take_asked(ask));
            }
            Note::Release(call) => self.connection.release(call, now),
        }
    }

    pub(super) fn finish(&mut self, done: Done, now: Timestamp) {
        let Done { call, result } = done;
        let answer = result.unwrap_or_else(|error| {
            if error.is_unknown_method() {
                self.log_refused(&CallFault::UnknownMethod);
                self.connection.was_for_nobody(now);
            } else {
                self.log_failed(&call, &error);
            }
            call.caller.failure(&error)
        });
        self.running.forget(call.id);
        // A method that has aborted its connection is not answered.
        self.look_into_inbox(now);
        match answer {
            // Until its client has read the answers to other calls, the next one does not begin: else a
            // client that asks for much at once would be taken for one that does not read.
            Some(answer) if self.is_crowded() => {
                self.connection.discard_streams_of(call.id, now);
                self.running.hold(call.id, answer);
            }
            answer => drop(self.connection.complete(call.id, answer, now)),
        }
    }

    fn log_refused(&self, fault: &CallFault<'_>) {
        let connection = &*self.member.id;
        tracing::debug!(connection, fault = fault.kind(), "a call was refused");
    }

    fn log_failed(&self, call: &CallInfo, error: &HubError) {
        tracing::warn!(
            connection = &*self.member.id,
            // Nothing of the client's: behind filters it may have called whatever it liked.
            method = self.hub.method(&call.caller.target).map_or("_OTHER", |found| &found.name),
            error = error.name(),
            "{} failed",
            if error.fault() == Some(Fault::Stream) { "a stream" } else { "a hub method" }
        );
    }

    fn is_crowded(&self) -> bool {
        let ends = self.connection.is_ending();
        !ends && (self.running.has_held() || self.member.outlet.lock().is_over_budget())
    }
}
