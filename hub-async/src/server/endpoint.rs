//! A hub, or raw connections, at a route: its door, its settings, and how many are inside.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub_core::endpoint::{Answer, Claim, Fresh, Outcome, Posting, Request, Table, Transports};
use hub_core::limits::EARLY_WAITING;
use hub_core::link;
use hub_core::server::Config;
use hub_core::{CloseReason, Outbox};

use crate::budget::MemoryBudget;
use crate::builder::HubCore;
use crate::caught::discard;
use crate::exchange::Exchange;
use crate::facts::RequestFacts;
use crate::filter::{Filter, Filters};
use crate::member::Member;
use crate::options::{HubOptions, Resolved};
use crate::outlet::Outlet;
use crate::raw::RawHandler;
use crate::runtime::{Clock, Runtime};
use crate::sync::{AtomicUsize, Event, Mutex, MutexGuard};

/// Expired negotiations are looked for no more often than that, and no less often.
const SWEEP_MIN: Duration = Duration::from_secs(1);
const SWEEP_MAX: Duration = Duration::from_secs(60);

/// What the connections of a route talk to.
#[derive(Clone)]
pub(crate) enum App {
    Hub(Arc<HubCore>),
    Raw(RawHandler),
}

impl App {
    /// Its own options.
    pub(crate) fn options(&self) -> HubOptions {
        match self {
            Self::Hub(hub) => hub.options.clone(),
            Self::Raw(_) => HubOptions::new(),
        }
    }
}

/// A hub, or a handler of raw connections, at a route.
pub(crate) struct Endpoint {
    pub(crate) path: String,
    pub(crate) app: App,
    pub(crate) config: Arc<Config>,
    pub(crate) options: Resolved,
    /// Those of the server and of its hub.
    pub(crate) filters: Filters,
    pub(crate) clock: Clock,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) budget: MemoryBudget,
    table: Mutex<Table<Arc<Member>>>,
    sessions: AtomicUsize,
    empty: Event,
    /// Told when a POST that came too early may have got a session, or gets none any more.
    settled: Event,
    /// Held by each POST that waits for that.
    waiting: Arc<()>,
}

/// Counts a session for as long as it lives, and gives its place in the table back.
pub(crate) struct Ticket {
    endpoint: Arc<Endpoint>,
    token: Arc<str>,
}

impl Endpoint {
    pub(crate) fn new(
        path: String,
        app: App,
        options: Resolved,
        filters: &[Arc<dyn Filter>],
        clock: Clock,
        runtime: Arc<dyn Runtime>,
        budget: MemoryBudget,
    ) -> Self {
        let filters = match &app {
            App::Hub(hub) => Filters::new(filters, &hub.filters),
            App::Raw(_) => Filters::default(),
        };
        Self {
            path,
            app,
            filters,
            config: Arc::new(options.config),
            table: Mutex::new(Table::new(options.endpoint.clone(), random())),
            options,
            clock,
            runtime,
            budget,
            sessions: AtomicUsize::new(0),
            empty: Event::new(),
            settled: Event::new(),
            waiting: Arc::default(),
        }
    }

    /// Answers a request, or lets it carry a connection, a new one or one that is there.
    pub(crate) fn attach(&self, request: Request, query: &str) -> Outcome<Arc<Member>> {
        let now = self.clock.now();
        self.table().attach(request, query, now, fresh)
    }

    /// Lets a connection in that needs no request.
    pub(crate) fn enter(&self) -> Result<Claim, Answer> {
        let now = self.clock.now();
        self.table().enter(now, fresh)
    }

    /// Takes a body that was posted, all of it or the first of it. Ready at once, but before there is a session.
    /// Only so many wait for that: whenever somebody comes or goes, each of them has another look.
    pub(crate) async fn post(&self, token: &str, body: &[u8], whole: bool) -> Posting<Arc<Member>> {
        let mut waiting = None;
        loop {
            let settled = self.settled.listen();
            let now = self.clock.now();
            let posting = self.table().post(token, body, whole, now);
            match posting {
                Posting::Wait => {
                    // One is the endpoint's.
                    if waiting.is_none() && Arc::strong_count(&self.waiting) > EARLY_WAITING {
                        return Posting::Answer(Answer::unavailable());
                    }
                    waiting.get_or_insert_with(|| Arc::clone(&self.waiting));
                    settled.await;
                }
                posting => return posting,
            }
        }
    }

