//! Conventions for names.

/// How the names of properties are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Names {
    /// As serde gives them.
    AsGiven,
    /// `firstName`.
    CamelCase,
    /// `FirstName`.
    PascalCase,
}

impl Names {
    /// A name in this convention, whether it was `first_name`, `firstName` or `FirstName`.
    ///
    /// A leading abbreviation goes to lower case as a whole, as .NET does it: `IPAddress` is
    /// `ipAddress`.
    pub(super) fn apply(self, given: &str) -> String {
        let mut name = String::with_capacity(given.len());
        let mut upper = self == Self::PascalCase;
        for character in given.chars() {
            if character == '_' {
                upper |= !name.is_empty();
            } else if upper {
                name.extend(character.to_uppercase());
                upper = false;
            } else {
                name.push(character);
            }
        }
        if name.is_empty() {
            return given.to_owned();
        }
        if self == Self::CamelCase { lower_start(&name) } else { name }
    }
}

/// Lowers the capitals in front, but for the one that begins the second word.
fn lower_start(name: &str) -> String {
    let mut lowered = String::with_capacity(name.len());
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let last = characters.peek().is_some_and(|next| !next.is_uppercase());
        if !character.is_uppercase() || (last && !lowered.is_empty()) {
            lowered.push(character);
            lowered.extend(characters);
            break;
        }
        lowered.extend(character.to_lowercase());
    }
    lowered
}

/// The one of `fields` that `name` means: that very name, or one that differs in case and `_` only.
pub(super) fn find(fields: &'static [&'static str], name: &str) -> Option<&'static str> {
    let exact = fields.iter().find(|field| **field == name);
    exact.or_else(|| fields.iter().find(|field| same(field, name))).copied()
}

fn same(one: &str, other: &str) -> bool {
    folded(one).eq(folded(other))
}

fn folded(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|character| *character != '_').flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_origin_become_those_of_the_convention() {
        let cases = [
            ("first_name", "firstName", "FirstName"),
            ("firstName", "firstName", "FirstName"),
            ("FirstName", "firstName", "FirstName"),
            ("IPAddress", "ipAddress", "IPAddress"),
            ("IP", "ip", "IP"),
            ("IP4", "iP4", "IP4"),
            ("id", "id", "Id"),
            ("_hidden", "hidden", "Hidden"),
            ("a__b_", "aB", "AB"),
            ("x_1", "x1", "X1"),
            ("größe_ä", "größeÄ", "GrößeÄ"),
            ("_", "_", "_"),
            ("", "", ""),
        ];
        for (given, camel, pascal) in cases {
            assert_eq!(Names::CamelCase.apply(given), camel);
            assert_eq!(Names::PascalCase.apply(given), pascal);
            assert!(same(given, camel) && same(given, pascal));
        }
    }

    #[test]
    fn an_exact_name_goes_before_a_similar_one() {
        assert_eq!(find(&["A_b", "ab"], "ab"), Some("ab"));
        assert_eq!(find(&["A_b", "ab"], "AB"), Some("A_b"));
        assert_eq!(find(&["ab"], "abc"), None);
        assert_eq!(find(&[], "a"), None);
    }
}
