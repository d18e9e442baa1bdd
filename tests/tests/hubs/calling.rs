//! How methods are found, bound and answered, record by record.

use hub_async::{Cancel, Context, Hub, HubError, HubOptions, State};
use hub_proto::ws::Opcode;
use tests::memory::Seen;

use super::*;

fn hub() -> HubBuilder {
    Hub::builder()
        .method("Value", async || 43)
        .method("Nothing", async || ())
        .method("Echo", async |text: String| text)
        .method("Four", async |byte: u8, int: i32, char: char, text: String| {
            format!("{byte}, {int}, {char}, {text}")
        })
        .method("Hidden", async || Ok::<i32, HubError>("x".parse::<i32>()?))
        .method("Shown", async || Err::<(), _>(HubError::new("This is for you.")))
        .method("Wait", async |cancel: Cancel, number: i32| {
            assert!(!cancel.is_cancelled(), "nobody has cancelled it");
            number
        })
}

fn result(id: &str, result: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}","result":{result}}}"#))
}

fn error(id: &str, text: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}","error":"{text}"}}"#))
}

#[test]
fn a_value_is_the_result_and_nothing_is_null() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        client.call("a", "Value", "[]").await;
        assert_eq!(client.next().await, result("a", "43"));
        client.call("b", "Nothing", "[]").await;
        assert_eq!(client.next().await, result("b", "null"));
    });
}

#[test]
fn names_have_no_case_and_come_back_as_they_were_spelt() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        for name in ["Echo", "echo", "ECHO", "eCHO"] {
            client.call("1", name, r#"["hi"]"#).await;
            assert_eq!(client.next().await, result("1", r#""hi""#));
        }
        client.call("2", "hIDDEN", "[]").await;
        let text = "An unexpected error occurred invoking 'hIDDEN' on the server.";
        assert_eq!(client.next().await, error("2", text));
        client.call("3", "eCHO", "[]").await;
        let text = "Failed to invoke 'eCHO' due to an error on the server.";
        assert_eq!(client.next().await, error("3", text));
    });
}

#[test]
fn four_kinds_of_arguments_are_bound_by_their_place() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        client.call("1", "Four", r#"[32,42,"m","string"]"#).await;
        assert_eq!(client.next().await, result("1", r#""32, 42, m, string""#));
    });
}

#[test]
fn a_call_in_three_pieces_is_answered_once_when_it_is_whole() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        let pieces = [r#"{"type":1,"invocationId":"1","tar"#, r#"get":"Echo","argum"#];
        for piece in pieces {
            client.frame(Opcode::Text, piece.as_bytes()).await;
            pause(1).await;
            assert_eq!(client.so_far(), []);
        }
        client.frame(Opcode::Text, b"ents\":[\"hi\"]}\x1e").await;
        pause(1).await;
        assert_eq!(client.so_far(), [result("1", r#""hi""#)]);
    });
}

/// One packet of calls that need no time, and of what ends the connection behind them.
#[test]
fn what_was_called_before_the_end_is_answered_before_the_close() {
    run(async {
        let service = serve(hub().method("Abort", async |ctx: Context| ctx.abort()));
        let call = r#"{"type":1,"invocationId":"1","target":"Value","arguments":[]}"#;
        let abort = r#"{"type":1,"invocationId":"2","target":"Abort","arguments":[]}"#;
        for (last, close) in [(CLOSE, CLOSE), (abort, CLOSE), ("nonsense", CLOSE_ERROR)] {
            let mut client = connect(&service).await;
            client.send(&format!("{call}\u{1e}{last}\u{1e}{call}")).await;
            let seen = [client.next().await, client.next().await, client.next().await];
            assert_eq!(seen, [result("1", "43"), record(close), Seen::Close(Some(1000))]);
        }
        let mut client = connect(&service).await;
        client.send(call).await;
        client.close(1000).await;
        let seen = client.rest().await;
        assert_eq!(seen, [result("1", "43"), record(CLOSE_RECONNECT), Seen::Close(Some(1000))]);
    });
}

#[test]
fn errors_are_hidden_unless_they_are_for_the_client_or_details_are_on() {
    run(async {
        let base = |name| format!("An unexpected error occurred invoking '{name}' on the server.");
        let shown = format!("{} HubException: This is for you.", base("Shown"));
        let detail = format!("{} ParseIntError: invalid digit found in string", base("Hidden"));
        for (detailed, hidden) in [(None, base("Hidden")), (Some(true), detail)] {
            let options = match detailed {
                None => HubOptions::new(),
                Some(on) => HubOptions::new().enable_detailed_errors(on),
            };
            let service = serve(hub().options(options));
            let mut client = connect(&service).await;
            client.call("1", "Hidden", "[]").await;
            assert_eq!(client.next().await, error("1", &hidden));
            client.call("2", "Shown", "[]").await;
            assert_eq!(client.next().await, error("2", &shown));
        }
    });
}

#[test]
fn whatever_becomes_of_a_call_without_id_only_the_close_is_heard() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        for name in ["Value", "Nothing", "Hidden", "Shown", "Missing", "Echo"] {
            client.call("", name, "[]").await;
        }
        client.close(1000).await;
        assert_eq!(client.rest().await, [record(CLOSE_RECONNECT), Seen::Close(Some(1000))]);
        is_left_alone(&service).await;
    });
}

