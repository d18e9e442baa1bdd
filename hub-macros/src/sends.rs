//! The server's side of a contract of clients: sends and questions.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, ItemTrait, ReturnType, Type};

use crate::contract::Method;

/// The trait that every target has.
pub(crate) fn contract(item: &ItemTrait, methods: &[(Vec<Attribute>, Method)]) -> TokenStream {
    let ItemTrait { attrs, vis, ident, supertraits, .. } = item;
    let conditions = crate::attribute::conditions(attrs);
    let methods = methods.iter().map(|(attributes, method)| send(attributes, method));
    let clause = &item.generics.where_clause;
    let inherited = supertraits.iter();
    quote! {
        #(#attrs)*
        #vis trait #ident: ::hub_async::typed::Recipients + #supertraits #clause {
            #(#methods)*
        }

        #(#conditions)*
        impl<__Recipients: ::hub_async::typed::Recipients #(+ #inherited)*> #ident for __Recipients {}
    }
}

fn send(attributes: &[Attribute], method: &Method) -> TokenStream {
    let Method { ident, wire, arguments, output, .. } = method;
    let names = arguments.iter().map(|argument| &argument.pat);
    let span = ident.span();
    match output {
        ReturnType::Type(_, result) if !is_unit(result) => quote_spanned! {span=>
            #(#attributes)*
            fn #ident(&self #(, #arguments)*) -> ::hub_async::Asking<#result>
            where
                Self: ::hub_async::typed::SingleRecipient,
            {
                ::hub_async::typed::SingleRecipient::single(self).invoke::<#result>(#wire, (#(#names,)*))
            }
        },
        _ => quote_spanned! {span=>
            #(#attributes)*
            fn #ident(&self #(, #arguments)*) -> ::hub_async::Sending {
                ::hub_async::typed::Recipients::target(self).send(#wire, (#(#names,)*))
            }
        },
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}
