//! From the handshake to the farewell: what is told to whom, and when.

use std::future::pending;

use hub_async::values::DOT_NET;
use hub_async::{Context, DisconnectReason, Encoding, Hub, HubError, HubOptions, Scope, State};
use tests::memory::Seen;

use super::*;

const PING: &str = r#"{"type":6}"#;

fn told(text: &str) -> Seen {
    record(&format!(r#"{{"type":1,"target":"Told","arguments":["{text}"]}}"#))
}

fn answer(id: &str, result: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}","result":{result}}}"#))
}

/// A hub that notes why connections ended.
fn reasons(notes: &Notes) -> HubBuilder {
    Hub::builder().state(notes.clone()).method("Echo", async |text: String| text).on_disconnected(
        async |notes: State<Notes>, reason: DisconnectReason| {
            notes.add(format!("{reason:?}"));
        },
    )
}

/// The answer of a hub with these protocols to that handshake.
async fn handshake(protocols: Option<&'static [Encoding]>, request: &str) -> String {
    let options = match protocols {
        None => HubOptions::new(),
        Some(list) => HubOptions::new().supported_protocols(list),
    };
    let service = serve(Hub::builder().options(options));
    let mut client = Client::open(&service, "/hub");
    client.send(request).await;
    client.record().await
}

#[test]
fn a_hub_without_protocols_is_not_served() {
    let hub = Hub::builder().options(HubOptions::new().supported_protocols(&[])).build();
    let refused = Server::on(World::new()).hub("/hub", hub.expect("a hub")).into_service();
    assert_eq!(
        refused.map(drop).expect_err("refused").to_string(),
        "the hub at /hub: supported_protocols must be more than zero"
    );
}

#[test]
fn both_built_in_protocols_are_served_unless_a_list_says_otherwise() {
    run(async {
        for name in ["json", "messagepack"] {
            let request = format!(r#"{{"protocol":"{name}","version":1}}"#);
            assert_eq!(handshake(None, &request).await, "{}");
        }
        let request = r#"{"protocol":"blazorpack","version":1}"#;
        let refused = r#"{"error":"The protocol 'blazorpack' is not supported."}"#;
        assert_eq!(handshake(None, request).await, refused);
        let request = r#"{"protocol":"messagepack","version":1}"#;
        let refused = r#"{"error":"The protocol 'messagepack' is not supported."}"#;
        assert_eq!(handshake(Some(&[Encoding::Json]), request).await, refused);
    });
}

#[test]
fn a_protocol_of_ones_own_has_the_versions_of_the_others() {
    run(async {
        for version in [0, 1, 2] {
            let request = format!(r#"{{"protocol":"json","version":{version}}}"#);
            assert_eq!(handshake(Some(&DOT_NET), &request).await, "{}");
        }
        let request = r#"{"protocol":"json","version":3}"#;
        let refused =
            r#"{"error":"The server does not support version 3 of the 'json' protocol."}"#;
        assert_eq!(handshake(Some(&DOT_NET), request).await, refused);
    });
}

#[test]
fn what_a_hub_sets_for_itself_holds_for_no_other() {
    run(async {
        let echo = || Hub::builder().method("Length", async |text: String| text.len());
        let own = HubOptions::new()
            .unlimited_receive_message_size()
            .supported_protocols(&[Encoding::Json]);
        let free = echo().options(own).build().expect("a hub");
        let bound = echo().build().expect("a hub");
        let service = Server::on(world())
            .options(HubOptions::new().maximum_receive_message_size(100))
            .hub("/free", free)
            .hub("/bound", bound)
            .into_service()
            .expect("a service");
        let long = format!("[\"{}\"]", "x".repeat(40_000));
        let mut free = Client::connect(&service, "/free").await;
        let mut bound = Client::connect(&service, "/bound").await;
        free.call("1", "Length", &long).await;
        assert_eq!(free.next().await, answer("1", "40000"));
        bound.call("1", "Length", &long).await;
        assert_eq!(bound.next().await, record(CLOSE_ERROR));
        Client::connect_binary(&service, "/bound").await;
        let mut refused = Client::open(&service, "/free");
        refused.send(r#"{"protocol":"messagepack","version":1}"#).await;
        let text = r#"{"error":"The protocol 'messagepack' is not supported."}"#;
        assert_eq!(refused.next().await, record(text));
    });
}

#[test]
fn pings_and_what_belongs_to_reconnecting_are_silent() {
    run(async {
        let service = serve(reasons(&Notes::default()));
        let mut client = connect(&service).await;
        for quiet in [PING, r#"{"type":9,"sequenceId":10}"#, r#"{"type":8,"sequenceId":234}"#] {
            client.send(quiet).await;
        }
        client.call("1", "Echo", r#"["hi"]"#).await;
        assert_eq!(client.next().await, answer("1", r#""hi""#));
        assert_eq!(client.so_far(), []);
    });
}

#[test]
fn the_error_of_a_client_that_closes_is_the_reason_and_is_not_sent_back() {
    run(async {
        let notes = Notes::default();
        let service = serve(reasons(&notes));
        for close in [r#"{"type":7,"error":"my fault"}"#, CLOSE] {
            let mut client = connect(&service).await;
            client.send(close).await;
            assert_eq!(client.next().await, record(CLOSE));
            assert_eq!(client.next().await, Seen::Close(Some(1000)));
        }
        let mut ends = connect(&service).await;
        ends.close(1000).await;
        assert_eq!(ends.rest().await, [record(CLOSE_RECONNECT), Seen::Close(Some(1000))]);
        let reasons = [r#"PeerClosed(Some("my fault"))"#, "PeerClosed(None)", "Ended"];
        assert_eq!(notes.all(), reasons);
    });
}

#[test]
fn bad_input_and_silence_are_the_reasons_of_their_ends() {
    run(async {
        let notes = Notes::default();
        let service = serve(reasons(&notes));
        let mut bad = connect(&service).await;
        bad.send("nonsense").await;
        assert_eq!(bad.next().await, record(CLOSE_ERROR));
        drop(bad);
        pause(1).await;
        let mut silent = connect(&service).await;
        silent.send(PING).await;
        pause(30_001).await;
        let seen = silent.so_far();
        let pings = seen.len() - 2;
        assert_eq!(seen[pings..], [record(CLOSE_ERROR), Seen::Close(Some(1000))]);
        assert_eq!(seen[..pings], vec![record(PING); pings]);
        assert_eq!(notes.all(), ["Peer(Message(Syntax))", "Timeout(PeerSilence)"]);
    });
}

#[test]
fn whoever_is_greeted_hears_what_others_send_and_can_send_to_them() {
    run(async {
        let hub = Hub::builder()
            .method("All", async |ctx: Context, text: String| {
                ctx.clients().all().send("Told", (text,)).await.unwrap();
            })
            .method("Me", async |ctx: Context| ctx.connection_id().to_owned())
            .on_connected(async |ctx: Context| {
                if let Some(other) = ctx.request().query_value("other") {
                    ctx.clients().client(&*other).send("Told", ("come",)).await.unwrap();
                    ctx.clients().caller().send("Told", ("hello",)).await.unwrap();
                    pending::<()>().await;
                }
            });
        let service = serve(hub);
        let mut first = connect(&service).await;
        first.call("1", "Me", "[]").await;
        let Seen::Record(me) = first.next().await else { panic!("no record") };
        let id = me.split('"').nth(9).expect("the result");
        let mut second = Client::connect(&service, &format!("/hub?other={id}")).await;
        assert_eq!(first.next().await, told("come"));
        assert_eq!(second.next().await, told("hello"));
        second.call("2", "Me", "[]").await;
        first.call("3", "All", r#"["still greeted"]"#).await;
        assert_eq!(second.next().await, told("still greeted"));
        pause(1_000).await;
        assert_eq!(second.so_far(), [], "its call waits until it has been greeted");
    });
}

#[test]
fn a_farewell_reaches_the_others_of_its_group_and_not_whoever_left() {
    run(async {
        let notes = Notes::default();
        let hub = Hub::builder()
            .state(notes.clone())
            .on_connected(async |ctx: Context| {
                ctx.groups().add(ctx.connection_id(), "room").await;
            })
            .on_disconnected(async |ctx: Context, notes: State<Notes>| {
                let members = ctx.groups().count("room", Scope::Node).await;
                let sent = ctx.clients().group("room").send("Told", ("bye",)).await.unwrap();
                let own = ctx.clients().caller().send("Told", ("bye",)).await.unwrap();
                notes.add(format!("{members} {} {} {}", sent.queued, own.queued, own.dropped));
            })
            .build()
            .expect("a hub");
        let service = serve_built(&hub);
        let (mut stays, mut goes) = (connect(&service).await, connect(&service).await);
        goes.send(CLOSE).await;
        assert_eq!(goes.next().await, record(CLOSE));
        assert_eq!(goes.next().await, Seen::Close(Some(1000)));
        assert_eq!(stays.next().await, told("bye"));
        pause(1).await;
        assert_eq!(notes.all(), ["2 1 0 0"]);
        assert_eq!((goes.so_far(), stays.so_far()), (vec![], vec![]));
        assert_eq!(hub.context().groups().count("room", Scope::Node).await, 1);
    });
}

#[test]
fn a_farewell_does_not_wait_for_a_method_and_a_late_answer_goes_nowhere() {
    run(async {
        let notes = Notes::default();
        let service = serve(
            Hub::builder()
                .state(notes.clone())
                .method("Long", async |ctx: Context, notes: State<Notes>| {
                    ctx.aborted().await;
                    pause(1_000).await;
                    notes.add("answered");
                    1
                })
                .on_disconnected(async |ctx: Context, notes: State<Notes>| {
                    notes.add(format!("farewell, aborted: {}", ctx.is_aborted()));
                }),
        );
        let mut client = connect(&service).await;
        client.call("1", "Long", "[]").await;
        client.send(CLOSE).await;
        assert_eq!(client.next().await, record(CLOSE));
        assert_eq!(client.next().await, Seen::Close(Some(1000)));
        pause(2_000).await;
        assert_eq!(notes.all(), ["farewell, aborted: true", "answered"]);
        client.close(1000).await;
        assert_eq!(client.rest().await, []);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_method_that_panics_when_it_learns_of_the_end_keeps_nobody_from_the_farewell() {
    run(async {
        let notes = Notes::default();
        let service = serve(reasons(&notes).method("Trap", async |ctx: Context| {
            ctx.aborted().await;
            assert!(!ctx.is_aborted(), "on purpose");
        }));
        let client = connect(&service).await;
        client.call("1", "Trap", "[]").await;
        pause(1).await;
        client.close(1000).await;
        pause(1).await;
        assert_eq!(notes.all(), ["Ended"]);
        drop(client);
        pause(1).await;
        is_left_alone(&service).await;
    });
}

#[test]
fn a_farewell_that_fails_leaves_nothing_behind() {
    run(async {
        let hub = Hub::builder()
            .on_connected(async |ctx: Context| {
                ctx.groups().add(ctx.connection_id(), "room").await;
            })
            .on_disconnected(async || Err::<(), _>(HubError::new("no")))
            .build()
            .expect("a hub");
        let service = serve_built(&hub);
        let mut client = connect(&service).await;
        client.close(1000).await;
        assert_eq!(client.rest().await, [record(CLOSE_RECONNECT), Seen::Close(Some(1000))]);
        let context = hub.context();
        assert_eq!(context.connection_count(Scope::Node).await, 0);
        assert_eq!(context.groups().count("room", Scope::Node).await, 0);
        is_left_alone(&service).await;
    });
}

/// Nothing is written to a link that is lost: nobody could read it.
#[test]
fn whoever_waits_for_the_end_of_a_lost_link_ends_without_an_answer() {
    run(async {
        let notes = Notes::default();
        let service =
            serve(reasons(&notes).method("Wait", async |ctx: Context, n: State<Notes>| {
                ctx.aborted().await;
                n.add("aborted");
                1
            }));
        let (ours, theirs) = transport_memory::pipe(tests::memory::CAPACITY);
        let request = http::Request::get("/hub").body(()).expect("a URI");
        service.serve_socket(&request, Arc::new(theirs), b"").expect("the hub takes it");
        let mut client = Client::over(ours);
        client.shake_hands().await;
        client.call("1", "Wait", "[]").await;
        pause(1).await;
        drop(client);
        pause(1).await;
        let mut seen = notes.all();
        seen.sort();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1], "aborted");
        assert!(seen[0].starts_with("Lost("), "{seen:?}");
        is_left_alone(&service).await;
    });
}

#[test]
fn two_aborts_are_one_close() {
    run(async {
        let options = HubOptions::new().maximum_parallel_invocations_per_client(2);
        let hub = Hub::builder().options(options).method("Abort", async |ctx: Context| {
            pause(10).await;
            ctx.abort();
            ctx.abort();
        });
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Abort", "[]").await;
        client.call("2", "Abort", "[]").await;
        assert_eq!(client.next().await, record(CLOSE));
        assert_eq!(client.next().await, Seen::Close(Some(1000)));
        client.close(1000).await;
        assert_eq!(client.rest().await, []);
        is_left_alone(&service).await;
    });
}

#[test]
fn an_abort_while_it_is_greeted_is_a_close_and_has_its_farewell() {
    run(async {
        let notes = Notes::default();
        let service = serve(reasons(&notes).on_connected(async |ctx: Context| {
            assert!(!ctx.is_aborted(), "nobody has aborted it");
            ctx.abort();
        }));
        let mut client = connect(&service).await;
        assert_eq!(client.next().await, record(CLOSE));
        assert_eq!(client.next().await, Seen::Close(Some(1000)));
        assert_eq!(notes.all(), ["Aborted"]);
    });
}

#[test]
fn the_request_of_a_connection_is_known_to_its_methods_and_hooks() {
    fn tell(ctx: &Context) -> String {
        let request = ctx.request();
        format!("{} {:?}", request.path(), request.query_value("who"))
    }
    run(async {
        let notes = Notes::default();
        let hub = Hub::builder()
            .state(notes.clone())
            .on_connected(async |ctx: Context, notes: State<Notes>| notes.add(tell(&ctx)))
            .method("Request", async |ctx: Context| tell(&ctx))
            .on_disconnected(async |ctx: Context, notes: State<Notes>| notes.add(tell(&ctx)));
        let service = serve(hub);
        let mut client = Client::connect(&service, "/hub?who=a%20b").await;
        client.call("1", "Request", "[]").await;
        assert_eq!(client.next().await, answer("1", r#""/hub Some(\"a b\")""#));
        client.send(CLOSE).await;
        assert_eq!(client.next().await, record(CLOSE));
        pause(1).await;
        assert_eq!(notes.all(), [r#"/hub Some("a b")"#; 2]);
    });
}

/// Panics when it is dropped, and notes it.
struct Explosive(Notes);

impl Drop for Explosive {
    fn drop(&mut self) {
        self.0.add("dropped");
        panic!("on purpose");
    }
}

impl<'de> serde::Deserialize<'de> for Explosive {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer)?;
        Ok(Self(NOTES.with_borrow(Clone::clone)))
    }
}

thread_local! {
    static NOTES: RefCell<Notes> = RefCell::default();
}

#[test]
fn methods_that_panic_while_they_are_dropped_harm_nobody_however_many() {
    run(async {
        let options = HubOptions::new().maximum_parallel_invocations_per_client(3);
        let hub = Hub::builder().options(options).method("Hang", async |explosive: Explosive| {
            pending::<()>().await;
            drop(explosive);
        });
        let service = serve(hub);
        let notes = Notes::default();
        NOTES.set(notes.clone());
        let client = connect(&service).await;
        for _ in 0..6 {
            client.call("", "Hang", "[1]").await;
        }
        pause(1).await;
        assert_eq!(notes.all().len(), 0);
        drop(client);
        pause(1).await;
        assert_eq!(notes.all().len(), 3, "those that waited");
        pause(301_000).await;
        assert_eq!(notes.all().len(), 6, "and those that ran, after the linger");
        is_left_alone(&service).await;
    });
}
