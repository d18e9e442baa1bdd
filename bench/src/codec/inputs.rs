//! What is decoded and encoded.

use serde::{Deserialize, Serialize};

/// A call in the order in which .NET writes it.
pub(super) const DOTNET: &[u8] = b"{\"type\":1,\"invocationId\":\"17\",\"target\":\"SendMessage\",\"arguments\":[\"some user\",\"a text of some length\"]}\x1e";

/// The same call in the order in which JavaScript writes it: the type comes last.
pub(super) const JAVASCRIPT: &[u8] = b"{\"target\":\"SendMessage\",\"arguments\":[\"some user\",\"a text of some length\"],\"invocationId\":\"17\",\"type\":1}\x1e";

pub(super) const PING: &[u8] = b"{\"type\":6}\x1e";

pub(super) const COMPLETION: &[u8] = b"{\"type\":3,\"invocationId\":\"17\",\"result\":{\"id\":4711,\"name\":\"some name\",\"tags\":[\"a\",\"b\"],\"price\":12.5,\"active\":true}}\x1e";

/// One thing of a list, as applications send them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Item {
    id: u32,
    name: String,
    tags: Vec<String>,
    owner: Owner,
    price: f64,
    active: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Owner {
    id: u32,
    name: String,
    email: String,
}

/// 230 items, about 33 KB.
pub(super) fn items() -> Vec<Item> {
    (0..230)
        .map(|n| Item {
            id: n,
            name: format!("Item {n}"),
            tags: ["alpha", "beta", "gamma"].map(str::to_owned).into(),
            owner: Owner {
                id: n % 7,
                name: "somebody".to_owned(),
                email: "somebody@example.org".to_owned(),
            },
            price: 12.5,
            active: n % 2 == 0,
        })
        .collect()
}

/// About 4 KB of text; a quote or a line break every 200 bytes must be escaped.
pub(super) fn text() -> String {
    "words without anything to escape in them "
        .chars()
        .cycle()
        .take(4096)
        .enumerate()
        .map(|(n, char)| match n % 400 {
            100 => '"',
            300 => '\n',
            _ => char,
        })
        .collect()
}

/// A call in JavaScript's order around these raw arguments.
pub(super) fn call(arguments: &str) -> Vec<u8> {
    format!(
        "{{\"target\":\"SendMessage\",\"arguments\":{arguments},\"invocationId\":\"17\",\"type\":1}}\x1e"
    )
    .into_bytes()
}
