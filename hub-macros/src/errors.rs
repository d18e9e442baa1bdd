//! The mistakes of a definition.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// All mistakes that were found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// A mistake at these tokens.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Into<String>) {
        self.add(Error::new_spanned(tokens, message.into()));
    }

    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// What makes the compiler tell of them.
    pub(crate) fn tokens(&self) -> Option<TokenStream> {
        self.0.as_ref().map(Error::to_compile_error)
    }
}
