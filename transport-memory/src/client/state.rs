//! What a client knows, shared by its verbs, its answers and the driver of its link.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hub_proto::ws::Opcode;
use hub_proto::{Encoding, Message, Outcome, TransferFormat};

use super::resume::Resume;
use super::{ClientOptions, Close, Ended};
use crate::call::Call;
use crate::socket::{WebSocket, write_frame};
use crate::value::brief;
use crate::world::World;

/// How long a client says nothing before it pings.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A client but for its handle.
pub(super) struct Inner {
    pub(super) options: ClientOptions,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// Whether a driver has a link.
    pub(super) is_up: bool,
    /// Which link it is, or the one that is being opened.
    pub(super) link: u64,
    /// What the driver is to write.
    out: Vec<u8>,
    /// What it is to write when the link is frozen no longer.
    held: Vec<u8>,
    pub(super) is_frozen: bool,
    /// Whether the driver is to drop the link.
    is_cut: bool,
    /// Whether a close of the WebSocket was sent.
    has_closed: bool,
    sent_at: Option<Instant>,
    driver: Option<Waker>,
    /// Links that were cut while they were frozen: the server must not notice.
    ghosts: Vec<WebSocket>,

    pub(super) ending: Ended,
    pub(super) ended: Option<Ended>,
    pub(super) resume: Option<Resume>,

    pub(super) told: VecDeque<Call>,
    pub(super) asked: VecDeque<(String, Call)>,
    pub(super) calls: BTreeMap<String, Waiting>,
    ids: u64,
    waiting: Vec<Waker>,
}

/// What has come for one who waits for an answer or for items.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) items: VecDeque<Vec<u8>>,
    pub(super) end: Option<End>,
}

/// How a call ended.
#[derive(Clone)]
pub(super) enum End {
    Void,
    Result(Vec<u8>),
    Error(String),
    Ended(Ended),
}

/// What a driver is to do.
pub(super) struct Orders {
    pub(super) out: Vec<u8>,
    pub(super) is_frozen: bool,
    pub(super) is_cut: bool,
}

impl Inner {
    pub(super) fn new(options: ClientOptions) -> Self {
        Self { options, state: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn world(&self) -> &World {
        &self.options.served.world
    }

    /// Changes something, and wakes everybody who may care.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let value = change(&mut state);
        let (driver, waiting) = (state.driver.take(), mem::take(&mut state.waiting));
        drop(state);
        driver.into_iter().chain(waiting).for_each(Waker::wake);
        value
    }

    /// Waits until there is what `look` looks for; when it takes too long, the test fails.
    pub(super) async fn wait<T>(
        &self,
        at: &'static Location<'static>,
        what: impl fmt::Display,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> T {
        let found = poll_fn(|cx| {
            let mut state = self.lock();
            if let Some(found) = look(&mut state) {
                return Poll::Ready(found);
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.waiting.push(cx.waker().clone());
            }
            Poll::Pending
        });
        let patience = self.options.patience;
        match self.world().within(patience, found).await {
            Some(found) => found,
            None => panic!("{at}: waited {patience:?} for {what}; {}", self.lock()),
        }
    }

    /// Sends a message, or says how the connection has ended.
    pub(super) fn say(&self, message: &Message<'_>) -> Result<(), Ended> {
        let encoding = self.options.encoding;
        let mut record = Vec::new();
        encoding.encode(message, &mut record);
        let now = self.world().now();
        self.change(|state| {
            let is_over = state.is_cut.then(Ended::default);
            let kept = state.resume.as_mut().filter(|_| message.is_counted());
            match (state.ended.clone().or(is_over), kept) {
                (_, Some(resume)) => resume.keep(&record),
                (Some(ended), None) => return Err(ended),
                (None, None) => {}
            }
            if state.is_up {
                state.write(opcode(encoding), &record);
                state.sent_at = Some(now);
            }
            Ok(())
        })
    }

    /// Closes the WebSocket, unless that was done.
    pub(super) fn close_socket(&self) {
        self.change(|state| {
            state.write(Opcode::Close, &1000_u16.to_be_bytes());
            state.has_closed = true;
        });
    }

    pub(super) fn pong(&self, payload: &[u8]) {
        self.change(|state| state.write(Opcode::Pong, payload));
    }

    /// What a driver is to do, which is woken when that changes.
    pub(super) fn orders(&self, cx: &Context<'_>) -> Orders {
        let mut state = self.lock();
        state.driver = Some(cx.waker().clone());
        let out = mem::take(&mut state.out);
        Orders { out, is_frozen: state.is_frozen, is_cut: state.is_cut }
    }

    /// When the driver has to say something by itself.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.lock();
        let ping = state.sent_at.filter(|_| !self.options.silent).map(|sent| sent + KEEP_ALIVE);
        let ack = state.resume.as_ref().and_then(|resume| resume.ack_due);
        ping.into_iter().chain(ack).min()
    }

    /// Says what is due.
    pub(super) fn say_what_is_due(&self) {
        let now = self.world().now();
        let ack = self.change(|state| {
            let resume = state.resume.as_mut()?;
            resume.ack_due.take_if(|due| *due <= now).map(|_| resume.latest)
        });
        // The link may have ended meanwhile, and then nothing is due.
        self.say(&ack.map_or(Message::Ping, Message::Ack)).ok();
    }

    /// Takes a message of the server.
    pub(super) fn take(&self, message: &Message<'_>) {
        let now = self.world().now();
        self.change(|state| {
            if message.is_counted()
                && let Some(resume) = &mut state.resume
                && !resume.count(now)
            {
                return;
            }
            state.take(message);
        });
    }

    /// A link is being opened; its number. One that is opened meanwhile takes its place.
    pub(super) fn open(&self) -> u64 {
        self.change(|state| {
            (state.is_frozen, state.is_cut, state.has_closed) = (false, false, false);
            state.link += 1;
            state.link
        })
    }

    /// The link is there, whose first bytes are `out`, unless it was cut by now.
    pub(super) fn begin(
        &self,
        link: u64,
        resume: Option<Resume>,
        out: Vec<u8>,
    ) -> Result<(), Ended> {
        let now = self.world().now();
        self.change(|state| {
            if state.is_cut || state.link != link {
                return Err(Ended::default());
            }
            state.is_up = true;
            (state.out, state.held) = (out, Vec::new());
            (state.ending, state.ended) = (Ended::default(), None);
            state.sent_at = Some(now);
            state.resume = resume;
            Ok(())
        })
    }

    /// The link is gone; a frozen one stays, but for this side.
    pub(super) fn end(&self, link: Option<WebSocket>) {
        let dropped = self.change(|state| {
            state.is_up = false;
            let ended = mem::take(&mut state.ending);
            if !ended.is_lost() || state.has_closed {
                state.resume = None;
            }
            state.ended = Some(ended);
            if state.resume.is_none() {
                state.fail_calls();
            }
            if mem::take(&mut state.is_frozen) {
                state.ghosts.extend(link);
                None
            } else {
                link
            }
        });
        drop(dropped);
    }

    pub(super) fn cut(&self) {
        self.change(|state| state.is_cut = true);
    }

    /// Nobody carries the connection on: without a link, it is over.
    pub(super) fn give_up(&self) {
        self.change(|state| {
            state.resume = None;
            if !state.is_up {
                state.is_cut = true;
                state.fail_calls();
            }
        });
    }
}

impl State {
    /// Behind a close or a cut, nothing is written.
    fn write(&mut self, opcode: Opcode, payload: &[u8]) {
        if self.has_closed || self.is_cut {
            return;
        }
        let out = if self.is_frozen { &mut self.held } else { &mut self.out };
        write_frame(out, true, opcode, payload);
    }

