//! Documentation and attributes stay where they are.
#![crate_type = "lib"]
#![deny(missing_docs, deprecated, dead_code, unused, unreachable_pub)]

use hub_async::{Context, hub, hub_client};

/// A chat.
#[derive(Debug)]
pub struct Chat;

#[hub]
impl Chat {
    /// Greets.
    pub async fn greet(&self, ctx: Context) {
        let caller = ctx.clients().caller();
        caller.show("hello").await.ok();
        #[expect(deprecated)]
        caller.draw(1).await.ok();
    }

    #[deprecated]
    async fn old(&self) {}

    #[allow(unused_variables)]
    async fn lenient(&self, text: String) {}
}

/// A window.
#[hub_client]
pub trait Window {
    /// Shows a text.
    async fn show(&self, text: &str);

    /// Draws a line.
    #[deprecated = "use `show`"]
    async fn draw(&self, width: u32);
}

/// An old window.
#[deprecated]
#[hub_client]
pub trait Pane
where
    Self: Send + std::fmt::Debug,
{
    /// Shows nothing.
    async fn hide(&self);
}
