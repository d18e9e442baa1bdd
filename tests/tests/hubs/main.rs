//! How hubs behave, over pipes in memory and in virtual time.

mod building;
mod crowd;
mod endings;
mod hooks;
mod logs;
mod methods;
mod order;
mod protocols;
mod requests;
mod shutdown;
mod slow;
mod timers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hub_async::server::Service;
use hub_async::{Hub, HubBuilder};
use tests::memory::{Client, Seen};
use transport_tokio::Server;

/// The hub at `/hub`.
fn serve(hub: HubBuilder) -> Service {
    let hub = hub.build().expect("a hub");
    serve_built(&hub)
}

fn serve_built(hub: &Hub) -> Service {
    Server::new().hub("/hub", hub.clone()).into_service().expect("a service")
}

/// Lets everybody else do what they can do now, and `millis` later.
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
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
