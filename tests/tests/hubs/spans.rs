//! Spans of calls and hooks: their names, fields, ends and what is inside of them.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream as streams;
use hub_async::filters::Tracing;
use hub_async::{Hub, HubError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Span, Subscriber};

use super::wire::*;
use super::*;

/// A span that was seen.
#[derive(Clone, Default)]
struct Seen {
    name: &'static str,
    root: bool,
    inside: Option<u64>,
    /// In the order in which they were told.
    fields: Vec<(&'static str, String)>,
    closed: bool,
}

impl Seen {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| *found == name).map(|(_, value)| &**value)
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.push((field.name(), format!("{value:?}").trim_matches('"').to_owned()));
    }
}

#[derive(Default)]
struct State {
    spans: Vec<Seen>,
    handles: HashMap<u64, usize>,
    entered: Vec<u64>,
    /// What was logged, and in which span.
    events: Vec<(String, Option<u64>)>,
}

/// Keeps every span; ids are their places, counted from 1.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<State>>);

impl Spans {
    fn all(&self) -> Vec<Seen> {
        let ours = |span: &&Seen| span.field("rpc.system").is_some();
        self.0.lock().unwrap().spans.iter().filter(ours).cloned().collect()
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut state = self.0.lock().unwrap();
        let inside = state.entered.last().copied().filter(|_| attributes.is_contextual());
        let name = attributes.metadata().name();
        let mut seen = Seen { name, root: attributes.is_root(), inside, ..Seen::default() };
        attributes.record(&mut seen);
        state.spans.push(seen);
        let id = state.spans.len() as u64;
        state.handles.insert(id, 1);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        values.record(&mut self.0.lock().unwrap().spans[id.into_u64() as usize - 1]);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Seen::default();
        event.record(&mut line);
        let mut state = self.0.lock().unwrap();
        let inside = state.entered.last().copied();
        let text = line.field("message").unwrap_or_default().to_owned();
        state.events.push((text, inside));
    }

    fn enter(&self, id: &Id) {
        self.0.lock().unwrap().entered.push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        assert_eq!(self.0.lock().unwrap().entered.pop(), Some(id.into_u64()));
    }

    fn clone_span(&self, id: &Id) -> Id {
        *self.0.lock().unwrap().handles.get_mut(&id.into_u64()).unwrap() += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut state = self.0.lock().unwrap();
        let left = state.handles.get_mut(&id.into_u64()).unwrap();
        *left -= 1;
        let closed = *left == 0;
        state.spans[id.into_u64() as usize - 1].closed = closed;
        closed
    }
}

fn hub() -> HubBuilder {
    Hub::builder()
        .method("Fine", async || {
            let _inner = tracing::info_span!("inner");
            tracing::info!("in a method");
        })
        .method("Fail", async || Err::<(), _>("x".parse::<i32>().expect_err("no number")))
        .method("Broken", async || {
            streams::iter([Ok(1), Err(HubError::new("broken"))]).inspect(|_| {
                tracing::info!("in a stream");
            })
        })
        .filter(Tracing::new("Chat"))
}

