//! What is logged of bad input: one line, and nothing that came from the client.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use hub_async::filters::RateLimit;
use hub_async::{Context, Hub, HubError};
use hub_proto::ws::Opcode;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::*;

/// Keeps every line of every level.
#[derive(Clone, Default)]
pub(super) struct Log(pub(super) Arc<Mutex<Vec<(Level, String)>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut line = Line(String::new());
        attributes.record(&mut line);
        self.0.lock().unwrap().push((Level::TRACE, line.0));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push((*event.metadata().level(), line.0));
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// What is logged when a client does that once it has shaken hands, after the line that says so.
async fn logged(records: &[&str]) -> Vec<(Level, String)> {
    let mut lines = logged_of(async |client| {
        client.shake_hands().await;
        for record in records {
            client.send(record).await;
        }
    })
    .await;
    assert!(lines.remove(0).1.contains("connected"));
    lines
}

/// What the hubs log when a client does that, while another one is connected and not disturbed; the
/// secret is in its URI and in all that it sends.
async fn logged_of(act: impl AsyncFnOnce(&mut Client)) -> Vec<(Level, String)> {
    logged_by(Hub::builder(), act).await
}

/// The same, by a hub that is more than that.
async fn logged_by(hub: HubBuilder, act: impl AsyncFnOnce(&mut Client)) -> Vec<(Level, String)> {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let service = serve(
        hub.user_id(|request| request.query_value("access_token").map(Into::into))
            .method("Fail", async |_ctx: Context, text: String| Err::<(), _>(HubError::new(text)))
            .method("Number", async |number: i32| number),
    );
    let mut bystander = connect(&service).await;
    log.0.lock().unwrap().clear();
    let mut client = Client::open(&service, "/hub?access_token=secret");
    act(&mut client).await;
    client.close(1000).await;
    client.rest().await;
    let lines = log.0.lock().unwrap().clone();
    drop(guard);
    bystander.call("1", "Number", "[7]").await;
    let answer = r#"{"type":3,"invocationId":"1","result":7}"#;
    while bystander.record().await != answer {}
    bystander.close(1000).await;
    bystander.rest().await;
    is_left_alone(&service).await;
    for (_, line) in &lines {
        assert!(!line.contains("secret"), "{line}");
    }
    lines
}

#[test]
fn each_fault_of_a_client_is_one_line_without_its_words() {
    run(async {
        let faults = [
            r#"secret"#,
            r#"{"type":"secret"}"#,
            r#"{"type":1,"target":7,"secret":1}"#,
            r#"{"type":1,"target":"Number","arguments":[secret]}"#,
            r#"{"type":1,"target":"secret","arguments":[secret]}"#,
            &format!(r#"{{"type":1,"target":"secret","arguments":["{}"]}}"#, "x".repeat(40_000)),
        ];
        for fault in faults {
            let lines = logged(&[fault, fault]).await;
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines.iter().all(|(level, _)| *level == Level::WARN), "{lines:?}");
        }
    });
}

#[test]
fn calls_that_fail_are_logged_without_their_text() {
    run(async {
        let lines = logged(&[
            r#"{"type":1,"invocationId":"secret","target":"fail","arguments":["secret"]}"#,
            r#"{"type":1,"invocationId":"secret","target":"Number","arguments":["secret"]}"#,
            r#"{"type":1,"invocationId":"secret","target":"Number","arguments":[1,"secret"]}"#,
            r#"{"type":1,"invocationId":"secret","target":"secret","arguments":["secret"]}"#,
            r#"{"type":7,"error":"secret"}"#,
        ])
        .await;
        let [(Level::WARN, failed), refused @ .., (Level::DEBUG, closed)] = &*lines else {
            panic!("{lines:?}");
        };
        assert!(failed.contains("a hub method failed"), "{failed}");
        let faults = ["wrong shape of arguments", "wrong number of arguments", "unknown method"];
        assert_eq!(refused.len(), faults.len(), "{refused:?}");
        for ((level, line), fault) in refused.iter().zip(faults) {
            assert_eq!(*level, Level::DEBUG);
            assert!(line.contains("a call was refused") && line.contains(fault), "{line}");
        }
        assert!(closed.contains("closed by the client with an error"), "{closed}");
    });
}

#[test]
fn behind_filters_nothing_is_logged_of_a_call_that_was_for_nobody_either() {
    run(async {
        let limit = RateLimit::per_connection(1, Duration::from_secs(60)).method("secret");
        let lines = logged_by(Hub::builder().filter(limit), async |client| {
            client.shake_hands().await;
            let call =
                r#"{"type":1,"invocationId":"secret","target":"secret","arguments":["secret"]}"#;
            client.send(call).await;
            client.send(call).await;
        })
        .await;
        let [_, (Level::DEBUG, refused), (Level::WARN, failed), _] = &*lines else {
            panic!("{lines:?}");
        };
        assert!(refused.contains("a call was refused"), "{refused}");
        assert!(refused.contains("unknown method"), "{refused}");
        assert!(failed.contains("a hub method failed") && failed.contains("_OTHER"), "{failed}");
    });
}

#[test]
fn each_refused_handshake_is_one_line_without_its_words() {
    run(async {
        for (request, reason) in [
            ("secret", "handshake refused"),
            (r#"{"protocol":"secret","version":1}"#, "handshake refused"),
            (r#"{"protocol":"json","version":99,"secret":1}"#, "handshake refused"),
            (&*"secret".repeat(6_000), "handshake refused"),
        ] {
            let lines = logged_of(async |client| client.send(request).await).await;
            let [(Level::DEBUG, line)] = &*lines else { panic!("{lines:?}") };
            assert!(line.contains(reason), "{line}");
        }
        let lines = logged_of(async |client| {
            client.frame(Opcode::Text, b"{\"secret").await;
            pause(15_000).await;
        })
        .await;
        let [(Level::DEBUG, line)] = &*lines else { panic!("{lines:?}") };
        assert!(line.contains("handshake timeout"), "{line}");
    });
}

#[test]
fn a_broken_frame_is_one_line_without_its_bytes() {
    run(async {
        let lines = logged_of(async |client| {
            client.shake_hands().await;
            client.write(b"\xf1\x86secret").await;
        })
        .await;
        let [(Level::DEBUG, _), (Level::WARN, line)] = &*lines else { panic!("{lines:?}") };
        assert!(line.contains("bad WebSocket frame"), "{line}");
    });
}
