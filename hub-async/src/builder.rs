//! Building a hub.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hub_core::server::AskId;

use crate::context::HubContext;
use crate::extract::States;
use crate::facts::RequestFacts;
use crate::filter::{Filter, HubFilter};
use crate::handler::Handler;
use crate::options::{HubOptions, MethodOptions};
use crate::registered::{Erased, Method, Role, lacks};
use crate::shards::Shards;
use crate::user::Identity;

/// Methods that clients call, and everybody who is connected. A clone is the same hub.
#[derive(Clone)]
pub struct Hub(pub(crate) Arc<HubCore>);

/// What every part of a hub shares.
pub(crate) struct HubCore {
    methods: HashMap<Box<str>, Registered>,
    pub(crate) fallback: Option<Registered>,
    pub(crate) on_connected: Option<Box<dyn Method>>,
    pub(crate) on_disconnected: Option<Box<dyn Method>>,
    pub(crate) states: States,
    pub(crate) identify: Option<Identify>,
    pub(crate) filters: Vec<Arc<dyn Filter>>,
    pub(crate) options: HubOptions,
    pub(crate) shards: Shards,
    /// How many questions were asked.
    asks: AtomicU64,
}

pub(crate) type Identify = Box<dyn Fn(&RequestFacts) -> Identity + Send + Sync>;

/// A method, by its name.
pub(crate) struct Registered {
    pub(crate) name: Box<str>,
    pub(crate) method: Box<dyn Method>,
    pub(crate) options: MethodOptions,
}

impl Registered {
    /// Whether its stream is ended by whoever sends it, when nobody waits for that any more.
    pub(crate) fn stops(&self) -> bool {
        let shape = self.method.shape();
        shape.answers_with_stream && !shape.cancels
    }
}

impl Hub {
    /// Starts a hub.
    pub fn builder() -> HubBuilder {
        HubBuilder::default()
    }

    /// The hub from outside: sends, groups, counts, closing. Usable from anywhere, before and while it
    /// serves.
    pub fn context(&self) -> HubContext {
        HubContext::new(Arc::clone(&self.0))
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("methods", &self.0.methods.len()).finish_non_exhaustive()
    }
}

impl HubCore {
    /// The id of the next question to a client; the first is 1.
    pub(crate) fn next_ask(&self) -> AskId {
        AskId(self.asks.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The method of that name, whatever its ASCII case.
    pub(crate) fn method(&self, name: &str) -> Option<&Registered> {
        // Names are short: the stack does for nearly all of them.
        let mut small = [0_u8; 64];
        match small.get_mut(..name.len()) {
            Some(lower) => {
                lower.copy_from_slice(name.as_bytes());
                lower.make_ascii_lowercase();
                std::str::from_utf8(lower).ok().and_then(|lower| self.methods.get(lower))
            }
            None => self.methods.get(&*name.to_ascii_lowercase()),
        }
    }
}

/// Collects what a hub is made of.
#[derive(Default)]
#[must_use]
pub struct HubBuilder {
    methods: Vec<Registered>,
    fallback: Option<Registered>,
    on_connected: Option<Box<dyn Method>>,
    on_disconnected: Option<Box<dyn Method>>,
    states: States,
    identify: Option<Identify>,
    filters: Vec<Arc<dyn Filter>>,
    options: HubOptions,
}

impl HubBuilder {
    /// Adds a method that clients call by `name`, whatever its ASCII case.
    ///
    /// The handler is an `async fn` that takes extractors ([`Context`](crate::Context),
    /// [`State`](crate::State), [`Cancel`](crate::Cancel), [`StreamReader`](crate::StreamReader), your own
    /// [`Extractor`](crate::Extractor)s and others) and up to 12 arguments, and returns a value, a stream, or a
    /// `Result` of either.
    pub fn method<P: 'static, H: Handler<P>>(self, name: impl Into<String>, handler: H) -> Self {
        self.method_with(name, handler, MethodOptions::new())
    }

    /// Adds a method that runs in another way than most.
    pub fn method_with<P: 'static, H: Handler<P>>(
        mut self,
        name: impl Into<String>,
        handler: H,
        options: MethodOptions,
    ) -> Self {
        let (name, method) = (name.into().into(), Box::new(Erased::new(handler)));
        self.methods.push(Registered { name, method, options });
        self
    }

