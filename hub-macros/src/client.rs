//! `#[hub_client]`: a trait whose methods are those of clients.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    FnArg, ItemTrait, Pat, ReceiverKind, ReturnType, Signature, TraitItem, TraitItemFn, Type,
};

use crate::attribute::Said;
use crate::contract::{Method, Names};
use crate::errors::Errors;
use crate::root;
use crate::sends;
use crate::signature;

/// What targets have of their own or by traits of the prelude, so that a method of a contract would not be found behind it.
const TAKEN: [&str; 9] = [
    "send",
    "send_latest",
    "timeout",
    "invoke",
    "invoke_each",
    "clone",
    "into",
    "try_into",
    "to_owned",
];

/// The most that a call sends.
const ARGUMENTS: usize = 12;

pub(crate) fn expand(arguments: TokenStream, mut contract: ItemTrait) -> TokenStream {
    let mut errors = Errors::default();
    let root = root::read(arguments, &mut errors);
    if !contract.generics.params.is_empty() {
        let text =
            "the contract of clients cannot be generic: what goes over the wire has one type";
        errors.at(&contract.generics, text);
    }
    if let Some(word) = contract.unsafety.take() {
        errors.at(word, "the contract of clients cannot be unsafe: nobody vouches for them");
    }
    let mut names = Names::default();
    let mut methods = Vec::new();
    for item in &mut contract.items {
        let TraitItem::Fn(function) = item else {
            errors.at(item, "the contract of clients has methods only");
            continue;
        };
        let before = errors.count();
        let method = read(function, &mut errors);
        names.take(&method, &mut errors);
        if errors.count() == before {
            methods.push((function.attrs.clone(), method));
        }
    }
    let contract = sends::contract(&root, &contract, &methods);
    let errors = errors.tokens();
    quote!(#contract #errors)
}

fn read(function: &mut TraitItemFn, errors: &mut Errors) -> Method {
    let said = Said::take(&mut function.attrs, errors);
    let signature = &function.sig;
    if let Some(at) = said.at.filter(|_| said.is_more_than_a_name()) {
        errors.add(syn::Error::new(at, "a method of clients can say `name = \"…\"` only"));
    }
    if let Some(body) = &function.default {
        errors.at(body, "a method of clients has no body here: the clients have it");
    }
    if signature.asyncness.is_none() {
        errors.at(&signature.ident, "a method of clients is an `async fn`");
    }
    if TAKEN.iter().any(|taken| signature.ident == taken) {
        let text = format!(
            "`{}` is a method of every target already: name this one otherwise, and add `#[hub(name = \"…\")]`",
            signature.ident
        );
        errors.at(&signature.ident, text);
    }
    check_receiver(signature, errors);
    signature::check(signature, errors);
    for argument in signature::arguments(signature) {
        let plain = match &*argument.pat {
            Pat::Ident(name) => {
                name.by_ref.is_none() && name.mutability.is_none() && name.subpat.is_none()
            }
            _ => false,
        };
        if !plain {
            errors.at(&argument.pat, "an argument has a plain name here, as in `text: &str`");
        }
    }
    if let Some(argument) = signature::arguments(signature).nth(ARGUMENTS) {
        errors.at(argument, "a method of clients has at most 12 arguments: put some into a struct");
    }
    if let ReturnType::Type(_, output) = &signature.output {
        check_output(output, errors);
    }
    Method::new(signature, &function.attrs, &said)
}

fn check_receiver(signature: &Signature, errors: &mut Errors) {
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver))
            if matches!(receiver.kind, ReceiverKind::Reference(_, None, None)) => {}
        Some(FnArg::Receiver(receiver)) => errors.at(receiver, "a method of clients takes `&self`"),
        _ => errors.at(&signature.ident, "a method of clients takes `&self`"),
    }
}

/// The result is a value of its own, and its error is that of the question.
fn check_output(output: &Type, errors: &mut Errors) {
    signature::check_owned(output, "a result comes from a client and is owned", errors);
    if signature::opaque(output).is_some() {
        errors.at(output, "what comes over the wire has one type: write which, instead of `impl`");
    }
    if let Type::Path(path) = signature::bare(output)
        && path.path.segments.last().is_some_and(|last| last.ident == "Result")
    {
        errors.at(output, "a question gives a `Result` anyway: write the type of the value only");
    }
}
