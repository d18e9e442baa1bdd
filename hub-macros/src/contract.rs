//! A definition, whoever calls it: the names of methods and their signatures.

use std::collections::HashMap;

use proc_macro2::Span;
use syn::{Attribute, Ident, PatType, ReturnType, Signature};

use crate::attribute::{self, Said};
use crate::errors::Errors;
use crate::name::pascal;
use crate::signature;

/// A method of a hub or of a client.
pub(crate) struct Method {
    pub(crate) ident: Ident,
    /// Its name on the wire.
    pub(crate) wire: String,
    /// Its parameters but `self`; some of those of a hub may be extractors.
    pub(crate) arguments: Vec<PatType>,
    pub(crate) output: ReturnType,
    /// When it is there.
    pub(crate) conditions: Vec<Attribute>,
    at: Span,
}

impl Method {
    pub(crate) fn new(signature: &Signature, attributes: &[Attribute], said: &Said) -> Self {
        let renamed = said.name.as_ref();
        Self {
            ident: signature.ident.clone(),
            wire: renamed.map_or_else(|| pascal(&signature.ident), syn::LitStr::value),
            arguments: signature::arguments(signature).cloned().collect(),
            output: signature.output.clone(),
            conditions: attribute::conditions(attributes),
            at: renamed.map_or_else(|| signature.ident.span(), syn::LitStr::span),
        }
    }
}

/// The names that are taken.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, (String, bool)>);

impl Names {
    /// Takes the name of a method, which differs from all others in more than ASCII case. Two methods of which
    /// one is there under a condition may be meant to be alternatives.
    pub(crate) fn take(&mut self, method: &Method, errors: &mut Errors) {
        let Method { wire, ident, .. } = method;
        if wire.is_empty() {
            errors.add(syn::Error::new(
                method.at,
                "no name is left in Pascal case: add `#[hub(name = \"…\")]`",
            ));
            return;
        }
        let conditional = !method.conditions.is_empty();
        let key = wire.to_ascii_lowercase();
        match self.0.get(&key) {
            Some((first, other)) if !conditional && !other => {
                let text = format!(
                    "`{first}` is `{wire}` on the wire already, where case does not matter: rename \
                     one by `#[hub(name = \"…\")]`"
                );
                errors.add(syn::Error::new(method.at, text));
            }
            Some(_) => {}
            None => {
                self.0.insert(key, (ident.to_string(), conditional));
            }
        }
    }
}
