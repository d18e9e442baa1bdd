//! The crate has another name in the dependencies.
#![crate_type = "lib"]
#![deny(warnings)]

pub mod prelude {
    pub use signalr::{Context, hub, hub_client};
}

use prelude::{Context, hub, hub_client};

pub struct Chat;

#[hub(crate = signalr)]
impl Chat {
    async fn greet(&self, ctx: Context) -> bool {
        ctx.clients().all().hide().await.ok();
        ctx.clients().caller().confirm("sure?").await.unwrap_or(false)
    }

    #[hub(spawn)]
    async fn wait(&self) {}
}

#[hub_client(crate = ::signalr)]
pub trait Window {
    async fn hide(&self);
    async fn confirm(&self, text: &str) -> bool;
}

pub mod net {
    pub use signalr as hubs;
}

#[macro_export]
macro_rules! hub_of {
    ($name:ident) => {
        pub struct $name;

        #[hub(crate = $crate::net::hubs)]
        impl $name {
            async fn nothing(&self) {}
        }
    };
}

hub_of!(Made);
