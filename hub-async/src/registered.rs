//! What a hub keeps of a function: a method whose types are forgotten.

use std::marker::PhantomData;
use std::sync::Arc;

use hub_core::CloseReason;
use hub_core::server::Admission;
use hub_proto::{BindError, Payload};

use crate::caller::Caller;
use crate::extract::{Need, Needed, Source, States};
use crate::handler::{Answer, Bound, Handler, Shape};
use crate::reader::Readers;
use crate::signal::Signal;

/// What became of a call.
pub(crate) enum Invoked {
    /// It runs.
    Running(Answer),
    /// It is bound and waits for its turn.
    Parked(Box<dyn Bound>),
    /// Too many wait for their turn already.
    Full,
    /// The connection is ending.
    Gone,
}

impl Invoked {
    /// What becomes of a call that is bound.
    pub(crate) fn admitted(
        bound: impl Bound + 'static,
        caller: &Caller,
        admission: Admission,
    ) -> Self {
        match admission {
            Admission::Started => Self::Running(bound.start_now(caller.clone())),
            Admission::Parked => Self::Parked(Box::new(bound)),
            Admission::Full => Self::Full,
            Admission::Gone => Self::Gone,
        }
    }
}

/// A call whose arguments are to be bound.
pub(crate) struct Binding<'a, 'b> {
    pub(crate) arguments: Payload<'b>,
    pub(crate) readers: &'a mut Readers<'b>,
    /// What tells the method that nobody waits for it any more, once it wants to know.
    pub(crate) cancel: &'a mut Option<Arc<Signal>>,
    /// Why the connection is over, when it is.
    pub(crate) reason: Option<&'a CloseReason>,
}

/// A [`Handler`] whose parameters' types are forgotten.
pub(crate) trait Method: Send + Sync {
    fn shape(&self) -> Shape;
    fn needs(&self) -> Vec<Need>;

    /// Binds the arguments.
    fn bind(&self, binding: Binding<'_, '_>) -> Result<Box<dyn Bound>, BindError>;

    /// Binds the arguments, asks whether the call may run, and starts it if so.
    fn invoke(
        &self,
        binding: Binding<'_, '_>,
        caller: &Caller,
        admit: &mut dyn FnMut() -> Admission,
    ) -> Result<Invoked, BindError>;
}

/// Makes a [`Method`] of a [`Handler`].
pub(crate) struct Erased<H, P> {
    handler: Arc<H>,
    parameters: PhantomData<fn() -> P>,
}

impl<P: 'static, H: Handler<P>> Erased<H, P> {
    pub(crate) fn new(handler: H) -> Self {
        Self { handler: Arc::new(handler), parameters: PhantomData }
    }

    fn bound(
        &self,
        binding: Binding<'_, '_>,
    ) -> Result<impl Bound + 'static + use<H, P>, BindError> {
        let Binding { arguments, readers, cancel, reason } = binding;
        let Shape { arguments: expected, takes_all, .. } = H::SHAPE;
        if takes_all {
            arguments.check()?;
        }
        let mut elements = arguments.elements()?;
        let bound = self.handler.bind(&mut Source {
            arguments,
            elements: &mut elements,
            expected,
            readers,
            cancel,
            reason,
        })?;
        if !takes_all {
            elements.finish(expected)?;
        }
        Ok(bound)
    }
}

impl<P: 'static, H: Handler<P>> Method for Erased<H, P> {
    fn shape(&self) -> Shape {
        H::SHAPE
    }

    fn needs(&self) -> Vec<Need> {
        H::needs()
    }

    fn bind(&self, binding: Binding<'_, '_>) -> Result<Box<dyn Bound>, BindError> {
        Ok(Box::new(self.bound(binding)?))
    }

    fn invoke(
        &self,
        binding: Binding<'_, '_>,
        caller: &Caller,
        admit: &mut dyn FnMut() -> Admission,
    ) -> Result<Invoked, BindError> {
        let bound = self.bound(binding)?;
        Ok(Invoked::admitted(bound, caller, admit()))
    }
}

/// What a function is to the hub.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Method,
    OnConnected,
    OnDisconnected,
}

/// What the hub lacks for a function in that role, in words.
pub(crate) fn lacks(needs: &[Need], states: &States, role: Role) -> Option<String> {
    needs.iter().find_map(|Need(need)| match need {
        Needed::State(key, name) if !states.has(*key) => Some(format!(
            "takes State<{name}>, which the hub was not given: add .state(…) to its builder"
        )),
        Needed::Reason if role != Role::OnDisconnected => {
            Some("takes a DisconnectReason, which only on_disconnected can".to_owned())
        }
        Needed::Cancel if role != Role::Method => {
            Some("takes a Cancel, which only a method can: there is Context::aborted".to_owned())
        }
        Needed::Error(name) => {
            Some(format!("returns {name}, whose error does not become a HubError"))
        }
        Needed::Stream if role != Role::Method => {
            Some("takes a StreamReader, which only a method can".to_owned())
        }
        Needed::Arguments if role != Role::Method => {
            Some("takes RawArguments, which only a method can".to_owned())
        }
        Needed::State(..)
        | Needed::Reason
        | Needed::Cancel
        | Needed::Stream
        | Needed::Arguments => None,
    })
}
