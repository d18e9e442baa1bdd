//! Two methods of one name.

use hub_async::{hub, hub_client};

struct Chat;

#[hub]
impl Chat {
    async fn send_message(&self) {}
    async fn sendmessage(&self) {}
    #[hub(name = "SENDMESSAGE")]
    async fn other(&self) {}
    async fn __(&self) {}
    #[hub(name = "")]
    async fn empty(&self) {}
    #[hub(name = "Fine")]
    async fn send_message_(&self) {}
}

#[hub_client]
trait Window {
    async fn draw_line(&self);
    #[hub(name = "drawLine")]
    async fn line(&self);
}

fn main() {}
