//! What serde cannot do, and streams that borrow from the hub.

use std::time::Instant;

use hub_async::{Context, hub, hub_client};

struct Unknown;

struct Chat(Vec<u8>);

#[hub]
impl Chat {
    async fn at(&self, ctx: Context, when: Instant) {}
    async fn unknown(&self) -> Unknown {
        Unknown
    }
    async fn lonely(&self) {
        let value = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(value);
    }
    async fn stream(&self) -> impl Iterator<Item = &u8> {
        self.0.iter()
    }
}

#[hub_client]
trait Window {
    async fn show(&self, what: Unknown);
    async fn ask(&self) -> Unknown;
}

fn main() {}
