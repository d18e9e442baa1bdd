//! What signatures must be like.

use proc_macro2::{Span, TokenStream, TokenTree};
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
    if !generics.params.is_empty() {
        errors.at(
            generics,
            "a method of a hub cannot be generic: what comes over the wire has one type",
        );
    } else if let Some(clause) = &generics.where_clause {
        errors.at(clause, "a method of a hub is not generic, so it has no conditions");
    }
    if let Safety::Unsafe(word) = &signature.safety {
        errors.at(word, "a method of a hub cannot be unsafe: nobody vouches for the caller");
    }
    if let Some(abi) = &signature.abi {
        errors.at(abi, "a method of a hub has no ABI");
    }
    for argument in arguments(signature) {
        if let Some(word) = find(argument.ty.to_token_stream(), &|tree| is_word(tree, "impl")) {
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

/// Where something is borrowed.
fn borrowed(tokens: TokenStream) -> Option<Span> {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let found = match &tree {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                trees.next().filter(|name| !is_word(name, "static")).map(|_| punct.span())
            }
            // `&'static` is judged by its lifetime.
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                let named = trees.peek().is_some_and(
                    |next| matches!(next, TokenTree::Punct(next) if next.as_char() == '\''),
                );
                (!named).then(|| punct.span())
            }
            TokenTree::Group(group) => borrowed(group.stream()),
            TokenTree::Punct(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The first such token, at any depth.
pub(crate) fn find(tokens: TokenStream, is: &dyn Fn(&TokenTree) -> bool) -> Option<Span> {
    tokens.into_iter().find_map(|tree| match &tree {
        tree if is(tree) => Some(tree.span()),
        TokenTree::Group(group) => find(group.stream(), is),
        TokenTree::Punct(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => None,
    })
}

pub(crate) fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}
