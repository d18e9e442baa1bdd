//! How methods take the hub, and what else they are not.

use std::rc::Rc;
use std::sync::Arc;

use hub_async::{hub, hub_client};

struct Chat;

#[hub]
impl Chat {
    async fn mutable(&mut self) {}
    async fn moved(self) {}
    async fn counted(self: Rc<Self>) {}
    async fn shared(self: Arc<Self>) {}
    fn sync(&self) {}
    #[hub(name = "Static")]
    async fn without() {}
    async unsafe fn dangerous(&self) {}
    async fn generic<T>(&self, value: T) {}
    async fn conditional(&self)
    where
        Self: Sized,
    {
    }
}

#[hub_client]
trait Window {
    fn sync(&self);
    async fn without();
    async fn mutable(&mut self);
    async fn body(&self) {}
    async fn generic<T>(&self, value: T);
    async fn send(&self, text: String);
    async fn invoke(&self) -> u8;
    async fn into(&self);
}

fn main() {}
