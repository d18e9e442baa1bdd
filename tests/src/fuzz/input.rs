//! The bytes of an input as choices.

/// What is left of the input; after its end come zeros.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    /// One of `all`, of which there is one at least.
    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let nth = usize::from(self.byte()) % all.len();
        *all.get(nth).expect("one of them")
    }

    /// As many bytes as the next one says.
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        self.0.split_off(..length).unwrap_or_default()
    }
}
