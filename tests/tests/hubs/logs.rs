//! What is logged of bad input: one line, and nothing that came from the client.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use hub_async::{Context, Hub, HubError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::*;

/// Keeps every line of every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

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

/// What is logged when a client does that; the secret is in its URI and in all that it sends.
async fn logged(records: &[&str]) -> Vec<(Level, String)> {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let service = serve(
        Hub::builder()
            .user_id(|request| request.query_value("access_token").map(Into::into))
            .method("Fail", async |_ctx: Context, text: String| Err::<(), _>(HubError::new(text)))
            .method("Number", async |number: i32| number),
    );
    let mut client = Client::connect(&service, "/hub?access_token=secret").await;
    for record in records {
        client.send(record).await;
    }
    client.close(1000).await;
    client.rest().await;
    is_left_alone(&service).await;
    drop(guard);
    let lines = log.0.lock().unwrap().clone();
    for (_, line) in &lines {
        assert!(!line.contains("secret"), "{line}");
    }
    lines.into_iter().filter(|(level, _)| *level <= Level::INFO).collect()
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_a_client_is_one_line_without_its_words() {
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
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_are_logged_without_their_text() {
    let lines = logged(&[
        r#"{"type":1,"invocationId":"secret","target":"fail","arguments":["secret"]}"#,
        r#"{"type":1,"invocationId":"secret","target":"Number","arguments":["secret"]}"#,
        r#"{"type":1,"invocationId":"secret","target":"secret","arguments":["secret"]}"#,
        r#"{"type":7,"error":"secret"}"#,
    ])
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
}
