//! What cannot move between threads.

use std::rc::Rc;

use hub_async::hub;

struct Chat;

#[hub]
impl Chat {
    async fn lonely(&self) -> u8 {
        let value = Rc::new(1);
        std::future::ready(()).await;
        *value
    }
}

fn main() {}
