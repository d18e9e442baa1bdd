//! Names as they are kept.

use std::sync::Arc;

/// Connection ids are as long, and most names are not longer.
const SHORT: usize = 22;

/// A name, in place when it is short: to compare it is to read what stands beside it.
pub(super) enum Name {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Arc<str>),
}

impl Name {
    pub(super) fn as_str(&self) -> &str {
        match self {
            // It was a text when it came.
            Self::Short { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::Long(name) => name,
        }
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.as_bytes() == name.as_bytes()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(name) => name.as_bytes(),
        }
    }

    fn short(name: &str) -> Option<Self> {
        let mut bytes = [0; SHORT];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        Some(Self::Short { len: u8::try_from(name.len()).ok()?, bytes })
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self::short(name).unwrap_or_else(|| Self::Long(name.into()))
    }
}

impl From<Arc<str>> for Name {
    fn from(name: Arc<str>) -> Self {
        Self::short(&name).unwrap_or(Self::Long(name))
    }
}

impl From<Name> for Arc<str> {
    fn from(name: Name) -> Self {
        match name {
            Name::Short { .. } => name.as_str().into(),
            Name::Long(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_what_they_are_at_every_length() {
        for len in 0..2 * SHORT {
            let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
            for name in [Name::from(&*text), Name::from(Arc::<str>::from(&*text))] {
                assert!(name.is(&text) && !name.is("y"));
                assert_eq!(matches!(name, Name::Short { .. }), len <= SHORT);
                assert_eq!(name.as_str(), text);
                assert_eq!(*Arc::<str>::from(name), *text);
            }
        }
    }

    #[test]
    fn a_name_is_small() {
        assert_eq!(size_of::<Option<Name>>(), 24);
    }
}
