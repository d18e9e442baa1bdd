//! What cannot outlive its call.

use hub_async::hub;

struct Chat(Vec<u8>);

#[hub]
impl Chat {
    async fn open(&self) -> Option<&u8> {
        self.0.first()
    }

    async fn forever(&self) -> &'static str {
        "x"
    }

    async fn inside(&self) -> impl Iterator<Item = &u8> {
        self.0.iter()
    }

    async fn hidden(&self) -> impl Iterator<Item = u8> {
        self.0.iter().copied()
    }
}

fn main() {}
