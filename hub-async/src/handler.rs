//! From a function to a method that clients can call.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use hub_core::server::Admission;
use hub_proto::{BindError, Payload};

use crate::caller::Caller;
use crate::caught::forget;
use crate::context::Context;
use crate::error::HubError;
use crate::extract::{Need, Needed, Parameter, Source, States};
use crate::reader::Readers;
use crate::response::{Responded, Response};
use crate::signal::Signal;

/// Functions that can be methods: `async fn` with extractors and up to 12 arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a hub method",
    label = "not a hub method",
    note = "a method is an `async fn` whose parameters are extractors (`Context`, `State<T>`, `Cancel`, `StreamReader<T>`) and up to 12 deserializable arguments, and which returns a `Serialize` value, a `Stream` of them, or a `Result` of either"
)]
pub trait Handler<P>: Send + Sync + 'static {
    /// How many arguments the client must send.
    const ARGUMENTS: usize;

    /// How many streams the client must send along.
    const STREAMS: usize;

    /// Whether the answer is a stream.
    const ANSWERS_WITH_STREAM: bool;

    /// What the parameters need.
    fn needs() -> Vec<Need>;

    /// Takes the parameters; running the function is for later.
    fn bind(
        self: &Arc<Self>,
        source: &mut Source<'_, '_>,
    ) -> Result<impl FnOnce(Caller) -> Answer + Send + 'static, BindError>;
}

/// The answer of a method, on its way.
pub type Answer = Pin<Box<dyn Future<Output = Responded> + Send>>;

/// A method whose arguments are bound.
pub(crate) type Bound = Box<dyn FnOnce(Caller) -> Answer + Send>;

/// What became of a call.
pub(crate) enum Invoked {
    /// It runs.
    Running(Answer),
    /// It is bound and waits for its turn.
    Parked(Bound),
    /// Too many wait for their turn already.
    Full,
    /// The connection is ending.
    Gone,
}

/// Where the parameters of one call come from, besides its arguments.
pub(crate) struct Surroundings<'a, 'b> {
    pub(crate) context: &'a Context,
    pub(crate) states: &'a States,
    pub(crate) reason: Option<&'a hub_core::CloseReason>,
    pub(crate) cancel: &'a mut Option<Arc<Signal>>,
    pub(crate) readers: &'a mut Readers<'b>,
}

/// A [`Handler`] whose parameters' types are forgotten.
pub(crate) trait Method: Send + Sync {
    fn arguments(&self) -> usize;
    fn streams(&self) -> usize;
    fn answers_with_stream(&self) -> bool;
    fn needs(&self) -> Vec<Need>;

    /// Binds the arguments, asks whether the call may run, and starts it if so.
    fn invoke<'b>(
        &self,
        around: Surroundings<'_, 'b>,
        arguments: Payload<'b>,
        caller: &Caller,
        admit: &mut dyn FnMut() -> Admission,
    ) -> Result<Invoked, BindError>;
}

/// Makes a [`Method`] of a [`Handler`].
pub(crate) struct Erased<H, P> {
    handler: Arc<H>,
    parameters: std::marker::PhantomData<fn() -> P>,
}

impl<H, P> Erased<H, P> {
    pub(crate) fn new(handler: H) -> Self {
        Self { handler: Arc::new(handler), parameters: std::marker::PhantomData }
    }
}

impl<P: 'static, H: Handler<P>> Method for Erased<H, P> {
    fn arguments(&self) -> usize {
        H::ARGUMENTS
    }

    fn streams(&self) -> usize {
        H::STREAMS
    }

    fn answers_with_stream(&self) -> bool {
        H::ANSWERS_WITH_STREAM
    }

    fn needs(&self) -> Vec<Need> {
        H::needs()
    }

    fn invoke<'b>(
        &self,
        around: Surroundings<'_, 'b>,
        arguments: Payload<'b>,
        caller: &Caller,
        admit: &mut dyn FnMut() -> Admission,
    ) -> Result<Invoked, BindError> {
        let mut elements = arguments.elements()?;
        let mut source = Source {
            context: around.context,
            states: around.states,
            reason: around.reason,
            cancel: around.cancel,
            readers: around.readers,
            elements: &mut elements,
            expected: H::ARGUMENTS,
        };
        let bound = self.handler.bind(&mut source)?;
        let taken = source.cancel.is_some();
        let stops = H::ANSWERS_WITH_STREAM && !taken;
        let stop = stops.then(|| Arc::clone(source.cancel.get_or_insert_default()));
        elements.finish(H::ARGUMENTS)?;
        let start = |caller: Caller| bound(Caller { stop, ..caller });
        Ok(match admit() {
            Admission::Started => Invoked::Running(start(caller.clone())),
            Admission::Parked => Invoked::Parked(Box::new(start)),
            Admission::Full => Invoked::Full,
            Admission::Gone => Invoked::Gone,
        })
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
        Needed::State(key, name) if !states.has(*key) => {
            Some(format!("takes State<{name}>, which the hub was not given"))
        }
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
        Needed::State(..) | Needed::Reason | Needed::Cancel | Needed::Stream => None,
    })
}

macro_rules! handler {
    ($($mark:ident $name:ident),*) => {
        impl<Fun, Fut, Res, ResMark, $($mark, $name),*> Handler<(ResMark, $(($mark, $name),)*)> for Fun
        where
            Fun: Fn($($name),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Res> + Send + 'static,
            Res: Response<ResMark>,
            $($name: Parameter<$mark>,)*
        {
            const ARGUMENTS: usize = 0 $(+ $name::ARGUMENTS)*;
            const STREAMS: usize = 0 $(+ $name::STREAMS)*;
            const ANSWERS_WITH_STREAM: bool = Res::STREAMS;

            fn needs() -> Vec<Need> {
                let error = Res::misunderstood().map(|name| Need(Needed::Error(name)));
                [error, $($name::need()),*].into_iter().flatten().collect()
            }

            #[allow(non_snake_case, unused_variables, reason = "one macro for every length")]
            fn bind(self: &Arc<Self>, source: &mut Source<'_, '_>) -> Result<impl FnOnce(Caller) -> Answer + Send + 'static, BindError> {
                $(let $name = $name::take(source)?;)*
                let function = Arc::clone(self);
                Ok(move |caller: Caller| -> Answer {
                    let run = async move { function($($name),*).await.respond(caller).await };
                    Box::pin(AssertUnwindSafe(run).catch_unwind().map(|done| done.map_err(forget).unwrap_or_else(|()| Err(HubError::panicked()))))
                })
            }
        }
    };
}

handler!();
handler!(M1 P1);
handler!(M1 P1, M2 P2);
handler!(M1 P1, M2 P2, M3 P3);
handler!(M1 P1, M2 P2, M3 P3, M4 P4);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6, M7 P7);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6, M7 P7, M8 P8);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6, M7 P7, M8 P8, M9 P9);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6, M7 P7, M8 P8, M9 P9, M10 P10);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6, M7 P7, M8 P8, M9 P9, M10 P10, M11 P11);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6, M7 P7, M8 P8, M9 P9, M10 P10, M11 P11, M12 P12);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6, M7 P7, M8 P8, M9 P9, M10 P10, M11 P11, M12 P12, M13 P13);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6, M7 P7, M8 P8, M9 P9, M10 P10, M11 P11, M12 P12, M13 P13, M14 P14);
handler!(M1 P1, M2 P2, M3 P3, M4 P4, M5 P5, M6 P6, M7 P7, M8 P8, M9 P9, M10 P10, M11 P11, M12 P12, M13 P13, M14 P14, M15 P15);
