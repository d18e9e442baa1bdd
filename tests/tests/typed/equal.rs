//! A hub that is written by attributes is the one that is written by hand.

use std::sync::Arc;

use futures_util::{Stream, stream};
use hub_async::server::Server;
use hub_async::{
    Context, DisconnectReason, Hub, HubError, MethodName, MethodOptions, hub, hub_client,
};
use tests::memory::Client;

use super::*;

#[derive(Default)]
struct Chat {
    notes: Notes,
}

#[hub_client]
trait ChatClient {
    async fn receive_message(&self, user: &str, text: &str);
    async fn pick(&self, from: u8) -> u8;
}

#[hub]
impl Chat {
    async fn say(&self, ctx: Context, user: String, text: String) -> Result<usize, HubError> {
        self.notes.add(&*text);
        Ok(ctx.clients().all().receive_message(&user, &text).await?.queued)
    }

    async fn ask(&self, ctx: Context) -> Result<u8, HubError> {
        Ok(ctx.clients().caller().pick(7).await?)
    }

    async fn lines(&self) -> impl Stream<Item = String> {
        stream::iter(self.notes.all())
    }

    #[hub(name = "stop", spawn)]
    async fn end(&self, ctx: Context) {
        ctx.abort();
    }

    #[hub(fallback)]
    async fn other(&self, name: MethodName) -> Result<String, HubError> {
        match &*name {
            "Elsewhere" => Ok(name.to_uppercase()),
            _ => Err(HubError::unknown_method()),
        }
    }

    #[hub(on_connected)]
    async fn arrive(&self, ctx: Context) -> Result<(), HubError> {
        ctx.clients().all().receive_message("hub", "welcome").await?;
        Ok(())
    }

    #[hub(on_disconnected)]
    async fn leave(&self, reason: DisconnectReason) {
        self.notes.add(reason.kind());
    }
}

/// The same without attributes.
fn by_hand() -> HubBuilder {
    let chat = Arc::new(Chat::default());
    let say = {
        let chat = Arc::clone(&chat);
        move |ctx: Context, user: String, text: String| {
            let chat = Arc::clone(&chat);
            async move {
                chat.notes.add(&*text);
                let sent = ctx.clients().all().send("ReceiveMessage", (&*user, &*text)).await?;
                Ok::<_, HubError>(sent.queued)
            }
        }
    };
    let lines = {
        let chat = Arc::clone(&chat);
        move || {
            let lines = chat.notes.all();
            async move { stream::iter(lines) }
        }
    };
    let ask = async |ctx: Context| -> Result<u8, HubError> {
        Ok(ctx.clients().caller().invoke("Pick", (7,)).await?)
    };
    let arrive = async |ctx: Context| -> Result<(), HubError> {
        ctx.clients().all().send("ReceiveMessage", ("hub", "welcome")).await?;
        Ok(())
    };
    let leave = move |reason: DisconnectReason| {
        let chat = Arc::clone(&chat);
        async move { chat.notes.add(reason.kind()) }
    };
    let end = async |ctx: Context| ctx.abort();
    let other = async |name: MethodName| match &*name {
        "Elsewhere" => Ok(name.to_uppercase()),
        _ => Err(HubError::unknown_method()),
    };
    Hub::builder()
        .method("Say", say)
        .method("Ask", ask)
        .method("Lines", lines)
        .method_with("stop", end, MethodOptions::new().spawn())
        .fallback(other)
        .on_connected(arrive)
        .on_disconnected(leave)
}

/// Everything that two clients see of a hub, byte by byte.
fn transcript(hub: HubBuilder) -> Vec<String> {
    let world = World::new();
    let hub = hub.build().expect("a hub");
    let service = Server::on(world.clone()).hub("/hub", hub).into_service().expect("a service");
    let mut seen = Vec::new();
    world.clone().run(async {
        let mut ada = Client::connect(&service, "/hub").await;
        let mut ben = Client::connect(&service, "/hub").await;
        world.settle().await;
        for (id, target, arguments) in [
            ("1", "Say", r#"["ada","hello"]"#),
            ("2", "SAY", r#"["ada"]"#),
            ("3", "Say", r#"[1,2]"#),
            ("", "say", r#"["ada","again"]"#),
            ("4", "Unknown", "[]"),
            ("9", "Elsewhere", "[]"),
            ("5", "Lines", "[]"),
        ] {
            ada.call(id, target, arguments).await;
            world.settle().await;
        }
        ada.send(r#"{"type":4,"invocationId":"6","target":"Lines","arguments":[]}"#).await;
        ada.call("7", "Ask", "[]").await;
        world.settle().await;
        ada.send(r#"{"type":3,"invocationId":"s1","result":3}"#).await;
        world.settle().await;
        ben.call("1", "Stop", "[]").await;
        world.settle().await;
        ada.send(r#"{"type":4,"invocationId":"8","target":"Lines","arguments":[]}"#).await;
        world.settle().await;
        for client in [&mut ada, &mut ben] {
            seen.extend(client.so_far().into_iter().map(|seen| format!("{seen:?}")));
        }
    });
    seen
}

#[test]
fn both_ways_of_writing_a_hub_give_the_same_transcript() {
    let written = transcript(Chat::default().into_builder());
    assert_eq!(written, transcript(by_hand()));
    let has = |text: &str| assert!(written.iter().any(|seen| seen.contains(text)), "{written:#?}");
    for text in [
        "welcome",
        "\\\"result\\\":2",
        "aborted",
        "ELSEWHERE",
        "\\\"target\\\":\\\"Pick\\\"",
        "\\\"result\\\":3",
    ] {
        has(text);
    }
}
