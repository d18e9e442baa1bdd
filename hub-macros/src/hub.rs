//! `#[hub]`: an `impl` block whose methods are those of a hub.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{
    FnArg, GenericParam, Generics, ImplItem, ImplItemFn, ItemImpl, PathArguments, Receiver,
    ReceiverKind, ReturnType, Type, TypeImplTrait, TypeParamBound, parse_quote,
    parse_quote_spanned,
};

use crate::attribute::{Role, Said};
use crate::contract::{Method, Names};
use crate::dispatch::{self, Dispatched, Hold};
use crate::errors::Errors;
use crate::root;
use crate::signature;

/// What the attribute adds to the type.
const GIVEN: [&str; 2] = ["into_builder", "builder_per_call"];

/// Names that nobody gives to a method without meaning the hook.
const HOOKS: [&str; 2] = ["on_connected", "on_disconnected"];

/// The most parameters of a function that is a handler.
const PARAMETERS: usize = 15;

pub(crate) fn expand(arguments: TokenStream, mut block: ItemImpl) -> TokenStream {
    let mut errors = Errors::default();
    let root = root::read(arguments, &mut errors);
    if let Some((path, _)) = &block.trait_ {
        errors.at(path, "`#[hub]` goes on an `impl` block of the type itself");
        let errors = errors.tokens();
        return quote!(#block #errors);
    }
    check_type(&block, &mut errors);
    let free = check_items(&block, &mut errors);
    let mut names = Names::default();
    let mut hooks = Vec::new();
    let mut dispatched = Vec::new();
    let generics = block.generics.clone();
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else { continue };
        let before = errors.count();
        let Some(method) = read(function, &generics, &mut errors) else { continue };
        match method.said.role {
            Role::Method => names.take(&method.method, &mut errors),
            role if method.method.conditions.is_empty() && hooks.contains(&role) => {
                errors.at(&function.sig.ident, "the hub has one of those already");
            }
            role => hooks.push(role),
        }
        if errors.count() == before {
            dispatched.push(method);
        }
    }
    let builders = free.then(|| dispatch::builders(&root, &block, &dispatched));
    let errors = errors.tokens();
    quote!(#block #builders #errors)
}

fn check_type(block: &ItemImpl, errors: &mut Errors) {
    let message = "a hub borrows nothing: it lives as long as its connections";
    match block.generics.lifetimes().next() {
        Some(lifetime) => errors.at(lifetime, message),
        None => signature::check_owned(&block.self_ty, message, errors),
    }
}

/// Finds what cannot stand beside what the attribute writes. Whether our names are free.
fn check_items(block: &ItemImpl, errors: &mut Errors) -> bool {
    let mut free = true;
    for item in &block.items {
        match item {
            ImplItem::Fn(ImplItemFn { sig, .. }) if GIVEN.iter().any(|name| sig.ident == name) => {
                let text =
                    format!("`{}` is what `#[hub]` adds: name this one otherwise", sig.ident);
                errors.at(&sig.ident, text);
                free = false;
            }
            ImplItem::Macro(call) => {
                errors.at(call, "`#[hub]` cannot see what a macro makes: call it in another block");
            }
            _ => {}
        }
    }
    free
}

/// What a function of the block is to the hub, if it is anything.
fn read(function: &mut ImplItemFn, generics: &Generics, errors: &mut Errors) -> Option<Dispatched> {
    let said = Said::take(&mut function.attrs, errors);
    if said.role == Role::Skipped {
        return None;
    }
    let signature = &mut function.sig;
    let Some(FnArg::Receiver(receiver)) = signature.inputs.first() else {
        if let Some(at) = said.at {
            let text = "a method of a hub takes `&self`; functions without it are left alone";
            errors.add(syn::Error::new(at, text));
        }
        return None;
    };
    if signature.asyncness.is_none() {
        errors.at(
            &signature.ident,
            "a method of a hub is an `async fn`; add `#[hub(skip)]` to one that clients cannot call",
        );
        return None;
    }
    let name = signature.ident.to_string();
    if HOOKS.contains(&&*name) && said.role == Role::Method && said.name.is_none() {
        let text = format!(
            "clients could call this: add `#[hub({name})]` to make it the hook, or `#[hub(name = \"…\")]`"
        );
        errors.at(&signature.ident, text);
    }
    let before = errors.count();
    let hold = hold(receiver, errors);
    signature::check(signature, errors);
    for argument in signature::arguments(signature) {
        let message = "a method of a hub owns its arguments: `String` instead of `&str`";
        signature::check_owned(&argument.ty, message, errors);
    }
    if let Some(argument) = signature::arguments(signature).nth(PARAMETERS) {
        errors.at(
            argument,
            "a method of a hub has at most 15 parameters, and 12 of them from clients",
        );
    }
    if let ReturnType::Type(_, output) = &signature.output {
        let message = "a result is owned, because it may outlive the hub: clone what it needs";
        signature::check_owned(output, message, errors);
    }
    let method = Method::new(signature, &function.attrs, &said);
    if let ReturnType::Type(_, output) = &mut signature.output
        && errors.count() == before
    {
        Owned(generics).visit_type_mut(output);
    }
    // It is `async` because it has to be. In front, so that what the author says of it holds.
    function.attrs.insert(0, parse_quote!(#[allow(clippy::unused_async)]));
    Some(Dispatched { method, said, hold: hold? })
}

/// How a method takes the hub.
fn hold(receiver: &Receiver, errors: &mut Errors) -> Option<Hold> {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => Some(Hold::Borrowed),
        ReceiverKind::Typed(_, ty) if is_arc(ty) => Some(Hold::Shared),
        ReceiverKind::Reference(_, _, Some(word)) => {
            errors.at(
                word,
                "methods of a hub run at the same time: take `&self`, and keep what changes in a lock or an atomic",
            );
            None
        }
        _ => {
            errors.at(receiver, "a method of a hub takes `&self` or `self: Arc<Self>`");
            None
        }
    }
}

fn is_arc(ty: &Type) -> bool {
    let Type::Path(path) = signature::bare(ty) else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    let mut types = arguments.args.iter();
    last.ident == "Arc"
        && types.next().is_some_and(|ty| ty.to_token_stream().to_string() == "Self")
        && types.next().is_none()
}

/// Says of what is returned as `impl Trait` that it does not borrow from the hub, so that the compiler tells where it
/// does.
struct Owned<'a>(&'a Generics);

impl VisitMut for Owned<'_> {
    fn visit_type_impl_trait_mut(&mut self, opaque: &mut TypeImplTrait) {
        visit_mut::visit_type_impl_trait_mut(self, opaque);
        let mut bounds = opaque.bounds.iter();
        if bounds.any(|bound| matches!(bound, TypeParamBound::PreciseCapture(_))) {
            return;
        }
        let names = self.0.params.iter().filter_map(|parameter| match parameter {
            GenericParam::Type(one) => Some(&one.ident),
            GenericParam::Const(one) => Some(&one.ident),
            GenericParam::Lifetime(_) => None,
        });
        let span = opaque.impl_token.span;
        opaque.bounds.push(parse_quote_spanned!(span=> use<#(#names),*>));
    }
}
