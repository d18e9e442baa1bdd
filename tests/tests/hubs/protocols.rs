//! Clients of different encodings on one hub.

use std::sync::atomic::{AtomicUsize, Ordering};

use hub_async::{Context, Encoding, Hub, HubError, HubOptions};
use hub_proto::framing::{NoRecord, Record};
use hub_proto::ws::Opcode;
use hub_proto::{
    BindError, Close, Codec, DecodeError, Decoded, EncodeError, Frame, Message, Outcome, Payload,
    TransferFormat, Visit, erased_serde,
};
use serde::{Serialize, Serializer};
use tests::messages::payload;

use super::*;

/// Counts how often it is serialized.
struct Counted(Arc<AtomicUsize>);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_str("counted")
    }
}

fn hub() -> HubBuilder {
    Hub::builder()
        .method("Add", async |a: i32, b: f64| f64::from(a) + b)
        .method("Join", async |bytes: Vec<u8>, names: Vec<String>| (bytes.len(), names.concat()))
        .method("Fail", async || Err::<(), _>(HubError::new("It failed.")))
        .method("Tell", async |ctx: Context, text: String| {
            ctx.clients().all().send("Told", (text,)).await.unwrap();
        })
}

async fn connect_binary(service: &Service) -> Client {
    Client::connect_binary(service, "/hub").await
}

async fn call(client: &Client, id: &str, target: &str, arguments: &dyn hub_proto::Arguments) {
    let frame = Frame::invocation(Encoding::MessagePack, Some(id), target, arguments).unwrap();
    client.frame(Opcode::Binary, frame.payload()).await;
}

/// The next message, without the framing that it came in.
async fn body(client: &mut Client) -> Vec<u8> {
    match client.next().await {
        Seen::Binary(body) => body,
        other => panic!("no MessagePack but {other:?}"),
    }
}

fn decode(body: &[u8]) -> Message<'_> {
    match Encoding::MessagePack.decode(body) {
        Ok(Decoded::Message(message)) => message,
        other => panic!("no message but {other:?}"),
    }
}

fn outcome(body: &[u8]) -> Outcome<'_> {
    match decode(body) {
        Message::Completion(completion) => completion.outcome,
        other => panic!("no completion but {other:?}"),
    }
}

#[test]
fn a_client_of_messagepack_calls_and_is_answered() {
    run(async {
        let service = serve(hub());
        let mut client = connect_binary(&service).await;
        call(&client, "1", "Add", &(1, 2)).await;
        let answer = body(&mut client).await;
        let Outcome::Result(sum) = outcome(&answer) else { panic!("no result") };
        assert_eq!(sum.read::<f64>(), Ok(3.0));
        // [1, {}, "2", "Join", [bin(1, 2, 3), ["a", "b"]], []]
        let join = b"\x16\x96\x01\x80\xa12\xa4Join\x92\xc4\x03\x01\x02\x03\x92\xa1a\xa1b\x90";
        client.frame(Opcode::Binary, join).await;
        let answer = body(&mut client).await;
        let Outcome::Result(joined) = outcome(&answer) else { panic!("no result") };
        assert_eq!(joined.read::<(usize, &str)>(), Ok((3, "ab")));
        client.close(1000).await;
        let rest = client.rest().await;
        assert_eq!(rest, [Seen::Binary(b"\x93\x07\xc0\xc3".to_vec()), Seen::Close(Some(1000))]);
        is_left_alone(&service).await;
    });
}

#[test]
fn failures_of_calls_are_told_in_messagepack() {
    run(async {
        let service = serve(hub());
        let mut client = connect_binary(&service).await;
        call(&client, "1", "Fail", &()).await;
        call(&client, "2", "Add", &("one", 2)).await;
        call(&client, "3", "Missing", &()).await;
        // The arguments are missing altogether.
        client.frame(Opcode::Binary, b"\x09\x94\x01\x80\xa14\xa3Add").await;
        let texts = [
            "An unexpected error occurred invoking 'Fail' on the server. HubException: It failed.",
            "Failed to invoke 'Add' due to an error on the server.",
            "Failed to invoke 'Missing' due to an error on the server. HubException: Method does not exist.",
            "Failed to invoke 'Add' due to an error on the server.",
        ];
        for text in texts {
            let answer = body(&mut client).await;
            assert_eq!(outcome(&answer), Outcome::Error(text.into()));
        }
    });
}

#[test]
fn malformed_arguments_end_the_connection() {
    run(async {
        let service = serve(hub());
        let mut client = connect_binary(&service).await;
        client.frame(Opcode::Binary, b"\x0d\x95\x01\x80\xa11\xa3Add\x92\x01\xcb\x00").await;
        let close = body(&mut client).await;
        assert_eq!(
            decode(&close),
            Message::Close(Close {
                error: Some("Connection closed with an error.".into()),
                allow_reconnect: true,
            })
        );
    });
}

