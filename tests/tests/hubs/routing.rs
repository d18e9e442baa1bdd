//! Who gets what a method sends, record by record. The second of three clients speaks MessagePack.

use hub_async::{Context, Groups, Hub, Scope, State, Target};

use super::*;

/// What a client is told.
#[derive(Clone, Copy)]
enum Heard {
    /// The call `Told` with that text of two letters.
    Told(&'static str),
    /// The answer of the call with that id, which has no result.
    Answer(char),
}

use Heard::{Answer, Told};

impl Heard {
    fn json(self) -> Seen {
        record(&match self {
            Told(text) => format!(r#"{{"type":1,"target":"Told","arguments":["{text}"]}}"#),
            Answer(id) => format!(r#"{{"type":3,"invocationId":"{id}","result":null}}"#),
        })
    }

    fn binary(self) -> Seen {
        Seen::Binary(match self {
            Told(text) => {
                [&b"\x96\x01\x80\xc0\xa4Told\x91\xa2"[..], text.as_bytes(), b"\x90"].concat()
            }
            Answer(id) => {
                [&b"\x95\x03\x80\xa1"[..], id.to_string().as_bytes(), b"\x03\xc0"].concat()
            }
        })
    }
}

async fn tell(target: impl Into<Target>, text: String) {
    let target: Target = target.into();
    target.send("Told", (text,)).await.expect("a text can be sent");
}

/// Notes who comes; its methods send to the audience of their name.
fn hub(ids: &Notes) -> Hub {
    Hub::builder()
        .state(ids.clone())
        .user_id(|request| request.query_value("user").map(Into::into))
        .on_connected(async |ctx: Context, ids: State<Notes>| ids.add(ctx.connection_id()))
        .method("All", async |ctx: Context, text: String| tell(ctx.clients().all(), text).await)
        .method("Others", async |ctx: Context, text: String| {
            tell(ctx.clients().others(), text).await;
        })
        .method("Caller", async |ctx: Context, text: String| {
            tell(ctx.clients().caller(), text).await;
        })
        .method("AllExcept", async |ctx: Context, ids: Vec<String>, text: String| {
            tell(ctx.clients().all_except(ids), text).await;
        })
        .method("Client", async |ctx: Context, id: String, text: String| {
            pause(100).await;
            tell(ctx.clients().client(id), text).await;
        })
        .method("Clients", async |ctx: Context, ids: Vec<String>, text: String| {
            tell(ctx.clients().clients(ids), text).await;
        })
        .method("Group", async |ctx: Context, name: String, text: String| {
            tell(ctx.clients().group(name), text).await;
        })
        .method("GroupExcept", async |ctx: Context, name: String, id: String, text: String| {
            tell(ctx.clients().group_except(name, [id]), text).await;
        })
        .method("OthersInGroup", async |ctx: Context, name: String, text: String| {
            tell(ctx.clients().others_in_group(name), text).await;
        })
        .method("Groups", async |ctx: Context, names: Vec<String>, text: String| {
            tell(ctx.clients().groups(names), text).await;
        })
        .method("GroupsDistinct", async |ctx: Context, names: Vec<String>, text: String| {
            tell(ctx.clients().groups_distinct(names), text).await;
        })
        .method("User", async |ctx: Context, user: String, text: String| {
            tell(ctx.clients().user(user), text).await;
        })
        .method("Users", async |ctx: Context, users: Vec<String>, text: String| {
            tell(ctx.clients().users(users), text).await;
        })
        .method("Leave", async |ctx: Context, name: String| {
            ctx.groups().remove(ctx.connection_id(), &name).await;
        })
        .build()
        .expect("a hub")
}

/// Ann, Ben and Ben, on one hub.
struct Three {
    hub: Hub,
    service: Service,
    ids: Vec<String>,
    clients: [Client; 3],
}

impl Three {
    async fn meet() -> Self {
        let notes = Notes::default();
        let hub = hub(&notes);
        let service = serve_built(&hub);
        let clients = [
            Client::connect(&service, "/hub?user=ann").await,
            Client::connect_binary(&service, "/hub?user=ben").await,
            Client::connect(&service, "/hub?user=ben").await,
        ];
        Self { hub, service, ids: notes.all(), clients }
    }

    fn groups(&self) -> Groups {
        self.hub.context().groups()
    }

    async fn join(&self, who: usize, name: &str) {
        self.groups().add(&self.ids[who], name).await;
    }

    /// The first calls, and the call runs.
    async fn call(&self, id: &str, target: &str, arguments: &str) {
        self.clients[0].call(id, target, arguments).await;
        pause(1).await;
    }

    /// What each has been told since it was last asked, and nothing else.
    async fn hear(&mut self, heard: [&[Heard]; 3]) {
        pause(200).await;
        for ((n, client), heard) in self.clients.iter_mut().enumerate().zip(heard) {
            let bytes = |heard: &Heard| if n == 1 { heard.binary() } else { heard.json() };
            let expected: Vec<Seen> = heard.iter().map(bytes).collect();
            assert_eq!(client.so_far(), expected, "client {n}");
        }
    }
}

#[test]
fn all_are_the_caller_too() {
    run(async {
        let mut three = Three::meet().await;
        three.call("1", "All", r#"["hi"]"#).await;
        three.hear([&[Told("hi"), Answer('1')], &[Told("hi")], &[Told("hi")]]).await;
    });
}

#[test]
fn the_answer_of_a_caller_is_in_its_own_encoding() {
    run(async {
        let mut three = Three::meet().await;
        let call = b"\x10\x95\x01\x80\xa17\xa6Caller\x91\xa2hi";
        three.clients[1].frame(hub_proto::ws::Opcode::Binary, call).await;
        three.hear([&[], &[Told("hi"), Answer('7')], &[]]).await;
    });
}

#[test]
fn others_are_all_but_the_caller_who_hears_the_next_one() {
    run(async {
        let mut three = Three::meet().await;
        three.call("1", "Others", r#"["hi"]"#).await;
        three.call("2", "All", r#"["ho"]"#).await;
        let both = &[Told("hi"), Told("ho")];
        three.hear([&[Answer('1'), Told("ho"), Answer('2')], both, both]).await;
    });
}

#[test]
fn the_caller_is_told_alone() {
    run(async {
        let mut three = Three::meet().await;
        three.call("1", "Caller", r#"["hi"]"#).await;
        three.call("2", "All", r#"["ho"]"#).await;
        let caller = &[Told("hi"), Answer('1'), Told("ho"), Answer('2')];
        three.hear([caller, &[Told("ho")], &[Told("ho")]]).await;
    });
}

#[test]
fn all_except_leaves_out_whom_it_lists_and_no_one_else() {
    run(async {
        let mut three = Three::meet().await;
        let [ann, ben, other] = [0, 1, 2].map(|n| three.ids[n].clone());
        let first = format!(r#"[["{ann}","{other}","{other}"],"hi"]"#);
        let second = format!(r#"[["{ann}","{ben}","nobody"],"ho"]"#);
        three.call("1", "AllExcept", &first).await;
        three.call("2", "AllExcept", &second).await;
        three.hear([&[Answer('1'), Answer('2')], &[Told("hi")], &[Told("ho")]]).await;
    });
}

#[test]
fn clients_are_whom_it_lists_once_each() {
    run(async {
        let mut three = Three::meet().await;
        let (ben, other) = (&three.ids[1], &three.ids[2]);
        let list = format!(r#"[["{ben}","{other}","{ben}","nobody"],"hi"]"#);
        three.call("1", "Clients", &list).await;
        three.hear([&[Answer('1')], &[Told("hi")], &[Told("hi")]]).await;
    });
}

#[test]
fn one_client_is_told_though_its_method_waits_first_and_nobody_is_no_error() {
    run(async {
        let mut three = Three::meet().await;
        let to = format!(r#"["{}","hi"]"#, three.ids[1]);
        three.call("1", "Client", &to).await;
        three.hear([&[Answer('1')], &[Told("hi")], &[]]).await;
        three.call("2", "Client", r#"["nobody","hi"]"#).await;
        let upper = format!(r#"["{}","hi"]"#, three.ids[1].to_ascii_uppercase());
        three.call("3", "Client", &upper).await;
        three.hear([&[Answer('2'), Answer('3')], &[], &[]]).await;
    });
}

#[test]
fn a_group_is_its_members_the_caller_or_not() {
    run(async {
        let mut three = Three::meet().await;
        for (who, name) in [(0, "red"), (1, "red"), (1, "red")] {
            three.join(who, name).await;
        }
        three.call("1", "Group", r#"["red","hi"]"#).await;
        three.call("2", "Group", r#"["Red","ho"]"#).await;
        three.hear([&[Told("hi"), Answer('1'), Answer('2')], &[Told("hi")], &[]]).await;
        three.call("3", "Leave", r#"["red"]"#).await;
        three.call("4", "Leave", r#"["red"]"#).await;
        three.call("5", "Group", r#"["red","hi"]"#).await;
        three.hear([&[Answer('3'), Answer('4'), Answer('5')], &[Told("hi")], &[]]).await;
    });
}

#[test]
fn a_group_without_some_or_without_the_caller() {
    run(async {
        let mut three = Three::meet().await;
        for who in [0, 1] {
            three.join(who, "red").await;
        }
        let (ann, ben) = (three.ids[0].clone(), three.ids[1].clone());
        three.call("1", "GroupExcept", &format!(r#"["red","{ann}","hi"]"#)).await;
        three.call("2", "OthersInGroup", r#"["red","ho"]"#).await;
        three.hear([&[Answer('1'), Answer('2')], &[Told("hi"), Told("ho")], &[]]).await;
        three.call("3", "GroupExcept", &format!(r#"["red","{ben}","he"]"#)).await;
        three.hear([&[Told("he"), Answer('3')], &[], &[]]).await;
        three.join(2, "blue").await;
        three.call("4", "OthersInGroup", r#"["blue","hu"]"#).await;
        three.hear([&[Answer('4')], &[], &[Told("hu")]]).await;
    });
}

#[test]
fn several_groups_are_a_copy_for_each_or_one_when_asked_for() {
    run(async {
        let mut three = Three::meet().await;
        for (who, name) in [(0, "blue"), (1, "red"), (2, "red"), (2, "blue")] {
            three.join(who, name).await;
        }
        three.call("1", "Groups", r#"[["red","blue"],"hi"]"#).await;
        let twice = &[Told("hi"), Told("hi")];
        three.hear([&[Told("hi"), Answer('1')], &[Told("hi")], twice]).await;
        three.call("2", "GroupsDistinct", r#"[["red","blue","red"],"ho"]"#).await;
        three.hear([&[Told("ho"), Answer('2')], &[Told("ho")], &[Told("ho")]]).await;
    });
}

#[test]
fn the_empty_name_among_groups_is_a_group_too() {
    run(async {
        let mut three = Three::meet().await;
        three.join(1, "red").await;
        three.join(2, "blue").await;
        three.call("1", "Groups", r#"[["red","","blue"],"hi"]"#).await;
        three.hear([&[Answer('1')], &[Told("hi")], &[Told("hi")]]).await;
        three.join(0, "").await;
        three.call("2", "Groups", r#"[["red","","blue"],"ho"]"#).await;
        three.hear([&[Told("ho"), Answer('2')], &[Told("ho")], &[Told("ho")]]).await;
    });
}

#[test]
fn a_user_is_each_of_its_connections_once() {
    run(async {
        let mut three = Three::meet().await;
        three.call("1", "User", r#"["ben","hi"]"#).await;
        three.hear([&[Answer('1')], &[Told("hi")], &[Told("hi")]]).await;
        three.call("2", "Users", r#"[["ben","ben","nobody"],"ho"]"#).await;
        three.call("3", "User", r#"["Ben","ho"]"#).await;
        three.hear([&[Answer('2'), Answer('3')], &[Told("ho")], &[Told("ho")]]).await;
        three.clients[1].close(1000).await;
        three.clients[1].rest().await;
        three.call("4", "User", r#"["ben","he"]"#).await;
        pause(1).await;
        assert_eq!(three.clients[0].so_far(), [Answer('4').json()]);
        assert_eq!(three.clients[2].so_far(), [Told("he").json()]);
    });
}

#[test]
fn whoever_has_no_user_is_reached_by_no_users_name() {
    run(async {
        let mut three = Three::meet().await;
        let mut nobody = connect(&three.service).await;
        three.call("1", "User", r#"["","hi"]"#).await;
        three.call("2", "Users", r#"[["","ann"],"ho"]"#).await;
        three.hear([&[Answer('1'), Told("ho"), Answer('2')], &[], &[]]).await;
        assert_eq!(nobody.so_far(), []);
    });
}

#[test]
fn whoever_has_left_is_told_nothing_more() {
    run(async {
        let mut three = Three::meet().await;
        for who in [0, 1] {
            three.join(who, "red").await;
        }
        three.clients[1].close(1000).await;
        let close = Seen::Binary(b"\x93\x07\xc0\xc3".to_vec());
        assert_eq!(three.clients[1].rest().await, [close, Seen::Close(Some(1000))]);
        pause(1).await;
        three.call("1", "All", r#"["hi"]"#).await;
        three.call("2", "Group", r#"["red","ho"]"#).await;
        pause(1).await;
        let heard = [Told("hi"), Answer('1'), Told("ho"), Answer('2')].map(Heard::json);
        assert_eq!(three.clients[0].so_far(), heard);
        assert_eq!(three.clients[2].so_far(), [Told("hi").json()]);
        assert_eq!(three.groups().members("red", Scope::Node).await, [three.ids[0].clone()]);
    });
}

#[test]
fn a_hub_without_anybody_sends_to_nobody() {
    run(async {
        let context = hub(&Notes::default()).context();
        let clients = context.clients();
        let targets = [
            clients.all(),
            clients.client("x").into(),
            clients.group("x"),
            clients.users(["x", "y"]),
        ];
        for target in targets {
            let sent = target.send("Told", ("hi",)).await.expect("it can be sent");
            assert_eq!((sent.queued, sent.dropped), (0, 0));
        }
        context.groups().add("x", "red").await;
        context.groups().remove("x", "red").await;
        assert_eq!(context.groups().count("red", Scope::Node).await, 0);
    });
}

#[test]
fn the_context_of_a_hub_sends_from_outside() {
    run(async {
        let mut three = Three::meet().await;
        tell(three.hub.context().clients().all(), "hi".into()).await;
        three.hear([&[Told("hi")]; 3]).await;
        tell(three.hub.context().clients().client(&three.ids[2]), "ho".into()).await;
        three.hear([&[], &[], &[Told("ho")]]).await;
    });
}

#[test]
fn a_caller_may_be_kept_and_is_nobody_in_the_end() {
    run(async {
        let kept: Arc<Mutex<Option<Target>>> = Arc::default();
        let hub = Hub::builder().state(Arc::clone(&kept)).method(
            "Keep",
            async |ctx: Context, kept: State<Arc<Mutex<Option<Target>>>>| {
                *kept.lock().unwrap() = Some(ctx.clients().caller().into());
            },
        );
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Keep", "[]").await;
        assert_eq!(client.next().await, Answer('1').json());
        let caller = kept.lock().unwrap().take().expect("it was kept");
        let sent = caller.send("Told", ("hi",)).await.expect("it can be sent");
        assert_eq!((sent.queued, client.next().await), (1, Told("hi").json()));
        client.close(1000).await;
        client.rest().await;
        pause(1).await;
        let sent = caller.send("Told", ("hi",)).await.expect("it can be sent");
        assert_eq!(sent.queued, 0);
    });
}
