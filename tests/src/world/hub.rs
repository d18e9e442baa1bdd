//! The application as methods of hubs: the same as that of the pure machines, and on any runtime.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};

use futures_util::Stream;
use futures_util::future::{Either, select};
use hub_async::{
    Cancel, Context, Hub, HubBuilder, HubError, HubOptions, State, StreamError, StreamReader,
};

use super::house::{News, Outcome, PATIENCE, Place};
use super::hubs;
use super::step::To;

/// What all methods share.
pub type App = Arc<Application>;

/// What the application knows and remembers.
#[derive(Debug, Default)]
pub struct Application(Mutex<Memory>);

#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What it has seen and nobody has asked for.
    pub(super) news: Vec<News>,
    /// Everybody who has ever come, by number.
    pub(super) clients: BTreeMap<usize, Guest>,
    /// How calls that are held end, and how many items readers may take; by the calls' numbers.
    finishes: BTreeMap<u32, Outcome>,
    permits: BTreeMap<u32, usize>,
    /// Who waits for one of these.
    waiting: BTreeMap<u32, Waker>,
}

/// A client as the application knows it.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    pub(super) id: String,
    pub(super) user: Option<u8>,
    /// The path of its hub.
    pub(super) path: String,
    /// Whether it is connected.
    pub(super) here: bool,
}

impl Application {
    pub(super) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers something that has happened.
    pub(super) fn tell(&self, news: News) {
        self.lock().news.push(news);
    }

    /// Lets a call end that is held, or will be.
    pub(super) fn finish(&self, call: u32, outcome: Outcome) {
        self.lock().finishes.insert(call, outcome);
        self.wake(call);
    }

    /// Lets a reader take so many items more.
    pub(super) fn permit(&self, call: u32, count: usize) {
        *self.lock().permits.entry(call).or_default() += count;
        self.wake(call);
    }

