//! Results are there for single clients only.

use hub_async::{Context, hub_client};

#[hub_client]
trait Player {
    async fn say(&self, text: String);
    async fn pick_a_card(&self, hint: String) -> u8;
}

async fn ask(ctx: Context) {
    let clients = ctx.clients();
    let hint = || "one".to_owned();
    clients.caller().pick_a_card(hint()).await.ok();
    clients.client("id").pick_a_card(hint()).await.ok();
    clients.all().pick_a_card(hint()).await.ok();
    clients.group("a").pick_a_card(hint()).await.ok();
    clients.user("ada").pick_a_card(hint()).await.ok();
    clients.others().say(7).await.ok();
}

fn main() {}