    /// What is cut can be frozen no more.
    pub(super) const fn freeze(&mut self) {
        self.is_frozen |= !self.is_cut;
    }

    /// What was frozen when it was cut stays so.
    pub(super) fn thaw(&mut self) {
        if !self.is_cut {
            self.is_frozen = false;
            self.out.append(&mut self.held);
        }
    }

    pub(super) fn next_id(&mut self) -> String {
        self.ids += 1;
        self.ids.to_string()
    }

    /// Nobody answers any more.
    pub(super) fn fail_calls(&mut self) {
        let ended = self.ended.clone().unwrap_or_default();
        for waiting in self.calls.values_mut() {
            waiting.end.get_or_insert_with(|| End::Ended(ended.clone()));
        }
    }

    fn take(&mut self, message: &Message<'_>) {
        match message {
            Message::Invocation(told) => {
                let call = Call::new(&told.target, told.arguments);
                match &told.id {
                    Some(id) => self.asked.push_back((id.to_string(), call)),
                    None => self.told.push_back(call),
                }
            }
            Message::StreamItem(item) => {
                if let Some(waiting) = self.calls.get_mut(&*item.id) {
                    waiting.items.push_back(item.item.raw().to_vec());
                }
            }
            Message::Completion(done) => {
                if let Some(waiting) = self.calls.get_mut(&*done.id) {
                    waiting.end = Some(match &done.outcome {
                        Outcome::Void => End::Void,
                        Outcome::Result(result) => End::Result(result.raw().to_vec()),
                        Outcome::Error(error) => End::Error(error.to_string()),
                    });
                }
            }
            Message::Close(close) => {
                let error = close.error.as_deref().map(str::to_owned);
                let allow_reconnect = close.allow_reconnect;
                self.ending.close = Some(Close { error, allow_reconnect });
            }
            Message::Ack(number) => {
                if let Some(resume) = &mut self.resume {
                    resume.acked(*number);
                }
            }
            Message::Sequence(number) => {
                if let Some(resume) = &mut self.resume {
                    resume.go_on(*number);
                }
            }
            Message::Ping => {}
            Message::StreamInvocation(_) | Message::CancelInvocation(_) => {
                panic!("no server sends {message:?}")
            }
        }
    }
}

/// What there is instead of what somebody waits for.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ended {
            Some(ended) => write!(f, "the connection has ended: {ended}")?,
            None if self.is_frozen => f.write_str("the link is frozen")?,
            None => f.write_str("the connection is open")?,
        }
        write_calls(f, "told", self.told.iter())?;
        write_calls(f, "asked", self.asked.iter().map(|(_, call)| call))
    }
}

/// The first of them, and how many there are.
fn write_calls<'a>(
    f: &mut fmt::Formatter<'_>,
    verb: &str,
    calls: impl ExactSizeIterator<Item = &'a Call>,
) -> fmt::Result {
    const MOST: usize = 5;
    let count = calls.len();
    for (n, call) in calls.take(MOST).enumerate() {
        match n {
            0 => write!(f, "; it was {verb} ")?,
            _ => f.write_str(", ")?,
        }
        f.write_str(&brief(call))?;
    }
    if count > MOST { write!(f, " and {} more", count - MOST) } else { Ok(()) }
}

pub(super) fn opcode(encoding: Encoding) -> Opcode {
    match encoding.format() {
        TransferFormat::Text => Opcode::Text,
        TransferFormat::Binary => Opcode::Binary,
    }
}
