//! From a function to a method that clients can call.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use hub_proto::BindError;

use crate::caller::Caller;
use crate::caught::forget;
use crate::error::HubError;
use crate::extract::{Need, Needed, Parameter, Source};
use crate::response::{Responded, Response};

/// Functions that can be methods: `async fn` with extractors and up to 12 arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a hub method",
    label = "not a hub method",
    note = "a method is an `async fn` whose parameters are extractors (`Context`, `State<T>`, `Cancel`, `StreamReader<T>`, \
            your own, …) and up to 12 deserializable arguments, and which returns a `Serialize` value, a `Stream` of them, or a \
            `Result` of either",
    note = "nothing that cannot be sent to another thread, as an `Rc` or a guard of a lock, may be held over an `.await`",
    note = "`#[hub]` on an `impl` block points at the parameter or the result that does not fit"
)]
pub trait Handler<P>: Send + Sync + 'static {
    /// What the client must send, and what it gets.
    const SHAPE: Shape;

    /// What the parameters need.
    fn needs() -> Vec<Need>;

    /// Takes the arguments; what comes from the server, and running the function, is for later.
    fn bind(
        self: &Arc<Self>,
        source: &mut Source<'_, '_>,
    ) -> Result<impl Bound + 'static + use<Self, P>, BindError>;
}

/// What a client must send to a method, and what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many arguments the client must send.
    pub arguments: usize,
    /// Whether one of the parameters takes all the arguments, however many there are.
    pub takes_all: bool,
    /// How many streams the client must send along.
    pub streams: usize,
    /// Whether the answer is a stream.
    pub answers_with_stream: bool,
    /// Whether one of the parameters learns of cancellations.
    pub cancels: bool,
}

/// The answer of a method, on its way.
pub type Answer = Pin<Box<dyn Future<Output = Responded> + Send>>;

/// A method with its arguments, ready to run.
pub trait Bound: Send {
    /// The argument at that place, of those that the client sends.
    fn argument(&mut self, index: usize) -> Option<&mut dyn Any>;

    /// Runs it.
    fn start(self: Box<Self>, caller: Caller) -> Answer;

    /// The same, without a box around it.
    fn start_now(self, caller: Caller) -> Answer
    where
        Self: Sized;
}

/// A function and its parameters, as far as they are bound.
struct Call<T, F> {
    parameters: T,
    argument: fn(&mut T, usize) -> Option<&mut dyn Any>,
    run: F,
}

impl<T, F> Bound for Call<T, F>
where
    T: Send,
    F: FnOnce(T, Caller) -> Answer + Send,
{
    fn argument(&mut self, index: usize) -> Option<&mut dyn Any> {
        (self.argument)(&mut self.parameters, index)
    }

    fn start(self: Box<Self>, caller: Caller) -> Answer {
        (*self).start_now(caller)
    }

    fn start_now(self, caller: Caller) -> Answer {
        (self.run)(self.parameters, caller)
    }
}

/// What some of the hub's code comes to: a panic is a failure.
pub(crate) fn answer<T: 'static>(
    run: impl Future<Output = Result<T, HubError>> + Send + 'static,
) -> Pin<Box<dyn Future<Output = Result<T, HubError>> + Send>> {
    Box::pin(
        AssertUnwindSafe(run)
            .catch_unwind()
            .map(|done| done.map_err(forget).unwrap_or_else(|()| Err(HubError::panicked()))),
    )
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
            const SHAPE: Shape = Shape {
                arguments: 0 $(+ $name::ARGUMENTS)*,
                takes_all: false $(|| $name::TAKES_ALL)*,
                streams: 0 $(+ $name::STREAMS)*,
                answers_with_stream: Res::STREAMS,
                cancels: false $(|| $name::CANCELS)*,
            };

            fn needs() -> Vec<Need> {
                let error = Res::misunderstood().map(|name| Need(Needed::Error(name)));
                [error, $($name::need()),*].into_iter().flatten().collect()
            }

            #[allow(non_snake_case, unused_variables, unused_mut, unused_assignments, clippy::unused_unit, reason = "one macro for every length")]
            fn bind(self: &Arc<Self>, source: &mut Source<'_, '_>) -> Result<impl Bound + 'static + use<Fun, Fut, Res, ResMark, $($mark, $name),*>, BindError> {
                let parameters = ($($name::bind(source)?,)*);
                let function = Arc::clone(self);
                Ok(Call {
                    parameters,
                    argument: |($($name,)*): &mut ($($name::Bound,)*), index| {
                        let mut before = 0;
                        $(
                            if $name::ARGUMENTS == 1 {
                                if before == index {
                                    return Some($name);
                                }
                                before += 1;
                            }
                        )*
                        None
                    },
                    run: move |($($name,)*): ($($name::Bound,)*), caller: Caller| {
                        answer(async move {
                            $(let $name = $name::start($name, &caller)?;)*
                            function($($name),*).await.respond(caller).await
                        })
                    },
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
