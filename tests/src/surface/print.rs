//! Tokens as one line that reads like source, whatever rustfmt made of it.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// One line without a comma behind the last of a list.
pub(super) fn print(tokens: TokenStream) -> String {
    let mut pieces = Vec::new();
    flatten(tokens, &mut pieces);
    let mut line = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| pieces.get(before));
        if before.is_some_and(|before| is_apart(before, piece)) {
            line.push(' ');
        }
        line.push_str(piece);
    }
    line
}

/// Signs of several characters that are one piece.
const SIGNS: [&str; 7] = ["...", "..=", "->", "=>", "::", "..", "=="];

/// Words behind which a parenthesis, a bracket or `<` begins a type.
const WORDS: [&str; 10] = ["for", "where", "mut", "dyn", "in", "as", "const", "return", "if", "="];

fn flatten(tokens: TokenStream, pieces: &mut Vec<String>) {
    let mut sign = String::new();
    for token in tokens {
        match token {
            TokenTree::Punct(punct) => {
                sign.push(punct.as_char());
                if punct.spacing() == Spacing::Alone {
                    signs(&std::mem::take(&mut sign), pieces);
                }
            }
            // A lifetime is a joint quote and its name.
            TokenTree::Ident(name) if sign.ends_with('\'') => {
                sign.pop();
                signs(&std::mem::take(&mut sign), pieces);
                pieces.push(format!("'{name}"));
            }
            other => {
                signs(&std::mem::take(&mut sign), pieces);
                match other {
                    TokenTree::Group(group) => {
                        let (open, close) = match group.delimiter() {
                            Delimiter::Parenthesis => ("(", ")"),
                            Delimiter::Bracket => ("[", "]"),
                            Delimiter::Brace => ("{", "}"),
                            Delimiter::None => {
                                flatten(group.stream(), pieces);
                                continue;
                            }
                        };
                        let tuple = open == "(" && pieces.last().is_none_or(|last| !calls(last));
                        let start = pieces.len();
                        pieces.push(open.to_owned());
                        flatten(group.stream(), pieces);
                        if !(tuple && is_single(&group.stream())) {
                            drop_comma(pieces, start + 2);
                        }
                        pieces.push(close.to_owned());
                    }
                    other => pieces.push(other.to_string()),
                }
            }
        }
    }
    signs(&sign, pieces);
}

fn signs(mut rest: &str, pieces: &mut Vec<String>) {
    while let Some(first) = rest.chars().next() {
        let known = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let length = known.map_or_else(|| first.len_utf8(), |sign| sign.len());
        let (sign, after) = rest.split_at(length);
        if [">", ";"].contains(&sign) {
            drop_comma(pieces, 1);
        }
        pieces.push(sign.to_owned());
        rest = after;
    }
}

/// Drops a comma at the end, if there are more than `least` pieces.
fn drop_comma(pieces: &mut Vec<String>, least: usize) {
    if pieces.len() > least && pieces.last().is_some_and(|last| last == ",") {
        pieces.pop();
    }
}

/// Whether it has one comma, and that at its end: a tuple of one needs it.
fn is_single(tokens: &TokenStream) -> bool {
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    tokens.iter().filter(|token| is_comma(token)).count() == 1
        && tokens.last().is_some_and(is_comma)
}

fn is_word(piece: &str) -> bool {
    piece.chars().next().is_some_and(|first| first.is_alphanumeric() || first == '_')
}

/// Whether a parenthesis behind it holds arguments.
fn calls(piece: &str) -> bool {
    (is_word(piece) && !WORDS.contains(&piece)) || [">", "!"].contains(&piece)
}

/// Whether a space belongs between the two.
fn is_apart(before: &str, piece: &str) -> bool {
    let opens = ["(", "[", "<", "&", "::", "#", "$", "!", ".", "?"].contains(&before);
    let closes = [",", ";", ":", ".", ")", "]", ">"].contains(&piece);
    if opens || closes || (before == "{" && piece == "}") {
        return false;
    }
    match piece {
        "(" => !calls(before),
        "<" | "::" => !(calls(before) || ["for", ")"].contains(&before)),
        "!" => !is_word(before) || WORDS.contains(&before),
        "const" | "mut" => before != "*",
        "?" => before != ")",
        _ => true,
    }
}
