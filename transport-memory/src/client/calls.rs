//! The methods that a client calls.
#![expect(clippy::needless_pass_by_value, reason = "callers hand a tuple over, as to any call")]

use std::panic::Location;
use std::sync::Arc;

use hub_proto::{Arguments, Headers, Invocation, Message, Payload, StreamInvocation};
use serde::de::DeserializeOwned;

use super::Client;
use super::answer::{Answer, Made};
use super::items::Items;
use super::say::say;
use super::state::{State, Waiting};
use super::upload::Upload;

impl Client {
    /// Calls a method; awaited, it gives the result, or the error with which the server answers. A method that returns
    /// nothing gives a `()`.
    ///
    /// # Panics
    ///
    /// When the arguments cannot be written; awaited, when no answer comes in time, or a result that is no `T`.
    #[track_caller]
    pub fn invoke<T>(&self, target: &str, arguments: impl Arguments) -> Answer<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Answer::new(self.call(target, &arguments, Kind::Invoke, None))
    }

    /// Calls a method and wants no answer.
    ///
    /// # Panics
    ///
    /// When the connection has ended, or the arguments cannot be written.
    #[track_caller]
    pub fn send(&self, target: &str, arguments: impl Arguments) {
        let raw = self.write(target, &arguments);
        let (target, headers) = (target.into(), Headers::default());
        let arguments = Payload::new(self.0.options.encoding, &raw);
        let call = Invocation { id: None, target, arguments, stream_ids: None, headers };
        say(&self.0, &Message::Invocation(call));
    }

    /// Calls a method that answers with a stream.
    ///
    /// # Panics
    ///
    /// When the arguments cannot be written.
    #[track_caller]
    pub fn stream<T: DeserializeOwned>(&self, target: &str, arguments: impl Arguments) -> Items<T> {
        Items::new(self.call(target, &arguments, Kind::Stream, None))
    }

    /// Calls a method that takes a stream, and answers once.
    ///
    /// # Panics
    ///
    /// When the arguments, without the stream, cannot be written.
    #[track_caller]
    pub fn upload<T>(&self, target: &str, arguments: impl Arguments) -> Upload<Answer<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let stream = self.0.lock().next_id();
        let made = self.call(target, &arguments, Kind::Invoke, Some(&stream));
        Upload::new(Arc::clone(&self.0), stream, Answer::new(made))
    }

    /// Calls a method that takes a stream, and answers with one.
    ///
    /// # Panics
    ///
    /// When the arguments, without the stream, cannot be written.
    #[track_caller]
    pub fn duplex<T: DeserializeOwned>(
        &self,
        target: &str,
        arguments: impl Arguments,
    ) -> Upload<Items<T>> {
        let stream = self.0.lock().next_id();
        let made = self.call(target, &arguments, Kind::Stream, Some(&stream));
        Upload::new(Arc::clone(&self.0), stream, Items::new(made))
    }

    #[track_caller]
    fn write(&self, target: &str, arguments: &impl Arguments) -> Vec<u8> {
        let mut raw = Vec::new();
        if let Err(error) = arguments.write(self.0.options.encoding, &mut raw) {
            panic!("the arguments of {target} cannot be written: {error}");
        }
        raw
    }

    /// Begins a call. When the connection has ended, so has the call.
    #[track_caller]
    fn call(
        &self,
        target: &str,
        arguments: &impl Arguments,
        kind: Kind,
        stream: Option<&str>,
    ) -> Made {
        let raw = self.write(target, arguments);
        let id = {
            let mut state = self.0.lock();
            let id = state.next_id();
            state.calls.insert(id.clone(), Waiting::default());
            id
        };
        let arguments = Payload::new(self.0.options.encoding, &raw);
        let (headers, stream_ids) = (Headers::default(), stream.map(|stream| vec![stream.into()]));
        let message = match kind {
            Kind::Invoke => {
                let (id, target) = (Some((&*id).into()), target.into());
                Message::Invocation(Invocation { id, target, arguments, stream_ids, headers })
            }
            Kind::Stream => {
                let (id, target) = ((&*id).into(), target.into());
                let call = StreamInvocation { id, target, arguments, stream_ids, headers };
                Message::StreamInvocation(call)
            }
        };
        if self.0.say(&message).is_err() {
            self.0.change(State::fail_calls);
        }
        let (inner, target) = (Arc::clone(&self.0), target.to_owned());
        Made { inner, id, target, at: Location::caller() }
    }
}

/// How a call is answered.
#[derive(Clone, Copy)]
enum Kind {
    Invoke,
    Stream,
}
