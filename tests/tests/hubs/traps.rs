//! What other implementations have fallen into, over every transport that HTTP carries.

use std::borrow::Cow;
use std::future::pending;

use futures_util::{StreamExt, stream as streams};
use http::Method;
use hub_async::{
    Context, DisconnectReason, HubError, HubOptions, Request, Scope, State, StreamReader,
};
use hub_proto::ws::Opcode;
use tests::memory::{CAPACITY, write};
use tests::peer::{By, Door, HANDSHAKE, TRANSPORTS, upgrade};
use transport_memory::pipe;

use super::logs::Log;
use super::reconnect::{Resumed, next, resumable, sequence};
use super::results::told;
use super::*;

const PING: &str = r#"{"type":6}"#;
/// The answer to a call `1` of `Echo` with `"on"`.
const ON: &str = r#"{"type":3,"invocationId":"1","result":"on"}"#;

fn door(service: &Service) -> Door {
    Door::new(world(), service.clone())
}

fn hub() -> HubBuilder {
    Hub::builder()
        .method("Echo", async |text: String| text)
        .method("Id", async |ctx: Context| ctx.connection_id().to_owned())
}

#[test]
fn records_come_in_any_pieces_among_empty_ones() {
    run(async {
        for by in TRANSPORTS {
            let door = door(&serve(hub()));
            let call = r#"{"type":1,"invocationId":"1","target":"Echo","arguments":["on"]}"#;
            // All in one.
            let mut peer = door.open(by).await;
            peer.put(&format!("{HANDSHAKE}{call}\x1e{call}\x1e")).await;
            for answer in ["{}", ON, ON] {
                assert_eq!(peer.next().await.as_deref(), Some(answer), "{by:?}");
            }
            // A byte at a time.
            let mut peer = door.open(by).await;
            for at in 0..HANDSHAKE.len() {
                peer.put("").await;
                peer.put(&HANDSHAKE[at..=at]).await;
            }
            assert_eq!(peer.next().await.as_deref(), Some("{}"), "{by:?}");
            for (at, _) in call.char_indices() {
                peer.put(&call[at..=at]).await;
                peer.put("").await;
            }
            peer.put("\x1e").await;
            assert_eq!(peer.next().await.as_deref(), Some(ON), "{by:?}");
            assert_eq!(peer.so_far().await, [""; 0], "{by:?}");
        }
    });
}

#[test]
fn frames_of_text_may_carry_messagepack_and_binary_ones_json() {
    run(async {
        let service = serve(hub());
        let mut client = Client::open(&service, "/hub");
        client.frame(Opcode::Binary, HANDSHAKE.as_bytes()).await;
        assert_eq!(client.record().await, "{}");
        let call =
            b"{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"on\"]}\x1e";
        client.frame(Opcode::Binary, &call[..20]).await;
        client.frame(Opcode::Text, &call[20..]).await;
        assert_eq!(client.record().await, ON);

        let mut client = Client::connect_binary(&service, "/hub").await;
        let call = b"\x0e\x96\x01\x80\xa11\xa4Echo\x91\xa1x\x90";
        client.frame(Opcode::Text, call).await;
        client.frame(Opcode::Binary, &call[..5]).await;
        client.frame(Opcode::Text, &call[5..]).await;
        for _ in 0..2 {
            let answer = b"\x95\x03\x80\xa11\x03\xa1x".to_vec();
            assert_eq!(client.next().await, Seen::Binary(answer));
        }
    });
}

