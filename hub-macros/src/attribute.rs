//! What methods say of themselves: `#[hub(…)]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, LitStr, Meta, Result};

use crate::errors::Errors;

/// What a method is for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Role {
    /// Clients call it.
    #[default]
    Method,
    /// Nobody's but the type's own.
    Skipped,
    /// What is called by any other name.
    Fallback,
    OnConnected,
    OnDisconnected,
}

/// Everything that a method says.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) role: Role,
    pub(crate) name: Option<LitStr>,
    /// Calls on `MethodOptions`.
    pub(crate) options: Vec<TokenStream>,
    /// Where it says anything.
    pub(crate) at: Option<Span>,
    /// Where it says what only a method may.
    of_method: Option<Span>,
}

impl Said {
    /// Takes the attributes out of the others.
    pub(crate) fn take(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Self {
        let mut said = Self::default();
        attributes.retain(|attribute| {
            if adds(attribute, "hub") {
                let text = "`#[hub]` does not see what `cfg_attr` adds: write the method twice, each under a `#[cfg(…)]`";
                errors.at(attribute, text);
                return false;
            }
            // As `#[hub(…)]` or `#[hub_async::hub(…)]`.
            if attribute.path().segments.last().is_none_or(|last| last.ident != "hub") {
                return true;
            }
            said.at = Some(attribute.span());
            let read = match &attribute.meta {
                Meta::Path(path) => Err(syn::Error::new_spanned(
                    path,
                    "without parentheses it says nothing: all methods are meant already",
                )),
                _ => attribute.parse_nested_meta(|meta| said.read(&meta)),
            };
            if let Err(error) = read {
                errors.add(error);
            }
            false
        });
        if let Some(at) = said.of_method.filter(|_| said.role != Role::Method) {
            errors.add(syn::Error::new(at, "only a method that clients call has that"));
        }
        said
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let Some(word) = meta.path.get_ident() else { return Err(unknown(meta)) };
        match &*word.to_string() {
            "skip" => self.role(meta, Role::Skipped)?,
            "fallback" => self.role(meta, Role::Fallback)?,
            "on_connected" => self.role(meta, Role::OnConnected)?,
            "on_disconnected" => self.role(meta, Role::OnDisconnected)?,
            "name" => {
                let name: LitStr = meta.value()?.parse()?;
                if name.value().is_empty() {
                    return Err(syn::Error::new(name.span(), "a name has at least one letter"));
                }
                if self.name.replace(name).is_some() {
                    return Err(meta.error("the method has a name already"));
                }
                self.of_method = Some(meta.path.span());
            }
            "spawn" | "drop_on_disconnect" => {
                self.options.push(quote!(.#word()));
                self.of_method = Some(meta.path.span());
            }
            "maximum_message_size" => {
                let bytes: Expr = meta.value()?.parse()?;
                self.options.push(quote!(.#word(#bytes)));
                self.of_method = Some(meta.path.span());
            }
            _ => return Err(unknown(meta)),
        }
        Ok(())
    }

    fn role(&mut self, meta: &ParseNestedMeta<'_>, role: Role) -> Result<()> {
        if self.role != Role::Method {
            return Err(meta.error("the method is something else already"));
        }
        self.role = role;
        Ok(())
    }

    /// Whether it says more than a name.
    pub(crate) fn is_more_than_a_name(&self) -> bool {
        self.role != Role::Method || !self.options.is_empty()
    }
}

fn unknown(meta: &ParseNestedMeta<'_>) -> syn::Error {
    meta.error(
        "a method can say `name = \"…\"`, `skip`, `on_connected`, `on_disconnected`, `fallback`, `spawn`, \
         `drop_on_disconnect` or `maximum_message_size = …`",
    )
}

/// The attributes that decide whether the method is there.
pub(crate) fn conditions(attributes: &[Attribute]) -> Vec<Attribute> {
    let decides =
        |attribute: &&Attribute| attribute.path().is_ident("cfg") || adds(attribute, "cfg");
    attributes.iter().filter(decides).cloned().collect()
}

/// Whether it is a `cfg_attr` that adds an attribute of that name.
fn adds(attribute: &Attribute, name: &str) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    let comma =
        |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',');
    let mut added = list.tokens.clone().into_iter().skip_while(|tree| !comma(tree));
    list.path.is_ident("cfg_attr")
        && added.any(|tree| matches!(tree, TokenTree::Ident(word) if word == name))
}
