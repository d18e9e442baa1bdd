//! Whole sequences of steps, and what came of them.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::World;
use super::core::{Core, Manner};
use super::peer::Seen;
use super::step::{KINDS, Step};

/// What sequences did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many there were.
    pub sequences: u64,
    /// How many steps they had.
    pub steps: u64,
    /// How many links were cut or replaced.
    pub cuts: u64,
    /// How many messages clients saw.
    pub seen: u64,
    /// In how many of them a step of each kind took effect.
    pub effective: BTreeMap<&'static str, u64>,
}

impl Report {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.sequences += other.sequences;
        self.steps += other.steps;
        self.cuts += other.cuts;
        self.seen += other.seen;
        for (kind, count) in &other.effective {
            *self.effective.entry(kind).or_default() += count;
        }
    }

    /// Every kind of step, and in how many of a hundred sequences one took effect.
    pub fn histogram(&self) -> Vec<(&'static str, f64)> {
        let share = |kind| {
            let count = self.effective.get(kind).copied().unwrap_or_default();
            count as f64 * 100.0 / self.sequences.max(1) as f64
        };
        KINDS.iter().map(|kind| (*kind, share(kind))).collect()
    }
}

/// What one client has seen.
type Story = (Vec<Seen>, BTreeMap<u32, Vec<Seen>>);

/// Who was there before each step, and whether with a link: so it is known whom a step meant.
type Crowds = Vec<Vec<(usize, bool)>>;

fn play(steps: &[Step], manner: Manner) -> (Report, Crowds, Vec<Story>) {
    let mut world = World::new(Core::new(manner));
    let (mut kinds, mut crowds) = (BTreeSet::new(), Vec::new());
    for step in steps {
        let here = world.here().map(|client| (client, world.peers[client].wire.is_some()));
        crowds.push(here.collect());
        if world.take(*step) {
            kinds.insert(step.kind());
        }
    }
    world.finish();
    let seen = world.transcripts.iter().map(|seen| seen.len() as u64).sum();
    let effective = kinds.into_iter().map(|kind| (kind, 1)).collect();
    let report =
        Report { sequences: 1, steps: steps.len() as u64, cuts: world.cuts, seen, effective };
    let stories = (0..world.transcripts.len()).map(|client| world.story(client)).collect();
    (report, crowds, stories)
}

/// Runs a sequence on servers made of the pure machines, twice: driven in different manners, they must show
/// every client the same. Panics where something is wrong.
pub fn check(steps: &[Step]) -> Report {
    let (report, crowds, eager) = play(steps, Manner::default());
    let (_, others, lazy) = play(steps, Manner { read: 7, events: 1, skewed: true });
    if crowds != others {
        // How soon somebody's end is through depends on the manner, and so does whom the steps behind it meant.
        return report;
    }
    assert_eq!(eager.len(), lazy.len());
    for (client, ((said, streams), (lazily, lazy))) in eager.iter().zip(&lazy).enumerate() {
        assert_eq!(said, lazily, "client {client}: it matters how the machines are driven");
        for (call, items) in streams {
            let same = lazy.get(call).is_none_or(|lazy| items == lazy);
            assert!(same, "stream {call}: it matters how the machines are driven");
        }
    }
    report
}

/// What is wrong with a sequence, if anything is.
pub fn fails(steps: &[Step]) -> Option<String> {
    let result = catch_unwind(AssertUnwindSafe(|| check(steps)));
    let panic = result.err()?;
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).or_else(|| Some("?".into()))
}
