//! What streams and questions are on the wire.

use hub_proto::ws::Opcode;
use tests::memory::{Client, Seen};

use super::record;

/// Calls a method for a stream.
pub(super) async fn stream(client: &Client, id: &str, target: &str, arguments: &str) {
    client
        .send(&format!(
            r#"{{"type":4,"invocationId":"{id}","target":"{target}","arguments":{arguments}}}"#
        ))
        .await;
}

/// Calls a method with streams, for a value; without an id nothing is answered.
pub(super) async fn upload(
    client: &Client,
    id: &str,
    target: &str,
    arguments: &str,
    streams: &str,
) {
    let id = if id.is_empty() { String::new() } else { format!(r#""invocationId":"{id}","#) };
    client
        .send(&format!(
            r#"{{"type":1,{id}"target":"{target}","arguments":{arguments},"streamIds":{streams}}}"#
        ))
        .await;
}

pub(super) async fn cancel(client: &Client, id: &str) {
    client.send(&format!(r#"{{"type":5,"invocationId":"{id}"}}"#)).await;
}

/// Sends an item of a stream.
pub(super) async fn give(client: &Client, id: &str, item: &str) {
    client.send(&format!(r#"{{"type":2,"invocationId":"{id}","item":{item}}}"#)).await;
}

/// Ends a stream, or answers a question with nothing.
pub(super) async fn end(client: &Client, id: &str) {
    client.send(&format!(r#"{{"type":3,"invocationId":"{id}"}}"#)).await;
}

/// Answers a question.
pub(super) async fn answer(client: &Client, id: &str, result: &str) {
    client.send(&format!(r#"{{"type":3,"invocationId":"{id}","result":{result}}}"#)).await;
}

/// Ends a stream or answers a question with an error.
pub(super) async fn fail(client: &Client, id: &str, error: &str) {
    client.send(&format!(r#"{{"type":3,"invocationId":"{id}","error":"{error}"}}"#)).await;
}

/// Sends a message of MessagePack that is shorter than 128 bytes.
pub(super) async fn send_binary(client: &Client, body: &[u8]) {
    let length = u8::try_from(body.len()).expect("a short message");
    assert!(length < 128, "one byte of length");
    client.frame(Opcode::Binary, &[&[length], body].concat()).await;
}

pub(super) fn item(id: &str, item: &str) -> Seen {
    record(&format!(r#"{{"type":2,"invocationId":"{id}","item":{item}}}"#))
}

pub(super) fn void(id: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}"}}"#))
}

pub(super) fn result(id: &str, result: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}","result":{result}}}"#))
}

pub(super) fn error(id: &str, text: &str) -> Seen {
    record(&format!(r#"{{"type":3,"invocationId":"{id}","error":"{text}"}}"#))
}
