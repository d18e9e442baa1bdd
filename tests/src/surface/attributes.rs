//! What attributes say about an item's place in the list.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

use super::print::print;

/// What is shown in front of a declaration.
pub(super) type Marks = Vec<String>;

/// What is to be shown of an item's attributes; none for an item that users never have.
pub(super) fn marks(attributes: &[Attribute]) -> Option<Marks> {
    let mut marks = Marks::new();
    for attribute in attributes {
        let path = attribute.path();
        let shown = if path.is_ident("cfg") {
            match attribute.parse_args().map_or(Holds::Depends, |meta| holds(&meta)) {
                Holds::Never => return None,
                Holds::Always => false,
                Holds::Depends => true,
            }
        } else if path.is_ident("doc") {
            is_hidden(attribute)
        } else {
            ["non_exhaustive", "deprecated", "macro_export", "proc_macro", "proc_macro_attribute"]
                .iter()
                .chain(&["proc_macro_derive", "repr"])
                .any(|name| path.is_ident(name))
        };
        if shown {
            add(&mut marks, [print(attribute.to_token_stream())]);
        }
    }
    Some(marks)
}

/// Adds those that are not there yet.
pub(super) fn add(marks: &mut Marks, more: impl IntoIterator<Item = String>) {
    for mark in more {
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    }
}

/// Those that hold for all that is inside as well.
pub(super) fn inherited(marks: &Marks) -> Marks {
    let inherits = |mark: &&String| mark.starts_with("#[cfg(") || *mark == "#[doc(hidden)]";
    marks.iter().filter(inherits).cloned().collect()
}

fn is_hidden(attribute: &Attribute) -> bool {
    attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("hidden"))
}

/// Whether a condition holds in a build that users have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Never,
    Always,
    Depends,
}

fn holds(condition: &Meta) -> Holds {
    let parts = |list: &syn::MetaList| -> Vec<Holds> {
        let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        parts.map(|parts| parts.iter().map(holds).collect()).unwrap_or_default()
    };
    match condition {
        Meta::Path(path)
            if ["test", "doctest", "hub_loom"].iter().any(|name| path.is_ident(name)) =>
        {
            Holds::Never
        }
        Meta::List(list) if list.path.is_ident("not") => match parts(list)[..] {
            [Holds::Never] => Holds::Always,
            [Holds::Always] => Holds::Never,
            _ => Holds::Depends,
        },
        Meta::List(list) if list.path.is_ident("all") => {
            decided(&parts(list), Holds::Never, Holds::Always)
        }
        Meta::List(list) if list.path.is_ident("any") => {
            decided(&parts(list), Holds::Always, Holds::Never)
        }
        _ => Holds::Depends,
    }
}

/// `one` as soon as one part is, `all` when all parts are.
fn decided(parts: &[Holds], one: Holds, all: Holds) -> Holds {
    if parts.contains(&one) {
        one
    } else if parts.iter().all(|part| *part == all) {
        all
    } else {
        Holds::Depends
    }
}