    fn wake(&self, call: u32) {
        let waker = self.lock().waiting.remove(&call);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Waits until something is there to be taken for a call.
    async fn wait<R>(&self, call: u32, take: impl Fn(&mut Memory) -> Option<R>) -> R {
        poll_fn(|cx| {
            let mut memory = self.lock();
            if let Some(taken) = take(&mut memory) {
                return Poll::Ready(taken);
            }
            memory.waiting.insert(call, cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// A method that runs. What it does is news for as long as its client is there.
struct Running {
    app: App,
    context: Context,
    client: usize,
    call: u32,
}

/// A number, nothing, or an error.
type Answer = Result<Option<u32>, HubError>;

impl Running {
    fn begin(context: Context, app: &State<App>, call: u32) -> Self {
        let client = number(&context, "client").expect("every client has a number");
        let running = Self { app: Arc::clone(app), context, client, call };
        running.tell(News::Called { client, call });
        running
    }

    fn tell(&self, news: News) {
        if !self.context.is_aborted() {
            self.app.tell(news);
        }
    }

    fn end(&self, outcome: Outcome) -> Answer {
        self.tell(News::Ended { client: self.client, call: self.call, outcome });
        match outcome {
            Outcome::Void => Ok(None),
            Outcome::Number(number) => Ok(Some(number)),
            Outcome::Error => Err(HubError::new("On purpose.")),
        }
    }
}

fn number<T: std::str::FromStr>(context: &Context, name: &str) -> Option<T> {
    context.request().query_value(name)?.parse().ok()
}

/// A hub with all methods and the settings of its place.
pub fn hub(place: Place, app: &App) -> HubBuilder {
    let limits = place.limits();
    let options = HubOptions::new()
        .maximum_receive_message_size(limits.message.unwrap_or(usize::MAX))
        .stream_buffer_capacity(limits.stream_items)
        .maximum_parallel_invocations_per_client(limits.parallel_calls)
        .soft_send_buffer(limits.soft_output)
        .hard_send_buffer(limits.hard_output)
        .allow_stateful_reconnects(true)
        .stateful_reconnect_buffer_size(limits.unacked)
        .slow_consumer(place.policy());
    Hub::builder()
        .options(options)
        .state(Arc::clone(app))
        .user_id(|request| request.query_value("user").map(Into::into))
        .on_connected(connected)
        .on_disconnected(disconnected)
        .method("Echo", echo)
        .method("Tell", tell)
        .method("Join", join)
        .method("Leave", leave)
        .method("Hold", hold)
        .method("Fail", fail)
        .method("Items", items)
        .method("Sum", sum)
        .method("Sum2", sum_of_two)
        .method("Ask", ask)
        .method("Quit", quit)
}

async fn connected(context: Context, app: State<App>) {
    let client = number(&context, "client").expect("every client has a number");
    let guest = Guest {
        id: context.connection_id().to_owned(),
        user: context.user_id().and_then(|user| user.parse().ok()),
        path: context.request().path().to_owned(),
        here: true,
    };
    app.lock().clients.insert(client, guest);
    app.tell(News::Connected(client));
}

async fn disconnected(context: Context, app: State<App>) {
    let client = number(&context, "client").expect("every client has a number");
    if let Some(guest) = app.lock().clients.get_mut(&client) {
        guest.here = false;
    }
    app.tell(News::Disconnected(client));
}

async fn echo(context: Context, app: State<App>, call: u32, _text: String) -> Answer {
    Running::begin(context, &app, call).end(Outcome::Number(call))
}

async fn tell(context: Context, app: State<App>, call: u32, to: To, text: String) -> Answer {
    let running = Running::begin(context, &app, call);
    let clients = running.context.clients();
    let target = match to {
        To::Caller => clients.caller().into(),
        To::Others => clients.others(),
        To::OthersIn(group) => clients.others_in_group(group.to_string()),
        to => hubs::target(&clients, to, &app),
    };
    // It does not wait for those who are slow.
    drop(target.send("Told", (call, text)));
    running.end(Outcome::Void)
}

async fn join(context: Context, app: State<App>, call: u32, group: u8) -> Answer {
    let running = Running::begin(context, &app, call);
    let (groups, id) = (running.context.groups(), running.context.connection_id());
    groups.add(id, &group.to_string()).await;
    running.end(Outcome::Void)
}

async fn leave(context: Context, app: State<App>, call: u32, group: u8) -> Answer {
    let running = Running::begin(context, &app, call);
    let (groups, id) = (running.context.groups(), running.context.connection_id());
    groups.remove(id, &group.to_string()).await;
    running.end(Outcome::Void)
}

async fn hold(context: Context, app: State<App>, cancel: Cancel, call: u32) -> Answer {
    let running = Running::begin(context, &app, call);
    let finished = pin!(app.wait(call, |memory| memory.finishes.get(&call).copied()));
    match select(finished, cancel.cancelled()).await {
        Either::Left((outcome, _)) => running.end(outcome),
        Either::Right(_) => running.end(Outcome::Error),
    }
}

async fn fail(context: Context, app: State<App>, call: u32) -> Answer {
    Running::begin(context, &app, call).end(Outcome::Error)
}

async fn quit(context: Context, app: State<App>, call: u32) -> Answer {
    let running = Running::begin(context, &app, call);
    running.context.abort();
    Ok(None)
}

async fn ask(context: Context, app: State<App>, call: u32) -> Answer {
    let running = Running::begin(context, &app, call);
    let client = running.client;
    let caller = running.context.clients().caller().timeout(PATIENCE);
    let asking = caller.invoke::<u32>("Asked", (call,));
    running.tell(News::Asked { client, number: call });
    let answer = asking.await.ok();
    running.tell(News::Answered { client, number: call, answer });
    running.end(answer.map_or(Outcome::Error, Outcome::Number))
}

/// The items of a stream, each of which is news.
struct Numbers {
    running: Running,
    next: u32,
    end: u32,
    over: bool,
}

async fn items(context: Context, app: State<App>, call: u32, end: u32) -> Numbers {
    Numbers { running: Running::begin(context, &app, call), next: 0, end, over: false }
}

impl Numbers {
    fn finish(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            drop(self.running.end(Outcome::Void));
        }
    }
}

impl Stream for Numbers {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<u32>> {
        if self.next == self.end {
            self.finish();
            return Poll::Ready(None);
        }
        let item = self.next;
        self.next += 1;
        let Running { client, call, .. } = self.running;
        self.running.tell(News::Yielded { client, call, item });
        Poll::Ready(Some(item))
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What clients send: a number and some text.
type Items = StreamReader<(u32, String)>;

async fn sum(context: Context, app: State<App>, call: u32, items: Items) -> Answer {
    add_up(Running::begin(context, &app, call), [items]).await
}

async fn sum_of_two(
    context: Context,
    app: State<App>,
    call: u32,
    first: Items,
    second: Items,
) -> Answer {
    add_up(Running::begin(context, &app, call), [first, second]).await
}

/// Reads one stream after the other, each item when it may.
async fn add_up<const N: usize>(running: Running, mut streams: [Items; N]) -> Answer {
    let Running { ref app, client, call, .. } = running;
    let mut sum = 0_u32;
    for (stream, items) in (0..).zip(&mut streams) {
        let error = loop {
            let (item, length) = match items.next().await {
                Some(Ok((item, text))) => (item, text.len()),
                Some(Err(StreamError::Closed)) => return Ok(None),
                end => break end.is_some(),
            };
            let permit = |memory: &mut Memory| {
                let permits = memory.permits.get_mut(&call)?;
                *permits = permits.checked_sub(1)?;
                Some(())
            };
            select(pin!(app.wait(call, permit)), running.context.aborted()).await;
            running.tell(News::Item { client, call, stream, item, length });
            sum = sum.wrapping_add(item);
        };
        running.tell(News::EndOf { client, call, stream, error });
        if error {
            return running.end(Outcome::Error);
        }
    }
    running.end(Outcome::Number(sum))
}
