//! What an `impl` block or a trait may not be.

use hub_async::{hub, hub_client};

struct Chat;

#[hub(client = Window)]
impl Chat {}

#[hub]
impl Clone for Chat {
    fn clone(&self) -> Self {
        Self
    }
}

struct Borrowed<'a>(&'a str);

#[hub]
impl<'a> Borrowed<'a> {}

struct Lent<T>(T);

#[hub]
impl Lent<&str> {}

struct Lonely(std::rc::Rc<u8>);

#[hub]
impl Lonely {
    async fn count(&self) -> u8 {
        *self.0
    }
}

macro_rules! methods {
    () => {};
}

struct Own;

#[hub]
impl Own {
    fn into_builder(self) -> u8 {
        0
    }
    async fn builder_per_call(&self) {}
    methods!();
}

impl Own {
    #[hub(skip)]
    fn elsewhere(&self) {}
}

#[hub]
struct Members;

#[hub_client]
impl Own {}

#[hub_client(all)]
unsafe trait Window<T> {
    const LIMIT: u8;
    type Item;
}

fn main() {}
