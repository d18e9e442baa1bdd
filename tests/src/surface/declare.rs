//! Declarations of items on one line each, without bodies.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{
    Field, Fields, FnArg, Generics, Item, ItemMacro, Pat, ReceiverKind, Signature,
    StaticMutability, Token, TraitItem, Visibility, WhereClause,
};

use super::attributes::{Marks, marks};
use super::print::print;
use super::tree::name;

/// A line below an item: what is behind its path, its marks, and its declaration.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) marks: Marks,
    pub(super) declaration: String,
}

/// The declaration of an item, and the parts of it that have lines of their own.
pub(super) fn item(item: &Item) -> (String, Vec<Part>) {
    let mut parts = Vec::new();
    let tokens = match item {
        Item::Const(item) => {
            let (ident, ty) = (&item.ident, &item.ty);
            quote!(pub const #ident: #ty)
        }
        Item::Static(item) => {
            let (ident, ty) = (&item.ident, &item.ty);
            let mutability =
                matches!(item.mutability, StaticMutability::Mut(_)).then(|| quote!(mut));
            quote!(pub static #mutability #ident: #ty)
        }
        Item::Fn(item) => {
            let signature = signature(&item.sig);
            quote!(pub #signature)
        }
        Item::Type(item) => {
            let (ident, generics, ty) = (&item.ident, &item.generics, &item.ty);
            let bounds = bounds(generics);
            quote!(pub type #ident #generics #bounds = #ty)
        }
        Item::TraitAlias(item) => {
            let (ident, generics, bounds) = (&item.ident, &item.generics, &item.bounds);
            quote!(pub trait #ident #generics = #bounds)
        }
        Item::Struct(item) => {
            fields(&item.fields, &mut parts);
            of_type(&quote!(pub struct), &item.ident, &item.generics, &content(&item.fields))
        }
        Item::Union(item) => {
            let all = Fields::Named(item.fields.clone());
            fields(&all, &mut parts);
            of_type(&quote!(pub union), &item.ident, &item.generics, &content(&all))
        }
        Item::Enum(item) => {
            for variant in &item.variants {
                let Some(marks) = marks(&variant.attrs) else { continue };
                let ident = &variant.ident;
                let discriminant = variant.discriminant.as_ref().map(|(_, value)| quote!(= #value));
                let fields = all(&variant.fields);
                let declaration = print(quote!(#ident #fields #discriminant));
                parts.push(Part { name: name(ident), marks, declaration });
            }
            of_type(&quote!(pub enum), &item.ident, &item.generics, &TokenStream::new())
        }
        Item::Trait(item) => {
            parts.extend(item.items.iter().filter_map(of_trait));
            let (ident, generics, safety) = (&item.ident, &item.generics, &item.unsafety);
            let bounds = bounds(generics);
            let above = (!item.supertraits.is_empty()).then(|| {
                let above = &item.supertraits;
                quote!(: #above)
            });
            quote!(pub #safety trait #ident #generics #above #bounds)
        }
        _ => TokenStream::new(),
    };
    (print(tokens), parts)
}

fn of_type(
    kind: &TokenStream,
    ident: &proc_macro2::Ident,
    generics: &Generics,
    content: &TokenStream,
) -> TokenStream {
    let bounds = bounds(generics);
    quote!(#kind #ident #generics #content #bounds)
}

/// A function as callers see it: names of arguments stay, patterns do not.
pub(super) fn signature(signature: &Signature) -> TokenStream {
    let mut signature = signature.clone();
    for argument in &mut signature.inputs {
        match argument {
            FnArg::Receiver(receiver) => {
                receiver.attrs.clear();
                if !matches!(receiver.kind, ReceiverKind::Reference(..)) {
                    receiver.mutability = None;
                }
            }
            FnArg::Typed(typed) => {
                typed.attrs.clear();
                let name = match &*typed.pat {
                    Pat::Ident(pattern) => pattern.ident.to_token_stream(),
                    _ => quote!(_),
                };
                *typed.pat = Pat::Verbatim(name);
            }
        }
    }
    let bounds = bounds(&signature.generics);
    signature.generics.where_clause = None;
    quote!(#signature #bounds)
}

/// What stands behind `where`, without a comma at its end.
pub(super) fn bounds(generics: &Generics) -> Option<WhereClause> {
    let mut bounds = generics.where_clause.clone()?;
    bounds.predicates.pop_punct();
    Some(bounds)
}

fn of_trait(item: &TraitItem) -> Option<Part> {
    let (attributes, ident, tokens) = match item {
        TraitItem::Fn(item) => {
            let signature = signature(&item.sig);
            let provided = item.default.as_ref().map(|_| quote!({ .. }));
            (&item.attrs, &item.sig.ident, quote!(#signature #provided))
        }
        TraitItem::Const(item) => {
            let (ident, ty) = (&item.ident, &item.ty);
            let provided = item.default.as_ref().map(|_| quote!(= ..));
            (&item.attrs, ident, quote!(const #ident: #ty #provided))
        }
        TraitItem::Type(item) => {
            let (ident, generics, bounds) = (&item.ident, &item.generics, &item.bounds);
            let bounds_of = self::bounds(generics);
            let colon = (!bounds.is_empty()).then(|| quote!(:));
            (&item.attrs, ident, quote!(type #ident #generics #colon #bounds #bounds_of))
        }
        _ => return None,
    };
    Some(Part { name: name(ident), marks: marks(attributes)?, declaration: print(tokens) })
}

fn is_public(field: &Field) -> bool {
    matches!(field.vis, Visibility::Public(_))
}

fn kept(fields: &Fields) -> Vec<&Field> {
    fields.iter().filter(|field| marks(&field.attrs).is_some()).collect()
}

/// Named public fields get lines.
fn fields(fields: &Fields, parts: &mut Vec<Part>) {
    for field in fields.iter().filter(|field| is_public(field)) {
        let (Some(marks), Some(ident)) = (marks(&field.attrs), &field.ident) else { continue };
        let ty = &field.ty;
        let declaration = print(quote!(pub #ident: #ty));
        parts.push(Part { name: name(ident), marks, declaration });
    }
}

/// What a type shows of its fields: whether all of named ones are public, and those without names.
fn content(fields: &Fields) -> TokenStream {
    match fields {
        Fields::Unit => TokenStream::new(),
        Fields::Named(_) if kept(fields).iter().all(|field| is_public(field)) => quote!({}),
        Fields::Named(_) => quote!({ .. }),
        Fields::Unnamed(_) => {
            let shown = kept(fields).into_iter().map(|field| {
                let ty = &field.ty;
                if is_public(field) { quote!(pub #ty) } else { quote!(_) }
            });
            let shown: Punctuated<TokenStream, Token![,]> = shown.collect();
            quote!((#shown))
        }
    }
}

/// The fields of a variant.
fn all(fields: &Fields) -> TokenStream {
    let shown = kept(fields).into_iter().map(|field| {
        let ty = &field.ty;
        field.ident.as_ref().map_or_else(|| quote!(#ty), |ident| quote!(#ident: #ty))
    });
    let shown: Punctuated<TokenStream, Token![,]> = shown.collect();
    match fields {
        Fields::Unit => TokenStream::new(),
        Fields::Named(_) => quote!({ #shown }),
        Fields::Unnamed(_) => quote!((#shown)),
    }
}

/// What a macro takes, one line for each of its rules.
pub(super) fn rules(item: &ItemMacro) -> Vec<String> {
    let mut rules = Vec::new();
    let mut tokens = item.mac.tokens.clone().into_iter();
    // A rule is a pattern, `=>`, a body and `;`.
    while let Some(pattern) = tokens.next() {
        rules.push(print(pattern.into_token_stream()));
        tokens.by_ref().find(
            |token| matches!(token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ';'),
        );
    }
    rules
}
