//! Where `hub_async` is: `crate = path`, or in the dependencies by its own name.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Path, Result, Token};

use crate::errors::Errors;

/// Reads what the attribute itself says.
pub(crate) fn read(arguments: TokenStream, errors: &mut Errors) -> TokenStream {
    let usual = quote!(::hub_async);
    if arguments.is_empty() {
        return usual;
    }
    match path.parse2(arguments.clone()) {
        Ok(path) => quote!(#path),
        Err(_) => {
            let text = "all that can stand here is `crate = path`, the place of `hub_async`; methods say the rest";
            errors.at(arguments, text);
            usual
        }
    }
}

fn path(input: ParseStream<'_>) -> Result<Path> {
    input.parse::<Token![crate]>()?;
    input.parse::<Token![=]>()?;
    Path::parse_mod_style(input)
}
