//! The server's side of a hub: its builder calls.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemImpl, ReturnType};

use crate::attribute::{Role, Said};
use crate::contract::Method;
use crate::signature;

/// A method as the hub calls it.
pub(crate) struct Dispatched {
    pub(crate) method: Method,
    pub(crate) said: Said,
    pub(crate) hold: Hold,
}

/// How a method takes the hub.
#[derive(Clone, Copy)]
pub(crate) enum Hold {
    /// As `&self`.
    Borrowed,
    /// As `self: Arc<Self>`.
    Shared,
}

/// The functions that give a builder.
pub(crate) fn builders(
    root: &TokenStream,
    block: &ItemImpl,
    methods: &[Dispatched],
) -> TokenStream {
    let ItemImpl { attrs, generics, self_ty, .. } = block;
    let conditions = crate::attribute::conditions(attrs);
    let (with, _, clause) = generics.split_for_impl();
    let calls = methods.iter().map(|method| call(root, method));
    // No variable of the author's is in the way of ours, but a constant would be.
    let here = Span::mixed_site();
    // Where the type cannot be shared between threads, this is where the compiler says so.
    let shared = quote_spanned! {self_ty.span()=>
        Self: ::core::marker::Send + ::core::marker::Sync + 'static
    };
    quote_spanned! {here=>
        #(#conditions)*
        #[allow(dead_code, reason = "few hubs use both ways")]
        #[allow(
            deprecated, unused_qualifications, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction,
            reason = "what the author wrote is judged where it was written"
        )]
        impl #with #self_ty #clause {
            /// Starts a hub whose methods and hooks run on this value, which all of them share.
            pub fn into_builder(self) -> #root::HubBuilder
            where
                #shared
            {
                let __hub = ::std::sync::Arc::new(self);
                Self::__builder_by(move || ::core::clone::Clone::clone(&__hub))
            }

            /// Starts a hub that makes a fresh value for each call and each hook, which lives until that has returned.
            pub fn builder_per_call(
                make_hub: impl ::core::ops::Fn() -> Self + ::core::marker::Send + ::core::marker::Sync + 'static,
            ) -> #root::HubBuilder
            where
                #shared
            {
                Self::__builder_by(move || ::std::sync::Arc::new(make_hub()))
            }

            fn __builder_by(
                __make: impl ::core::ops::Fn() -> ::std::sync::Arc<Self> + ::core::marker::Send + ::core::marker::Sync + 'static,
            ) -> #root::HubBuilder
            where
                #shared
            {
                let __make = ::std::sync::Arc::new(__make);
                let __builder = #root::Hub::builder();
                #(#calls)*
                __builder
            }
        }
    }
}

/// Adds one method to the builder.
fn call(root: &TokenStream, dispatched: &Dispatched) -> TokenStream {
    let Dispatched { method, said, hold } = dispatched;
    let Method { ident, wire, arguments, conditions, .. } = method;
    // What does not fit is told at the method.
    let span = Span::mixed_site().located_at(ident.span());
    let names: Vec<_> =
        (0..arguments.len()).map(|n| format_ident!("__argument{n}", span = span)).collect();
    let types = arguments.iter().map(|argument| &argument.ty);
    let checks = checks(root, method);
    let hub = match hold {
        Hold::Borrowed => quote_spanned!(span=> &__hub),
        Hold::Shared => quote_spanned!(span=> __hub),
    };
    let function = quote_spanned! {span=>
        move |#(#names: #types),*| {
            let __hub = __make();
            async move { Self::#ident(#hub #(, #names)*).await }
        }
    };
    let add = match said.role {
        Role::Fallback => quote_spanned!(span=> __builder.fallback(#function)),
        Role::OnConnected => quote_spanned!(span=> __builder.on_connected(#function)),
        Role::OnDisconnected => quote_spanned!(span=> __builder.on_disconnected(#function)),
        Role::Method | Role::Skipped if said.options.is_empty() => {
            quote_spanned!(span=> __builder.method(#wire, #function))
        }
        Role::Method | Role::Skipped => {
            let options = &said.options;
            quote_spanned! {span=>
                __builder.method_with(#wire, #function, #root::MethodOptions::new()#(#options)*)
            }
        }
    };
    quote_spanned! {span=>
        #(#conditions)*
        let __builder = {
            #checks
            let __make = ::core::clone::Clone::clone(&__make);
            #add
        };
    }
}

/// What does not compile at the type that is to blame, where the builder would blame the method.
fn checks(root: &TokenStream, method: &Method) -> TokenStream {
    let parameters = method.arguments.iter().map(|argument| {
        let ty = &argument.ty;
        quote_spanned!(ty.span()=> #root::typed::parameter::<#ty, _>();)
    });
    let response = match &method.output {
        ReturnType::Type(_, ty) if signature::opaque(ty).is_none() => {
            Some(quote_spanned!(ty.span()=> #root::typed::response::<#ty, _>();))
        }
        _ => None,
    };
    parameters.chain(response).collect()
}