/// What objects have in .NET and what Rust has nothing like are names like any other.
#[test]
fn a_name_that_was_not_added_does_not_exist() {
    run(async {
        let service = serve(hub());
        let mut client = connect(&service).await;
        for name in ["ToString", "GetHashCode", "Equals", "ReferenceEquals", "OnConnected", "drop"]
        {
            client.call("1", name, "[]").await;
            let text = format!(
                "Failed to invoke '{name}' due to an error on the server. HubException: Method does not exist."
            );
            assert_eq!(client.next().await, error("1", &text));
        }
    });
}

#[test]
fn a_cancel_is_no_argument_of_the_clients() {
    run(async {
        let service = serve(hub().options(HubOptions::new().enable_detailed_errors(true)));
        let mut client = connect(&service).await;
        client.call("1", "Wait", "[7]").await;
        assert_eq!(client.next().await, result("1", "7"));
        client.call("2", "Wait", "[7,null]").await;
        let text = "Failed to invoke 'Wait' due to an error on the server. InvalidDataException: Invocation provides 2 argument(s) but target expects 1.";
        assert_eq!(client.next().await, error("2", text));
    });
}

#[test]
fn what_a_method_takes_from_the_server_stands_anywhere_among_its_arguments() {
    run(async {
        let service = serve(Hub::builder().state(40_i64).method(
            "Sum",
            async |first: i64, ctx: Context, state: State<i64>, second: Option<i64>| {
                assert!(!ctx.connection_id().is_empty(), "it has an id");
                first + *state + second.unwrap_or_default()
            },
        ));
        let mut client = connect(&service).await;
        client.call("1", "Sum", "[1,1]").await;
        assert_eq!(client.next().await, result("1", "42"));
        client.call("2", "Sum", "[1,null]").await;
        assert_eq!(client.next().await, result("2", "41"));
    });
}

#[test]
fn a_call_that_panics_while_it_is_bound_keeps_no_slot() {
    struct Trap;
    impl<'de> serde::Deserialize<'de> for Trap {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("on purpose")
        }
    }
    run(async {
        let service = serve(hub().method("Trap", async |_: Trap| ()));
        let mut client = connect(&service).await;
        for _ in 0..3 {
            client.call("1", "Trap", "[0]").await;
            let text = "An unexpected error occurred invoking 'Trap' on the server.";
            assert_eq!(client.next().await, error("1", text));
        }
        client.call("2", "Value", "[]").await;
        assert_eq!(client.next().await, result("2", "43"));
    });
}

#[test]
fn of_two_protocols_of_one_name_the_first_is_served() {
    use hub_async::values::DOT_NET;
    use hub_async::{Encoding, HubOptions};
    #[derive(serde::Serialize)]
    struct Names {
        first_name: u8,
    }
    static PLAIN_FIRST: [Encoding; 2] = [Encoding::Json, DOT_NET[0]];
    static DOT_NET_FIRST: [Encoding; 2] = [DOT_NET[0], Encoding::Json];
    run(async {
        for (list, name) in [(&PLAIN_FIRST, "first_name"), (&DOT_NET_FIRST, "firstName")] {
            let hub = Hub::builder().method("Names", async || Names { first_name: 1 });
            let service = serve(hub.options(HubOptions::new().supported_protocols(list)));
            let mut client = connect(&service).await;
            client.call("1", "Names", "[]").await;
            assert_eq!(client.next().await, result("1", &format!(r#"{{"{name}":1}}"#)));
        }
    });
}
