//! Building a hub.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hub_core::server::AskId;

use crate::context::HubContext;
use crate::extract::States;
use crate::facts::RequestFacts;
use crate::handler::{Erased, Handler, Method, Role, lacks};
use crate::options::{HubOptions, MethodOptions};
use crate::shards::Shards;

/// Methods that clients call, and everybody who is connected. A clone is the same hub.
#[derive(Clone)]
pub struct Hub(pub(crate) Arc<HubCore>);

/// What every part of a hub shares.
pub(crate) struct HubCore {
    methods: HashMap<Box<str>, (Box<dyn Method>, MethodOptions)>,
    pub(crate) on_connected: Option<Box<dyn Method>>,
    pub(crate) on_disconnected: Option<Box<dyn Method>>,
    pub(crate) states: States,
    pub(crate) user_id: Option<UserId>,
    pub(crate) options: HubOptions,
    pub(crate) shards: Shards,
    /// How many questions were asked.
    asks: AtomicU64,
}

pub(crate) type UserId = Box<dyn Fn(&RequestFacts) -> Option<String> + Send + Sync>;

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
    pub(crate) fn method(&self, name: &str) -> Option<(&dyn Method, MethodOptions)> {
        // Names are short: the stack does for nearly all of them.
        let mut small = [0_u8; 64];
        let method = match small.get_mut(..name.len()) {
            Some(lower) => {
                lower.copy_from_slice(name.as_bytes());
                lower.make_ascii_lowercase();
                std::str::from_utf8(lower).ok().and_then(|lower| self.methods.get(lower))
            }
            None => self.methods.get(&*name.to_ascii_lowercase()),
        };
        method.map(|(method, options)| (&**method, *options))
    }
}

/// Collects what a hub is made of.
#[derive(Default)]
#[must_use]
pub struct HubBuilder {
    methods: Vec<(String, Box<dyn Method>, MethodOptions)>,
    on_connected: Option<Box<dyn Method>>,
    on_disconnected: Option<Box<dyn Method>>,
    states: States,
    user_id: Option<UserId>,
    options: HubOptions,
}

impl HubBuilder {
    /// Adds a method that clients call by `name`, whatever its ASCII case.
    ///
    /// The handler is an `async fn` that takes extractors ([`Context`](crate::Context),
    /// [`State`](crate::State), [`Cancel`](crate::Cancel), [`StreamReader`](crate::StreamReader)) and up to 12
    /// arguments, and returns a value, a stream, or a `Result` of either.
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
        self.methods.push((name.into(), Box::new(Erased::new(handler)), options));
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
        mut self,
        find: impl Fn(&RequestFacts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.user_id = Some(Box::new(find));
        self
    }

    /// Sets the hub's own options; what they leave out comes from the server's.
    pub fn options(mut self, options: HubOptions) -> Self {
        self.options = options;
        self
    }

    /// Checks everything and makes the hub.
    pub fn build(self) -> Result<Hub, BuildError> {
        let mut methods: HashMap<Box<str>, (String, _)> = HashMap::new();
        for (name, method, options) in self.methods {
            check(&format!("method '{name}'"), &*method, &self.states, Role::Method, 12)?;
            let key = name.to_ascii_lowercase().into_boxed_str();
            if let Some((first, _)) = methods.get(&key) {
                return Err(BuildError::Duplicate { first: first.clone(), second: name });
            }
            methods.insert(key, (name, (method, options)));
        }
        if let Some(hook) = &self.on_connected {
            check("on_connected", &**hook, &self.states, Role::OnConnected, 0)?;
        }
        if let Some(hook) = &self.on_disconnected {
            check("on_disconnected", &**hook, &self.states, Role::OnDisconnected, 0)?;
        }
        Ok(Hub(Arc::new(HubCore {
            methods: methods.into_iter().map(|(key, (_, method))| (key, method)).collect(),
            on_connected: self.on_connected,
            on_disconnected: self.on_disconnected,
            states: self.states,
            user_id: self.user_id,
            options: self.options,
            shards: Shards::new(),
            asks: AtomicU64::new(0),
        })))
    }
}

fn check(
    what: &str,
    method: &dyn Method,
    states: &States,
    role: Role,
    most: usize,
) -> Result<(), BuildError> {
    if let Some(lack) = lacks(&method.needs(), states, role) {
        return Err(BuildError::Needs(format!("{what} {lack}")));
    }
    if role != Role::Method && method.answers_with_stream() {
        return Err(BuildError::Needs(format!("{what} returns a stream, which only a method can")));
    }
    let arguments = method.arguments();
    if arguments > most {
        return Err(BuildError::Needs(format!(
            "{what} takes {arguments} arguments, at most {most} are possible"
        )));
    }
    Ok(())
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.methods.iter().map(|(name, ..)| name).collect();
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
