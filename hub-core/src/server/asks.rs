//! What the server has asked the client and waits for.

use std::fmt;

use super::event::Answer;
use crate::time::Timestamp;

/// Names a question to a client: the invocation id on the wire is `s` and this number, as ASP.NET Core
/// writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

impl AskId {
    /// The number behind an id on the wire, if it is written like one of ours.
    fn parse(id: &str) -> Option<Self> {
        let digits = id.strip_prefix('s')?;
        let canonical = digits == "0" || !digits.starts_with(['0', '+']);
        digits.parse().ok().filter(|_| canonical).map(Self)
    }
}

impl fmt::Display for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// Why a question cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// A question with that id waits already.
    #[error("the id is in use")]
    InUse,
    /// There are as many questions as there may be.
    #[error("too many questions wait for an answer")]
    TooMany,
    /// The connection is ending.
    #[error("the connection is closing")]
    Gone,
}

/// Questions in the order in which they run out of time; those that never do come last.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "hardly any connection has one, and then it may cost")]
pub(super) struct Asks(Option<Box<Vec<Ask>>>);

#[derive(Debug)]
struct Ask {
    id: AskId,
    until: Option<Timestamp>,
}

impl Ask {
    fn order(&self) -> Timestamp {
        self.until.unwrap_or(Timestamp::MAX)
    }
}

impl Asks {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    fn iter(&self) -> impl Iterator<Item = &Ask> {
        self.0.iter().flat_map(|asks| asks.iter())
    }

    pub(super) fn insert(&mut self, id: AskId, until: Option<Timestamp>) {
        let ask = Ask { id, until };
        let asks = self.0.get_or_insert_default();
        let at = asks.partition_point(|other| other.order() <= ask.order());
        asks.insert(at, ask);
    }

    pub(super) fn contains(&self, id: AskId) -> bool {
        self.iter().any(|ask| ask.id == id)
    }

    /// The question with that id on the wire.
    pub(super) fn by_id(&self, id: &str) -> Option<AskId> {
        // Nearly always there is none.
        if self.0.is_none() { None } else { AskId::parse(id).filter(|id| self.contains(*id)) }
    }

    /// Forgets a question; false when it is over already.
    pub(super) fn remove(&mut self, id: AskId) -> bool {
        let Some(asks) = &mut self.0 else { return false };
        let before = asks.len();
        asks.retain(|ask| ask.id != id);
        let removed = asks.len() < before;
        if asks.is_empty() {
            self.clear();
        }
        removed
    }

    /// When the first of them runs out of time.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.0.as_ref()?.first()?.until
    }

    /// Takes the one whose time is over first.
    pub(super) fn take_first(&mut self) -> Option<AskId> {
        let id = self.0.as_ref()?.first()?.id;
        self.remove(id);
        Some(id)
    }

    /// Takes the next one whose time is over.
    pub(super) fn take_late(&mut self, now: Timestamp) -> Option<(AskId, Answer)> {
        let first = self.0.as_ref()?.first()?;
        let id = first.id;
        first.until.filter(|until| *until <= now)?;
        self.remove(id);
        Some((id, Answer::TimedOut))
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |asks| asks.len())
    }

    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_could_have_written_is_an_id_of_ours() {
        let read = |id| AskId::parse(id).map(|id| id.0);
        assert_eq!(
            [read("s1"), read("s0"), read("s18446744073709551615")],
            [Some(1), Some(0), Some(u64::MAX)]
        );
        for other in ["1", "S1", "s", "s01", "s+1", "s-1", "s1 ", "s18446744073709551616"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn whoever_runs_out_of_time_first_comes_first() {
        let mut asks = Asks::new();
        let at = Timestamp::from_millis;
        for (id, until) in [(1, Some(30)), (2, None), (3, Some(10)), (4, Some(30))] {
            asks.insert(AskId(id), until.map(at));
        }
        assert_eq!(asks.poll_timeout(), Some(at(10)));
        assert_eq!(asks.take_late(at(9)), None);
        let late: Vec<_> =
            std::iter::from_fn(|| asks.take_late(at(30))).map(|(id, _)| id.0).collect();
        assert_eq!(late, [3, 1, 4]);
        assert_eq!((asks.poll_timeout(), asks.len()), (None, 1));
        assert!(asks.remove(AskId(2)) && !asks.remove(AskId(2)) && asks.len() == 0);
    }
}
