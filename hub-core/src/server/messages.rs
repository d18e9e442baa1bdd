//! What each message of the client's does.

use std::borrow::Cow;
use std::sync::Arc;

use hub_proto::{
    BindError, Completion, Decoded, Headers, Id, Message, Outcome, Payload, Reply, StreamItem,
};

use super::calls::Class;
use super::ending::Behind;
use super::event::Raw;
use super::{Answer, Call, CallFault, Connection, Event, Queued};
use crate::close::{CloseReason, PeerFault};
use crate::limits::TINY;

/// A call as it was read.
struct Invoked<'a> {
    id: Option<&'a str>,
    target: &'a str,
    arguments: Payload<'a>,
    streaming: bool,
    streams: &'a [Cow<'a, str>],
    headers: &'a Headers<'a>,
    size: usize,
}

impl Connection {
    /// Takes one record of `size` bytes, framing included, apart.
    pub(super) fn record(&mut self, record: &[u8], size: usize) {
        match self.encoding.decode(record) {
            // Counted by its type, whatever becomes of it: so the client counts.
            Ok(Decoded::Message(message)) => {
                if message.is_counted() && !self.is_new() {
                    return self.charge();
                }
                self.message(message, size);
            }
            Ok(Decoded::Skipped(_)) => self.charge(),
            Err(error) => self.end_after_calls(CloseReason::Peer(error.into())),
        }
    }

    fn message(&mut self, message: Message<'_>, size: usize) {
        match message {
            Message::Invocation(call) => self.invoked(&Invoked {
                id: call.id.as_deref(),
                target: &call.target,
                arguments: call.arguments,
                streaming: false,
                streams: call.stream_ids.as_deref().unwrap_or_default(),
                headers: &call.headers,
                size,
            }),
            Message::StreamInvocation(call) => self.invoked(&Invoked {
                id: Some(&call.id),
                target: &call.target,
                arguments: call.arguments,
                streaming: true,
                streams: call.stream_ids.as_deref().unwrap_or_default(),
                headers: &call.headers,
                size,
            }),
            Message::CancelInvocation(cancel) => {
                self.charge();
                let before = self.calls.next_id();
                if self.calls.by_invocation(&cancel.id, before).is_some() {
                    let invocation = (&*cancel.id).into();
                    self.events.push_back(Queued::Cancel { invocation, before });
                }
            }
            Message::StreamItem(item) => self.streamed(&item),
            Message::Completion(completion) => self.completed(&completion),
            Message::Ping => {
                self.charge();
                self.pings = true;
            }
            Message::Close(close) => {
                let reason = CloseReason::PeerClosed(close.error.map(Cow::into_owned));
                self.end_behind(reason, Behind::Events);
            }
            Message::Ack(number) => {
                self.charge();
                self.acked(number);
            }
            Message::Sequence(number) => {
                self.charge();
                if self.rewind(number).is_err() {
                    self.end_after_calls(CloseReason::Peer(PeerFault::Sequence));
                }
            }
        }
    }

    fn invoked(&mut self, call: &Invoked<'_>) {
        let &Invoked { id, target, arguments, streaming, streams, headers, size } = call;
        let reply = Reply::new(self.encoding, id);
        if let Some(fault) = self.refusal(call) {
            let text = fault.text(target, self.config.detailed_errors);
            // What nobody binds is checked.
            if self.is_well_formed(arguments) {
                self.charge();
                let answer = reply.failure(&text).map(Box::new);
                self.events.extend(answer.map(Queued::Refused));
            }
            return;
        }
        let class = match streams {
            _ if streaming => Class::Stream,
            [] => Class::Plain,
            _ => Class::Upload,
        };
        let id = self.calls.insert(id.map(Id::from), size, class, streams.len());
        let streams = match streams {
            [] => Box::default(),
            _ => self.uploads.open(id, streams.iter().map(|id| &**id)),
        };
        self.events.push_back(Queued::Event(Event::Invoked(Box::new(Call {
            id,
            target: target.into(),
            reply,
            streaming,
            streams,
            headers: (!headers.is_empty()).then(|| Arc::new(headers.to_static())),
            size,
            arguments: Raw::from(arguments.raw()),
        }))));
    }

    /// Why the streams of a call cannot be opened.
    fn refusal<'a>(&self, call: &Invoked<'a>) -> Option<CallFault<'a>> {
        if !call.streaming && call.streams.is_empty() {
            return None;
        }
        if let Some(id) = call.id
            && call.streaming
            && self.calls.streams(id)
        {
            return Some(CallFault::StreamInUse(id));
        }
        // Before that, so that only so many ids are compared with each other.
        let most = self.config.limits.streams;
        let more = call.streams.len() + usize::from(call.streaming);
        if self.calls.streams_held() + more > most {
            return Some(CallFault::TooManyStreams(most));
        }
        let used = |(at, id): &(usize, &Cow<'_, str>)| {
            self.uploads.sends(id)
                || self.asks.by_id(id).is_some()
                || call.streams.iter().take(*at).any(|other| other == *id)
        };
        let (_, id) = call.streams.iter().enumerate().find(used)?;
        Some(CallFault::StreamInUse(id))
    }

    fn streamed(&mut self, item: &StreamItem<'_>) {
        let (events, limits) = (&mut self.events, &self.config.limits);
        let read = self.uploads.item(&item.id, item.item.raw(), limits, |event| {
            events.push_back(Queued::Event(event));
        });
        if !read {
            self.ignore(item.item);
        }
    }

    fn completed(&mut self, completion: &Completion<'_>) {
        // Streams and questions share the ids of completions. No stream ends with a result; of what has none
        // the first ends the stream, and the next is the answer.
        let ends =
            !matches!(completion.outcome, Outcome::Result(_)) && self.uploads.sends(&completion.id);
        if let Some(ask) = self.asks.by_id(&completion.id).filter(|_| !ends) {
            self.asks.remove(ask);
            let answer = match &completion.outcome {
                Outcome::Result(result) => Answer::Result(Raw::from(result.raw())),
                Outcome::Error(error) => Answer::Error((**error).into()),
                Outcome::Void => Answer::Nothing,
            };
            return self.events.push_back(Queued::Event(Event::Answered { ask, answer }));
        }
        let error = match &completion.outcome {
            Outcome::Error(error) => Some(&**error),
            // What a stream comes to is nobody's business.
            Outcome::Result(result) if !self.is_well_formed(*result) => return,
            Outcome::Result(_) | Outcome::Void => None,
        };
        let (events, limits) = (&mut self.events, &self.config.limits);
        let read = self.uploads.end(&completion.id, error, limits, |event| {
            events.push_back(Queued::Event(event));
        });
        if !read {
            // A late answer, or the end of a stream that nobody reads.
            self.charge();
        }
    }

    /// An item that nobody reads: a late one is harmless, but a tiny one is cheap to send.
    fn ignore(&mut self, payload: Payload<'_>) {
        if self.is_well_formed(payload) && payload.raw().len() < TINY {
            self.charge();
        }
    }

    /// Whether a payload that nobody binds is one; if not, the connection ends.
    fn is_well_formed(&mut self, payload: Payload<'_>) -> bool {
        let well_formed = payload.check() != Err(BindError::Syntax);
        if !well_formed {
            self.end_after_calls(CloseReason::Peer(payload.encoding().malformed().into()));
        }
        well_formed
    }
}
