//! Asking clients: their results.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hub_core::server::{AskId, CallId};
use hub_core::{CloseReason, Delivery, Pushed};
use hub_proto::{Arguments, BindError, EncodeError, Frame, Payload};
use serde::de::DeserializeOwned;

use crate::deliver::deliver;
use crate::inbox::Note;
use crate::member::Member;
use crate::slot::Slot;
use crate::sync::EventListener;

/// Why a client's result is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The client's handler failed, or it has none; with the client's text.
    #[error("{0}")]
    Client(String),
    /// The client answered with neither a result nor an error.
    #[error("The client answered without a result.")]
    NoResult,
    /// The result is no value of the type that was asked for.
    #[error("Error trying to deserialize result to {0}.")]
    Bind(&'static str),
    /// Nobody has that connection id.
    #[error("Connection '{0}' does not exist.")]
    NoConnection(String),
    /// The connection ended before the answer came.
    #[error("Connection '{0}' disconnected.")]
    Disconnected(String),
    /// The answer did not come in time.
    #[error("The client did not answer in time.")]
    TimedOut,
    /// So much that waits has come from the client that its answer could not be read:
    /// [`parked_bytes`](crate::HubOptions::parked_bytes) twice.
    #[error("The client has sent more than can wait, and its answer may be behind that.")]
    Crowded,
    /// The connection owes as many results as it may, which is
    /// [`maximum_client_results`](crate::HubOptions::maximum_client_results). The client may have been asked
    /// nevertheless.
    #[error("Too many results of the client are waited for.")]
    TooMany,
    /// In `on_connected` nothing of the client's is read yet, so no answer could come.
    #[error("Client results inside OnConnectedAsync Hub methods are not allowed.")]
    InOnConnected,
    /// An argument cannot be serialized.
    #[error(transparent)]
    Serialize(EncodeError),
}

impl InvokeError {
    /// The short name of the .NET exception that carries this text.
    pub(crate) const fn exception(&self) -> &'static str {
        match self {
            Self::Client(_) | Self::NoResult | Self::Bind(_) => "HubException",
            Self::NoConnection(_) | Self::Disconnected(_) => "IOException",
            Self::TimedOut => "TimeoutException",
            Self::TooMany | Self::Crowded | Self::InOnConnected => "InvalidOperationException",
            Self::Serialize(_) => "EncodeError",
        }
    }

    /// Whether a client may see it, when it makes one of the hub's methods fail.
    pub(crate) const fn is_shown(&self) -> bool {
        matches!(self, Self::Client(_) | Self::NoResult | Self::Bind(_))
    }
}

/// Who asks: a method or a hook, for its connection.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) member: Arc<Member>,
    pub(crate) place: Place,
}

/// Where some of the hub's own code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Method(CallId),
    OnConnected,
    OnDisconnected,
}

/// What waits for an answer, as the session sees it.
pub(crate) trait Asked: Send + Sync {
    /// Reads the client's result. Bad grammar is the connection's end.
    fn answer(&self, result: Payload<'_>) -> Result<(), BindError>;

    /// There is none.
    fn fail(&self, error: InvokeError);
}

impl<T: DeserializeOwned + Send> Asked for Slot<Result<T, InvokeError>> {
    fn answer(&self, result: Payload<'_>) -> Result<(), BindError> {
        let result = match result.read::<T>() {
            Err(BindError::Syntax) => {
                self.fail(InvokeError::Bind(std::any::type_name::<T>()));
                return Err(BindError::Syntax);
            }
            result => result.map_err(|_| InvokeError::Bind(std::any::type_name::<T>())),
        };
        self.put(result);
        Ok(())
    }

