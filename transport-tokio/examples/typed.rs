//! A small quiz as a typed hub: `#[hub]` and `#[hub_client]`.
//!
//! `cargo run --example typed`, then connect any client of SignalR to `http://127.0.0.1:5000/quiz`. It can call `Join`
//! and `Ask`, stream `Countdown`, and has the methods of [`Player`].

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::{Stream, stream};
use hub_async::{Context, HubError, hub, hub_client};
use transport_tokio::Server;

/// The state, which all connections share.
#[derive(Default)]
struct Quiz {
    right: AtomicU32,
}

/// What a player's client can be called for.
#[hub_client]
trait Player {
    /// Somebody has joined.
    async fn joined(&self, name: &str);
    /// How many answers were right so far.
    async fn scored(&self, right: u32);
    /// Asks the player.
    async fn answer(&self, question: &str) -> u32;
}

#[hub]
impl Quiz {
    /// Tells everybody else, and the new player how the game stands.
    async fn join(&self, ctx: Context, name: String) -> Result<(), HubError> {
        ctx.clients().others().joined(&name).await?;
        ctx.clients().caller().scored(self.right.load(Ordering::Relaxed)).await?;
        Ok(())
    }

    /// Asks the caller, and says whether the answer was right.
    async fn ask(&self, ctx: Context, a: u32, b: u32) -> Result<bool, HubError> {
        let answer = ctx.clients().caller().answer(&format!("{a} + {b}?")).await?;
        let right = a.checked_add(b) == Some(answer);
        if right {
            let right = self.right.fetch_add(1, Ordering::Relaxed) + 1;
            ctx.clients().all().scored(right).await?;
        }
        Ok(right)
    }

    /// Counts down to zero, four times a second.
    async fn countdown(&self, from: u32) -> impl Stream<Item = u32> {
        stream::unfold(Some(from), async |next| {
            let number = next?;
            tokio::time::sleep(Duration::from_millis(250)).await;
            Some((number, number.checked_sub(1)))
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let quiz = Quiz::default().into_builder().build()?;
    Server::new().hub("/quiz", quiz).serve("127.0.0.1:5000").await?;
    Ok(())
}
