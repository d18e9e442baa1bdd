//! How hubs behave, over pipes in memory and in virtual time.

mod asking;
mod building;
mod built_in;
mod calling;
mod careless;
mod endings;
mod events;
mod everywhere;
mod exchanges;
mod extractors;
mod filters;
mod hooks;
mod lifetime;
mod limits;
mod links;
mod logs;
mod methods;
mod middleware;
mod names;
mod order;
mod over_http;
mod plain;
mod polls;
mod protocols;
mod raw;
mod raw_requests;
mod reconnect;
mod requests;
mod results;
mod routing;
mod sending;
mod shutdown;
mod slow;
mod spans;
mod streams;
mod timers;
mod traps;
mod turns;
mod uploads;
mod wire;

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hub_async::server::{Server, Service};
use hub_async::{Hub, HubBuilder};
use tests::memory::{Client, Seen};
use transport_memory::{Spawned, World};

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

/// Runs a test in a world of its own.
fn run(test: impl Future<Output = ()>) {
    let world = World::new();
    WORLD.set(world.clone());
    world.run(test);
}

/// The world of the test that runs.
fn world() -> World {
    WORLD.with_borrow(World::clone)
}

/// The hub at `/hub`.
fn serve(hub: HubBuilder) -> Service {
    let hub = hub.build().expect("a hub");
    serve_built(&hub)
}

fn serve_built(hub: &Hub) -> Service {
    Server::on(world()).hub("/hub", hub.clone()).into_service().expect("a service")
}

/// Lets everybody else do what they can do now, and `millis` later.
async fn pause(millis: u64) {
    world().sleep(Duration::from_millis(millis)).await;
}

async fn yield_now() {
    world().yield_now().await;
}

/// What a future comes to, if it does so in time.
async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    world().within(time, future).await
}

fn spawn<F>(future: F) -> Spawned<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    world().spawn(future)
}

/// A moment of virtual time.
struct Moment(Instant);

impl Moment {
    fn now() -> Self {
        Self(world().now())
    }

    fn elapsed(&self) -> Duration {
        world().now() - self.0
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn record(text: &str) -> Seen {
    Seen::Record(text.to_owned())
}

const CLOSE: &str = r#"{"type":7}"#;
const CLOSE_RECONNECT: &str = r#"{"type":7,"allowReconnect":true}"#;
const CLOSE_ERROR: &str =
    r#"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}"#;

/// Fails when the connection is not over, to the last byte and the last handler, by then.
async fn is_left_alone(service: &Service) {
    assert!(service.drain(Duration::ZERO + Duration::from_millis(1)).await, "sessions are left");
}

async fn connect(service: &Service) -> Client {
    Client::connect(service, "/hub").await
}

/// Notes that it is dropped.
struct Guard(Notes, &'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.add(format!("{} dropped", self.1));
    }
}