#[test]
fn whoever_pings_may_be_idle_for_minutes() {
    run(async {
        for by in TRANSPORTS {
            let door = door(&serve(hub()));
            let mut peer = door.connect(by).await;
            let mut pings = 0;
            for _ in 0..20 {
                peer.send(PING).await;
                let start = Moment::now();
                while let Some(left) = Duration::from_secs(14).checked_sub(start.elapsed()) {
                    let Some(heard) = within(left, peer.next()).await else { break };
                    assert_eq!(heard.as_deref(), Some(PING), "{by:?}");
                    pings += 1;
                }
            }
            let expected = if by == By::Polls { 0..=0 } else { 18..=22 };
            assert!(expected.contains(&pings), "{pings} pings by {by:?} in 280 s");
            peer.call("1", "Echo", r#"["on"]"#).await;
            assert_eq!(peer.next().await.as_deref(), Some(ON), "{by:?}");
        }
    });
}

#[test]
fn a_token_is_good_for_one_connection_and_the_next_negotiation_gives_another() {
    run(async {
        for by in TRANSPORTS {
            let service = serve(hub());
            let door = door(&service);
            let mut peer = door.connect(by).await;
            let at = peer.at().to_owned();
            peer.send(r#"{"type":7}"#).await;
            while peer.next().await.is_some() {}
            drop(peer);
            world().settle().await;
            for again in TRANSPORTS {
                let refused = door.open_at(again, &at).await.map(drop);
                assert_eq!(refused, Err(404), "{by:?}, then {again:?}");
            }
            assert_eq!(door.ask(Method::POST, &at, HANDSHAKE).await.status, 404, "{by:?}");
            assert_ne!(door.place().await, at);
            is_left_alone(&service).await;
        }
    });
}

#[test]
fn credentials_reach_the_hub_with_every_transport_and_no_line_of_the_log() {
    run(async {
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        for by in TRANSPORTS {
            let hub = hub()
                .method("Show", async |request: Request| {
                    let query = request.query_value("access_token").map(Cow::into_owned);
                    let header = request.header("authorization").map(str::to_owned);
                    (query, header, request.cookie("session").map(str::to_owned))
                })
                .method("Print", async |ctx: Context| format!("{:?}", ctx.request()))
                .method("Fail", async || Err::<(), _>(HubError::new("no")));
            let service = serve(hub);
            let door = door(&service)
                .query("&access_token=secret")
                .header("authorization", "Bearer secret")
                .header("cookie", "session=secret");
            let mut peer = door.connect(by).await;
            let token = peer.at().split(['=', '&']).nth(1).expect("a token").to_owned();
            peer.call("1", "Show", "[]").await;
            let shown =
                r#"{"type":3,"invocationId":"1","result":["secret","Bearer secret","secret"]}"#;
            assert_eq!(peer.next().await.as_deref(), Some(shown), "{by:?}");
            peer.call("1", "Print", "[]").await;
            let printed = peer.next().await.expect("an answer");
            assert!(printed.contains("/hub") && !printed.contains("secret"), "{printed}");
            peer.call("2", "Fail", "[]").await;
            peer.next().await;
            // What goes wrong is logged with more care than what does not.
            peer.send("no message").await;
            while peer.next().await.is_some() {}
            let at = peer.at().to_owned();
            drop(peer);
            world().settle().await;
            assert_eq!(door.open_at(by, &at).await.map(drop), Err(404));
            let vanished = door.connect(by).await;
            drop(vanished);
            pause(20_000).await;
            let (near, far) = pipe(CAPACITY);
            let broken = spawn(service.clone().serve_connection(far, pending()));
            write(&near, b"GET /hub?access_token=secret HTTP/7.7 secret\r\n\r\n").await;
            broken.await;
            is_left_alone(&service).await;
            let lines = std::mem::take(&mut *log.0.lock().unwrap());
            assert!(lines.len() >= 6, "{lines:?}");
            for (_, line) in lines {
                assert!(!line.contains("secret") && !line.contains(&token), "{by:?}: {line}");
            }
        }
        drop(guard);
    });
}

#[test]
fn whatever_waits_for_a_client_that_vanishes_ends_once() {
    run(async {
        for by in TRANSPORTS {
            let notes = Notes::default();
            let hub = hub()
                .state(notes.clone())
                .options(HubOptions::new().maximum_parallel_invocations_per_client(3))
                .method("Ask", async |ctx: Context, notes: State<Notes>| {
                    let asking = ctx.clients().caller().invoke::<i32>("Question", ()).await;
                    notes.add(told(asking).replace(ctx.connection_id(), "it"));
                })
                .method("Read", async |notes: State<Notes>, mut items: StreamReader<i32>| {
                    while let Some(item) = items.next().await {
                        notes.add(format!("read {item:?}"));
                    }
                })
                .method("Wait", async |ctx: Context, notes: State<Notes>| {
                    ctx.aborted().await;
                    notes.add("aborted");
                })
                .method("Stream", async |notes: State<Notes>| {
                    let guard = Guard(Notes::clone(&notes), "stream");
                    streams::pending::<i32>().map(move |item| {
                        let _ = &guard;
                        item
                    })
                })
                .on_disconnected(async |notes: State<Notes>, reason: DisconnectReason| {
                    notes.add(format!("left: {}", reason.kind()));
                });
            let service = serve(hub);
            let mut peer = door(&service).connect(by).await;
            for method in ["Ask", "Wait"] {
                peer.call(method, method, "[]").await;
            }
            assert!(peer.next().await.is_some_and(|asked| asked.contains("Question")));
            let upload =
                r#"{"type":1,"invocationId":"r","target":"Read","arguments":[],"streamIds":["i"]}"#;
            peer.send(upload).await;
            peer.send(r#"{"type":4,"invocationId":"s","target":"Stream","arguments":[]}"#).await;
            pause(1).await;
            assert_eq!(notes.all(), [""; 0], "{by:?}");
            drop(peer);
            pause(16_000).await;
            let mut ended = notes.all();
            ended.sort();
            let reason = match by {
                By::Socket => "left: connection lost",
                By::Events => "left: ended by the client",
                By::Polls => "left: disconnect timeout",
            };
            let expected = [
                "Connection 'it' disconnected.",
                "aborted",
                reason,
                "read Err(Closed)",
                "stream dropped",
            ];
            assert_eq!(ended, expected, "{by:?}");
            pause(60_000).await;
            assert_eq!(notes.all().len(), expected.len(), "{by:?}");
            is_left_alone(&service).await;
        }
    });
}

#[test]
fn an_answer_that_nobody_has_asked_for_is_ignored() {
    run(async {
        for by in TRANSPORTS {
            let mut peer = door(&serve(hub())).connect(by).await;
            for end in [r#""result":7"#, r#""error":"no""#, r#""headers":{}"#] {
                for id in ["s1", "1", "no such id"] {
                    peer.send(&format!(r#"{{"type":3,"invocationId":"{id}",{end}}}"#)).await;
                }
            }
            peer.send(r#"{"type":2,"invocationId":"s1","item":7}"#).await;
            peer.send(r#"{"type":5,"invocationId":"s1"}"#).await;
            peer.call("1", "Echo", r#"["on"]"#).await;
            assert_eq!(peer.next().await.as_deref(), Some(ON), "{by:?}");
            assert_eq!(peer.so_far().await, [""; 0], "{by:?}");
        }
    });
}

#[test]
fn whoever_never_shakes_hands_is_let_go_after_15_s() {
    run(async {
        for by in TRANSPORTS {
            let service = serve(hub());
            let mut peer = door(&service).open(by).await;
            let start = Moment::now();
            assert_eq!(
                peer.next().await.as_deref(),
                Some(r#"{"error":"Handshake was canceled."}"#),
                "{by:?}"
            );
            assert_eq!(start.elapsed(), Duration::from_secs(15), "{by:?}");
            while peer.next().await.is_some() {}
            drop(peer);
            world().settle().await;
            is_left_alone(&service).await;
        }
    });
}

/// Neither its place among the connections is kept, nor the HTTP connection.
#[test]
fn an_upgrade_whose_answer_nobody_takes_is_let_go_after_15_s() {
    run(async {
        let service = serve(hub());
        let door = door(&service);
        // The answer has more bytes than that.
        let (near, far) = pipe(16);
        let serving = spawn(service.clone().serve_connection(far, pending()));
        let request = upgrade(&door.place().await, &http::HeaderMap::new());
        let writing = spawn(async move {
            write(&near, request.as_bytes()).await;
            near
        });
        let near = writing.await;
        pause(14_990).await;
        assert!(!serving.is_finished());
        pause(20).await;
        assert!(serving.is_finished(), "the HTTP connection is still there");
        is_left_alone(&service).await;
        drop(near);
    });
}

#[test]
fn half_a_request_is_given_up_after_30_s() {
    run(async {
        let service = serve(hub());
        for half in ["", "GET /hub HTTP/1.1\r\nhost: h\r\nupgr"] {
            let (near, far) = pipe(CAPACITY);
            let serving = spawn(service.clone().serve_connection(far, pending()));
            write(&near, half.as_bytes()).await;
            pause(29_990).await;
            assert!(!serving.is_finished(), "{half:?}");
            pause(20).await;
            assert!(serving.is_finished(), "{half:?}");
        }
    });
}

#[test]
fn lengths_that_make_no_sense_end_their_connection_at_once() {
    run(async {
        let bodies: [&[u8]; 10] = [
            // Of the record.
            b"\xff\xff\xff\xff\xff",
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
            b"\xff\xff\xff\xff\x07",
            b"\x80\x80\x80\x80\x10",
            b"\x00\x00\x00",
            // In it: an array, a map, a text, bytes and an extension of 4 GiB.
            b"\x06\xdd\xff\xff\xff\xff\x01",
            b"\x08\x96\x01\xdf\xff\xff\xff\xff\x01",
            b"\x08\x96\x01\x80\xdb\xff\xff\xff\xff",
            b"\x10\x96\x01\x80\xa11\xa4Echo\x91\xc6\xff\xff\xff\xff",
            b"\x11\x96\x01\x80\xa11\xa4Echo\x91\xc9\xff\xff\xff\xff\x01",
        ];
        let service = serve(hub());
        for body in bodies {
            let mut client = Client::connect_binary(&service, "/hub").await;
            let start = Moment::now();
            client.frame(Opcode::Binary, body).await;
            let Seen::Binary(close) = client.next().await else { panic!("{body:x?}: no Close") };
            assert!(close.starts_with(b"\x93\x07"), "{body:x?}: {close:x?}");
            assert_eq!(start.elapsed(), Duration::ZERO, "{body:x?}");
            client.close(1000).await;
            client.rest().await;
        }
        is_left_alone(&service).await;
    });
}

#[test]
fn joining_a_group_on_the_way_out_leaves_nothing_behind() {
    run(async {
        for by in TRANSPORTS {
            let ids = Notes::default();
            let hub = hub()
                .state(ids.clone())
                .method("Linger", async |ctx: Context| {
                    ctx.aborted().await;
                    ctx.groups().add(ctx.connection_id(), "late").await;
                    pause(1_000).await;
                    ctx.groups().add(ctx.connection_id(), "late").await;
                })
                .on_disconnected(async |ctx: Context, ids: State<Notes>| {
                    let id = ctx.connection_id();
                    ctx.groups().add(id, "late").await;
                    ctx.hub().groups().add(id, "late").await;
                    ids.add(id);
                })
                .build()
                .expect("a hub");
            let service = serve_built(&hub);
            let mut peer = door(&service).connect(by).await;
            peer.call("1", "Linger", "[]").await;
            peer.send(r#"{"type":7}"#).await;
            while peer.next().await.is_some() {}
            drop(peer);
            pause(2_000).await;
            let [id] = <[String; 1]>::try_from(ids.all()).expect("one");
            let groups = hub.context().groups();
            groups.add(&id, "late").await;
            assert_eq!(groups.count("late", Scope::Node).await, 0, "{by:?}");
            assert_eq!(groups.members("late", Scope::Node).await, [""; 0], "{by:?}");
            assert_eq!(groups.of(&id).await, [""; 0], "{by:?}");
            assert_eq!(hub.context().connection_count(Scope::Node).await, 0, "{by:?}");
            let sent = hub.context().clients().group("late").send("Told", ()).await;
            assert_eq!(sent.expect("it can be sent").queued, 0, "{by:?}");
            is_left_alone(&service).await;
        }
    });
}

#[test]
fn what_is_serialized_once_for_all_counts_for_those_who_come_back() {
    run(async {
        let hub = hub().options(resumable()).build().expect("a hub");
        let resumed = Resumed::negotiate_built(&hub).await;
        let mut bystander = Client::connect(resumed.service(), "/hub").await;
        let mut client = resumed.connect().await;
        let all = hub.context().clients().all();
        let told = |n: u32| record(&format!(r#"{{"type":1,"target":"Told","arguments":[{n}]}}"#));
        for n in 1..=3 {
            all.send("Told", (n,)).await.expect("it can be sent");
            assert_eq!(next(&mut client).await, told(n));
        }
        client.send(r#"{"type":8,"sequenceId":2}"#).await;
        pause(1).await;
        drop(client);
        pause(1).await;
        all.send("Told", (4,)).await.expect("it can be sent");
        let mut client = resumed.link().await;
        for seen in [sequence(3), told(3), told(4)] {
            assert_eq!(next(&mut client).await, seen);
        }
        for n in 1..=4 {
            assert_eq!(bystander.next().await, told(n));
        }
    });
}

#[test]
fn a_method_in_the_only_slot_asks_its_caller_also_from_outside() {
    run(async {
        for by in TRANSPORTS {
            let hub = hub()
                .method("Inside", async |ctx: Context| {
                    told(ctx.clients().caller().invoke::<i32>("Question", ()).await)
                })
                .method("Outside", async |ctx: Context| {
                    let clients = ctx.hub().clients();
                    told(clients.client(ctx.connection_id()).invoke::<i32>("Question", ()).await)
                });
            let mut peer = door(&serve(hub)).connect(by).await;
            for method in ["Inside", "Outside"] {
                peer.call("c", method, "[]").await;
                peer.call("1", "Echo", r#"["on"]"#).await;
                let mut answers = Vec::new();
                while answers.len() < 2 {
                    let heard = peer.next().await.expect("more");
                    let Some(asked) = heard.strip_prefix(r#"{"type":1,"invocationId":""#) else {
                        answers.push(heard);
                        continue;
                    };
                    let id = asked.split('"').next().expect("an id");
                    peer.send(&format!(r#"{{"type":3,"invocationId":"{id}","result":7}}"#)).await;
                }
                answers.sort();
                let result = r#"{"type":3,"invocationId":"c","result":"7"}"#;
                assert_eq!(answers, [ON, result], "{method} by {by:?}");
            }
        }
    });
}

#[test]
fn whoever_comes_while_a_server_drains_is_refused_and_not_waited_for() {
    run(async {
        let service = serve(hub());
        let door = door(&service);
        let mut inside = Vec::new();
        let mut places = Vec::new();
        for by in TRANSPORTS {
            inside.push(door.connect(by).await);
            places.push((by, door.place().await));
        }
        let start = Moment::now();
        let drain = spawn({
            let service = service.clone();
            async move { service.drain(Duration::from_secs(60)).await }
        });
        world().settle().await;
        assert_eq!(door.negotiate().await.status, 503);
        for (by, at) in &places {
            assert_eq!(door.open_at(*by, at).await.map(drop), Err(503), "{by:?}");
        }
        assert_eq!(door.open_at(By::Socket, "/hub").await.map(drop), Err(503));
        let (_near, far) = pipe(CAPACITY);
        let stream = service.serve_stream("/hub", Arc::new(far));
        assert_eq!(stream.map_err(|status| status.as_u16()), Err(503));
        for mut peer in inside {
            assert_eq!(peer.next().await.as_deref(), Some(CLOSE_RECONNECT));
            assert_eq!(peer.next().await, None);
        }
        assert!(drain.await);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    });
}

#[test]
fn an_upgrade_whose_answer_nobody_takes_holds_up_no_drain() {
    run(async {
        let service = serve(hub());
        let (near, far) = pipe(16);
        let serving = spawn(service.clone().serve_connection(far, pending()));
        write(&near, upgrade("/hub", &http::HeaderMap::new()).as_bytes()).await;
        pause(1).await;
        is_left_alone(&service).await;
        world().settle().await;
        assert!(serving.is_finished());
    });
}

#[test]
fn names_of_groups_and_users_have_case_and_no_wildcards() {
    run(async {
        let hub = hub()
            .user_id(|request| request.query_value("user").map(Into::into))
            .method("Join", async |ctx: Context, group: String| {
                ctx.groups().add(ctx.connection_id(), &group).await;
            })
            .build()
            .expect("a hub");
        let service = serve_built(&hub);
        let names = ["room", "Room", "ROOM", "*", "r*", "room*", "?oom", "[r]oom"];
        let mut clients = Vec::new();
        for name in names {
            let uri = format!("/hub?user={}", name.replace('[', "%5B").replace(']', "%5D"));
            let mut client = Client::connect(&service, &uri).await;
            client.call("1", "Join", &format!(r#"["{name}"]"#)).await;
            assert_eq!(client.record().await, r#"{"type":3,"invocationId":"1","result":null}"#);
            clients.push(client);
        }
        let all = hub.context().clients();
        for (n, name) in names.iter().enumerate() {
            for target in [all.group(name), all.user(name)] {
                assert_eq!(target.send("Told", (n,)).await.expect("it can be sent").queued, 1);
                pause(1).await;
                for (m, client) in clients.iter_mut().enumerate() {
                    let told =
                        record(&format!(r#"{{"type":1,"target":"Told","arguments":[{n}]}}"#));
                    let expected = if m == n { vec![told] } else { Vec::new() };
                    assert_eq!(client.so_far(), expected, "to {name}, at {}", names[m]);
                }
            }
        }
    });
}

#[test]
fn a_stall_of_minutes_is_followed_by_one_ping() {
    run(async {
        for by in [By::Socket, By::Events] {
            let mut peer = door(&serve(hub())).connect(by).await;
            for _ in 0..3 {
                world().spend(Duration::from_secs(300));
                world().settle().await;
                assert_eq!(peer.so_far().await, [PING], "{by:?}");
                let start = Moment::now();
                assert_eq!(peer.next().await.as_deref(), Some(PING), "{by:?}");
                assert!(start.elapsed() > Duration::from_secs(13), "{by:?}");
            }
        }
        // A poll that waits meanwhile is answered once, and the connection goes on.
        let door = door(&serve(hub()));
        let mut peer = door.connect(By::Polls).await;
        let poll = spawn({
            let (door, at) = (door.clone(), peer.at().to_owned());
            async move { door.ask(Method::GET, &at, "").await }
        });
        world().settle().await;
        world().spend(Duration::from_secs(300));
        let answer = poll.await;
        assert_eq!((answer.status, &*answer.body), (200, ""));
        peer.call("1", "Echo", r#"["on"]"#).await;
        assert_eq!(peer.next().await.as_deref(), Some(ON));
    });
}

/// What came meanwhile is read before the silence is counted.
#[test]
fn a_stall_of_minutes_ends_no_connection_whose_client_has_pinged() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        for _ in 0..3 {
            client.send(PING).await;
            pause(1).await;
            world().spend(Duration::from_secs(300));
            client.send(PING).await;
            pause(1).await;
            assert_eq!(client.so_far(), [record(PING)]);
        }
    });
}

#[test]
fn the_error_of_a_stream_comes_with_its_text_behind_the_items() {
    run(async {
        let fails = async || streams::iter([Ok(7), Err(HubError::new("This is for you.")), Ok(8)]);
        let error = "An error occurred on the server while streaming results. HubException: This is for you.";
        for by in TRANSPORTS {
            let mut peer = door(&serve(hub().method("Fails", fails))).connect(by).await;
            peer.send(r#"{"type":4,"invocationId":"1","target":"Fails","arguments":[]}"#).await;
            let told = format!(r#"{{"type":3,"invocationId":"1","error":"{error}"}}"#);
            assert_eq!(peer.so_far().await, [r#"{"type":2,"invocationId":"1","item":7}"#, &told]);
        }
    });
}
