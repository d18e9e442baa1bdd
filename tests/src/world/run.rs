//! Whole sequences of steps: where they come from, what they did, and what is wrong with them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::World;
use super::core::{Core, Manner};
use super::house::House;
use super::peer::Seen;
use super::step::{KINDS, Step};
use super::strategy::steps;

/// How often a sequence that fails is tried again with less in it.
const SHRINKS: usize = 4_000;

/// What sequences did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many there were.
    pub sequences: u64,
    /// How many of them could be compared with themselves, in another manner.
    pub compared: u64,
    /// How many steps they had.
    pub steps: u64,
    /// How many links were cut or replaced.
    pub cuts: u64,
    /// How many messages clients saw.
    pub seen: u64,
    /// In how many of them a step of each kind took effect.
    effective: BTreeMap<&'static str, u64>,
}

impl Report {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.sequences += other.sequences;
        self.compared += other.compared;
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

/// The counts, and the histogram.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequences, compared, steps, cuts, seen, .. } = self;
        let mean = *steps as f64 / (*sequences).max(1) as f64;
        writeln!(f, "{sequences} sequences of {mean:.0} steps, {compared} of them compared,")?;
        writeln!(f, "{cuts} links cut or replaced, {seen} messages;")?;
        writeln!(f, "of a hundred sequences, a step of each kind took effect in")?;
        for row in self.histogram().chunks(5) {
            for (kind, share) in row {
                write!(f, "{kind:>12} {share:5.1}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// What one client has seen: in order, and of each stream.
pub type Story = (Vec<Seen>, BTreeMap<u32, Vec<Seen>>);

/// What has come of a sequence.
#[derive(Debug)]
pub struct Played {
    /// What it did.
    pub report: Report,
    /// Whom its steps were about, and whether they took effect.
    chosen: Vec<usize>,
    /// What each client has seen.
    stories: Vec<Story>,
}

/// Runs a sequence to its end.
pub fn play<H: House>(steps: &[Step], mut world: World<H>) -> Played {
    let mut kinds = BTreeSet::new();
    for step in steps {
        if world.take(*step) {
            kinds.insert(step.kind());
        }
    }
    world.finish();
    let seen = world.transcripts.iter().map(|seen| seen.len() as u64).sum();
    let effective = kinds.into_iter().map(|kind| (kind, 1)).collect();
    let report = Report {
        sequences: 1,
        compared: 0,
        steps: steps.len() as u64,
        cuts: world.cuts,
        seen,
        effective,
    };
    let stories = (0..world.transcripts.len()).map(|client| world.story(client)).collect();
    Played { report, chosen: world.chosen, stories }
}

/// Panics when clients have not seen the same in two worlds. Of streams only those are compared that both ran.
/// False when they cannot be compared: steps were about others in one of them, or took no effect, as somebody
/// too slow was gone, or a question had not come yet.
pub fn same(one: &Played, other: &Played, why: &str) -> bool {
    if one.chosen != other.chosen {
        return false;
    }
    for (client, (this, that)) in one.stories.iter().zip(&other.stories).enumerate() {
        assert_eq!(this.0, that.0, "client {client}: {why}");
        for (call, items) in &this.1 {
            let same = that.1.get(call).is_none_or(|others| items == others);
            assert!(same, "stream {call} of client {client}: {why}");
        }
    }
    true
}

/// Runs a sequence on servers made of the pure machines, twice: driven in different manners, they must show
/// every client the same. Panics where something is wrong.
pub fn check(steps: &[Step]) -> Report {
    let eager = play(steps, World::new(Core::new(Manner::default())));
    let lazy = Manner { read: 7, events: 1, skewed: true };
    let lazy = play(steps, World::new(Core::new(lazy)));
    let compared = same(&eager, &lazy, "it matters how the machines are driven").into();
    Report { compared, ..eager.report }
}

/// A sequence that fails, with as little in it as was found.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What is wrong.
    pub text: String,
    /// The steps.
    pub steps: Vec<Step>,
}

/// Ready to be pasted into a test.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        writeln!(f, "let steps = [")?;
        for step in &self.steps {
            writeln!(f, "    {step:?},")?;
        }
        writeln!(f, "];")
    }
}

/// Sequences that follow from a seed, one after the other.
pub struct Sequences {
    runner: TestRunner,
    strategy: BoxedStrategy<Vec<Step>>,
}

impl Sequences {
    /// Those of a seed.
    pub fn new(seed: u64) -> Self {
        let bytes: [u8; 32] = std::array::from_fn(|at| seed.to_le_bytes()[at % 8]);
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self { runner: TestRunner::new_with_rng(Config::default(), rng), strategy: steps() }
    }

    /// Runs the next one by `check`. When it fails, it is made smaller as long as it does.
    pub fn run(&mut self, check: impl Fn(&[Step]) -> Report) -> Result<Report, Box<Failure>> {
        let mut tree = self.strategy.new_tree(&mut self.runner).expect("nothing is rejected");
        let mut steps = tree.current();
        let mut text = match quietly(|| check(&steps)) {
            Ok(report) => return Ok(report),
            Err(text) => text,
        };
        for _ in 0..SHRINKS {
            let fails = quietly(|| check(&tree.current())).err();
            if let Some(shorter) = fails {
                (text, steps) = (shorter, tree.current());
                if !tree.simplify() {
                    break;
                }
            } else if !tree.complicate() {
                break;
            }
        }
        let mut failure = Failure { text, steps };
        failure.reduce(check);
        Err(Box::new(failure))
    }
}

/// Without end.
impl Iterator for Sequences {
    type Item = Vec<Step>;

    fn next(&mut self) -> Option<Vec<Step>> {
        self.strategy.new_tree(&mut self.runner).ok().map(|tree| tree.current())
    }
}

impl Failure {
    /// Leaves out each step without which the sequence fails as well.
    fn reduce(&mut self, check: impl Fn(&[Step]) -> Report) {
        for at in (0..self.steps.len()).rev() {
            let mut fewer = self.steps.clone();
            fewer.remove(at);
            if let Err(text) = quietly(|| check(&fewer)) {
                *self = Self { text, steps: fewer };
            }
        }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What came of it, or the text of its panic, which is not printed.
pub fn quietly<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                hook(info);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    QUIET.set(false);
    result.map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("no text").to_owned(),
    })
}
