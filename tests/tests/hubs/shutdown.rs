//! Draining a server.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hub_async::{Context, Hub, State};
use tests::memory::{CAPACITY, Seen};
use transport_memory::pipe;

use super::*;

#[test]
fn everybody_is_asked_to_leave_and_may_come_back_elsewhere() {
    run(async {
        let service = serve(Hub::builder());
        let mut open = connect(&service).await;
        let mut early = Client::open(&service, "/hub");
        let drain = spawn({
            let service = service.clone();
            async move { service.drain(Duration::from_secs(5)).await }
        });
        assert_eq!(open.next().await, record(CLOSE_RECONNECT));
        assert_eq!(early.next().await, record(r#"{"error":"Handshake was canceled."}"#));
        for client in [&mut open, &mut early] {
            client.close(1000).await;
            assert_eq!(client.rest().await, [Seen::Close(Some(1000))]);
        }
        assert!(drain.await);
        let (_ours, theirs) = pipe(CAPACITY);
        let late = Request::get("/hub").body(()).unwrap();
        assert_eq!(
            service.serve_socket(&late, Arc::new(theirs), b"").map_err(|e| e.as_u16()),
            Err(503)
        );
    });
}

#[test]
fn the_drain_is_over_in_time_though_a_method_hangs() {
    run(async {
        let notes = Notes::default();
        let hang = async |ctx: Context, notes: State<Notes>| {
            ctx.aborted().await;
            notes.add("aborted");
            pending::<()>().await;
        };
        let service = serve(Hub::builder().state(notes.clone()).method("Hang", hang));
        let client = connect(&service).await;
        client.call("1", "Hang", "[]").await;
        pause(1).await;
        let start = Moment::now();
        assert!(!service.drain(Duration::from_secs(5)).await);
        assert_eq!(start.elapsed().as_secs(), 5);
        assert_eq!(notes.all(), ["aborted"]);
    });
}

#[test]
fn unknown_hubs_and_connections_are_refused() {
    run(async {
        let service = serve(Hub::builder());
        for (uri, status) in [("/other", 404), ("/hub/negotiate", 404), ("/hub?id=unknown", 404)] {
            let (_ours, theirs) = pipe(CAPACITY);
            let request = Request::get(uri).body(()).unwrap();
            let refused = service.serve_socket(&request, Arc::new(theirs), b"");
            assert_eq!(refused.map_err(|e| e.as_u16()), Err(status), "{uri}");
        }
        is_left_alone(&service).await;
    });
}
