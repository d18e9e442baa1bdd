//! Attributes for typed hubs: [`macro@hub`] on an `impl` block, [`macro@hub_client`] on a trait.
//!
//! They are re-exported by `hub_async`, whose module `typed` shows them beside the same hub written by hand.
//!
//! # Invariants
//!
//! * What they write can be written by hand: calls of `Hub::builder()`, `Target::send` and
//!   `SingleTarget::invoke`. Nothing is decided when the hub runs.
//! * A definition is read into a `contract` first, which knows names and signatures and nothing of who calls
//!   whom; `dispatch` and `sends` write the server's side of it, and a client's side can be written from the same.
//! * Mistakes are errors at the line that makes them, all of them at once, and what is right is written
//!   nevertheless, so that one mistake does not lead to others.

mod attribute;
mod client;
mod contract;
mod dispatch;
mod errors;
mod hub;
mod name;
mod root;
mod sends;
mod signature;

use proc_macro::TokenStream;
use syn::{ItemImpl, ItemTrait};

/// Makes the methods of an `impl` block methods of a hub.
///
/// Each `async fn` with `&self` or `self: Arc<Self>` is one that clients call by its name in Pascal case:
/// `send_message` is `SendMessage`. Functions without `self` and other items are left alone; any other function
/// with `self` is an error unless it says `skip`, so that nothing is callable by accident. Parameters and results
/// are those of `HubBuilder::method`.
///
/// Two functions are added to the type, and give a `HubBuilder` with all methods and hooks:
///
/// * `into_builder(self)`: the value is shared by all connections and calls.
/// * `builder_per_call(make)`: `make` makes a fresh value for each call and each hook, which lives until that has
///   returned.
///
/// The methods may say, as `#[hub(…)]`:
///
/// | | |
/// |---|---|
/// | `name = "say"` | clients call it so, and not by its own name |
/// | `skip` | clients cannot call it |
/// | `on_connected`, `on_disconnected` | it is that hook of the hub |
/// | `fallback` | it runs when clients call a method that the hub does not have |
/// | `spawn`, `drop_on_disconnect`, `maximum_message_size = 1024` | what `MethodOptions` have by that name |
///
/// Where `hub_async` is not in the dependencies by that name, the block says where it is: `#[hub(crate = path)]`.
///
/// A stream that is returned as `impl Stream` may not borrow from the hub, because it outlives the call: such a method
/// clones what it needs, or takes `self: Arc<Self>` and moves that into the stream.
#[proc_macro_attribute]
pub fn hub(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse::<ItemImpl>(item.clone()) {
        Ok(block) => hub::expand(arguments.into(), block).into(),
        Err(error) => {
            let text = "`#[hub]` goes on the `impl` block of a type, and `#[hub(…)]` on methods inside of that";
            misplaced(item, &error, text)
        }
    }
}

/// Makes a trait the contract of clients: what a hub may call on them.
///
/// With the trait in scope, every target has its methods: `clients.all()`, `group(…)`, `caller()` and all others, of a
/// `Context` as of a `HubContext`. A method without a result is a `Target::send`, and gives what that gives, a
/// `Sending`. One with a result is a `SingleTarget::invoke`, gives an `Asking`, and is there for single clients
/// only. `#[hub(name = "…")]` on a method is its name, which otherwise is in Pascal case.
///
/// Arguments may be borrowed, since they are written by the call. A contract may have others as supertraits.
/// Where `hub_async` is not in the dependencies by that name, the trait says where it is: `#[hub_client(crate = path)]`.
#[proc_macro_attribute]
pub fn hub_client(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse::<ItemTrait>(item.clone()) {
        Ok(contract) => client::expand(arguments.into(), contract).into(),
        Err(error) => misplaced(
            item,
            &error,
            "`#[hub_client]` goes on a trait, and `#[hub(…)]` on methods inside of that",
        ),
    }
}

/// The item as it is, and why it cannot be read.
fn misplaced(item: TokenStream, error: &syn::Error, text: &str) -> TokenStream {
    let error = syn::Error::new(error.span(), format!("{text}: {error}"));
    item.into_iter().chain(TokenStream::from(error.to_compile_error())).collect()
}