    /// Makes the connection that a request, or a stream, carries from here on.
    pub(crate) fn admit(
        self: &Arc<Self>,
        claim: Claim,
        facts: RequestFacts,
    ) -> (Arc<Member>, Ticket) {
        let Claim { connection_id, token, transport, early, .. } = claim;
        let now = self.clock.now();
        let mut outbox = Outbox::new(&self.config.limits, self.options.slow_consumer, now);
        if let App::Raw(_) = self.app {
            outbox = outbox.without_handshake();
        }
        if transport != Transports::WEB_SOCKETS {
            outbox = outbox.without_framing();
        }
        let outlet = Outlet::new(outbox, self.budget.clone());
        let mut member = Member::new(connection_id, facts, outlet);
        if matches!(transport, Transports::SERVER_SENT_EVENTS | Transports::LONG_POLLING) {
            let machine = link::Exchange::new(transport, self.options.timeouts, now);
            member = member.with_exchange(Exchange::new(machine, &early));
        }
        let member = Arc::new(member);
        self.sessions.fetch_add(1, Ordering::AcqRel);
        let mut table = self.table();
        let draining = table.is_draining();
        let bound = table.bind(&token, Arc::clone(&member));
        drop(table);
        if draining || bound.is_err() {
            member.close(CloseReason::Shutdown);
        }
        self.settled.notify(usize::MAX);
        (member, Ticket { endpoint: Arc::clone(self), token })
    }

    /// Lets nobody in any more and asks everybody inside to leave; clients may reconnect.
    pub(crate) fn drain(&self) {
        let inside = self.table().drain();
        for member in inside {
            member.close(CloseReason::Shutdown);
        }
        self.settled.notify(usize::MAX);
    }

    /// No request comes any more: connections that wait for one are over.
    pub(crate) fn strand(&self) {
        let inside = self.table().drain();
        for member in inside {
            if let Some(exchange) = member.exchange() {
                exchange.lose();
                member.waker.wake();
            }
        }
    }

    /// Ready once nobody is inside.
    pub(crate) async fn emptied(&self) {
        loop {
            let left = self.empty.listen();
            if self.sessions.load(Ordering::Acquire) == 0 {
                return;
            }
            left.await;
        }
    }

    /// Frees negotiations that nobody claims, as they expire, for as long as the endpoint is there.
    pub(crate) fn sweep(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<> {
        let endpoint = Arc::downgrade(self);
        let clock = self.clock.clone();
        // Requests look for expired ones themselves; this is for the memory of an endpoint without any.
        let pause = self.options.endpoint.disconnect_timeout.clamp(SWEEP_MIN, SWEEP_MAX);
        async move {
            loop {
                clock.sleep(pause).await;
                let Some(endpoint) = endpoint.upgrade() else { return };
                let now = clock.now();
                endpoint.table().handle_timeout(now);
                endpoint.settled.notify(usize::MAX);
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table<Arc<Member>>> {
        self.table.lock()
    }
}

impl Ticket {
    /// Where the session is.
    pub(crate) const fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // With the member go values of the hub's: only once the table is free again.
        let member = self.endpoint.table().release(&self.token);
        discard(member);
        self.endpoint.settled.notify(usize::MAX);
        if self.endpoint.sessions.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.endpoint.empty.notify(usize::MAX);
        }
    }
}

/// 128 bits from the operating system.
///
/// Panics when it has none to give: an id that can be guessed would be worse.
pub(crate) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    #[expect(clippy::expect_used, reason = "there is no safe way to go on without randomness")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

fn fresh() -> Fresh {
    let draw = || URL_SAFE_NO_PAD.encode(random());
    Fresh { connection_id: draw(), connection_token: draw() }
}
