//! How to test a hub: a small chat, and a test of it in virtual time.
//!
//! `cargo run -p transport-memory --example test_a_hub` prints what happened, and `cargo test` runs it as well.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hub_async::{BuildError, Context, Hub, HubError, HubOptions, State};
use transport_memory::{World, call};

/// The last lines of the room.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<VecDeque<String>>>);

impl Lines {
    fn add(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(line.to_owned());
        if lines.len() > 3 {
            lines.pop_front();
        }
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

async fn enter(ctx: Context, lines: State<Lines>) -> Result<(), HubError> {
    ctx.groups().add(ctx.connection_id(), "room").await;
    ctx.clients().caller().send("Lines", (lines.all(),)).await?;
    Ok(())
}

async fn say(ctx: Context, lines: State<Lines>, text: String) -> Result<(), HubError> {
    if text.is_empty() {
        return Err(HubError::new("Say something."));
    }
    lines.add(&text);
    ctx.clients().others_in_group("room").send("Said", (text,)).await?;
    Ok(())
}

async fn left(ctx: Context) -> Result<(), HubError> {
    ctx.clients().group("room").send("Left", ()).await?;
    Ok(())
}

fn chat() -> Result<Hub, BuildError> {
    Hub::builder()
        .state(Lines::default())
        .method("Enter", enter)
        .method("Say", say)
        .on_disconnected(left)
        .options(HubOptions::new().allow_stateful_reconnects(true))
        .build()
}

async fn the_chat(world: &World, hub: &Hub) -> Result<(), Box<dyn Error>> {
    let chat = world.serve(hub);
    let ada = chat.connect().await;
    let ben = chat.client().message_pack().stateful_reconnect().connect().await;
    ada.invoke::<()>("Enter", ()).await?;
    ben.invoke::<()>("Enter", ()).await?;
    assert_eq!(ada.next().await, call("Lines", (Vec::<String>::new(),)));
    assert_eq!(ben.next().await, call("Lines", (Vec::<String>::new(),)));

    ada.send("Say", ("Hello.",));
    assert_eq!(ben.next().await, call("Said", ("Hello.",)));
    let refused = ada.invoke::<()>("Say", ("",)).await.unwrap_err();
    println!("an empty text is refused: {refused}");

    // Ben's train goes through a tunnel, and nobody notices.
    ben.cut();
    ada.send("Say", ("Still there?",));
    world.advance(Duration::from_secs(10)).await;
    assert!(ada.received().await.is_empty());
    ben.reconnect().await;
    assert_eq!(ben.received().await, [call("Said", ("Still there?",))]);
    println!("what was said in the tunnel has come");

    // A longer one: Ben is told to be gone when he could not come back in time.
    ben.cut();
    let cut = world.now();
    assert_eq!(ada.next().await, call("Left", ()));
    println!("Ben has left {:?} after his link broke", world.now() - cut);

    // Ada is kept, for she pings.
    world.advance(Duration::from_secs(24 * 60 * 60)).await;
    assert_eq!(ada.ended().await, None);
    ada.close().await;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (world, hub) = (World::new(), chat()?);
    let (start, begun) = (Instant::now(), world.now());
    world.run(the_chat(&world, &hub))?;
    println!("{:?} of virtual time took {:?}", world.now() - begun, start.elapsed());
    Ok(())
}

#[test]
fn the_chat_holds() -> Result<(), Box<dyn Error>> {
    main()
}
