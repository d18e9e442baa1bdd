//! What is sent, and what becomes of it when the client is slow or the sender waits no longer.

use hub_async::{Clients, Context, DisconnectReason, Hub, HubOptions, Scope, State, Target};
use serde::{Serialize, Serializer};

use super::*;

fn told(arguments: &str) -> Seen {
    record(&format!(r#"{{"type":1,"target":"Told","arguments":{arguments}}}"#))
}

fn binary(arguments: &[u8]) -> Seen {
    Seen::Binary([b"\x96\x01\x80\xc0\xa4Told", arguments, b"\x90"].concat())
}

/// Whoever connects is the user "both" and in the group "room"; the ids are noted.
fn hub(ids: &Notes) -> Hub {
    Hub::builder()
        .state(ids.clone())
        .user_id(|_| Some("both".into()))
        .on_connected(async |ctx: Context, ids: State<Notes>| {
            ids.add(ctx.connection_id());
            ctx.groups().add(ctx.connection_id(), "room").await;
        })
        .build()
        .expect("a hub")
}

/// Each audience that can be named from outside, which is the stuck client, and the normal one as well
/// where it says so.
fn audiences(clients: &Clients, normal: &str, stuck: &str) -> [(&'static str, Target, bool); 9] {
    [
        ("all", clients.all(), true),
        ("all_except", clients.all_except([normal]), false),
        ("client", clients.client(stuck).into(), false),
        ("clients", clients.clients([stuck, normal]), true),
        ("group", clients.group("room"), true),
        ("group_except", clients.group_except("room", [normal]), false),
        ("groups", clients.groups(["room", "empty"]), true),
        ("user", clients.user("both"), true),
        ("users", clients.users(["both", "nobody"]), true),
    ]
}

/// A send that waits for a stuck client is dropped: the others have the message, and so has it later.
#[test]
fn nobody_is_closed_because_a_sender_waits_no_longer() {
    run(async {
        for n in 0..9 {
            let ids = Notes::default();
            let hub = hub(&ids);
            let service = serve_built(&hub);
            let (mut normal, mut stuck) = (connect(&service).await, connect(&service).await);
            let [normal_id, stuck_id] = <[String; 2]>::try_from(ids.all()).expect("two");
            let clients = hub.context().clients();
            let large = "x".repeat(100_000);
            drop(clients.client(&stuck_id).send("Told", (&large,)));
            let (name, target, both) = audiences(&clients, &normal_id, &stuck_id)
                .into_iter()
                .nth(n)
                .expect("nine audiences");
            let sending = target.send("Told", ("hi",));
            assert!(within(Duration::from_secs(1), sending).await.is_none(), "{name} waits");
            let heard = if both { vec![told(r#"["hi"]"#)] } else { Vec::new() };
            assert_eq!(normal.so_far(), heard, "{name}");
            assert_eq!(hub.context().connection_count(Scope::Node).await, 2, "{name}");
            assert_eq!(stuck.next().await, told(&format!(r#"["{large}"]"#)), "{name}");
            assert_eq!(stuck.next().await, told(r#"["hi"]"#), "{name}");
            assert_eq!((stuck.so_far(), normal.so_far()), (vec![], vec![]), "{name}");
        }
    });
}

/// Dropped at once, it is sent all the same: it was queued when it was made.
#[test]
fn a_send_that_is_never_awaited_is_sent_and_keeps_its_place() {
    run(async {
        let hub = hub(&Notes::default());
        let service = serve_built(&hub);
        let mut client = connect(&service).await;
        let all = hub.context().clients().all();
        for n in 0..3 {
            drop(all.send("Told", (n,)));
        }
        for n in 0..3 {
            assert_eq!(client.next().await, told(&format!("[{n}]")));
        }
    });
}

#[test]
fn a_list_is_one_argument_whatever_the_audience() {
    run(async {
        let ids = Notes::default();
        let hub = hub(&ids);
        let service = serve_built(&hub);
        let mut text = connect(&service).await;
        let mut packed = Client::connect_binary(&service, "/hub").await;
        let [text_id, packed_id] = <[String; 2]>::try_from(ids.all()).expect("two");
        let clients = hub.context().clients();
        for (name, target, both) in audiences(&clients, &text_id, &packed_id) {
            target.send("Told", (vec![1_u8, 2, 3],)).await.expect("it can be sent");
            pause(1).await;
            let heard = if both { vec![told("[[1,2,3]]")] } else { Vec::new() };
            assert_eq!(text.so_far(), heard, "{name}");
            assert_eq!(packed.so_far(), [binary(b"\x91\x93\x01\x02\x03")], "{name}");
        }
    });
}

/// Bytes have a form of their own in MessagePack, and are one argument there too.
#[test]
fn bytes_are_one_argument() {
    struct Bytes;
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[1, 2, 255])
        }
    }
    run(async {
        let hub = hub(&Notes::default());
        let service = serve_built(&hub);
        let mut packed = Client::connect_binary(&service, "/hub").await;
        hub.context().clients().all().send("Told", (Bytes,)).await.expect("it can be sent");
        assert_eq!(packed.next().await, binary(b"\x91\xc4\x03\x01\x02\xff"));
    });
}

/// A type decides on its form, in both encodings, by what serde knows of it.
#[test]
fn a_type_may_rewrite_its_values_and_names_are_as_serde_gives_them() {
    fn loud<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text.to_uppercase())
    }
    #[derive(Serialize)]
    struct Person {
        #[serde(serialize_with = "loud")]
        first_name: &'static str,
        #[serde(rename = "yearsOld")]
        years_old: u8,
    }
    run(async {
        let hub = hub(&Notes::default());
        let service = serve_built(&hub);
        let mut text = connect(&service).await;
        let mut packed = Client::connect_binary(&service, "/hub").await;
        let ann = Person { first_name: "ann", years_old: 7 };
        hub.context().clients().all().send("Told", (ann,)).await.expect("it can be sent");
        assert_eq!(text.next().await, told(r#"[{"first_name":"ANN","yearsOld":7}]"#));
        let map = b"\x91\x82\xaafirst_name\xa3ANN\xa8yearsOld\x07";
        assert_eq!(packed.next().await, binary(map));
    });
}

struct Broken;

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("on purpose"))
    }
}

/// It is the sender's fault, so no connection ends of it, and no end tells of it.
#[test]
fn a_value_that_cannot_be_sent_is_no_reason_of_an_end() {
    run(async {
        let notes = Notes::default();
        let service = serve(
            Hub::builder()
                .state(notes.clone())
                .method("Send", async |ctx: Context| {
                    ctx.clients().caller().send("Told", (Broken,)).await?;
                    Ok::<_, hub_async::HubError>(())
                })
                .on_disconnected(async |notes: State<Notes>, reason: DisconnectReason| {
                    notes.add(format!("{reason:?}"));
                }),
        );
        let mut client = connect(&service).await;
        client.call("1", "Send", "[]").await;
        let error = "An unexpected error occurred invoking 'Send' on the server.";
        let failed = format!(r#"{{"type":3,"invocationId":"1","error":"{error}"}}"#);
        assert_eq!(client.next().await, record(&failed));
        client.send(CLOSE).await;
        assert_eq!(client.next().await, record(CLOSE));
        pause(1).await;
        assert_eq!(notes.all(), ["PeerClosed(None)"]);
    });
}

/// Nothing holds a lock while it waits, so a stuck client is pinged like any other, behind what waits.
#[test]
fn a_client_that_does_not_read_finds_one_ping_for_each_interval() {
    run(async {
        let interval = Duration::from_secs(15);
        let options =
            HubOptions::new().keep_alive_interval(interval).transport_send_timeout(Duration::MAX);
        let hub = Hub::builder().options(options).build().expect("a hub");
        let service = serve_built(&hub);
        let mut client = connect(&service).await;
        let large = "x".repeat(100_000);
        drop(hub.context().clients().all().send("Told", (&large,)));
        pause(60_500).await;
        assert_eq!(client.next().await, told(&format!(r#"["{large}"]"#)));
        pause(1).await;
        let seen = client.so_far();
        assert_eq!(seen, vec![record(r#"{"type":6}"#); seen.len()]);
        assert!((3..=5).contains(&seen.len()), "{} pings", seen.len());
    });
}
