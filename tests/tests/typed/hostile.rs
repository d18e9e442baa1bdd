//! Definitions among names that mean something else.
#![no_implicit_prelude]
#![warn(clippy::unused_async)]
#![allow(dead_code, reason = "they only have to be in the way")]

use ::hub_async::{hub, hub_client};
use ::std::string::String;

struct Arc;
struct Hub;
struct HubBuilder;
struct Result;
struct Recipients;
struct Target;
struct Context;
trait Send {}
trait Sync {}
trait Fn {}
mod std {}
mod core {}

pub(super) struct Chat<Make>(pub(super) Make);

#[hub]
impl<Make: ::std::marker::Send + ::std::marker::Sync + ::std::string::ToString + 'static>
    Chat<Make>
{
    async fn builder(&self, builder: String, make: String, hub: String) -> String {
        let mut all = builder;
        all.push_str(&make);
        all.push_str(&hub);
        all.push_str(&self.0.to_string());
        all
    }

    async fn method(&self, ctx: ::hub_async::Context, argument1: u8, argument0: u8) -> u8 {
        ctx.clients().caller().target(argument0, argument1).await.unwrap();
        argument0
    }
}

#[hub_client]
trait Window {
    async fn target(&self, single: u8, send: u8);
    async fn single(&self, invoke: u8) -> u8;
}