    fn fail(&self, error: InvokeError) {
        self.put(Err(error));
    }
}

/// A client's result on its way. The client was asked already; dropping this withdraws the question, and a
/// late answer is ignored.
#[must_use = "the result is for whoever awaits"]
pub struct Asking<T> {
    stage: Stage<T>,
}

enum Stage<T> {
    Failed(Option<InvokeError>),
    Asked(Question<T>),
}

struct Question<T> {
    member: Arc<Member>,
    ask: AskId,
    slot: Arc<Slot<Result<T, InvokeError>>>,
    over: Option<EventListener>,
    done: bool,
    result: PhantomData<T>,
}

impl<T: DeserializeOwned + Send + 'static> Asking<T> {
    pub(crate) const fn failed(error: InvokeError) -> Self {
        Self { stage: Stage::Failed(Some(error)) }
    }

    /// Asks the client; the question is queued at once.
    pub(crate) fn ask(
        member: Arc<Member>,
        ask: AskId,
        timeout: Option<Duration>,
        method: &str,
        arguments: &dyn Arguments,
    ) -> Self {
        if member.abort_signal().has_fired() {
            return Self::failed(InvokeError::Disconnected((*member.id).to_owned()));
        }
        let frame = Frame::invocation(member.encoding(), Some(&ask.to_string()), method, arguments);
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Self::failed(InvokeError::Serialize(error)),
        };
        let slot = Arc::new(Slot::new());
        // Before the client can answer.
        let asked: Arc<dyn Asked> = Arc::clone(&slot) as _;
        member.note(Note::Ask { ask, timeout, asked });
        let push = member.outlet.push(&frame, Delivery::Own);
        if push.pushed == Pushed::Overflow {
            member.close(CloseReason::SlowConsumer);
        } else if push.wake {
            deliver(&mut vec![Arc::clone(&member)]);
        }
        let question = Question { member, ask, slot, over: None, done: false, result: PhantomData };
        Self { stage: Stage::Asked(question) }
    }
}

impl<T> Future for Asking<T> {
    type Output = Result<T, InvokeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.stage {
            Stage::Failed(error) => {
                error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
            }
            Stage::Asked(question) => question.poll(cx),
        }
    }
}

impl<T> Unpin for Asking<T> {}

impl<T> Question<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, InvokeError>> {
        if self.done {
            return Poll::Pending;
        }
        // Both are looked at, so that both wake.
        let over = self.member.abort_signal().poll(&mut self.over, cx).is_ready();
        let answer = match self.slot.poll_take(cx) {
            Poll::Ready(answer) => answer,
            Poll::Pending if over => Err(InvokeError::Disconnected((*self.member.id).to_owned())),
            Poll::Pending => return Poll::Pending,
        };
        self.done = true;
        Poll::Ready(answer)
    }
}

impl<T> Drop for Question<T> {
    fn drop(&mut self) {
        if !self.done {
            self.member.note(Note::Withdraw(self.ask));
        }
    }
}

impl<T> fmt::Debug for Asking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

/// The results of several clients on their way, each with the id of its connection.
#[must_use = "the results are for whoever awaits"]
#[derive(Debug)]
pub struct AskingEach<T> {
    // Only those that have something to say are polled: there may be thousands.
    asking: FuturesUnordered<Named<T>>,
    results: Vec<(String, Result<T, InvokeError>)>,
}

/// A result and whose it is.
#[derive(Debug)]
struct Named<T> {
    connection: String,
    asking: Asking<T>,
}

impl<T> Future for Named<T> {
    type Output = (String, Result<T, InvokeError>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.asking).poll(cx));
        Poll::Ready((mem::take(&mut self.connection), result))
    }
}

impl<T> AskingEach<T> {
    pub(crate) fn new(asking: impl Iterator<Item = (String, Asking<T>)>) -> Self {
        let asking = asking.map(|(connection, asking)| Named { connection, asking }).collect();
        Self { asking, results: Vec::new() }
    }
}

impl<T> Unpin for AskingEach<T> {}

impl<T> Future for AskingEach<T> {
    type Output = Vec<(String, Result<T, InvokeError>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        while let Some(result) = ready!(self.asking.poll_next_unpin(cx)) {
            self.results.push(result);
        }
        Poll::Ready(mem::take(&mut self.results))
    }
}
