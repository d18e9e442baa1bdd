//! The server's side of a contract of clients: sends and questions.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, ItemTrait, ReturnType, Type};

use crate::contract::Method;
use crate::signature;

/// The trait that every target has.
pub(crate) fn contract(
    root: &TokenStream,
    item: &ItemTrait,
    methods: &[(Vec<Attribute>, Method)],
) -> TokenStream {
    let ItemTrait { attrs, vis, ident, supertraits, .. } = item;
    let conditions = crate::attribute::conditions(attrs);
    let methods = methods.iter().map(|(attributes, method)| send(root, attributes, method));
    let clause = &item.generics.where_clause;
    let inherited = supertraits.iter();
    quote! {
        #(#attrs)*
        #vis trait #ident: #root::typed::Recipients + #supertraits #clause {
            #(#methods)*
        }

        #(#conditions)*
        #[allow(deprecated, reason = "who uses an old contract is warned of it")]
        impl<__Recipients: #root::typed::Recipients #(+ #inherited)*> #ident for __Recipients #clause {}
    }
}

fn send(root: &TokenStream, attributes: &[Attribute], method: &Method) -> TokenStream {
    let Method { ident, wire, arguments, output, .. } = method;
    let names = arguments.iter().map(|argument| &argument.pat);
    let span = ident.span();
    match output {
        ReturnType::Type(_, result) if !is_unit(result) => quote_spanned! {span=>
            #(#attributes)*
            fn #ident(&self #(, #arguments)*) -> #root::Asking<#result>
            where
                Self: #root::typed::SingleRecipient,
            {
                #root::typed::SingleRecipient::single(self).invoke::<#result>(#wire, (#(#names,)*))
            }
        },
        _ => quote_spanned! {span=>
            #(#attributes)*
            fn #ident(&self #(, #arguments)*) -> #root::Sending {
                #root::typed::Recipients::target(self).send(#wire, (#(#names,)*))
            }
        },
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(signature::bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}
