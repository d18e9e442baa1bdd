//! The names of methods on the wire.

use proc_macro2::Ident;
use syn::ext::IdentExt;

/// The name in Pascal case: each part between underscores begins with a capital, and is left alone otherwise.
pub(crate) fn pascal(ident: &Ident) -> String {
    let name = ident.unraw().to_string();
    let mut pascal = String::with_capacity(name.len());
    for part in name.split('_') {
        let mut letters = part.chars();
        pascal.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        pascal.push_str(letters.as_str());
    }
    pascal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_pascal_case() {
        let names = [
            ("send_message", "SendMessage"),
            ("get_http_url", "GetHttpUrl"),
            ("getURL", "GetURL"),
            ("r#type", "Type"),
            ("send_2_all", "Send2All"),
            ("v2", "V2"),
            ("_hidden__twice_", "HiddenTwice"),
            ("élan_vital", "ÉlanVital"),
            ("__", ""),
        ];
        for (name, wanted) in names {
            let ident: Ident = syn::parse_str(name).expect("a name");
            assert_eq!(pascal(&ident), wanted);
        }
    }

    #[test]
    fn a_raw_name_is_one_as_any_other() {
        let ident = Ident::new_raw("match", proc_macro2::Span::call_site());
        assert_eq!(pascal(&ident), "Match");
    }
}
