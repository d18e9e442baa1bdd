//! Hubs whose properties are named as .NET names them.

use hub_async::values::DOT_NET;
use hub_async::{Context, Hub, HubOptions};
use hub_proto::ws::Opcode;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Serialize, Deserialize)]
struct Person {
    first_name: String,
    #[serde(default)]
    years_old: u8,
}

fn hub() -> HubBuilder {
    Hub::builder()
        .options(HubOptions::new().supported_protocols(&DOT_NET))
        .method("Older", async |mut person: Person, years: u8| {
            person.years_old += years;
            person
        })
        .method("Show", async |ctx: Context, people: Vec<Person>| {
            ctx.clients().all().send("Shown", (people,)).await.unwrap();
        })
}

async fn body(client: &mut Client) -> Vec<u8> {
    match client.next().await {
        Seen::Binary(body) => body,
        other => panic!("no MessagePack but {other:?}"),
    }
}

#[test]
fn arguments_and_results_have_the_names_of_their_encoding() {
    run(async {
        let service = serve(hub());
        let mut text = connect(&service).await;
        text.call("1", "Older", r#"[{"FirstName":"Ann","yearsold":7},1]"#).await;
        let person = r#"{"firstName":"Ann","yearsOld":8}"#;
        let expected = format!(r#"{{"type":3,"invocationId":"1","result":{person}}}"#);
        assert_eq!(text.record().await, expected);
        let mut binary = Client::connect_binary(&service, "/hub").await;
        // [1, {}, "1", "Older", [{"firstName": "Ann"}, 1]]
        let call = b"\x1c\x95\x01\x80\xa11\xa5Older\x92\x81\xa9firstName\xa3Ann\x01";
        binary.frame(Opcode::Binary, call).await;
        let expected = b"\x95\x03\x80\xa11\x03\x82\xa9FirstName\xa3Ann\xa8YearsOld\x01";
        assert_eq!(body(&mut binary).await, expected);
    });
}

#[test]
fn a_broadcast_has_the_names_of_each_encoding() {
    run(async {
        let service = serve(hub());
        let mut text = connect(&service).await;
        let mut binary = Client::connect_binary(&service, "/hub").await;
        text.call("1", "Show", r#"[[{"first_name":"Ann"}]]"#).await;
        let shown = r#"[[{"firstName":"Ann","yearsOld":0}]]"#;
        let expected = format!(r#"{{"type":1,"target":"Shown","arguments":{shown}}}"#);
        assert_eq!(text.record().await, expected);
        let shown = b"\x96\x01\x80\xc0\xa5Shown\x91\x91\x82\xa9FirstName\xa3Ann\xa8YearsOld\0\x90";
        assert_eq!(body(&mut binary).await, shown);
    });
}

#[test]
fn bad_arguments_fail_their_call_and_malformed_ones_end_the_connection() {
    run(async {
        let service = serve(hub());
        let mut text = connect(&service).await;
        text.call("1", "Older", r#"[{"firstName":7},1]"#).await;
        let failed = "Failed to invoke 'Older' due to an error on the server.";
        let expected = format!(r#"{{"type":3,"invocationId":"1","error":"{failed}"}}"#);
        assert_eq!(text.record().await, expected);
        text.call("2", "Older", r#"[{"firstName":},1]"#).await;
        let close =
            r#"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}"#;
        assert_eq!(text.record().await, close);
    });
}
