//! What `impl` blocks and derives add to public types and traits.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, GenericArgument, ImplItem, Item, ItemImpl, Macro, Path, PathArguments, Token, Type,
    TypeParamBound, Visibility,
};

use super::attributes::marks;
use super::declare::{Part, bounds, signature};
use super::print::print;
use super::tree::name;

/// The inherent items of a block that are public.
pub(super) fn inherent(block: &ItemImpl) -> Vec<Part> {
    let mut parts = Vec::new();
    for item in &block.items {
        let (attributes, visibility, ident, tokens) = match item {
            ImplItem::Fn(item) => {
                let signature = signature(&item.sig);
                (&item.attrs, &item.vis, &item.sig.ident, signature)
            }
            ImplItem::Const(item) => {
                let (ident, ty) = (&item.ident, &item.ty);
                (&item.attrs, &item.vis, ident, quote!(const #ident: #ty))
            }
            ImplItem::Macro(item) => {
                if marks(&item.attrs).is_some() {
                    parts.extend(calls(&item.mac));
                }
                continue;
            }
            _ => continue,
        };
        if let (Visibility::Public(_), Some(marks)) = (visibility, marks(attributes)) {
            let declaration = print(within(block, quote!(pub #tokens)));
            parts.push(Part { name: name(ident), marks, declaration });
        }
    }
    parts
}

/// A declaration in its block, if that says something about types.
fn within(block: &ItemImpl, declaration: TokenStream) -> TokenStream {
    let (generics, ty) = (&block.generics, &block.self_ty);
    if generics.params.is_empty() && is_plain(ty) {
        return declaration;
    }
    let bounds = bounds(generics);
    quote!(impl #generics #ty #bounds { #declaration })
}

/// Whether a type says nothing of its arguments.
fn is_plain(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.iter().all(|segment| segment.arguments.is_none()),
        _ => false,
    }
}

/// A trait that is implemented, with what the block says about its types.
pub(super) fn implemented(block: &ItemImpl, path: &Path) -> String {
    let (generics, ty, safety) = (&block.generics, &block.self_ty, &block.unsafety);
    let (bounds, polarity) = (bounds(generics), &block.modifiers.polarity);
    let last = path.segments.last();
    let types = block.items.iter().filter_map(|item| match item {
        ImplItem::Type(item) => {
            let (ident, generics, ty) = (&item.ident, &item.generics, &item.ty);
            Some(quote!(type #ident #generics = #ty;))
        }
        _ => None,
    });
    let types: TokenStream = types.collect();
    let types = (!types.is_empty()).then(|| quote!({ #types }));
    print(quote!(#safety impl #generics #polarity #last for #ty #bounds #types))
}

/// The derives of standard traits, as the impls that they are, and those of others as they are written.
pub(super) fn derived(item: &Item) -> Vec<String> {
    let (attributes, ident, generics): (&[Attribute], _, _) = match item {
        Item::Struct(item) => (&item.attrs, &item.ident, &item.generics),
        Item::Enum(item) => (&item.attrs, &item.ident, &item.generics),
        Item::Union(item) => (&item.attrs, &item.ident, &item.generics),
        _ => return Vec::new(),
    };
    let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let paths = derives.flat_map(|attribute| {
        let paths = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
        paths.into_iter().flatten()
    });
    let (_, arguments, _) = generics.split_for_impl();
    let lines = paths.map(|path| {
        if STANDARD.iter().any(|name| path.is_ident(name)) {
            print(quote!(impl #path for #ident #arguments))
        } else {
            print(quote!(#[derive(#path)]))
        }
    });
    lines.collect()
}

const STANDARD: [&str; 9] =
    ["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];

/// The type that a block is about, behind references.
pub(super) fn subject(ty: &Type) -> Option<Vec<String>> {
    match ty {
        Type::Path(path) if path.qself.is_none() => Some(segments(&path.path)),
        Type::Reference(reference) => subject(&reference.elem),
        Type::Paren(inner) => subject(&inner.elem),
        Type::Group(inner) => subject(&inner.elem),
        Type::TraitObject(object) => object.bounds.iter().find_map(|bound| match bound {
            TypeParamBound::Trait(bound) => Some(segments(&bound.path)),
            _ => None,
        }),
        _ => None,
    }
}

/// The types that a type is made of, such as that in a `Box`.
pub(super) fn arguments(ty: &Type) -> Vec<&Type> {
    let Type::Path(path) = ty else { return Vec::new() };
    let lists = path.path.segments.iter().filter_map(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(list) => Some(&list.args),
        _ => None,
    });
    let types = lists.flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// The names of a path.
pub(super) fn segments(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| name(&segment.ident)).collect()
}

/// A call of a macro as lines, one for each `;` in it, without attributes.
pub(super) fn calls(call: &Macro) -> Vec<Part> {
    let macro_name = call.path.segments.last().map(|segment| name(&segment.ident));
    let macro_name = macro_name.unwrap_or_default();
    let mut parts = vec![TokenStream::new()];
    let mut after_hash = false;
    for token in call.tokens.clone() {
        let is = |sign| matches!(&token, TokenTree::Punct(punct) if punct.as_char() == sign);
        if is(';') {
            parts.push(TokenStream::new());
        } else if is('#') {
            after_hash = true;
            continue;
        } else if !after_hash && let Some(part) = parts.last_mut() {
            part.extend([token]);
        }
        after_hash = false;
    }
    if parts.len() > 1 {
        parts.retain(|part| !part.is_empty());
    }
    let parts = parts.into_iter();
    let parts = parts.map(|part| Part {
        name: format!("{macro_name}!"),
        marks: Vec::new(),
        declaration: if part.is_empty() { "()".to_owned() } else { print(part) },
    });
    parts.collect()
}

/// The names between `impl` and what it holds, in the rules of a macro.
pub(super) fn headers(tokens: TokenStream) -> Vec<String> {
    let mut names = Vec::new();
    let mut within = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "impl" => within = true,
            TokenTree::Group(group) if within && group.delimiter() == Delimiter::Brace => {
                within = false;
            }
            TokenTree::Group(group) if !within => names.extend(headers(group.stream())),
            TokenTree::Ident(ident) if within => names.push(name(&ident)),
            _ => {}
        }
    }
    names
}

/// The names in a call of a macro.
pub(super) fn words(tokens: TokenStream) -> Vec<String> {
    let words = tokens.into_iter().flat_map(|token| match token {
        TokenTree::Ident(ident) => vec![name(&ident)],
        TokenTree::Group(group) => words(group.stream()),
        _ => Vec::new(),
    });
    words.collect()
}
