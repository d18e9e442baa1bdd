//! What is no filter.

use std::cell::Cell;
use std::rc::Rc;

use hub_async::{Context, Hub, HubError, HubFilter, Invocation, Next, Outcome};

struct Nothing;

struct Counting(Cell<u32>);

impl HubFilter for Counting {}

async fn other(_: Context, next: Next) -> Result<Outcome, HubError> {
    drop(next);
    Ok(Outcome::default())
}

async fn value(invocation: Invocation, next: Next) -> Outcome {
    next.run(invocation).await.unwrap_or_default()
}

fn at_once(_: Invocation, _: Next) -> Result<Outcome, HubError> {
    Ok(Outcome::default())
}

async fn lonely(invocation: Invocation, next: Next) -> Result<Outcome, HubError> {
    let value = Rc::new(1);
    let result = next.run(invocation).await;
    drop(value);
    result
}

fn main() {
    let _ = Hub::builder().filter(Nothing);
    let _ = Hub::builder().filter(other);
    let _ = Hub::builder().filter(value);
    let _ = Hub::builder().filter(at_once);
    let _ = Hub::builder().filter(lonely);
}