#[test]
fn each_call_and_hook_has_a_span_of_its_name_without_a_parent() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        for id in ["1", "2", "3"] {
            client.call(id, "fINE", "[]").await;
            assert_eq!(client.next().await, result(id, "null"));
        }
        client.call("4", "secret name", "[]").await;
        client.next().await;
        client.close(1000).await;
        client.rest().await;
        pause(1).await;
    });
    let all = spans.all();
    let names: Vec<_> = all.iter().map(|span| span.field("otel.name").unwrap()).collect();
    let fine = "Chat/Fine";
    let wanted =
        ["Chat/OnConnectedAsync", fine, fine, fine, "Chat/_OTHER", "Chat/OnDisconnectedAsync"];
    assert_eq!(names, wanted);
    let kinds: Vec<_> =
        all.iter().map(|span| (span.name, span.field("otel.kind").unwrap())).collect();
    let call = ("invocation", "server");
    let wanted =
        [("on_connected", "internal"), call, call, call, call, ("on_disconnected", "internal")];
    assert_eq!(kinds, wanted);
    for span in &all {
        assert!(span.root && span.closed);
        assert_eq!(span.field("rpc.system"), Some("signalr"));
        assert_eq!(span.field("rpc.service"), Some("Chat"));
        let method = span.field("rpc.method").unwrap();
        assert_eq!(span.field("otel.name"), Some(&*format!("Chat/{method}")));
        assert_eq!(span.field("connection"), all[0].field("connection"));
    }
    // Nothing failed but what nobody has.
    let errors: Vec<_> = all.iter().map(|span| span.field("error.type")).collect();
    assert_eq!(errors, [None, None, None, None, Some("HubException"), None]);
    let state = spans.0.lock().unwrap();
    let place = |name| state.spans.iter().position(|span| span.name == name).unwrap() + 1;
    let inner = &state.spans[place("inner") - 1];
    assert_eq!(inner.inside, Some(place("invocation") as u64), "what is inside is inside");
    let (_, inside) = state.events.iter().find(|(text, _)| text == "in a method").unwrap();
    assert_eq!(*inside, Some(place("invocation") as u64));
    assert!(state.entered.is_empty());
}

#[test]
fn what_fails_says_so_in_its_span() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    run(async {
        let hub = hub().on_connected(async || Err::<(), _>(HubError::new("no")));
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.next().await;
        let service = serve(self::hub());
        let mut client = connect(&service).await;
        client.call("1", "Fail", "[]").await;
        client.next().await;
        stream(&client, "2", "Broken", "[]").await;
        assert_eq!(client.next().await, item("2", "1"));
        client.next().await;
    });
    let ends: Vec<_> = spans
        .all()
        .iter()
        .map(|span| {
            let field = |name| span.field(name).unwrap_or("-").to_owned();
            format!("{} {} {}", span.name, field("otel.status_code"), field("error.type"))
        })
        .collect();
    let wanted = [
        "on_connected ERROR HubException",
        "on_connected - -",
        "invocation ERROR ParseIntError",
        "invocation ERROR HubException",
    ];
    assert_eq!(ends, wanted);
    let state = spans.0.lock().unwrap();
    let in_stream = state.events.iter().filter(|(text, _)| text == "in a stream");
    let broken =
        state.spans.iter().position(|span| span.field("rpc.method") == Some("Broken")).unwrap();
    assert!(state.spans[broken].closed, "it is over with its stream");
    let inside: Vec<_> = in_stream.map(|(_, inside)| *inside).collect();
    assert_eq!(inside, [Some(broken as u64 + 1); 2]);
}

#[test]
fn a_span_can_take_its_parent_from_the_headers_before_it_is_entered() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    run(async {
        let traced = Tracing::new("Chat").remote(|span: &Span, headers| {
            if let Some(parent) = headers.get("traceparent") {
                span.record("error.type", parent);
            }
        });
        let hub = Hub::builder()
            .method("Fine", async || {})
            .method("Count", async || streams::iter([1]))
            .filter(traced);
        let service = serve(hub);
        let mut client = connect(&service).await;
        let call = |kind: u8, target: &str| {
            format!(
                r#"{{"type":{kind},"headers":{{"traceparent":"00-{target}"}},"invocationId":"1","target":"{target}","arguments":[]}}"#
            )
        };
        client.send(&call(1, "Fine")).await;
        assert_eq!(client.next().await, result("1", "null"));
        client.send(&call(4, "Count")).await;
        assert_eq!(client.next().await, item("1", "1"));
        assert_eq!(client.next().await, void("1"));
    });
    let seen: Vec<_> =
        spans.all().iter().filter_map(|span| span.field("error.type").map(str::to_owned)).collect();
    assert_eq!(seen, ["00-Fine", "00-Count"]);
}
