//! What methods may not say.

use hub_async::{Context, hub, hub_client};

struct Chat;

#[hub]
impl Chat {
    #[hub(rename = "Say")]
    async fn say(&self) {}
    #[hub(name = 7)]
    async fn seven(&self) {}
    #[hub(name = "A", name = "B")]
    async fn twice(&self) {}
    #[hub(skip, on_connected)]
    async fn both(&self) {}
    #[hub(on_connected, name = "Arrive")]
    async fn named(&self, ctx: Context) {}
    #[hub(on_disconnected)]
    async fn leave(&self) {}
    #[hub(on_disconnected)]
    async fn leave_again(&self) {}
    #[hub(skip)]
    fn fine(&self) {}
    #[hub_async::hub(skip)]
    fn fine_as_well(&self) {}
    #[hub]
    async fn bare(&self) {}
    #[cfg_attr(all(), inline, hub(skip))]
    async fn secret(&self) {}
}

struct Hooked;

#[hub]
impl Hooked {
    async fn on_connected(&self, ctx: Context) {}
    #[hub(name = "OnDisconnected")]
    async fn on_disconnected(&self) {}
}

#[hub_client]
trait Window {
    #[hub(skip)]
    async fn skipped(&self);
    #[hub(spawn)]
    async fn spawned(&self);
}

fn main() {}
