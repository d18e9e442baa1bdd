//! Short texts that peers choose: ids of calls and streams, names of methods.

use std::fmt;
use std::ops::Deref;
use std::str;
use std::sync::Arc;

const INLINE: usize = 22;

/// An opaque id or name. Up to 22 bytes are kept in place; a longer one is shared between clones.
#[derive(Clone)]
pub struct Id(Repr);

#[derive(Clone)]
enum Repr {
    Inline { length: u8, bytes: [u8; INLINE] },
    Shared(Arc<str>),
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Self(Repr::Inline { length: text.len() as u8, bytes })
            }
            None => Self(Repr::Shared(text.into())),
        }
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Repr::Inline { length, bytes } => bytes
                .get(..usize::from(*length))
                .and_then(|text| str::from_utf8(text).ok())
                .unwrap_or_default(),
            Repr::Shared(text) => text,
        }
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Id {}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_text_at_every_length() {
        for length in [0, 1, 21, 22, 23, 100] {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(&*Id::from(&*text), text);
        }
        assert_eq!(size_of::<Id>(), 24);
    }
}
