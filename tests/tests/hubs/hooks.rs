//! `user_id`, `on_connected` and `on_disconnected`.

use std::future::pending;
use std::time::Duration;

use hub_async::{Context, DisconnectReason, Hub, HubError, HubOptions, Reconnect, Scope, State};
use tests::memory::Seen;

use super::*;

/// A hub whose `on_connected` joins a group, takes as many milliseconds as the query says, and notes.
fn slow_hub(notes: &Notes) -> Hub {
    Hub::builder()
        .state(notes.clone())
        .on_connected(async |ctx: Context, notes: State<Notes>| {
            ctx.groups().add(ctx.connection_id(), "room").await;
            let millis = ctx.request().query_value("ms").and_then(|ms| ms.parse().ok());
            match millis {
                Some(millis) => pause(millis).await,
                None => pending().await,
            }
            if ctx.request().query_value("fail").is_some() {
                notes.add("failed");
                return Err(HubError::new("no"));
            }
            notes.add(format!("connected {}", ctx.is_aborted()));
            Ok(())
        })
        .on_disconnected(async |ctx: Context, notes: State<Notes>, reason: DisconnectReason| {
            let groups = ctx.groups().of(ctx.connection_id()).await;
            notes.add(format!("disconnected {} {groups:?}", reason.kind()));
        })
        .options(HubOptions::new().linger(Duration::from_secs(60)))
        .build()
        .unwrap()
}

#[test]
fn whoever_was_connected_is_disconnected_though_the_client_left_meanwhile() {
    run(async {
        let notes = Notes::default();
        let hub = slow_hub(&notes);
        let service = serve_built(&hub);
        let client = Client::connect(&service, "/hub?ms=1000").await;
        drop(client);
        pause(500).await;
        assert_eq!(notes.all(), [""; 0]);
        pause(1_000).await;
        assert_eq!(notes.all(), ["connected true", "disconnected connection lost [\"room\"]"]);
        assert_eq!(hub.context().connection_count(Scope::Node).await, 0);
        is_left_alone(&service).await;
    });
}

#[test]
fn whoever_was_not_connected_is_not_disconnected() {
    run(async {
        let notes = Notes::default();
        let hub = slow_hub(&notes);
        let service = serve_built(&hub);
        let mut client = Client::connect(&service, "/hub?ms=1000&fail").await;
        let told = r#"{"type":7,"error":"Connection closed with an error. HubException: no"}"#;
        assert_eq!(client.next().await, record(told));
        drop(client);
        drop(Client::connect(&service, "/hub?ms=1000&fail").await);
        pause(1_001).await;
        assert_eq!(notes.all(), ["failed", "failed"]);
        assert_eq!(hub.context().connection_count(Scope::Node).await, 0);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_greeting_that_hangs_is_cut_after_the_linger() {
    run(async {
        let notes = Notes::default();
        let hub = slow_hub(&notes);
        let service = serve_built(&hub);
        drop(connect(&service).await);
        pause(59_000).await;
        assert_eq!(hub.context().connection_count(Scope::Node).await, 1);
        pause(2_000).await;
        assert_eq!(hub.context().connection_count(Scope::Node).await, 0);
        assert_eq!(notes.all(), [""; 0]);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_farewell_that_hangs_is_cut_after_the_linger() {
    run(async {
        let hub = Hub::builder().on_disconnected(async || pending::<()>().await).build().unwrap();
        let service = serve_built(&hub);
        drop(connect(&service).await);
        pause(299_000).await;
        assert_eq!(hub.context().connection_count(Scope::Node).await, 1);
        pause(2_000).await;
        assert_eq!(hub.context().connection_count(Scope::Node).await, 0);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_close_from_outside_while_the_hub_greets_is_told_at_once() {
    run(async {
        let notes = Notes::default();
        let hub = slow_hub(&notes);
        let service = serve_built(&hub);
        let mut client = Client::connect(&service, "/hub?ms=1000").await;
        let closed = hub.context().close_group("room", Reconnect::Allowed, Scope::Node).await;
        assert_eq!(closed, 1);
        let start = Moment::now();
        assert_eq!(client.next().await, record(CLOSE_RECONNECT));
        assert_eq!(start.elapsed(), Duration::ZERO);
        client.close(1000).await;
        assert_eq!(client.rest().await, [Seen::Close(Some(1000))]);
        pause(1_001).await;
        let left = "disconnected closed by the application [\"room\"]";
        assert_eq!(notes.all(), ["connected true", left]);
        is_left_alone(&service).await;
    });
}

#[test]
fn hooks_that_panic_close_or_end_the_connection_once() {
    run(async {
        let hub = Hub::builder()
            .on_connected(async |ctx: Context| {
                assert!(ctx.request().query_value("in").is_some(), "on purpose");
            })
            .on_disconnected(async |ctx: Context| assert!(!ctx.is_aborted(), "on purpose"))
            .build()
            .unwrap();
        let service = serve_built(&hub);
        let mut refused = connect(&service).await;
        let told = r#"{"type":7,"error":"Connection closed with an error."}"#;
        assert_eq!(refused.next().await, record(told));
        drop(refused);
        drop(Client::connect(&service, "/hub?in").await);
        pause(1).await;
        assert_eq!(hub.context().connection_count(Scope::Node).await, 0);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_user_id_that_panics_refuses_the_handshake() {
    run(async {
        let service = serve(Hub::builder().user_id(|_| panic!("on purpose")));
        let mut client = Client::open(&service, "/hub");
        client.send(r#"{"protocol":"json","version":1}"#).await;
        let told = r#"{"error":"An unexpected error occurred during connection handshake."}"#;
        assert_eq!(client.next().await, record(told));
        drop(client);
        pause(1).await;
        is_left_alone(&service).await;
    });
}