#[test]
fn a_broadcast_reaches_everybody_in_the_encoding_of_each() {
    run(async {
        let hub = hub().build().unwrap();
        let service = serve_built(&hub);
        let count = Arc::new(AtomicUsize::new(0));
        let all = hub.context().clients().all();
        let mut texts = [connect(&service).await, connect(&service).await];
        all.send("Counted", (Counted(Arc::clone(&count)),)).await.unwrap();
        assert_eq!(count.swap(0, Ordering::Relaxed), 1);
        let mut binaries = [connect_binary(&service).await, connect_binary(&service).await];
        all.send("Counted", (Counted(Arc::clone(&count)),)).await.unwrap();
        assert_eq!(count.swap(0, Ordering::Relaxed), 2);
        texts[0].call("1", "Tell", r#"["all"]"#).await;
        for text in &mut texts {
            for _ in 0..2 {
                text.record().await;
            }
            assert_eq!(text.record().await, r#"{"type":1,"target":"Told","arguments":["all"]}"#);
        }
        for binary in &mut binaries {
            body(binary).await;
            assert_eq!(body(binary).await, b"\x96\x01\x80\xc0\xa4Told\x91\xa3all\x90");
        }
        for text in texts {
            text.close(1000).await;
        }
        pause(10_000).await;
        all.send("Counted", (Counted(Arc::clone(&count)),)).await.unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 1, "for an encoding that nobody uses");
    });
}

#[test]
fn a_hub_may_refuse_encodings() {
    run(async {
        let options = HubOptions::new().supported_protocols(&[Encoding::MessagePack]);
        let service = serve(hub().options(options));
        let mut client = Client::open(&service, "/hub");
        client.send(r#"{"protocol":"json","version":1}"#).await;
        assert_eq!(client.record().await, r#"{"error":"The protocol 'json' is not supported."}"#);
        connect_binary(&service).await;
    });
}

/// JSON, whose records are called something else.
struct Renamed;

const RENAMED: Encoding = Encoding::Custom(&Renamed);

fn relabelled(mut message: Message<'_>, encoding: Encoding) -> Message<'_> {
    if let Some(payload) = payload(&mut message) {
        *payload = Payload::new(encoding, payload.raw());
    }
    message
}

impl Codec for Renamed {
    fn name(&self) -> &'static str {
        "renamed"
    }

    fn format(&self) -> TransferFormat {
        TransferFormat::Text
    }

    fn record<'a>(&self, input: &'a [u8], searched: usize) -> Result<Record<'a>, NoRecord> {
        Encoding::Json.record(input, searched)
    }

    fn decode<'a>(&self, record: &'a [u8]) -> Result<Decoded<'a>, DecodeError> {
        Ok(match Encoding::Json.decode(record)? {
            Decoded::Message(message) => Decoded::Message(relabelled(message, RENAMED)),
            skipped @ Decoded::Skipped(_) => skipped,
        })
    }

    fn encode(&self, message: &Message<'_>, out: &mut Vec<u8>) {
        Encoding::Json.encode(&relabelled(message.clone(), Encoding::Json), out);
    }

    fn write(
        &self,
        value: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        Encoding::Json.write(value, out)
    }

    fn read<'a>(&self, raw: &'a [u8], visit: Visit<'_, 'a>) -> Result<(), BindError> {
        let mut deserializer = serde_json::Deserializer::from_slice(raw);
        visit(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut deserializer))
            .map_err(|_| BindError::Shape)
    }

    fn elements<'a>(&self, raw: &'a [u8]) -> Result<Vec<&'a [u8]>, BindError> {
        // Enough for texts without commas.
        let list = raw.strip_prefix(b"[").and_then(|list| list.strip_suffix(b"]"));
        let list = list.ok_or(BindError::NotAList)?;
        Ok(list.split(|byte| *byte == b',').filter(|element| !element.is_empty()).collect())
    }

    fn check(&self, raw: &[u8]) -> Result<(), BindError> {
        Payload::new(Encoding::Json, raw).check()
    }
}

#[test]
fn a_third_encoding_is_served_beside_the_others() {
    run(async {
        let protocols = &[Encoding::Json, Encoding::MessagePack, RENAMED];
        let service = serve(hub().options(HubOptions::new().supported_protocols(protocols)));
        let mut text = connect(&service).await;
        let mut binary = connect_binary(&service).await;
        let mut third = Client::open(&service, "/hub");
        third.send(r#"{"protocol":"renamed","version":1}"#).await;
        assert_eq!(third.record().await, "{}");
        third.call("1", "Add", "[1,2]").await;
        assert_eq!(third.record().await, r#"{"type":3,"invocationId":"1","result":3.0}"#);
        third.call("2", "Tell", r#"["all"]"#).await;
        let told = r#"{"type":1,"target":"Told","arguments":["all"]}"#;
        assert_eq!(third.record().await, told);
        assert_eq!(third.record().await, r#"{"type":3,"invocationId":"2","result":null}"#);
        assert_eq!(text.record().await, told);
        assert_eq!(body(&mut binary).await, b"\x96\x01\x80\xc0\xa4Told\x91\xa3all\x90");
    });
}
