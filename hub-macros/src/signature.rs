//! What signatures must be like.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, PatType, Safety, Signature, Type};

use crate::errors::Errors;

/// The parameters behind `self`.
pub(crate) fn arguments(signature: &Signature) -> impl Iterator<Item = &PatType> {
    signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    })
}

/// Finds what no method of a hub or of a client can be.
pub(crate) fn check(signature: &Signature, errors: &mut Errors) {
    let generics = &signature.generics;
    if generics.lifetimes().next().is_some() {
        errors.at(generics, "a method names no lifetimes: leave them out");
    } else if !generics.params.is_empty() {
        errors.at(generics, "a method cannot be generic: what goes over the wire has one type");
    } else if let Some(clause) = &generics.where_clause {
        errors.at(clause, "a method is not generic, so it has no conditions");
    }
    if let Safety::Unsafe(word) = &signature.safety {
        errors.at(word, "a method cannot be unsafe: nobody vouches for the caller");
    }
    if let Some(abi) = &signature.abi {
        errors.at(abi, "a method has no ABI");
    }
    for argument in arguments(signature) {
        if let Some(word) = opaque(&argument.ty) {
            errors.add(syn::Error::new(
                word,
                "what comes over the wire has one type: write which, instead of `impl`",
            ));
        }
        let condition = argument.attrs.iter().find(|attribute| {
            attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
        });
        if let Some(condition) = condition {
            errors.at(
                condition,
                "clients send a fixed list of arguments: put the condition on the method",
            );
        }
    }
}

/// Finds what is borrowed for less than ever.
pub(crate) fn check_owned(ty: &Type, message: &str, errors: &mut Errors) {
    if let Some(span) = borrowed(ty.to_token_stream()) {
        errors.add(syn::Error::new(span, message));
    }
}

/// Where something is borrowed. What functions in it borrow is theirs: `dyn Fn(&str)`.
fn borrowed(tokens: TokenStream) -> Option<Span> {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let found = match &tree {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let lives =
                    matches!(trees.next(), Some(TokenTree::Ident(name)) if name == "static");
                (!lives).then(|| punct.span())
            }
            // `&'static` is judged by its lifetime.
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                let named = trees.peek().is_some_and(
                    |next| matches!(next, TokenTree::Punct(next) if next.as_char() == '\''),
                );
                (!named).then(|| punct.span())
            }
            TokenTree::Ident(_) if trees.peek().is_some_and(parenthesized) => return None,
            TokenTree::Ident(name) if name == "for" => return None,
            TokenTree::Group(group) => borrowed(group.stream()),
            TokenTree::Punct(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn parenthesized(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis)
}

/// The type itself, without what a macro or the author has put around it.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        _ => ty,
    }
}

/// Where there is an `impl Trait` in a type.
pub(crate) fn opaque(ty: &Type) -> Option<Span> {
    find(ty.to_token_stream())
}

fn find(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|tree| match &tree {
        TokenTree::Ident(word) if word == "impl" => Some(word.span()),
        TokenTree::Group(group) => find(group.stream()),
        TokenTree::Punct(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => None,
    })
}
