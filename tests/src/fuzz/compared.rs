//! What twins were told and have sent.

/// How much of it is known to be the same.
#[derive(Default)]
pub(super) struct Compared {
    events: usize,
    output: usize,
}

impl Compared {
    /// Holds the events and the output of one against those of the other.
    pub(super) fn compare(&mut self, whole: (&[String], &[u8]), cut: (&[String], &[u8])) {
        let Self { events, output } = *self;
        assert_eq!(whole.0.get(events..), cut.0.get(events..), "events depend on the reads");
        assert_eq!(whole.1.get(output..), cut.1.get(output..), "output depends on the reads");
        *self = Self { events: whole.0.len(), output: whole.1.len() };
    }
}
