//! What serde cannot do.

use std::time::Instant;

use hub_async::{Context, HubError, hub, hub_client};

struct Unknown;

struct Chat;

#[hub]
impl Chat {
    async fn at(&self, ctx: Context, when: Instant) {}
    async fn unknown(&self) -> Unknown {
        Unknown
    }
    async fn failing(&self) -> Result<Unknown, HubError> {
        Ok(Unknown)
    }
    async fn with(&self, error: HubError) -> Result<u8, Unknown> {
        Err(Unknown)
    }
    async fn right(&self, ctx: Context, texts: Vec<String>) -> Option<u8> {
        None
    }
}

#[hub_client]
trait Window {
    async fn show(&self, what: Unknown);
    async fn ask(&self) -> Unknown;
}

fn main() {}
