//! What the tests of connections that HTTP requests carry have in common.

use hub_async::{Context, DisconnectReason, State};
use tests::http::Http;

use super::*;

pub(crate) use tests::peer::HANDSHAKE;

pub(crate) fn http(service: &Service) -> Http {
    Http::new(world(), service.clone())
}

pub(crate) fn hub() -> HubBuilder {
    Hub::builder()
        .method("Echo", async |text: String| text)
        .method("ToAll", async |ctx: Context, text: String| {
            ctx.clients().all().send("Message", (text,)).await.map(drop)
        })
        .method("Abort", async |ctx: Context| ctx.abort())
        .method("Transport", async |ctx: Context| ctx.transport().name())
}

/// Notes why somebody has left.
pub(crate) async fn left(notes: State<Notes>, reason: DisconnectReason) {
    notes.add(reason.kind());
}

/// A polled connection whose handshake is answered; where it is.
pub(crate) async fn open_polled(http: &Http) -> String {
    let at = http.negotiate("/hub").await;
    assert_eq!(http.get(&at).await.status, 200);
    assert_eq!(http.post(&at, HANDSHAKE).await.status, 200);
    assert_eq!(http.get(&at).await.body, "{}\x1e");
    at
}

/// A call with its separator.
pub(crate) fn call(id: u32, target: &str, argument: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"{target}\",\"arguments\":[{argument}]}}\x1e"
    )
}
