//! What is no method, without attributes.

use std::rc::Rc;
use std::time::Instant;

use hub_async::{Context, Hub, HubError};

struct Unknown;

fn at_once(a: i32) -> i32 {
    a
}

async fn at(_: Context, _: Instant) {}

async fn unknown() -> Unknown {
    Unknown
}

async fn failing() -> Result<i32, Unknown> {
    Err(Unknown)
}

async fn lonely(_: Context) -> Result<(), HubError> {
    let value = Rc::new(1);
    std::future::ready(()).await;
    drop(value);
    Ok(())
}

fn main() {
    let _ = Hub::builder().method("AtOnce", at_once);
    let _ = Hub::builder().method("At", at);
    let _ = Hub::builder().method("Unknown", unknown);
    let _ = Hub::builder().method("Failing", failing);
    let _ = Hub::builder().method("Lonely", lonely);
    let _ = Hub::builder().fallback("nothing");
}