    /// Runs when a client calls a method that the hub does not have; without it, or when it gives
    /// [`HubError::unknown_method`](crate::HubError::unknown_method), the client is told so. It is a method
    /// like any other: [`MethodName`](crate::MethodName) and [`RawArguments`](crate::RawArguments) tell what was called.
    pub fn fallback<P: 'static, H: Handler<P>>(mut self, handler: H) -> Self {
        let (name, method) = (Box::default(), Box::new(Erased::new(handler)));
        self.fallback = Some(Registered { name, method, options: MethodOptions::new() });
        self
    }

    /// Adds a [filter](crate::HubFilter) around all methods and hooks: inside of those that were added before, and of
    /// the [server's](crate::server::Server::filter).
    pub fn filter(mut self, filter: impl HubFilter) -> Self {
        self.filters.push(Arc::new(filter));
        self
    }

    /// Runs when a client has connected, before any of its messages is read. It is in
    /// `clients().all()` by then. An error closes the connection, and the client may not reconnect.
    pub fn on_connected<P: 'static, H: Handler<P>>(mut self, handler: H) -> Self {
        self.on_connected = Some(Box::new(Erased::new(handler)));
        self
    }

    /// Runs when a connection is over, for each one whose `on_connected` succeeded. It is still in its
    /// groups; what is sent to it goes nowhere. It may take a
    /// [`DisconnectReason`](crate::DisconnectReason).
    pub fn on_disconnected<P: 'static, H: Handler<P>>(mut self, handler: H) -> Self {
        self.on_disconnected = Some(Box::new(Erased::new(handler)));
        self
    }

    /// Gives handlers a value of that type, by [`State<T>`](crate::State).
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.states.insert(value);
        self
    }

    /// Tells the user id of a connection from its request; called once, at the handshake. Without one
    /// every connection is anonymous.
    pub fn user_id(
        self,
        find: impl Fn(&RequestFacts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.identify(move |request| find(request).map_or_else(Identity::anonymous, Identity::user))
    }

    /// Tells who the client is from its request, with claims; called once, at the handshake. It takes the place of
    /// [`user_id`](Self::user_id).
    pub fn identify(
        mut self,
        find: impl Fn(&RequestFacts) -> Identity + Send + Sync + 'static,
    ) -> Self {
        self.identify = Some(Box::new(find));
        self
    }

    /// Sets the hub's own options; what they leave out comes from the server's.
    pub fn options(mut self, options: HubOptions) -> Self {
        self.options = options;
        self
    }

    /// Checks everything and makes the hub.
    pub fn build(self) -> Result<Hub, BuildError> {
        let mut methods: HashMap<Box<str>, Registered> = HashMap::new();
        for method in self.methods {
            let Registered { name, method: handler, .. } = &method;
            check(&format!("method '{name}'"), &**handler, &self.states, Role::Method)?;
            let key = name.to_ascii_lowercase().into_boxed_str();
            if let Some(first) = methods.get(&key) {
                let (first, second) = (first.name.to_string(), name.to_string());
                return Err(BuildError::Duplicate { first, second });
            }
            methods.insert(key, method);
        }
        if let Some(fallback) = &self.fallback {
            check("the fallback", &*fallback.method, &self.states, Role::Method)?;
        }
        if let Some(hook) = &self.on_connected {
            check("on_connected", &**hook, &self.states, Role::OnConnected)?;
        }
        if let Some(hook) = &self.on_disconnected {
            check("on_disconnected", &**hook, &self.states, Role::OnDisconnected)?;
        }
        Ok(Hub(Arc::new(HubCore {
            methods,
            fallback: self.fallback,
            on_connected: self.on_connected,
            on_disconnected: self.on_disconnected,
            states: self.states,
            identify: self.identify,
            filters: self.filters,
            options: self.options,
            shards: Shards::new(),
            asks: AtomicU64::new(0),
        })))
    }
}

/// The most arguments of a method.
const ARGUMENTS: usize = 12;

fn check(what: &str, method: &dyn Method, states: &States, role: Role) -> Result<(), BuildError> {
    let refuse = |lack: String| Err(BuildError::Needs(format!("{what} {lack}")));
    if let Some(lack) = lacks(&method.needs(), states, role) {
        return refuse(lack);
    }
    let shape = method.shape();
    if role != Role::Method && shape.answers_with_stream {
        return refuse("returns a stream, which only a method can".to_owned());
    }
    match shape.arguments {
        0 => {}
        _ if role != Role::Method => {
            return refuse(
                "takes an argument, but no client sends it one: a hook takes extractors only"
                    .to_owned(),
            );
        }
        many if many > ARGUMENTS => {
            return refuse(format!("takes {many} arguments, at most {ARGUMENTS} are possible"));
        }
        _ => {}
    }
    if shape.takes_all && shape.arguments > 0 {
        return refuse(
            "takes RawArguments, which are all of them, and arguments besides".to_owned(),
        );
    }
    Ok(())
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.methods.iter().map(|method| &method.name).collect();
        f.debug_struct("HubBuilder").field("methods", &names).finish_non_exhaustive()
    }
}

/// Why there is no hub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two methods differ in nothing but ASCII case.
    #[error(
        "Duplicate definitions of '{second}'. Overloading is not supported: '{first}' has the same name."
    )]
    Duplicate {
        /// The one that was added first.
        first: String,
        /// The one that was added later.
        second: String,
    },
    /// A handler takes something that the hub cannot give.
    #[error("{0}")]
    Needs(String),
}
