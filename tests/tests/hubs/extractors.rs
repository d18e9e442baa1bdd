//! What methods and hooks take from the server: their own extractors, items, users, requests, headers, fallbacks.

use std::sync::atomic::{AtomicU32, Ordering};

use hub_async::{
    Call, Context, DisconnectReason, Extractor, Hub, HubError, HubOptions, Identity, Item,
    MessageHeaders, MethodName, MethodOptions, Need, RawArguments, Request, State, StreamReader,
    User,
};

use tests::memory::Seen;

use super::wire::*;
use super::*;

/// The tenant that the request names.
struct Tenant(String);

impl Extractor for Tenant {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        let tenant = call.request().query_value("tenant");
        tenant.map(|name| Self(name.into_owned())).ok_or_else(|| HubError::new("Whose are you?"))
    }
}

#[test]
fn a_users_own_extractor_stands_anywhere_and_its_error_is_the_answer() {
    run(async {
        let hub = Hub::builder()
            .method("Tenant", async |a: i32, tenant: Tenant, b: i32| {
                format!("{} {}", tenant.0, a + b)
            })
            .method("Perhaps", async |tenant: Option<Tenant>| tenant.map(|tenant| tenant.0))
            .method("Null", async |number: Option<i32>| number);
        let service = serve(hub);
        let mut client = Client::connect(&service, "/hub?tenant=north").await;
        client.call("1", "Tenant", "[1,2]").await;
        assert_eq!(client.next().await, result("1", r#""north 3""#));
        client.call("2", "Perhaps", "[]").await;
        assert_eq!(client.next().await, result("2", r#""north""#));
        let mut client = connect(&service).await;
        client.call("1", "Tenant", "[1,2]").await;
        let text = "An unexpected error occurred invoking 'Tenant' on the server. HubException: \
                    Whose are you?";
        assert_eq!(client.next().await, error("1", text));
        client.call("2", "Perhaps", "[]").await;
        assert_eq!(client.next().await, result("2", "null"));
        client.call("3", "Null", "[null]").await;
        assert_eq!(client.next().await, result("3", "null"));
    });
}

#[test]
fn in_a_hook_an_extractors_error_is_that_of_the_hook() {
    run(async {
        let hub = Hub::builder().on_connected(async |_: Tenant| {});
        let service = serve(hub);
        let mut client = connect(&service).await;
        let told =
            r#"{"type":7,"error":"Connection closed with an error. HubException: Whose are you?"}"#;
        assert_eq!(client.next().await, record(told));
        client.close(1000).await;
        client.rest().await;
        is_left_alone(&service).await;
    });
}

/// Needs a value of the hub's.
struct Doubled(u32);

impl Extractor for Doubled {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        call.state::<u32>().map(|value| Self(2 * *value)).ok_or_else(|| HubError::new("none"))
    }

    fn need() -> Option<Need> {
        Some(Need::state::<u32>())
    }
}

#[test]
fn an_extractor_may_need_a_value_of_the_hub() {
    run(async {
        let hub = || Hub::builder().method("Double", async |doubled: Doubled| doubled.0);
        let refused = hub().build().expect_err("there is none").to_string();
        let told = "method 'Double' takes State<u32>, which the hub was not given: add .state(…) to \
                    its builder";
        assert_eq!(refused, told);
        let service = serve(hub().state(21_u32));
        let mut client = connect(&service).await;
        client.call("1", "Double", "[]").await;
        assert_eq!(client.next().await, result("1", "42"));
    });
}

/// How often a connection has called.
#[derive(Default)]
struct Count(AtomicU32);

#[test]
fn a_value_of_the_hub_that_is_optional_may_be_missing() {
    run(async {
        let ask = async |number: Option<State<u8>>| number.map(|number| *number);
        for (hub, answer) in [(Hub::builder(), "null"), (Hub::builder().state(7_u8), "7")] {
            let service = serve(hub.method("Ask", ask));
            let mut client = connect(&service).await;
            client.call("1", "Ask", "[]").await;
            assert_eq!(client.next().await, result("1", answer));
        }
    });
}

#[test]
fn an_item_is_each_connections_own_and_looked_for_when_the_method_runs() {
    run(async {
        let hub = Hub::builder()
            .method("Begin", async |ctx: Context| {
                pause(10).await;
                ctx.items().insert(Count::default());
            })
            .method("Count", async |count: Item<Count>| count.0.fetch_add(1, Ordering::Relaxed))
            .method("Counted", async |count: Option<Item<Count>>| {
                count.map(|count| count.0.load(Ordering::Relaxed))
            })
            .options(HubOptions::new().enable_detailed_errors(true));
        let service = serve(hub);
        let (mut a, mut b) = (connect(&service).await, connect(&service).await);
        // The second call is read while the first one runs.
        a.call("1", "Begin", "[]").await;
        a.call("2", "Count", "[]").await;
        assert_eq!(a.next().await, result("1", "null"));
        assert_eq!(a.next().await, result("2", "0"));
        a.call("3", "Counted", "[]").await;
        assert_eq!(a.next().await, result("3", "1"));
        b.call("1", "Counted", "[]").await;
        assert_eq!(b.next().await, result("1", "null"));
        b.call("2", "Count", "[]").await;
        let text = "An unexpected error occurred invoking 'Count' on the server. MissingItem: \
                    hubs::extractors::Count";
        assert_eq!(b.next().await, error("2", text));
    });
}

#[test]
fn the_user_has_the_id_and_the_claims_that_the_request_gave() {
    run(async {
        let hub = Hub::builder()
            .identify(|request| match request.query_value("name") {
                Some(name) => Identity::user(name).claim("role", "author").claim("role", "admin"),
                None => Identity::anonymous().claim("from", "nowhere"),
            })
            .method("Who", async |user: User, ctx: Context| {
                assert_eq!(user.id(), ctx.user_id());
                let claims: Vec<_> = user.claims().map(|(name, _)| name.to_owned()).collect();
                let id = user.id().unwrap_or("nobody");
                format!("{id} {:?} {:?}", user.claim("role"), claims)
            })
            .method("IsAdmin", async |user: User| user.has_claim("role", "admin"));
        let service = serve(hub);
        let mut ann = Client::connect(&service, "/hub?name=ann").await;
        ann.call("1", "Who", "[]").await;
        let who = r#""ann Some(\"author\") [\"role\", \"role\"]""#;
        assert_eq!(ann.next().await, result("1", who));
        ann.call("2", "IsAdmin", "[]").await;
        assert_eq!(ann.next().await, result("2", "true"));
        let mut nobody = connect(&service).await;
        nobody.call("1", "Who", "[]").await;
        assert_eq!(nobody.next().await, result("1", r#""nobody None [\"from\"]""#));
        nobody.call("2", "IsAdmin", "[]").await;
        assert_eq!(nobody.next().await, result("2", "false"));
    });
}

#[test]
fn what_is_known_of_a_user_is_not_printed() {
    run(async {
        let hub = Hub::builder()
            .identify(|_| {
                let identity = Identity::user("ann").claim("token", "secret");
                assert!(!format!("{identity:?}").contains("secret"));
                identity
            })
            .method("Print", async |user: User, request: Request| format!("{user:?} {request:?}"));
        let service = serve(hub);
        let mut client = Client::connect(&service, "/hub?access_token=secret").await;
        client.call("1", "Print", "[]").await;
        let printed = client.record().await;
        assert!(printed.contains("ann") && printed.contains("token"), "{printed}");
        assert!(!printed.contains("secret"), "{printed}");
    });
}

#[test]
fn the_facts_of_the_request_and_the_name_are_parameters() {
    run(async {
        let hub = Hub::builder()
            .method("Facts", async |request: Request, name: MethodName| {
                format!("{} {} {}", request.path(), request.query(), &*name)
            })
            .on_connected(async |name: MethodName, request: Request| {
                assert_eq!((&*name, request.path()), ("", "/hub"));
            });
        let service = serve(hub);
        let mut client = Client::connect(&service, "/hub?a=b").await;
        client.call("1", "fACTS", "[]").await;
        assert_eq!(client.next().await, result("1", r#""/hub a=b fACTS""#));
    });
}

#[test]
fn the_headers_of_a_message_are_there_in_both_encodings() {
    run(async {
        let hub = Hub::builder()
            .method("Trace", async |headers: MessageHeaders, times: u32| {
                let trace = headers.get("traceparent").unwrap_or("none");
                format!("{} {}", headers.len(), trace.repeat(times as usize))
            })
            .on_connected(async |headers: MessageHeaders| assert!(headers.is_empty()));
        let service = serve(hub);
        let mut client = connect(&service).await;
        client
            .send(
                r#"{"type":1,"headers":{"traceparent":"00-1","b":"c"},"invocationId":"1","target":"Trace","arguments":[2]}"#,
            )
            .await;
        assert_eq!(client.next().await, result("1", r#""2 00-100-1""#));
        client.call("2", "Trace", "[1]").await;
        assert_eq!(client.next().await, result("2", r#""0 none""#));
        let mut client = Client::connect_binary(&service, "/hub").await;
        // [1, {"traceparent": "x"}, "1", "Trace", [1]]
        send_binary(&client, b"\x95\x01\x81\xabtraceparent\xa1x\xa11\xa5Trace\x91\x01").await;
        // [3, {}, "1", 3, "1 x"]
        let answer = b"\x95\x03\x80\xa11\x03\xa31 x".to_vec();
        assert_eq!(client.next().await, Seen::Binary(answer));
    });
}

/// A hub that knows the names of former times.
fn old_names() -> HubBuilder {
    Hub::builder().method("Add", async |a: i32, b: i32| a + b).fallback(
        async |name: MethodName, arguments: RawArguments| match &*name.to_ascii_lowercase() {
            "sum" => arguments.read::<(i32, i32)>().map(|(a, b)| a + b).map_err(HubError::from),
            "one" => Ok(1),
            _ => Err(HubError::unknown_method()),
        },
    )
}

#[test]
fn a_fallback_gets_what_nobody_else_does() {
    run(async {
        let service = serve(old_names());
        let mut client = connect(&service).await;
        client.call("1", "add", "[1,2]").await;
        assert_eq!(client.next().await, result("1", "3"));
        client.call("2", "SUM", "[1,2]").await;
        assert_eq!(client.next().await, result("2", "3"));
        client.call("3", "one", r#"["what",["ever"]]"#).await;
        assert_eq!(client.next().await, result("3", "1"));
        client.call("4", "Nobody", "[]").await;
        let text = "Failed to invoke 'Nobody' due to an error on the server. HubException: Method does \
                    not exist.";
        assert_eq!(client.next().await, error("4", text));
        client.call("5", "Sum", "[1]").await;
        let text = "An unexpected error occurred invoking 'Sum' on the server.";
        assert_eq!(client.next().await, error("5", text));
        // A value is no stream, whoever gives it, and an upload needs a reader.
        stream(&client, "6", "One", "[]").await;
        let text = "The client attempted to invoke the non-streaming 'One' method with a streaming \
                    invocation.";
        assert_eq!(client.next().await, error("6", text));
        upload(&client, "7", "One", "[]", r#"["s"]"#).await;
        let text = "An unexpected error occurred invoking 'One' on the server. HubException: Client \
                    sent 1 stream(s), Hub method expects 0.";
        assert_eq!(client.next().await, error("7", text));
    });
}

#[test]
fn malformed_arguments_end_the_connection_though_nobody_reads_them() {
    run(async {
        let service = serve(old_names());
        let mut client = connect(&service).await;
        client.call("1", "One", r#"[{"a":]"#).await;
        assert_eq!(client.next().await, record(CLOSE_ERROR));
    });
}

#[test]
fn a_fallback_may_stream_and_read_streams() {
    run(async {
        let hub = Hub::builder().fallback(async |numbers: StreamReader<u32>| numbers);
        let service = serve(hub);
        let mut client = connect(&service).await;
        client
            .send(
                r#"{"type":4,"invocationId":"1","target":"Any","arguments":[],"streamIds":["s"]}"#,
            )
            .await;
        give(&client, "s", "7").await;
        assert_eq!(client.next().await, item("1", "7"));
        end(&client, "s").await;
        assert_eq!(client.next().await, void("1"));
    });
}

#[test]
fn raw_arguments_are_all_of_them_and_for_methods_only() {
    async fn too_much(_: RawArguments, _: i32) {}
    async fn raw(_: RawArguments) {}
    let refusal = |hub: HubBuilder| hub.build().expect_err("refused").to_string();
    assert_eq!(
        refusal(Hub::builder().method("M", too_much)),
        "method 'M' takes RawArguments, which are all of them, and arguments besides"
    );
    assert_eq!(
        refusal(Hub::builder().on_connected(raw)),
        "on_connected takes RawArguments, which only a method can"
    );
    async fn state(_: State<String>) {}
    assert_eq!(
        refusal(Hub::builder().fallback(state)),
        "the fallback takes State<alloc::string::String>, which the hub was not given: add .state(…) \
         to its builder"
    );
    async fn reason(_: DisconnectReason) {}
    assert_eq!(
        refusal(Hub::builder().fallback(reason)),
        "the fallback takes a DisconnectReason, which only on_disconnected can"
    );
}

#[test]
fn a_method_takes_any_number_of_arguments() {
    run(async {
        let hub = Hub::builder().method_with(
            "Log",
            async |arguments: RawArguments| match arguments.read::<(String,)>() {
                Ok((one,)) => one,
                Err(error) => error.to_string(),
            },
            MethodOptions::new(),
        );
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "Log", r#"["a"]"#).await;
        assert_eq!(client.next().await, result("1", r#""a""#));
        client.call("2", "Log", r#"["a","b","c"]"#).await;
        let told = r#""Invocation provides 3 argument(s) but target expects 1.""#;
        assert_eq!(client.next().await, result("2", told));
    });
}
